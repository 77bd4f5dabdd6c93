{{- /* Values that do not go together, which the schema cannot say: each is named, with what to do. */ -}}
{{- define "rollback-operator.refusals" -}}
{{- if and (gt (int .Values.replicas) 1) (not .Values.leaderElection.enabled) }}
{{- fail "replicas is more than 1, so leaderElection.enabled must be true: only one operator may act at a time" }}
{{- end }}
{{- include "rollback-operator.refuseEndpoints" . }}
{{- include "rollback-operator.refuseDurations" . }}
{{- include "rollback-operator.refuseLabels" . }}
{{- include "rollback-operator.refuseInstances" . }}
{{- include "rollback-operator.refuseVariables" . }}
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

{{- /* Milliseconds of a duration, such as 1m30s. */ -}}
{{- define "rollback-operator.milliseconds" -}}
{{- $sum := 0 }}
{{- range regexFindAll "[0-9]+(ms|s|m|h)" . -1 }}
{{- $number := regexReplaceAll "^0+([0-9])" (regexFind "^[0-9]+" .) "${1}" }}
{{- $sum = add $sum (mul (int64 $number) (get (dict "ms" 1 "s" 1000 "m" 60000 "h" 3600000) (regexFind "[a-z]+$" .))) }}
{{- end }}
{{- $sum }}
{{- end }}

{{- /* What the operator's program refuses, and ends because of. */ -}}
{{- define "rollback-operator.refuseDurations" -}}
{{- $texts := dict "leaderElection.leaseDuration" .Values.leaderElection.leaseDuration "leaderElection.renewDeadline" .Values.leaderElection.renewDeadline "leaderElection.retryPeriod" .Values.leaderElection.retryPeriod "requestTimeout" .Values.requestTimeout "shutdownGrace" .Values.shutdownGrace }}
{{- $times := dict }}
{{- range $key, $text := $texts }}
{{- $time := include "rollback-operator.milliseconds" $text | int64 }}
{{- if or (eq $time 0) (gt $time 3600000) }}
{{- fail (printf "%s is %s: it must be more than zero and at most 1h" $key $text) }}
{{- end }}
{{- $_ := set $times $key $time }}
{{- end }}
{{- $lease := get $times "leaderElection.leaseDuration" }}
{{- $renew := get $times "leaderElection.renewDeadline" }}
{{- if mod $lease 1000 }}
{{- fail (printf "leaderElection.leaseDuration is %s: it must be whole seconds, because the Lease object holds no fractions" .Values.leaderElection.leaseDuration) }}
{{- end }}
{{- if le $lease $renew }}
{{- fail (printf "leaderElection.leaseDuration (%s) must be longer than leaderElection.renewDeadline (%s): the holder has to stop before another takes over" .Values.leaderElection.leaseDuration .Values.leaderElection.renewDeadline) }}
{{- end }}
{{- if le (mul $renew 10) (mul (get $times "leaderElection.retryPeriod") 12) }}
{{- fail (printf "leaderElection.renewDeadline (%s) must be longer than 1.2 times leaderElection.retryPeriod (%s): one lost reply would end the leadership" .Values.leaderElection.renewDeadline .Values.leaderElection.retryPeriod) }}
{{- end }}
{{- /* In turn: what is in flight, the answers of AWS, then 3 s for events, 12 s for the lease, 2 s for
the admin port and 2 s for traces. */}}
{{- $needed := divf (add (get $times "shutdownGrace") (get $times "requestTimeout") 20000) 1000 | ceil }}
{{- if lt (float64 .Values.terminationGracePeriodSeconds) $needed }}
{{- fail (printf "terminationGracePeriodSeconds is %d, and to stop takes up to %d s: shutdownGrace (%s), requestTimeout (%s), and 20 s for the last events and the lease. Raise it, or lower these" (int .Values.terminationGracePeriodSeconds) (int $needed) .Values.shutdownGrace .Values.requestTimeout) }}
{{- end }}
{{- end }}

{{- /* Labels by which the chart's own objects are found. */ -}}
{{- define "rollback-operator.refuseLabels" -}}
{{- $selecting := list "app.kubernetes.io/name" "app.kubernetes.io/instance" "app.kubernetes.io/component" }}
{{- $all := concat $selecting (list "app.kubernetes.io/version" "app.kubernetes.io/part-of" "app.kubernetes.io/managed-by" "helm.sh/chart") }}
{{- range $path, $labels := dict "podLabels" .Values.podLabels "commonLabels" .Values.commonLabels "serviceMonitor.labels" .Values.serviceMonitor.labels "prometheusRule.labels" .Values.prometheusRule.labels "dashboard.labels" .Values.dashboard.labels }}
{{- range $key, $_ := $labels }}
{{- if has $key (eq $path "podLabels" | ternary $selecting $all) }}
{{- fail (printf "%s sets the label %s, by which the chart's own objects are found: leave it out (nameOverride changes app.kubernetes.io/name)" $path $key) }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{- /* What the kind refuses by a rule that a schema cannot hold. */ -}}
{{- define "rollback-operator.refuseInstances" -}}
{{- range $name, $spec := .Values.instances }}
{{- if and $spec.policy (hasKey $spec.policy "retention") }}
{{- fail (printf "instances.%s.policy.retention: not enforced by this version; leave it out" $name) }}
{{- end }}
{{- end }}
{{- end }}

{{- /* Server-side apply, as Helm 4 does it, refuses a variable that is there twice. */ -}}
{{- define "rollback-operator.refuseVariables" -}}
{{- $set := list }}
{{- range include "rollback-operator.ownEnvironment" . | fromYamlArray }}{{ $set = append $set .name }}{{ end }}
{{- range .Values.extraEnv }}
{{- if has .name $set }}
{{- fail (printf "extraEnv has %s, which is set already, by another value or twice in extraEnv: leave it out there, and use the chart's value where there is one" .name) }}
{{- end }}
{{- $set = append $set .name }}
{{- end }}
{{- end }}
