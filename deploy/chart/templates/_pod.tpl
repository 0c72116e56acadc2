{{/* What the pods of APIs, workers and Jobs have in common. */}}

{{- define "orderlink.podSecurity" -}}
runAsNonRoot: true
runAsUser: {{ int64 .Values.runAsUser }}
runAsGroup: {{ int64 .Values.runAsUser }}
fsGroup: {{ int64 .Values.runAsUser }}
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- define "orderlink.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}

{{- define "orderlink.scheduling" -}}
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
{{- range . }}
  - name: {{ . }}
{{- end }}
{{- end }}
{{- with .Values.scheduling.nodeSelector }}
nodeSelector: {{ toJson . }}
{{- end }}
{{- with .Values.scheduling.tolerations }}
tolerations: {{ toJson . }}
{{- end }}
{{- with .Values.scheduling.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- end -}}

{{/* The settings in the open that follow from `kafka`: for services and the topics' Job alike. */}}
{{- define "orderlink.kafkaConfig" -}}
{{- $kafka := .Values.kafka -}}
KAFKA_BOOTSTRAP_SERVERS: {{ $kafka.bootstrapServers | quote }}
{{- if or $kafka.tls.enabled $kafka.sasl.enabled }}
KAFKA_SECURITY_PROTOCOL: {{ printf "%s%s" (ternary "SASL_" "" $kafka.sasl.enabled) (ternary (ternary "SSL" "PLAINTEXT" $kafka.tls.enabled) "SSL" $kafka.sasl.enabled) }}
{{- end }}
{{- if $kafka.sasl.enabled }}
KAFKA_SASL_MECHANISM: {{ $kafka.sasl.mechanism }}
{{- end }}
{{- if $kafka.tls.enabled }}
{{- with $kafka.tls.ca.secretName }}
KAFKA_TLS_CA_FILE: /etc/orderlink/kafka-ca/ca.crt
{{- end }}
{{- if $kafka.tls.clientCertificates.enabled }}
KAFKA_TLS_CERT_FILE: /etc/orderlink/kafka-client/tls.crt
KAFKA_TLS_KEY_FILE: /etc/orderlink/kafka-client/tls.key
{{- end }}
{{- end }}
{{- end -}}

{{/* All settings of a service that are no secret. Takes {root, service}. */}}
{{- define "orderlink.config" -}}
{{- $values := .root.Values -}}
{{- $mongodb := $values.mongodb -}}
{{- $own := get $values.services .service.name -}}
{{- $found := include "orderlink.kafkaConfig" .root | fromYaml -}}
{{- if $values.kafka.sasl.enabled }}{{ $_ := set $found "KAFKA_SASL_USERNAME" .service.kafkaUser }}{{ end -}}
{{- if not (hasKey .service.secrets "MONGODB_URL") }}{{ $_ := set $found "MONGODB_URL" $mongodb.url }}{{ end -}}
{{- if $mongodb.auth.enabled }}{{ $_ := set $found "MONGODB_USERNAME" .service.fullname }}{{ end -}}
{{- if $mongodb.tls.enabled }}{{ $_ := set $found "MONGODB_TLS" "on" -}}
{{- if $mongodb.tls.ca.secretName }}{{ $_ := set $found "MONGODB_TLS_CA_FILE" "/etc/orderlink/mongodb-ca/ca.crt" }}{{ end -}}
{{- if $mongodb.tls.clientCertificate.secretName }}{{ $_ := set $found "MONGODB_TLS_CERT_KEY_FILE" "/etc/orderlink/mongodb-client/tls.pem" }}{{ end -}}
{{- end -}}
{{- $_ := set $found "ORDERLINK_MONGODB_DATABASE_PREFIX" $mongodb.databasePrefix -}}
{{- $_ := set $found "ORDERLINK_API_HOST" "0.0.0.0" -}}
{{- $_ := set $found "ORDERLINK_API_PORT" $values.ports.api -}}
{{- $_ := set $found "ORDERLINK_WORKER_PORT" $values.ports.worker -}}
{{- with $values.monitoring.traces }}
{{- if .endpoint }}
{{- $_ := set $found "OTEL_EXPORTER_OTLP_ENDPOINT" .endpoint -}}
{{- $_ := set $found "OTEL_TRACES_SAMPLER" "parentbased_traceidratio" -}}
{{- $_ := set $found "OTEL_TRACES_SAMPLER_ARG" .sampledShare -}}
{{- end -}}
{{- end -}}
{{- if $values.shops.configMap }}{{ $_ := set $found "ORDERLINK_SHOPS_FILE" "/etc/orderlink/shops/shops.yaml" }}{{ end -}}
{{- if $values.profiles.configMap }}{{ $_ := set $found "ORDERLINK_PROFILES_DIR" "/etc/orderlink/profiles" }}{{ end -}}
{{- range $name, $value := mergeOverwrite (deepCopy $values.config) (deepCopy ($own.config | default dict)) -}}
{{- $_ := set $found $name $value -}}
{{- end -}}
{{- range $name, $value := $found }}
{{ $name }}: {{ include "orderlink.text" $value | quote }}
{{- end -}}
{{- end -}}

{{/* The secrets of a service's role, as variables by reference. Takes {root, service, role}. */}}
{{- define "orderlink.secretEnv" -}}
{{- $values := .root.Values -}}
{{- $secrets := deepCopy .service.secrets -}}
{{- if and $values.kafka.sasl.enabled (not (hasKey $secrets "KAFKA_SASL_PASSWORD")) -}}
{{- $_ := set $secrets "KAFKA_SASL_PASSWORD" (dict "name" .service.kafkaUser "key" $values.kafka.sasl.passwordKey) -}}
{{- end -}}
{{- if and $values.mongodb.auth.enabled (not (hasKey $secrets "MONGODB_PASSWORD")) -}}
{{- $_ := set $secrets "MONGODB_PASSWORD" dict -}}
{{- end -}}
{{- $service := .service -}}
{{- $role := .role -}}
{{- range $name, $secret := $secrets -}}
{{- if has $role ($secret.roles | default (list "api" "worker")) }}
- name: {{ $name }}
  valueFrom:
    secretKeyRef:
      name: {{ $secret.name | default $service.secretName }}
      key: {{ $secret.key | default $name }}
      {{- if $secret.optional }}
      optional: true
      {{- end }}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Certificates of the broker, as volumes; takes {root, secret}, the Secret with our own certificate. */}}
{{- define "orderlink.kafkaVolumes" -}}
{{- $tls := .root.Values.kafka.tls -}}
{{- if and $tls.enabled $tls.ca.secretName }}
- name: kafka-ca
  secret: {secretName: {{ $tls.ca.secretName }}, items: [{key: {{ $tls.ca.key }}, path: ca.crt}]}
{{- end }}
{{- if and $tls.enabled $tls.clientCertificates.enabled }}
- name: kafka-client
  secret:
    secretName: {{ .secret }}
    items:
      - {key: {{ $tls.clientCertificates.certKey }}, path: tls.crt}
      - {key: {{ $tls.clientCertificates.keyKey }}, path: tls.key}
{{- end }}
{{- end -}}

{{/* Certificates of the database, as volumes. */}}
{{- define "orderlink.mongodbVolumes" -}}
{{- $tls := .Values.mongodb.tls -}}
{{- if and $tls.enabled $tls.ca.secretName }}
- name: mongodb-ca
  secret: {secretName: {{ $tls.ca.secretName }}, items: [{key: {{ $tls.ca.key }}, path: ca.crt}]}
{{- end }}
{{- if and $tls.enabled $tls.clientCertificate.secretName }}
- name: mongodb-client
  secret: {secretName: {{ $tls.clientCertificate.secretName }}, items: [{key: {{ $tls.clientCertificate.key }}, path: tls.pem}]}
{{- end }}
{{- end -}}

{{/* All volumes of a service's pod. Takes {root, service}. */}}
{{- define "orderlink.volumes" -}}
{{- $values := .root.Values -}}
- name: tmp
  emptyDir: {sizeLimit: 64Mi}
{{- include "orderlink.kafkaVolumes" (dict "root" .root "secret" .service.kafkaUser) }}
{{- include "orderlink.mongodbVolumes" .root }}
{{- with $values.shops.configMap }}
- name: shops
  configMap: {name: {{ . }}, items: [{key: {{ $values.shops.key }}, path: shops.yaml}]}
{{- end }}
{{- with $values.profiles.configMap }}
- name: profiles
  configMap: {name: {{ . }}}
{{- end }}
{{- range $name, $file := $values.files }}
- name: files-{{ $name }}
  {{- if $file.secret }}
  secret: {secretName: {{ $file.secret }}}
  {{- else }}
  configMap: {name: {{ $file.configMap }}}
  {{- end }}
{{- end }}
{{- end -}}

{{/* Where volumes are mounted: `tmp` at /tmp, all others read-only below /etc/orderlink. Takes a list. */}}
{{- define "orderlink.mounts" -}}
{{- range . }}
- name: {{ .name }}
  {{- if eq .name "tmp" }}
  mountPath: /tmp
  {{- else }}
  mountPath: /etc/orderlink/{{ .name | replace "files-" "files/" }}
  readOnly: true
  {{- end }}
{{- end }}
{{- end -}}
