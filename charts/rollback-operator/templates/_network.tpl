{{- /* The port that a URL names or means. */ -}}
{{- define "rollback-operator.port" -}}
{{- $host := regexReplaceAll "^https?://([^/?#]*@)?([^/?#]*).*$" . "${2}" }}
{{- regexFind ":[0-9]+$" $host | trimPrefix ":" | default (hasPrefix "https:" . | ternary "443" "80") }}
{{- end }}

{{- /* A rule of egress: (list PORTS NETWORKS). No networks: everywhere. */ -}}
{{- define "rollback-operator.egress" -}}
- ports:
    {{- range index . 0 | uniq }}
    - {port: {{ . }}, protocol: TCP}
    {{- end }}
  {{- with index . 1 }}
  to:
    {{- range . }}
    - ipBlock: {cidr: {{ . | quote }}}
    {{- end }}
  {{- end }}
{{- end }}

{{- /* What each pod asks that runs the operator's program. */ -}}
{{- define "rollback-operator.egressToCluster" -}}
# DNS.
- ports:
    - {port: 53, protocol: UDP}
    - {port: 53, protocol: TCP}
# The API server.
{{ include "rollback-operator.egress" (list .Values.networkPolicy.apiServer.ports .Values.networkPolicy.apiServer.cidrs) }}
{{- end }}
