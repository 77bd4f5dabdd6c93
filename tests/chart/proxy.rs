//! The proxy of the values is the way to AWS.

use std::time::Duration;

use serde_json::json;

use super::render::{environment, objects};
use super::seed::Identity;
use super::server::installed;
use super::support::{Operator, OperatorOptions, Simulator, SimulatorOptions, wait_for};

#[test]
fn aws_is_asked_by_the_proxy() {
    let (control_plane, account) = installed();
    let identity = Identity::new(7001);
    // An HTTP proxy is sent the whole URL, and the simulator does not mind: it stands for both.
    let options = SimulatorOptions { time_scale: 1.0, ..SimulatorOptions::default() };
    let simulator = Simulator::start(&identity.world(2).to_string(), &options);
    let proxy = format!("proxy.http={:?}", simulator.url());
    let rendered = objects(&[&proxy, r#"proxy.none=["direct.example"]"#]);
    let variable = |name: &str| (name.to_owned(), environment(&rendered, name).unwrap());
    let mut operator = Operator::start(OperatorOptions {
        kubeconfig: account.clone(),
        simulator: "http://127.0.0.1:9".to_owned(),
        arguments: Vec::new(),
        environment: vec![variable("HTTP_PROXY"), variable("NO_PROXY")],
    });
    let instance = |name: &str, arn: &str, endpoint: &str| {
        let object = json!({
            "apiVersion": "identitycenter.dev/v1alpha1", "kind": "IdentityCenterInstance",
            "metadata": {"name": name},
            "spec": {"instanceArn": arn, "region": "us-east-1", "endpoint": endpoint},
        });
        control_plane.apply(&object.to_string()).succeeded();
    };
    let ready = |name: &str, status: &str| {
        wait_for(&format!("{name} to be Ready={status}"), Duration::from_mins(1), || {
            let found = control_plane.get(&["idc", name]);
            let conditions = found["status"]["conditions"].as_array()?.clone();
            conditions
                .iter()
                .any(|it| it["type"] == "Ready" && it["status"] == status)
                .then_some(())
        });
    };
    // Neither name exists: only the proxy can answer for the first, and nobody for the second.
    instance("proxied", &identity.arn, "http://identity-center.example:8181");
    ready("proxied", "True");
    instance("direct", &Identity::new(7002).arn, "http://direct.example:8181");
    ready("direct", "False");
    operator.stop();
    control_plane.kubectl(&["delete", "idc", "proxied", "direct"]).succeeded();
}
