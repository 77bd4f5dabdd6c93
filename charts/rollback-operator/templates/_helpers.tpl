{{- define "rollback-operator.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "rollback-operator.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 52 | trimSuffix "-" }}
{{- else }}
{{- $name := include "rollback-operator.name" . }}
{{- contains $name .Release.Name | ternary .Release.Name (printf "%s-%s" .Release.Name $name) | trunc 52 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "rollback-operator.selectorLabels" -}}
app.kubernetes.io/name: {{ include "rollback-operator.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: operator
{{- end }}

{{- /* Labels of every object but what a component's pods are selected by. */ -}}
{{- define "rollback-operator.commonLabels" -}}
app.kubernetes.io/name: {{ include "rollback-operator.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: rollback-operator
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "rollback-operator.labels" -}}
{{ include "rollback-operator.commonLabels" . }}
app.kubernetes.io/component: operator
{{- end }}

{{- define "rollback-operator.serviceAccountName" -}}
{{- .Values.serviceAccount.name | default (.Values.serviceAccount.create | ternary (include "rollback-operator.fullname" .) "default") }}
{{- end }}

{{- /* The user name that the API server knows the operator by. */ -}}
{{- define "rollback-operator.userName" -}}
system:serviceaccount:{{ .Release.Namespace }}:{{ include "rollback-operator.serviceAccountName" . }}
{{- end }}

{{- define "rollback-operator.image" -}}
{{- with .Values.image -}}
{{- with .registry }}{{ . }}/{{ end }}{{ .repository }}
{{- if .digest }}@{{ .digest }}{{ else }}:{{ .tag | default $.Chart.AppVersion }}{{ end }}
{{- end }}
{{- end }}

{{- define "rollback-operator.subjects" }}
subjects:
  - kind: ServiceAccount
    name: {{ include "rollback-operator.serviceAccountName" . }}
    namespace: {{ .Release.Namespace }}
{{- end }}

{{- define "rollback-operator.pullSecrets" -}}
{{- with .Values.image.pullSecrets -}}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- end }}
