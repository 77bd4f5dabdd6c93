{{- define "rollback-operator.simulatorSelectorLabels" -}}
app.kubernetes.io/name: {{ include "rollback-operator.name" . | quote }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
app.kubernetes.io/component: simulator
{{- end }}

{{- define "rollback-operator.simulatorLabels" -}}
{{ include "rollback-operator.commonLabels" . }}
app.kubernetes.io/component: simulator
{{- end }}

{{- define "rollback-operator.world" -}}
{{- .Values.simulator.world | default (.Files.Get "files/playground/world.yaml") | trim }}
{{- end }}

{{- /* The first instance of the world, which the release declares: its arn and its region. */ -}}
{{- define "rollback-operator.simulated" -}}
{{- $world := include "rollback-operator.world" . | fromYaml }}
{{- if hasKey $world "Error" }}
{{- fail (printf "simulator.world is no YAML of a world (docs/simulator.md): %s" $world.Error) }}
{{- end }}
{{- $instances := $world.instances }}
{{- if not (kindIs "slice" $instances) }}{{ $instances = list }}{{ end }}
{{- $first := first $instances }}
{{- if not (kindIs "map" $first) }}{{ $first = dict }}{{ end }}
{{- if not (and $first.arn $first.region) }}
{{- fail "simulator.world: its first instance has no arn or no region, so there is nothing to declare: see docs/simulator.md, or leave simulator.world empty for a small world" }}
{{- end }}
{{- toYaml (pick $first "arn" "region") }}
{{- end }}

{{- /* Files of the instances that the operator applies: NAME.yaml, each with a spec. Empty: none. */ -}}
{{- define "rollback-operator.instances" -}}
{{- if .Values.simulator.enabled -}}
{{- $instance := include "rollback-operator.simulated" . | fromYaml -}}
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
