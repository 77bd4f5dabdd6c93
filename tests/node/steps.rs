//! The steps of the story: what is done to the release, and what holds then.

use serde_json::{Value, json};

use super::PATIENCE;
use super::access::Access;
use super::release::{ACCESS, NAMESPACE, PODS, Release, name, since};
use super::support::wait_for;

/// Pods run as the restricted Pod Security Standard wants them, and the API server would have refused
/// others.
pub fn all_is_restricted(release: &Release) {
    let pod = json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "root"},
        "spec": {"containers": [{"name": "root", "image": "root"}]},
    });
    let arguments = ["--namespace", NAMESPACE, "create", "--dry-run=server", "-f", "-"];
    release.node.kubectl_with(&arguments, &pod.to_string()).refused("violates PodSecurity");
    let pods = release.node.get(&["pods", "--namespace", NAMESPACE]);
    let pods = pods["items"].as_array().unwrap();
    assert_eq!(pods.len(), 3, "two operators and the simulator");
    for pod in pods {
        assert!(since(pod, "Ready").is_some(), "{pod}");
        assert_eq!(restarts(pod), 0, "{pod}");
    }
}

/// From the start of a container to Ready: at most 3 s, by the kubelet's clock, which shows seconds.
pub fn pods_are_ready_soon(release: &Release) {
    for pod in release.ready_pods() {
        let started = &pod["status"]["containerStatuses"][0]["state"]["running"]["startedAt"];
        let started: jiff::Timestamp = started.as_str().unwrap().parse().unwrap();
        let took = since(&pod, "Ready").unwrap().duration_since(started).as_secs();
        println!("  {}: ready {took} s after its start", name(&pod));
        assert!(took <= 3, "{took} s from start to ready");
    }
}

/// The image names a user who is not root, and has no shell.
pub fn image_holds_programs_alone(release: &Release) {
    let deployment = "deployment/rollback-operator";
    let shell = ["--namespace", NAMESPACE, "exec", deployment, "--", "/bin/sh", "-c", "true"];
    release.node.kubectl(&shell).refused("no such file or directory");
    // Nobody says here as whom: the kubelet starts it only because the image says so itself.
    let overrides = json!({"spec": {
        "securityContext": {"runAsNonRoot": true, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [{
            "name": "version", "image": release.image(), "imagePullPolicy": "Never", "args": ["--version"],
            "securityContext": {"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}},
        }],
    }});
    let (image, overrides) = (format!("--image={}", release.image()), overrides.to_string());
    let run = ["--namespace", ACCESS, "run", "version", &image, "--restart=Never", "--overrides"];
    release.node.kubectl(&[&run[..], &[&overrides]].concat()).succeeded();
    let wait = "--for=jsonpath={.status.phase}=Succeeded";
    let wait = ["--namespace", ACCESS, "wait", wait, "--timeout=60s", "pod/version"];
    release.node.kubectl(&wait).succeeded();
    let said = release.node.kubectl(&["--namespace", ACCESS, "logs", "version"]).succeeded().stdout;
    assert_eq!(said, concat!("rollback-operator ", env!("CARGO_PKG_VERSION"), "\n"));
}

/// An undo from record to Ready.
pub fn undo(access: &Access) {
    access.begin("first", 0);
    access.finishes("first");
}

/// The release is upgraded while an undo runs: other pods, the same kinds and objects.
pub fn upgrade_in_the_middle(release: &Release, access: &Access) {
    let (before, kinds) = (release.version(), kinds(release));
    let pods: Vec<String> = release.pods().iter().map(name).collect();
    let first = release.node.get(&["rollback", "first", "--namespace", ACCESS]);
    access.begin_slowly("upgraded");
    release.upgrade();
    access.finishes("upgraded");

    assert_ne!(release.version(), before);
    assert_eq!(self::kinds(release), kinds, "kinds were made anew, and all objects with them");
    let now: Vec<String> = release.pods().iter().map(name).collect();
    assert!(now.len() == 2 && now.iter().all(|pod| !pods.contains(pod)), "{now:?}");
    let kept = release.node.get(&["rollback", "first", "--namespace", ACCESS]);
    assert_eq!(kept, first, "an object changed");
}

/// The leader's process is killed, and its pod is gone with it: another one goes on, the one that
/// stood by or the one that came in its place, whoever sees first that the lease has run out.
pub fn leader_killed_in_the_middle(release: &Release, access: &Access) {
    release.both_ready();
    access.begin_slowly("killed");
    let leader = release.leader().expect("one leads");
    let pod = release.node.get(&["pod", &leader, "--namespace", NAMESPACE]);
    let container = pod["status"]["containerStatuses"][0]["containerID"].as_str().unwrap();
    release.node.kill9(container.strip_prefix("containerd://").unwrap());
    let forced = ["--force", "--grace-period=0", "--wait=false"];
    let delete = ["delete", "pod", &leader, "--namespace", NAMESPACE];
    release.node.kubectl(&[&delete[..], &forced].concat()).succeeded();
    access.is_in_the_middle("killed");
    access.finishes("killed");
    assert!(release.leader().is_some_and(|now| now != leader), "who leads");
    release.both_ready();
}

/// While an undo runs, the release does not let itself be removed. The node is drained: the budget
/// lets one operator go, and the other does the rest, until there is a place for a second one.
pub fn drained_in_the_middle(release: &Release, access: &Access) {
    access.begin_slowly("drained");
    release.try_uninstall().refused("access/drained");
    access.is_in_the_middle("drained");
    let drain = ["drain", "node", "--pod-selector", PODS, "--timeout=20s"];
    let said = release.node.kubectl(&drain);
    assert!(!said.ok, "both operators were evicted: {}", said.stdout);
    assert!(said.stderr.contains("violate the pod's disruption budget"), "{}", said.stderr);
    assert_eq!(release.ready_pods().len(), 1, "one is left");
    access.finishes("drained");
    release.node.kubectl(&["uncordon", "node"]).succeeded();
    release.both_ready();
}

/// The release is removed: kinds, records and Rollbacks stay. So does the finished pod of
/// `helm test`, which Helm counts as no part of the release.
pub fn uninstall(release: &Release, access: &Access) {
    let (kinds, records, rollbacks) = (kinds(release), access.ledgers(), access.rollbacks());
    assert_eq!((records, rollbacks), (4, 4));
    release.try_uninstall().succeeded();
    wait_for("the pods to be gone", PATIENCE, || {
        let found = release.node.get(&["pods", "--namespace", NAMESPACE, "--selector", PODS]);
        found["items"].as_array().unwrap().is_empty().then_some(())
    });
    let mine = "app.kubernetes.io/instance=rollback-operator";
    let roles = release.node.get(&["clusterroles,clusterrolebindings", "--selector", mine]);
    assert_eq!(roles["items"], json!([]), "rights were left behind");
    assert_eq!(self::kinds(release), kinds);
    assert_eq!((access.ledgers(), access.rollbacks()), (records, rollbacks));
}

/// The kinds, each with its uid.
fn kinds(release: &Release) -> Vec<(String, Value)> {
    let found = release.node.get(&["customresourcedefinitions"]);
    let kinds = found["items"].as_array().unwrap().iter();
    kinds.map(|kind| (name(kind), kind["metadata"]["uid"].clone())).collect()
}

fn restarts(pod: &Value) -> u64 {
    pod["status"]["containerStatuses"][0]["restartCount"].as_u64().unwrap()
}
