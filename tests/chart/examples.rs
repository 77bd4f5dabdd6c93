//! The examples in ci/: what each promises is in what it renders.

use serde_json::{Value, json};

use super::render::{chart, container, environment, examples, helm, objects_of, of_kind, one};

#[track_caller]
fn example(name: &str) -> Vec<Value> {
    objects_of(&chart().join(format!("ci/{name}-values.yaml")))
}

#[test]
fn helm_finds_nothing_to_complain_of() {
    for (name, path) in examples() {
        let (chart, path) = (chart(), path.to_str().unwrap().to_owned());
        let said = helm(&["lint", "--strict", chart.to_str().unwrap(), "--values", &path]);
        assert!(said.is_ok(), "{name}: {said:?}");
    }
}

#[test]
fn irsa_annotates_the_service_account_and_sets_no_key() {
    let rendered = example("irsa");
    let account = one(&rendered, "ServiceAccount", "rollback-operator");
    let role = "arn:aws:iam::111122223333:role/rollback-operator";
    assert_eq!(account["metadata"]["annotations"]["eks.amazonaws.com/role-arn"], role);
    let pod = &one(&rendered, "Deployment", "rollback-operator")["spec"]["template"]["spec"];
    assert_eq!(pod["serviceAccountName"], "rollback-operator");
    // Keys in the environment would go before the web identity.
    assert_eq!(environment(&rendered, "AWS_ACCESS_KEY_ID"), None);
    assert_eq!(environment(&rendered, "AWS_REGION").unwrap(), "eu-west-1");
    // The webhook mounts the token for this group.
    assert_eq!(pod["securityContext"]["fsGroup"], 65532);
}

#[test]
fn pod_identity_needs_no_annotation_but_a_way_to_its_agent() {
    let rendered = example("pod-identity");
    let account = one(&rendered, "ServiceAccount", "rollback-operator");
    assert!(account["metadata"]["annotations"].is_null());
    let policy = one(&rendered, "NetworkPolicy", "rollback-operator");
    let agent = json!([{"ipBlock": {"cidr": "169.254.170.23/32"}}, {"ipBlock": {"cidr": "fd00:ec2::23/128"}}]);
    let egress = policy["spec"]["egress"].as_array().unwrap();
    let rule = egress.iter().find(|rule| rule["to"] == agent).expect("a rule for the agent");
    assert_eq!(rule["ports"], json!([{"port": 80, "protocol": "TCP"}]));
    assert_eq!(environment(&rendered, "AWS_ACCESS_KEY_ID"), None);
}

#[test]
fn an_instance_of_the_values_is_mounted_for_the_operator() {
    let rendered = example("irsa");
    let files = &one(&rendered, "ConfigMap", "rollback-operator-instances")["data"];
    let spec: Value = serde_saphyr::from_str(files["main.yaml"].as_str().unwrap()).unwrap();
    assert_eq!(
        spec,
        json!({
            "instanceArn": "arn:aws:sso:::instance/ssoins-0123456789abcdef",
            "region": "eu-west-1",
            "allowedNamespaces": ["access"],
        })
    );
    let directory = environment(&rendered, "ROLLBACK_OPERATOR_INSTANCES_DIRECTORY").unwrap();
    let mounts = container(&rendered)["volumeMounts"].as_array().unwrap();
    assert!(
        mounts.iter().any(|it| it["name"] == "instances" && it["mountPath"] == directory.as_str())
    );
    let rules = one(&rendered, "ClusterRole", "rollback-operator")["rules"].clone();
    let may = json!({"apiGroups": ["identitycenter.dev"], "resources": ["identitycenterinstances"], "verbs": ["create", "patch"]});
    assert!(rules.as_array().unwrap().contains(&may), "{rules}");
    let rules = one(&example("single"), "ClusterRole", "rollback-operator")["rules"].clone();
    assert!(!rules.as_array().unwrap().contains(&may), "only where it is used");
}

#[test]
fn fips_is_for_the_endpoints_that_the_sdk_knows() {
    let rendered = example("fips");
    assert_eq!(environment(&rendered, "AWS_USE_FIPS_ENDPOINT").unwrap(), "true");
    let variables = container(&rendered)["env"].as_array().unwrap();
    let url = |it: &&Value| it["name"].as_str().unwrap().starts_with("AWS_ENDPOINT_URL");
    assert_eq!(variables.iter().find(url), None);
}

#[test]
fn a_restricted_network_is_left_by_the_named_ways_only() {
    let rendered = example("restricted-network");
    let variable = |name: &str| environment(&rendered, name).unwrap();
    assert_eq!(environment(&rendered, "AWS_USE_FIPS_ENDPOINT"), None);
    assert!(variable("AWS_ENDPOINT_URL_SSO_ADMIN").contains(".sso.us-gov-west-1.vpce."));
    assert!(variable("AWS_ENDPOINT_URL_STS").contains(".sts.us-gov-west-1.vpce."));
    assert_eq!(environment(&rendered, "AWS_ENDPOINT_URL_ORGANIZATIONS"), None);
    assert_eq!(variable("HTTPS_PROXY"), "http://proxy.example.com:3128");
    assert_eq!(variable("NO_PROXY"), ".vpce.amazonaws.com,169.254.170.23");
    assert_eq!(variable("SSL_CERT_FILE"), "/etc/ssl/certs/ca-certificates.crt");
    let mounts = container(&rendered)["volumeMounts"].as_array().unwrap();
    assert!(mounts.iter().any(|it| it["mountPath"] == variable("SSL_CERT_DIR").as_str()));
    // Where each port leads is in network.rs.
    let policy = &one(&rendered, "NetworkPolicy", "rollback-operator")["spec"];
    assert!(policy["ingress"][0]["from"][0]["namespaceSelector"].is_object());
}

#[test]
fn tenants_get_roles_where_they_are_and_rollbacks_can_be_let_go_of_everywhere() {
    let rendered = example("tenants");
    let resources = |rules: &Value| -> Vec<String> {
        let rules = rules.as_array().unwrap().iter();
        let found = rules.flat_map(|rule| rule["resources"].as_array().unwrap().clone());
        found.map(|resource| resource.as_str().unwrap().to_owned()).collect()
    };
    let everywhere = resources(&one(&rendered, "ClusterRole", "rollback-operator")["rules"]);
    assert!(everywhere.contains(&"rollbacks".to_owned()), "{everywhere:?}");
    assert!(everywhere.contains(&"rollbacks/status".to_owned()), "{everywhere:?}");
    let given =
        ["rollbackplans", "rollbackplans/status", "operationrecords", "operationrecords/status"];
    let elsewhere = |it: &&str| !everywhere.contains(&(*it).to_owned());
    assert!(given.iter().filter(|it| **it != "operationrecords").all(elsewhere), "{everywhere:?}");
    // Else the API server never says that a namespace takes no ledger any more.
    let ledgers = json!({"apiGroups": ["identitycenter.dev"], "resources": ["operationrecords"], "verbs": ["create"]});
    let rules = &one(&rendered, "ClusterRole", "rollback-operator")["rules"];
    assert!(rules.as_array().unwrap().contains(&ledgers), "{rules}");
    let in_namespaces: Vec<&Value> = of_kind(&rendered, "Role")
        .into_iter()
        .filter(|role| role["metadata"]["name"] == "rollback-operator")
        .collect();
    let namespaces: Vec<&Value> =
        in_namespaces.iter().map(|role| &role["metadata"]["namespace"]).collect();
    assert_eq!(namespaces, ["team-a", "team-b"]);
    assert_eq!(resources(&in_namespaces[0]["rules"]), given);
    let watched = environment(&rendered, "ROLLBACK_OPERATOR_WATCH_NAMESPACE").unwrap();
    assert_eq!(watched, "team-a,team-b");
    for object in rendered.iter().filter(|it| it["kind"] != "CustomResourceDefinition") {
        if object["apiVersion"] != "admissionregistration.k8s.io/v1" {
            assert_eq!(object["metadata"]["labels"]["team"], "platform", "{}", object["kind"]);
        }
    }
}

#[test]
fn a_playground_has_nothing_of_aws() {
    let rendered = example("playground");
    assert_eq!(environment(&rendered, "AWS_ACCESS_KEY_ID").unwrap(), "simulator");
    let files = &one(&rendered, "ConfigMap", "rollback-operator-instances")["data"];
    let spec: Value = serde_saphyr::from_str(files["simulator.yaml"].as_str().unwrap()).unwrap();
    assert_eq!(spec["endpoint"], "http://rollback-operator-simulator.rollback-system.svc:8080");
    let world =
        one(&rendered, "ConfigMap", "rollback-operator-simulator")["data"]["world.yaml"].clone();
    let world: Value = serde_saphyr::from_str(world.as_str().unwrap()).unwrap();
    assert_eq!(spec["instanceArn"], world["instances"][0]["arn"]);
    let both = super::render::try_template(&[
        "--set-json",
        "simulator.enabled=true",
        "--values",
        chart().join("ci/irsa-values.yaml").to_str().unwrap(),
    ]);
    assert!(both.unwrap_err().contains("leave instances empty"));
}
