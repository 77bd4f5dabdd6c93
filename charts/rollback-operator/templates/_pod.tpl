{{- /* Environment of the operator: what the chart sets, and what the values add. */ -}}
{{- define "rollback-operator.environment" -}}
{{- include "rollback-operator.ownEnvironment" . }}
{{- with .Values.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- /* Each flag by its own variable, and what the AWS SDK reads. */ -}}
{{- define "rollback-operator.ownEnvironment" -}}
- name: ROLLBACK_OPERATOR_POD_NAME
  valueFrom:
    fieldRef: {fieldPath: metadata.name}
- name: ROLLBACK_OPERATOR_ADMIN_ADDRESS
  value: {{ printf "%s:%d" (contains ":" .Values.admin.address | ternary (printf "[%s]" .Values.admin.address) .Values.admin.address) (int .Values.admin.port) | quote }}
- name: ROLLBACK_OPERATOR_LOG_FORMAT
  value: {{ .Values.log.format | quote }}
- name: ROLLBACK_OPERATOR_LOG_LEVEL
  value: {{ .Values.log.level | quote }}
- name: ROLLBACK_OPERATOR_LEADER_ELECTION
  value: {{ .Values.leaderElection.enabled | quote }}
- name: ROLLBACK_OPERATOR_LEASE_NAMESPACE
  value: {{ .Release.Namespace | quote }}
- name: ROLLBACK_OPERATOR_LEASE_NAME
  value: {{ include "rollback-operator.fullname" . | quote }}
- name: ROLLBACK_OPERATOR_LEASE_DURATION
  value: {{ .Values.leaderElection.leaseDuration | quote }}
- name: ROLLBACK_OPERATOR_RENEW_DEADLINE
  value: {{ .Values.leaderElection.renewDeadline | quote }}
- name: ROLLBACK_OPERATOR_RETRY_PERIOD
  value: {{ .Values.leaderElection.retryPeriod | quote }}
- name: ROLLBACK_OPERATOR_CONCURRENCY
  value: {{ .Values.concurrency | quote }}
- name: ROLLBACK_OPERATOR_REQUEST_TIMEOUT
  value: {{ .Values.requestTimeout | quote }}
- name: ROLLBACK_OPERATOR_SHUTDOWN_GRACE
  value: {{ .Values.shutdownGrace | quote }}
{{- with .Values.watchNamespaces }}
- name: ROLLBACK_OPERATOR_WATCH_NAMESPACE
  value: {{ join "," . | quote }}
{{- end }}
{{- with .Values.aws.region }}
- name: AWS_REGION
  value: {{ . | quote }}
{{- end }}
{{- if .Values.aws.useFipsEndpoints }}
- name: AWS_USE_FIPS_ENDPOINT
  value: "true"
{{- end }}
{{- if .Values.aws.useDualStackEndpoints }}
- name: AWS_USE_DUALSTACK_ENDPOINT
  value: "true"
{{- end }}
{{- range $service, $variable := dict "ssoAdmin" "SSO_ADMIN" "identityStore" "IDENTITYSTORE" "organizations" "ORGANIZATIONS" "sts" "STS" }}
{{- with index $.Values.aws.endpoints $service }}
- name: AWS_ENDPOINT_URL_{{ $variable }}
  value: {{ . | quote }}
{{- end }}
{{- end }}
{{- with .Values.proxy.https }}
- name: HTTPS_PROXY
  value: {{ . | quote }}
{{- end }}
{{- with .Values.proxy.http }}
- name: HTTP_PROXY
  value: {{ . | quote }}
{{- end }}
{{- with .Values.proxy.none }}
- name: NO_PROXY
  value: {{ join "," . | quote }}
{{- end }}
{{- if .Values.customCA.configMap }}
# Beside the certificates of the image.
- name: SSL_CERT_FILE
  value: /etc/ssl/certs/ca-certificates.crt
- name: SSL_CERT_DIR
  value: /etc/rollback-operator/ca
{{- end }}
{{- if include "rollback-operator.instances" . }}
- name: ROLLBACK_OPERATOR_INSTANCES_DIRECTORY
  value: /etc/rollback-operator/instances
{{- end }}
{{- if .Values.simulator.enabled }}
# Any credentials will do: nothing but the simulator is asked.
- name: AWS_ACCESS_KEY_ID
  value: simulator
- name: AWS_SECRET_ACCESS_KEY
  value: simulator
{{- end }}
{{- with .Values.tracing.endpoint }}
- name: OTEL_EXPORTER_OTLP_ENDPOINT
  value: {{ . | quote }}
{{- end }}
{{- end }}

{{- define "rollback-operator.volumeMounts" -}}
{{- if include "rollback-operator.instances" . -}}
- name: instances
  mountPath: /etc/rollback-operator/instances
  readOnly: true
{{ end }}
{{- if .Values.customCA.configMap -}}
- name: custom-ca
  mountPath: /etc/rollback-operator/ca
  readOnly: true
{{ end }}
{{- with .Values.extraVolumeMounts -}}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "rollback-operator.volumes" -}}
{{- if include "rollback-operator.instances" . -}}
- name: instances
  configMap:
    name: {{ include "rollback-operator.fullname" . }}-instances
{{ end }}
{{- with .Values.customCA.configMap -}}
- name: custom-ca
  configMap:
    name: {{ . | quote }}
    items:
      - key: {{ $.Values.customCA.key }}
        path: custom-ca.crt
{{ end }}
{{- with .Values.extraVolumes -}}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- /* A pod that asks the operator's program a question once: (list ROOT ARGUMENTS). */ -}}
{{- define "rollback-operator.checkPod" -}}
{{- $root := index . 0 -}}
restartPolicy: Never
serviceAccountName: {{ include "rollback-operator.serviceAccountName" $root | quote }}
automountServiceAccountToken: true
enableServiceLinks: false
{{- with include "rollback-operator.pullSecrets" $root }}
{{ . }}
{{- end }}
securityContext:
  {{- toYaml $root.Values.podSecurityContext | nindent 2 }}
containers:
  - name: check
    image: {{ include "rollback-operator.image" $root }}
    imagePullPolicy: {{ $root.Values.image.pullPolicy }}
    command: [/usr/local/bin/rollback-operator]
    args: {{ toJson (index . 1) }}
    env:
      {{- include "rollback-operator.environment" $root | nindent 6 }}
    # What it says is shown by kubectl describe, too.
    terminationMessagePolicy: FallbackToLogsOnError
    resources:
      {{- toYaml $root.Values.resources | nindent 6 }}
    securityContext:
      {{- toYaml $root.Values.securityContext | nindent 6 }}
{{- with include "rollback-operator.placement" (list $root (pick $root.Values.affinity "nodeAffinity")) }}
{{ . }}
{{- end }}
{{- end }}

{{- /* Where a pod of the release may run, and how important it is: (list ROOT AFFINITY). Affinity to
other pods is the operator's alone: it spreads those, and would keep a check from their nodes. */ -}}
{{- define "rollback-operator.placement" -}}
{{- $values := (index . 0).Values }}
{{- $fields := dict "priorityClassName" $values.priorityClassName "nodeSelector" $values.nodeSelector "affinity" (index . 1) "tolerations" $values.tolerations }}
{{- range $field, $value := $fields }}
{{- if not $value }}{{ $_ := unset $fields $field }}{{ end }}
{{- end }}
{{- with $fields }}{{ toYaml . }}{{ end }}
{{- end }}
