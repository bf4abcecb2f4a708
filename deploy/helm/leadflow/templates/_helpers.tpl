{{- define "leadflow.services" -}}
capture enrichment scoring stages outreach goals
{{- end -}}

{{- define "leadflow.fullname" -}}
{{- if contains .Chart.Name .Release.Name }}{{ .Release.Name }}{{ else }}{{ .Release.Name }}-{{ .Chart.Name }}{{ end -}}
{{- end -}}

{{- define "leadflow.image" -}}
{{- with .Values.image -}}
{{ .repository }}{{ if .digest }}@{{ .digest }}{{ else }}:{{ .tag | default $.Chart.AppVersion }}{{ end }}
{{- end -}}
{{- end -}}

{{/* Labels that select the pods of a release. Arguments: root, and perhaps service and part. */}}
{{- define "leadflow.selector" -}}
app.kubernetes.io/name: {{ .root.Chart.Name }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
{{- with .service }}
app.kubernetes.io/component: {{ . }}
{{- end }}
{{- with .part }}
leadflow/part: {{ . }}
{{- end }}
{{- end -}}

{{- define "leadflow.labels" -}}
{{ include "leadflow.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ .root.Chart.Name }}-{{ .root.Chart.Version }}
{{- end -}}

{{/* What a part is: the defaults of its kind, and what its service says differently. */}}
{{- define "leadflow.part" -}}
{{- $own := index .root.Values.services .service | default dict -}}
{{- $of := deepCopy (index .root.Values.defaults .part) -}}
{{- $of = mergeOverwrite $of (deepCopy (index $own .part | default dict)) -}}
{{- $_ := set $of "env" (concat ($own.env | default list) ($of.env | default list)) -}}
{{- $_ := set $of "envFrom" (concat ($own.envFrom | default list) ($of.envFrom | default list)) -}}
{{ toYaml $of }}
{{- end -}}

{{- define "leadflow.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
seccompProfile: {type: RuntimeDefault}
{{- end -}}

{{- define "leadflow.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end -}}

{{/* Settings that every process needs. Arguments: root, who (a service, or "migrate"). */}}
{{- define "leadflow.env" -}}
{{- $values := .root.Values -}}
{{- $who := .who -}}
- {name: LEADFLOW_LOG_LEVEL, value: {{ $values.logLevel | quote }}}
{{- with $values.otlpEndpoint }}
- {name: LEADFLOW_OTLP_ENDPOINT, value: {{ . | quote }}}
{{- end }}
{{- with $values.kafka }}
- {name: LEADFLOW_KAFKA_BOOTSTRAP, value: {{ required "kafka.bootstrap is needed: the address of Kafka, as host:port" .bootstrap | quote }}}
- {name: LEADFLOW_KAFKA_SECURITY_PROTOCOL, value: {{ .securityProtocol | quote }}}
{{- if .saslMechanism }}
- {name: LEADFLOW_KAFKA_SASL_MECHANISM, value: {{ .saslMechanism | quote }}}
{{- if eq .saslMechanism "OAUTHBEARER" }}
- {name: LEADFLOW_KAFKA_OAUTH_TOKEN_URL, value: {{ required "kafka.oauth.tokenUrl is needed with OAUTHBEARER" .oauth.tokenUrl | quote }}}
- {name: LEADFLOW_KAFKA_OAUTH_CLIENT_ID, value: {{ replace "%s" $who .oauth.clientId | quote }}}
- {name: LEADFLOW_KAFKA_OAUTH_CLIENT_SECRET_FILE, value: /secrets/kafka/{{ .oauth.clientSecretKey }}}
{{- with .oauth.scope }}
- {name: LEADFLOW_KAFKA_OAUTH_SCOPE, value: {{ . | quote }}}
{{- end }}
{{- else }}
- {name: LEADFLOW_KAFKA_USERNAME, value: {{ replace "%s" $who .username | quote }}}
- {name: LEADFLOW_KAFKA_PASSWORD_FILE, value: /secrets/kafka/{{ .passwordKey }}}
{{- end }}
{{- end }}
{{- if .certificateKey }}
- {name: LEADFLOW_KAFKA_CERTIFICATE_FILE, value: /secrets/kafka/{{ .certificateKey }}}
- {name: LEADFLOW_KAFKA_KEY_FILE, value: /secrets/kafka/{{ .keyKey }}}
{{- end }}
{{- if .caSecret }}
- {name: LEADFLOW_KAFKA_CA_FILE, value: /secrets/kafka-ca/{{ .caKey }}}
{{- end }}
{{- end }}
{{- with $values.postgres }}
- {name: LEADFLOW_DATABASE_SSLMODE, value: {{ .sslmode | quote }}}
{{- if .caSecret }}
- {name: LEADFLOW_DATABASE_CA_FILE, value: /secrets/postgres-ca/{{ .caKey }}}
{{- end }}
{{- end }}
{{- end -}}

{{/* The address of one service's database. Arguments: root, service. */}}
{{- define "leadflow.databaseEnv" -}}
{{- $prefix := printf "LEADFLOW_%s" (upper .service) -}}
{{- $folder := printf "/secrets/postgres-%s" .service -}}
{{- with .root.Values.postgres }}
{{- if .urlKey }}
- {name: {{ $prefix }}_DATABASE_URL_FILE, value: {{ $folder }}/{{ .urlKey }}}
{{- else }}
- {name: {{ $prefix }}_DATABASE_URL, value: {{ required "postgres.url (or postgres.urlKey) is needed: postgresql://leadflow_%s@host:5432/leadflow_%s" .url | replace "%s" $.service | quote }}}
{{- if .passwordKey }}
- {name: {{ $prefix }}_DATABASE_PASSWORD_FILE, value: {{ $folder }}/{{ .passwordKey }}}
{{- end }}
{{- end }}
{{- end }}
{{- end -}}

{{/* Secrets as volumes: the kubelet renews their files, which environment variables never get. */}}
{{- define "leadflow.volumes" -}}
{{- $values := .root.Values -}}
- {name: tmp, emptyDir: {sizeLimit: 1Gi}}
{{- if $values.kafka.secret }}
- name: kafka
  secret: {secretName: {{ replace "%s" .who $values.kafka.secret }}, defaultMode: 288}
{{- end }}
{{- with $values.kafka.caSecret }}
- name: kafka-ca
  secret: {secretName: {{ . }}}
{{- end }}
{{- with $values.postgres.caSecret }}
- name: postgres-ca
  secret: {secretName: {{ . }}}
{{- end }}
{{- range .services }}
- name: postgres-{{ . }}
  secret: {secretName: {{ required "postgres.secret is needed: the name of an existing secret, such as leadflow-%s-postgres" $values.postgres.secret | replace "%s" . }}, defaultMode: 288}
{{- end }}
{{- end -}}

{{- define "leadflow.volumeMounts" -}}
{{- $values := .root.Values -}}
- {name: tmp, mountPath: /tmp}
{{- if $values.kafka.secret }}
- {name: kafka, mountPath: /secrets/kafka, readOnly: true}
{{- end }}
{{- if $values.kafka.caSecret }}
- {name: kafka-ca, mountPath: /secrets/kafka-ca, readOnly: true}
{{- end }}
{{- if $values.postgres.caSecret }}
- {name: postgres-ca, mountPath: /secrets/postgres-ca, readOnly: true}
{{- end }}
{{- range .services }}
- {name: postgres-{{ . }}, mountPath: /secrets/postgres-{{ . }}, readOnly: true}
{{- end }}
{{- end -}}

{{- define "leadflow.migrationsAsHook" -}}
{{- $own := or .Values.cloudnativepg.enabled .Values.strimzi.enabled -}}
{{- if eq (.Values.migrations.mode | default (ternary "job" "hook" $own)) "hook" }}true{{ end -}}
{{- end -}}

{{/* A rule of a NetworkPolicy that lets TCP out to these peers and ports. */}}
{{- define "leadflow.egress" }}
- ports:
    {{- range .ports }}
    - {protocol: TCP, port: {{ . }}}
    {{- end }}
  {{- with .to }}
  to: {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}
