{{- /* Values that do not go together, which the schema cannot say: each is named, with what to do. */ -}}
{{- define "rollback-operator.refusals" -}}
{{- if and (gt (int .Values.replicas) 1) (not .Values.leaderElection.enabled) }}
{{- fail "replicas is more than 1, so leaderElection.enabled must be true: only one operator may act at a time" }}
{{- end }}
{{- include "rollback-operator.refuseEndpoints" . }}
{{- end }}

{{- /* The AWS SDK refuses each request that has both. */ -}}
{{- define "rollback-operator.refuseEndpoints" -}}
{{- $endpoints := list }}
{{- range $service, $url := .Values.aws.endpoints }}
{{- if $url }}{{ $endpoints = append $endpoints (printf "aws.endpoints.%s" $service) }}{{ end }}
{{- end }}
{{- range $name, $spec := .Values.instances }}
{{- if $spec.endpoint }}{{ $endpoints = append $endpoints (printf "instances.%s.endpoint" $name) }}{{ end }}
{{- end }}
{{- if .Values.simulator.enabled }}{{ $endpoints = append $endpoints "simulator.enabled" }}{{ end }}
{{- range $key, $host := dict "useFipsEndpoints" "FIPS" "useDualStackEndpoints" "dual-stack" }}
{{- if and (index $.Values.aws $key) $endpoints }}
{{- fail (printf "aws.%s and %s are both set, and the AWS SDK refuses every request then: turn aws.%s off, and give a %s host as the URL where you need one; or take the endpoint out" $key (first $endpoints) $key $host) }}
{{- end }}
{{- end }}
{{- end }}
