//! Which ways out of the pods the network policies leave open.

use std::collections::BTreeSet;

use serde_json::Value;

use super::render::{chart, objects, objects_of, of_kind, one, pods};

/// Every way out as `PORT NETWORK`; `*` stands for everywhere.
fn ways_out(rendered: &[Value], policy: &str) -> BTreeSet<String> {
    let spec = &one(rendered, "NetworkPolicy", policy)["spec"];
    let mut found = BTreeSet::new();
    for rule in spec["egress"].as_array().unwrap() {
        let to = rule["to"].as_array().cloned().unwrap_or_default();
        let mut networks: Vec<&str> =
            to.iter().map(|it| it["ipBlock"]["cidr"].as_str().unwrap()).collect();
        if networks.is_empty() {
            networks.push("*");
        }
        for port in rule["ports"].as_array().unwrap() {
            found.extend(networks.iter().map(|it| format!("{} {it}", port["port"])));
        }
    }
    found
}

#[track_caller]
fn hold(values: &[&str], expected: &[&str]) {
    let found = ways_out(&objects(values), "rollback-operator");
    let expected: BTreeSet<String> =
        expected.iter().chain(&["53 *"]).map(|it| (*it).to_owned()).collect();
    assert_eq!(found, expected, "{values:?}");
}

#[test]
fn a_restricted_network_is_left_to_the_named_networks_only() {
    let rendered = objects_of(&chart().join("ci/restricted-network-values.yaml"));
    let expected =
        ["53 *", "443 10.0.0.0/24", "6443 10.0.0.0/24", "443 10.0.16.0/20", "3128 10.0.32.10/32"];
    assert_eq!(ways_out(&rendered, "rollback-operator"), expected.map(str::to_owned).into());
}

#[test]
fn each_url_opens_its_port_to_its_networks_alone() {
    let instances = r#"instances.main={"instanceArn":"arn:aws:sso:::instance/ssoins-0123456789abcdef","region":"eu-west-1","endpoint":"https://sso.example:8444/x"}"#;
    hold(&[], &["443 *", "6443 *"]);
    // A proxy on the port of AWS does not open what aws.cidrs closes.
    let named = [
        r#"networkPolicy.apiServer.cidrs=["10.1.0.0/16"]"#,
        r#"networkPolicy.aws.cidrs=["10.2.0.0/16"]"#,
        r#"networkPolicy.proxy.cidrs=["10.3.0.0/16"]"#,
        r#"networkPolicy.tracing.cidrs=["10.4.0.0/16"]"#,
        r#"proxy.https="https://user:a:b@proxy.example""#,
        r#"proxy.http="http://proxy.example:3128/""#,
        r#"tracing.endpoint="http://[fd00::1]:4318/v1""#,
        r#"aws.endpoints.sts="http://sts.example""#,
        r#"aws.endpoints.organizations="https://org.example:8443""#,
        instances,
    ];
    hold(
        &named,
        &[
            "443 10.1.0.0/16",
            "6443 10.1.0.0/16",
            "443 10.2.0.0/16",
            "80 10.2.0.0/16",
            "8443 10.2.0.0/16",
            "8444 10.2.0.0/16",
            "443 10.3.0.0/16",
            "3128 10.3.0.0/16",
            "4318 10.4.0.0/16",
        ],
    );
}

#[test]
fn credentials_of_the_node_are_reached_only_where_a_value_says_so() {
    let metadata = ["443 *", "6443 *", "80 169.254.169.254/32", "80 fd00:ec2::254/128"];
    hold(&["networkPolicy.instanceMetadata=true"], &metadata);
    let agent = ["443 *", "6443 *", "80 169.254.170.23/32", "80 fd00:ec2::23/128"];
    hold(&["networkPolicy.podIdentityAgent=true"], &agent);
}

#[test]
fn a_check_asks_the_api_server_and_nothing_else() {
    let rendered =
        objects(&[r#"networkPolicy.apiServer.cidrs=["10.1.0.0/16"]"#, "simulator.enabled=true"]);
    let expected = ["53 *", "443 10.1.0.0/16", "6443 10.1.0.0/16"];
    let name = "rollback-operator-check";
    assert_eq!(ways_out(&rendered, name), expected.map(str::to_owned).into());
    let spec = &one(&rendered, "NetworkPolicy", name)["spec"];
    assert!(spec["ingress"].is_null(), "nobody asks it");
    let selector = spec["podSelector"]["matchLabels"].as_object().unwrap();
    let mut selected = Vec::new();
    for (pod, metadata, _) in pods(&rendered) {
        if selector.iter().all(|(key, value)| metadata["labels"][key] == *value) {
            selected.push(pod);
        }
    }
    selected.sort();
    assert_eq!(selected, ["Job/rollback-operator-uninstall-check", "Pod/rollback-operator-test"]);
    let none = objects(&["networkPolicy.enabled=false"]);
    assert!(of_kind(&none, "NetworkPolicy").is_empty());
}
