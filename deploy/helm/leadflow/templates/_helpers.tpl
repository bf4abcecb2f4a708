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
{{- if hasKey ($of.podDisruptionBudget | default dict) "minAvailable" }}{{ $_ := unset $of.podDisruptionBudget "maxUnavailable" }}{{ end -}}
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

{{/* A list of variables, of each name the last: the API server refuses a name that stands twice. */}}
{{- define "leadflow.lastOfEachName" -}}
{{- $last := dict -}}
{{- range $at, $entry := . }}{{ $_ := set $last $entry.name $at }}{{ end -}}
{{- $kept := list -}}
{{- range $at, $entry := . }}{{ if eq $at (get $last $entry.name) }}{{ $kept = append $kept $entry }}{{ end }}{{ end -}}
{{ toYaml $kept }}
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

{{/* All settings of a part. Arguments: root, service, who, of (the part), host (of the addresses outside). */}}
{{- define "leadflow.partEnv" -}}
{{- $root := .root -}}
{{- $of := .of -}}
{{- $service := .service -}}
{{- $host := .host -}}
{{- $prefix := printf "LEADFLOW_%s" (upper .service) -}}
{{ include "leadflow.env" . }}
{{ include "leadflow.databaseEnv" . }}
- {name: {{ $prefix }}_HOST, value: "0.0.0.0"}
- {name: {{ $prefix }}_PORT, value: "8080"}
- {name: {{ $prefix }}_DRAIN_SECONDS, value: {{ $of.drainSeconds | quote }}}
- {name: {{ $prefix }}_GRACE_SECONDS, value: {{ $of.graceSeconds | quote }}}
{{- with $root.Values.postgres }}
{{- if .certificateKey }}
- {name: LEADFLOW_DATABASE_CERTIFICATE_FILE, value: /secrets/postgres-{{ $service }}/{{ .certificateKey }}}
- {name: LEADFLOW_DATABASE_KEY_FILE, value: /secrets/postgres-{{ $service }}/{{ .keyKey }}}
{{- end }}
{{- end }}
{{- with $root.Values.oidc }}
- {name: LEADFLOW_OIDC_ISSUER, value: {{ required "oidc.issuer is needed: whose tokens are accepted" .issuer | quote }}}
{{- with .jwksUrl }}
- {name: LEADFLOW_OIDC_JWKS_URL, value: {{ . | quote }}}
{{- end }}
- {name: LEADFLOW_OIDC_AUDIENCE, value: {{ .audience | quote }}}
- {name: LEADFLOW_OIDC_TENANT_CLAIM, value: {{ .tenantClaim | quote }}}
- {name: LEADFLOW_OIDC_ROLES_CLAIM, value: {{ .rolesClaim | quote }}}
- {name: LEADFLOW_OIDC_SUBJECT_CLAIM, value: {{ .subjectClaim | quote }}}
- {name: LEADFLOW_OIDC_LEEWAY_SECONDS, value: {{ .leewaySeconds | quote }}}
{{- with .tenantMap }}
- {name: LEADFLOW_OIDC_TENANT_MAP, value: {{ toJson . | quote }}}
{{- end }}
{{- with .roleMap }}
- {name: LEADFLOW_OIDC_ROLE_MAP, value: {{ toJson . | quote }}}
{{- end }}
{{- end }}
{{- if and $host (not (hasPrefix "*" $host)) }}
- {name: {{ $prefix }}_PUBLIC_URL, value: "https://{{ $host }}/{{ $service }}"}
{{- end }}
{{- if and (or $root.Values.ingress.enabled $root.Values.httpRoute.enabled) (eq $service "capture") }}
- {name: {{ $prefix }}_TRUSTED_PROXIES, value: "1"}
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

{{/* What a service serves to those who come from outside, as first parts of paths. `/livez`, `/readyz` and `/metrics` need
     no token and stay inside. */}}
{{- define "leadflow.published" -}}
v1 docs openapi.json
{{- end -}}

{{/* The rules of a NetworkPolicy that let every process out to where it has to go. */}}
{{- define "leadflow.egressOfAll" -}}
{{- $policy := .Values.networkPolicy -}}
- to: {{- toYaml $policy.dns | nindent 4 }}
  # A policy sees the port of the pod: 5353 where the DNS server is no root, as on OpenShift.
  ports:
    {{- range list 53 5353 }}
    - {protocol: UDP, port: {{ . }}}
    - {protocol: TCP, port: {{ . }}}
    {{- end }}
{{- include "leadflow.egress" (dict "peers" $policy.kafka "addresses" .Values.kafka.bootstrap) }}
{{- include "leadflow.egress" (dict "peers" $policy.postgres "addresses" (printf "%s,%s" .Values.postgres.url .Values.migrations.ownerUrl)) }}
{{- if eq .Values.kafka.saslMechanism "OAUTHBEARER" }}
{{- include "leadflow.egress" (dict "peers" $policy.oauth "addresses" .Values.kafka.oauth.tokenUrl) }}
{{- end }}
{{- if .Values.otlpEndpoint }}
{{- include "leadflow.egress" (dict "peers" $policy.otlp "addresses" .Values.otlpEndpoint) }}
{{- end }}
{{- with $policy.extraEgress }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* A rule of a NetworkPolicy that lets TCP out. Arguments: peers (their `to` and `ports`), and the addresses, separated
by commas, whose own ports are open too. */}}
{{- define "leadflow.egress" }}
{{- $ports := .peers.ports }}
{{- range splitList "," .addresses }}
{{- $authority := regexReplaceAll "[/?].*" (regexReplaceAll "^[a-z]+://" . "") "" }}
{{- if regexMatch ":[0-9]+$" $authority }}{{ $ports = append $ports (regexFind "[0-9]+$" $authority | int) }}
{{- else if hasPrefix "http://" . }}{{ $ports = append $ports 80 }}{{ end }}
{{- end }}
- ports:
    {{- range $ports | uniq }}
    - {protocol: TCP, port: {{ . }}}
    {{- end }}
  {{- with .peers.to }}
  to: {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}

{{/* Addresses as pods of other namespaces resolve them: a name without a dot is a Service of this one. Arguments:
addresses (host:port, separated by commas), namespace. */}}
{{- define "leadflow.seenFromElsewhere" -}}
{{- $namespace := .namespace -}}
{{- $seen := list -}}
{{- range splitList "," .addresses -}}
{{- $host := regexReplaceAll ":[0-9]+$" . "" -}}
{{- if regexMatch "[.:]" $host }}{{ $seen = append $seen . }}{{ else }}{{ $seen = append $seen (printf "%s.%s.svc%s" $host $namespace (trimPrefix $host .)) }}{{ end -}}
{{- end -}}
{{ join "," $seen }}
{{- end -}}
