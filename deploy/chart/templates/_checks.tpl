{{/* What the schema can't see: values that don't go together. Each is told with what to do, all at once. */}}
{{- define "orderlink.checks" -}}
{{- $values := .Values -}}
{{- $wrong := list -}}
{{- $wanted := include "orderlink.services" . | fromYamlArray -}}
{{- if not $values.kafka.bootstrapServers -}}
{{- $wrong = append $wrong "kafka.bootstrapServers: expected host:port of your brokers, got nothing" -}}
{{- end -}}
{{- range $name := $wanted -}}
{{- $service := include "orderlink.service" (dict "root" $ "name" $name) | fromYaml -}}
{{- if and (not $values.mongodb.url) (not (hasKey $service.secrets "MONGODB_URL")) -}}
{{- $wrong = append $wrong (printf "mongodb.url: expected mongodb://host:27017/?replicaSet=rs0 without a password, or secrets.MONGODB_URL, got nothing (for %s)" $name) -}}
{{- end -}}
{{- $most := int $values.kafka.partitions -}}
{{- if $service.worker.autoscaling.enabled -}}
{{- if gt (int $service.worker.autoscaling.maxReplicas) $most -}}
{{- $wrong = append $wrong (printf "worker.autoscaling.maxReplicas of %s: expected at most kafka.partitions (%d), got %d; more would have nothing to do" $name $most (int $service.worker.autoscaling.maxReplicas)) -}}
{{- end -}}
{{- else if gt (int $service.worker.replicas) $most -}}
{{- $wrong = append $wrong (printf "worker.replicas of %s: expected at most kafka.partitions (%d), got %d; more would have nothing to do" $name $most (int $service.worker.replicas)) -}}
{{- end -}}
{{- end -}}
{{- if and (has "aftersales" $wanted) (not $values.services.aftersales.config.ORDERLINK_PAYMENTS_URL) -}}
{{- $wrong = append $wrong "services.aftersales.config.ORDERLINK_PAYMENTS_URL: expected the address of your payment provider, got nothing" -}}
{{- end -}}
{{- $exposed := or $values.expose.ingress.enabled $values.expose.httpRoute.enabled -}}
{{- if and $exposed (not $values.expose.domain) -}}
{{- $wrong = append $wrong "expose.domain: expected the domain below which each service has a host, got nothing" -}}
{{- end -}}
{{- if and $values.expose.httpRoute.enabled (not $values.expose.httpRoute.parentRefs) -}}
{{- $wrong = append $wrong "expose.httpRoute.parentRefs: expected the Gateway, such as [{name: public, namespace: gateways}], got nothing" -}}
{{- end -}}
{{- if and $values.networkPolicy.enabled $exposed (eq (toJson $values.networkPolicy.apiFrom) "[{\"podSelector\":{}}]") -}}
{{- $wrong = append $wrong "networkPolicy.apiFrom: expected the namespace of your ingress controller or gateway, since expose is on; it would not get through" -}}
{{- end -}}
{{- if and $values.networkPolicy.enabled $values.monitoring.serviceMonitor.enabled (not $values.networkPolicy.scrapeFrom) -}}
{{- $wrong = append $wrong "networkPolicy.scrapeFrom: expected where Prometheus runs, since monitoring.serviceMonitor is on; it would not get through" -}}
{{- end -}}
{{- if and (or $values.strimzi.topics.enabled $values.strimzi.users.enabled) (not $values.strimzi.cluster) -}}
{{- $wrong = append $wrong "strimzi.cluster: expected the name of the Kafka resource, got nothing" -}}
{{- end -}}
{{- if and $values.strimzi.topics.enabled (eq $values.topics.mode "make") -}}
{{- $wrong = append $wrong "topics.mode: expected check or none, since Strimzi makes the topics, got make" -}}
{{- end -}}
{{- if and $values.strimzi.users.enabled (not (or $values.kafka.sasl.enabled $values.kafka.tls.clientCertificates.enabled)) -}}
{{- $wrong = append $wrong "kafka.sasl.enabled: expected true, or kafka.tls.clientCertificates.enabled, since Strimzi makes users" -}}
{{- end -}}
{{- if and $values.strimzi.users.enabled (eq $values.topics.mode "make") (not $values.topics.kafkaUser) -}}
{{- $wrong = append $wrong "topics.mode: expected check or none, since the user that Strimzi makes for it may only look, or topics.kafkaUser who may make topics, got make" -}}
{{- end -}}
{{- if and $values.administrators.enabled (not (or $values.strimzi.users.enabled $values.mongodb.users.enabled)) -}}
{{- $wrong = append $wrong "administrators.enabled: expected strimzi.users or mongodb.users to be on too, which make the user" -}}
{{- end -}}
{{- if and $values.kafka.tls.clientCertificates.enabled (not $values.kafka.tls.enabled) -}}
{{- $wrong = append $wrong "kafka.tls.enabled: expected true, since kafka.tls.clientCertificates is on" -}}
{{- end -}}
{{- if and $values.kafka.sasl.enabled (eq $values.kafka.sasl.mechanism "PLAIN") (not $values.kafka.tls.enabled) -}}
{{- $wrong = append $wrong "kafka.tls.enabled: expected true, since PLAIN sends the password as it is" -}}
{{- end -}}
{{- if and $values.mongodb.users.enabled (not $values.mongodb.auth.enabled) -}}
{{- $wrong = append $wrong "mongodb.auth.enabled: expected true, since mongodb.users makes the users" -}}
{{- end -}}
{{- if and $values.mongodb.users.enabled (not $values.mongodb.users.adminUrlSecret.name) -}}
{{- $wrong = append $wrong "mongodb.users.adminUrlSecret.name: expected a Secret with an administrator's mongodb:// address, got nothing" -}}
{{- end -}}
{{- if and $values.externalSecrets.enabled (not $values.externalSecrets.storeName) -}}
{{- $wrong = append $wrong "externalSecrets.storeName: expected the name of a store, got nothing" -}}
{{- end -}}
{{- if $wrong -}}
{{- fail (printf "\n\nOrderlink's values are not complete:\n  %s\nAll values: deploy/chart/values.yaml\n" (join "\n  " $wrong)) -}}
{{- end -}}
{{- end -}}
