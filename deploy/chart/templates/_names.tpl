{{/* Names, labels, images, and the values of one service with its own over those for all. */}}

{{- define "orderlink.fullname" -}}
{{- if contains "orderlink" .Release.Name -}}{{ .Release.Name | trunc 40 | trimSuffix "-" }}
{{- else -}}{{ printf "%s-orderlink" .Release.Name | trunc 40 | trimSuffix "-" }}{{- end -}}
{{- end -}}

{{/* The catalogue: topics, who hears what, rights on the broker. */}}
{{- define "orderlink.catalog" -}}
{{ .Files.Get "files/catalog.yaml" }}
{{- end -}}

{{/* The names of the services that are wanted. */}}
{{- define "orderlink.services" -}}
{{- range $name, $service := .Values.services }}{{ if $service.enabled }}
- {{ $name }}
{{- end }}{{ end -}}
{{- end -}}

{{/* One service's values, merged. Takes {root, name}. */}}
{{- define "orderlink.service" -}}
{{- $values := .root.Values -}}
{{- $own := get $values.services .name -}}
name: {{ .name }}
fullname: {{ include "orderlink.fullname" .root }}-{{ .name }}
secretName: {{ $own.secretName | default (printf "%s-%s-secrets" (include "orderlink.fullname" .root) .name) }}
kafkaUser: {{ $own.kafkaUser | default (printf "%s-%s" (include "orderlink.fullname" .root) .name) }}
paths: {{ $own.paths | toJson }}
host: {{ $own.host | default (printf "%s.%s" .name $values.expose.domain) }}
image: {{ $own.image | default dict | toJson }}
secrets: {{ mergeOverwrite (deepCopy $values.secrets) (deepCopy ($own.secrets | default dict)) | toJson }}
api: {{ mergeOverwrite (deepCopy $values.api) (deepCopy ($own.api | default dict)) | toJson }}
worker: {{ mergeOverwrite (deepCopy $values.worker) (deepCopy ($own.worker | default dict)) | toJson }}
{{- end -}}

{{/* Who works for all services at once, on the broker and in the database; his Secret has `-secrets` after it. */}}
{{- define "orderlink.administrators" -}}
{{ include "orderlink.fullname" . }}-administrators
{{- end -}}

{{/* When the topics are looked after. What Strimzi makes comes with the chart: its topics with each release, so it
     is done after that; this Job's user with the first one. */}}
{{- define "orderlink.topicsHook" -}}
{{- $itsUser := and .Values.strimzi.users.enabled (not .Values.topics.kafkaUser) -}}
{{- if .Values.strimzi.topics.enabled -}}
post-install,post-upgrade
{{- else -}}
{{ ternary "post-install" "pre-install" $itsUser }},pre-upgrade
{{- end -}}
{{- end -}}

{{/* When MongoDB's users are made. Passwords that the External Secrets operator fetches come with the chart;
     services wait for their users. */}}
{{- define "orderlink.mongodbUsersHook" -}}
{{ ternary "post-install" "pre-install" .Values.externalSecrets.enabled }},pre-upgrade
{{- end -}}

{{/* Which pods something is about. Never changes: a Deployment's selector can't. Takes {root, name, role}. */}}
{{- define "orderlink.selector" -}}
app.kubernetes.io/name: orderlink
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .name }}
orderlink-role: {{ .role }}
{{- end -}}

{{/* Takes {root, name, role}; name and role may be missing. */}}
{{- define "orderlink.labels" -}}
app.kubernetes.io/name: orderlink
app.kubernetes.io/instance: {{ .root.Release.Name }}
{{- with .name }}
app.kubernetes.io/component: {{ . }}
{{- end }}
{{- with .role }}
orderlink-role: {{ . }}
{{- end }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version }}
{{- end -}}

{{/* Takes {root, service}. */}}
{{- define "orderlink.image" -}}
{{- $image := .root.Values.image -}}
{{- $own := .service.image -}}
{{- $name := $own.name | default (printf "%s%s" $image.prefix .service.name) -}}
{{- if $image.registry }}{{ trimSuffix "/" $image.registry }}/{{ end -}}{{ $name }}
{{- if $own.digest }}@{{ $own.digest }}{{ else }}:{{ $own.tag | default $image.tag | default .root.Chart.AppVersion }}{{ end -}}
{{- end -}}

{{/* A value as the text of a variable: whole numbers without an exponent, true and false as on and off. */}}
{{- define "orderlink.text" -}}
{{- if kindIs "bool" . }}{{ ternary "on" "off" . }}{{ else if kindIs "string" . }}{{ . }}{{ else }}{{ toJson . }}{{ end -}}
{{- end -}}

{{/* The seconds that a pod has to end: its pause, all that its process takes at most, and a margin.
     Takes {root, service, role, catalog}. */}}
{{- define "orderlink.grace" -}}
{{- $own := (get .root.Values.services .service.name).config | default dict -}}
{{- $drain := $own.ORDERLINK_DRAIN_MAX_SECONDS | default .root.Values.config.ORDERLINK_DRAIN_MAX_SECONDS | default .catalog.drain.defaultSeconds -}}
{{- $announce := $own.ORDERLINK_DRAIN_ANNOUNCE_SECONDS | default .root.Values.config.ORDERLINK_DRAIN_ANNOUNCE_SECONDS | default 0 -}}
{{- $bound := addf (float64 $announce) (float64 $drain) .catalog.drain.plusSeconds -}}
{{- add (ceil $bound) (get .service .role).preStopSeconds 4 -}}
{{- end -}}
