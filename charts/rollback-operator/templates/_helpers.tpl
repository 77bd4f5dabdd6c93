{{- define "rollback-operator.name" -}}
{{- regexReplaceAll "-+$" (default .Chart.Name .Values.nameOverride | trunc 63) "" }}
{{- end }}

{{- /* Every suffix fits behind it: the longest, -uninstall-check, makes the name of a Job, which is a
label of its pods and so has 63 characters at most. A Service's name begins with a letter and has no
dots; a release's may. */ -}}
{{- define "rollback-operator.fullname" -}}
{{- $name := .Values.fullnameOverride }}
{{- if not $name }}
{{- $chart := include "rollback-operator.name" . }}
{{- $name = contains $chart .Release.Name | ternary .Release.Name (printf "%s-%s" .Release.Name $chart) | replace "." "-" }}
{{- end }}
{{- if not (regexMatch "^[a-z]" $name) }}
{{- fail (printf "the release is called %s, and the name of a Service has to begin with a letter: set fullnameOverride" .Release.Name) }}
{{- end }}
{{- regexReplaceAll "-+$" (trunc 47 $name) "" }}
{{- end }}

{{- define "rollback-operator.selectorLabels" -}}
app.kubernetes.io/name: {{ include "rollback-operator.name" . | quote }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
app.kubernetes.io/component: operator
{{- end }}

{{- /* Labels of every object but what a component's pods are selected by. */ -}}
{{- define "rollback-operator.commonLabels" -}}
app.kubernetes.io/name: {{ include "rollback-operator.name" . | quote }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: rollback-operator
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ regexReplaceAll "[-_.]+$" (printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63) "" }}
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
    name: {{ include "rollback-operator.serviceAccountName" . | quote }}
    namespace: {{ .Release.Namespace | quote }}
{{- end }}

{{- define "rollback-operator.pullSecrets" -}}
{{- with .Values.image.pullSecrets -}}
imagePullSecrets:
  {{- range . }}
  - name: {{ . | quote }}
  {{- end }}
{{- end }}
{{- end }}
