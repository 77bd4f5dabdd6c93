//! A certificate authority of the values is trusted by the operator.

use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use super::render::{container, environment, objects, one};
use super::seed::Identity;
use super::support::process::Process;
use super::support::{ControlPlane, Finished, Simulator, SimulatorOptions, checkout, guard};
use super::support::{Operator, OperatorOptions, wait_for};

const SOON: Duration = Duration::from_mins(1);

/// An authority `ca.crt`, and `server.crt` by it for 127.0.0.1.
fn certificates(directory: &Path) {
    let openssl = |arguments: &str| {
        let mut command = Command::new("openssl");
        command.args(arguments.split(' ')).current_dir(directory);
        Finished::run(&mut command, "").succeeded();
    };
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";
    openssl(&format!(
        "req -x509 -new {key} -keyout ca.key -out ca.crt -days 2 -subj /CN=company-ca -addext keyUsage=critical,keyCertSign"
    ));
    openssl(&format!("req -new {key} -keyout server.key -out server.csr -subj /CN=server"));
    std::fs::write(directory.join("names"), "subjectAltName=IP:127.0.0.1\n").unwrap();
    openssl(
        "x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -out server.crt -days 2 -extfile names",
    );
}

/// A directory as a kubelet mounts a `ConfigMap` with this file: by links, so that it changes at once.
fn mounted(directory: &Path, file: &str, content: &Path) {
    let data = directory.join("..2026_01_02");
    std::fs::create_dir_all(&data).unwrap();
    std::fs::copy(content, data.join(file)).unwrap();
    symlink("..2026_01_02", directory.join("..data")).unwrap();
    symlink(format!("..data/{file}"), directory.join(file)).unwrap();
}

/// The TLS server before a simulator; it listens on this port.
fn tls_before(simulator: &Simulator, directory: &Path) -> (Process, u16) {
    let mut command = Command::new("python3");
    command
        .arg(checkout().join("tests/chart/tls_proxy.py"))
        .args(["server.crt", "server.key", simulator.url().strip_prefix("http://").unwrap()])
        .current_dir(directory);
    let process = Process::start("tls", directory, &mut command);
    let port = wait_for("the TLS server to listen", SOON, || {
        std::fs::read_to_string(&process.log).ok()?.lines().next()?.parse().ok()
    });
    (process, port)
}

#[test]
fn a_server_is_trusted_whose_authority_the_values_name() {
    let directory = guard::directory("custom-ca");
    certificates(&directory);
    let identity = Identity::new(7101);
    let options = SimulatorOptions { time_scale: 1.0, ..SimulatorOptions::default() };
    let simulator = Simulator::start(&identity.world(2).to_string(), &options);
    let (_tls, port) = tls_before(&simulator, &directory);

    // What the chart sets and mounts, with the mount at another place.
    let rendered = objects(&[r#"customCA={"configMap":"company-ca","key":"bundle.pem"}"#]);
    let variable = |name: &str| environment(&rendered, name).unwrap();
    let pod = &one(&rendered, "Deployment", "rollback-operator")["spec"]["template"]["spec"];
    let volumes = pod["volumes"].as_array().unwrap();
    let volume = volumes.iter().find(|it| it["configMap"]["name"] == "company-ca").unwrap();
    let mounts = container(&rendered)["volumeMounts"].as_array().unwrap();
    let mount = mounts.iter().find(|it| it["name"] == volume["name"]).unwrap();
    assert_eq!(mount["mountPath"], variable("SSL_CERT_DIR"));
    let item = &volume["configMap"]["items"][0];
    assert_eq!(item["key"], "bundle.pem");
    let place = directory.join("mounted");
    mounted(&place, item["path"].as_str().unwrap(), &directory.join("ca.crt"));

    let control_plane = ControlPlane::start_without_controllers();
    control_plane.install_crds();
    let account = control_plane.install_operator_access();
    let object = json!({
        "apiVersion": "identitycenter.dev/v1alpha1", "kind": "IdentityCenterInstance",
        "metadata": {"name": "behind-tls"},
        "spec": {"instanceArn": identity.arn, "region": "us-east-1", "endpoint": format!("https://127.0.0.1:{port}")},
    });
    control_plane.apply(&object.to_string()).succeeded();
    let ready = |status: &str| -> String {
        wait_for(&format!("the instance to be Ready={status}"), SOON, || {
            let found: Value = control_plane.get(&["idc", "behind-tls"]);
            let conditions = found["status"]["conditions"].as_array()?.clone();
            let ready = conditions.iter().find(|it| it["type"] == "Ready")?;
            (ready["status"] == status).then(|| ready["message"].to_string())
        })
    };
    let start = |environment: Vec<(String, String)>| {
        Operator::start(OperatorOptions {
            kubeconfig: account.clone(),
            simulator: "http://127.0.0.1:9".to_owned(),
            arguments: vec!["--leader-election=false".to_owned()],
            environment,
        })
    };
    let authorities = ("SSL_CERT_FILE".to_owned(), variable("SSL_CERT_FILE"));
    let mut without = start(vec![authorities.clone()]);
    ready("False");
    without.stop();
    let place = ("SSL_CERT_DIR".to_owned(), place.to_str().unwrap().to_owned());
    let _with = start(vec![authorities, place]);
    ready("True");
}
