{{- define "rollback-operator.simulatorSelectorLabels" -}}
app.kubernetes.io/name: {{ include "rollback-operator.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: simulator
{{- end }}

{{- define "rollback-operator.simulatorLabels" -}}
{{ include "rollback-operator.commonLabels" . }}
app.kubernetes.io/component: simulator
{{- end }}

{{- define "rollback-operator.world" -}}
{{- .Values.simulator.world | default (.Files.Get "files/playground/world.yaml") | trim }}
{{- end }}

{{- /* Files of the instances that the operator applies: NAME.yaml, each with a spec. Empty: none. */ -}}
{{- define "rollback-operator.instances" -}}
{{- if .Values.simulator.enabled -}}
{{- $instance := index (include "rollback-operator.world" . | fromYaml).instances 0 -}}
{{- $host := .Values.simulator.clusterIP | default (printf "%s-simulator.%s.svc" (include "rollback-operator.fullname" .) .Release.Namespace) -}}
simulator.yaml: |
  instanceArn: {{ $instance.arn }}
  region: {{ $instance.region }}
  endpoint: http://{{ $host }}:8080
  allowedNamespaces: {{ toJson .Values.simulator.allowedNamespaces }}
{{- end }}
{{- range $name, $spec := .Values.instances }}
{{ $name }}.yaml: |
  {{- toYaml $spec | nindent 2 }}
{{- end }}
{{- end }}
