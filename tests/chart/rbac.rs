//! The operator's roles hold what it asks of the API server, and nothing else.
//!
//! The API server writes down what the operator's account asks during an undo with everything in
//! it. A verb that is asked and not given shows as a refusal, one that is given and not asked as
//! unused. Rarer ways are walked by the other tests under the same roles, where a refusal fails them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::{Value, json};

use super::cluster::{Cluster, TIME_SCALE};
use super::place::{Place, text};
use super::render::{NAMESPACE, chart, objects, of_kind, one};
use super::seed::accounts;
use super::server::install;
use super::support::{ControlPlane, wait_for};

/// What every authenticated account may do (`system:basic-user`).
const EVERYBODYS: [&str; 2] = ["authentication.k8s.io", "authorization.k8s.io"];
const VALUES: &str = r#"instances={"declared":{"instanceArn":"arn:aws:sso:::instance/ssoins-0000000000009001","region":"us-east-1","endpoint":"http://127.0.0.1:9"}}"#;
const SOON: Duration = Duration::from_mins(1);

type Rights = BTreeSet<String>;

fn right(group: &str, resource: &str, verb: &str) -> String {
    format!("{verb} {resource}.{group}")
}

/// What the chart gives the operator's account.
fn given() -> Rights {
    let rendered = objects(&[VALUES]);
    let binds = |binding: &Value| {
        binding["subjects"].as_array().unwrap().iter().any(|it| it["name"] == "rollback-operator")
    };
    let mut given = Rights::new();
    for (bindings, roles) in [("ClusterRoleBinding", "ClusterRole"), ("RoleBinding", "Role")] {
        for binding in of_kind(&rendered, bindings).into_iter().filter(|it| binds(it)) {
            let roles = of_kind(&rendered, roles).into_iter();
            for role in roles.filter(|it| it["metadata"]["name"] == binding["roleRef"]["name"]) {
                for rule in role["rules"].as_array().unwrap() {
                    let each = |key: &str| -> Vec<String> {
                        rule[key].as_array().unwrap().iter().map(text).collect()
                    };
                    for group in each("apiGroups") {
                        for resource in each("resources") {
                            given.extend(
                                each("verbs").iter().map(|verb| right(&group, &resource, verb)),
                            );
                        }
                    }
                }
            }
        }
    }
    given
}

/// What the operator's account asked: what it was let do, and what it was refused.
fn asked(control_plane: &ControlPlane) -> (Rights, Vec<String>) {
    let (mut let_do, mut refused) = (Rights::new(), Vec::new());
    for event in control_plane.audit_events() {
        let object = &event["objectRef"];
        let group = object["apiGroup"].as_str().unwrap_or_default();
        let is_operators = event["user"]["username"]
            == format!("system:serviceaccount:{NAMESPACE}:rollback-operator");
        if !is_operators || object["resource"].is_null() || EVERYBODYS.contains(&group) {
            continue;
        }
        let mut resource = text(&object["resource"]);
        if let Some(subresource) = object["subresource"].as_str() {
            resource = format!("{resource}/{subresource}");
        }
        let verb = text(&event["verb"]);
        if event["annotations"]["authorization.k8s.io/decision"] == "forbid" {
            refused.push(right(group, &resource, &verb));
            continue;
        }
        // What is patched of a plan are its owners, and OwnerReferencesPermissionEnforcement, which
        // this API server runs, lets only who may delete it.
        if verb == "patch" && resource == "rollbackplans" {
            let_do.insert(right(group, &resource, "delete"));
        }
        // Server-side apply is a patch that creates what is not there, and needs both verbs then.
        if verb == "patch" && event["responseStatus"]["code"] == 201 {
            let_do.insert(right(group, &resource, "create"));
        }
        let_do.insert(right(group, &resource, &verb));
    }
    (let_do, refused)
}

/// An undo with everything in it.
fn undo(place: &Place<'_>) {
    let control_plane = &place.cluster.control_plane;
    let approver = control_plane.user("approver", &["system:masters"]);
    place.operation("assign", &accounts([1, 2]));
    place.rollback("undo", "assign", &json!({}));
    place.wait_phase("undo", "AwaitingApproval");
    let digest = text(&place.status("undo")["plan"]["digest"]);
    let patch = json!({"spec": {"approval": {"plan": digest}}}).to_string();
    let namespace = place.namespace.as_str();
    let arguments =
        ["--namespace", namespace, "patch", "rollback", "undo", "--type=merge", "--patch", &patch];
    // Stamps are believed once the policies have been in force for a while.
    control_plane.kubectl_as(&approver, &arguments, "").succeeded();
    place.wait_phase("undo", "Succeeded");
    place.patch("undo", &json!({"ttlAfterFinished": "1s"}));
    place.kubectl(&["wait", "--for=delete", "--timeout=60s", "rollback/undo"]);
}

#[test]
#[expect(clippy::disallowed_methods, reason = "policies come into force in real time")]
fn the_roles_give_what_is_asked_and_no_more() {
    let control_plane = ControlPlane::start_audited();
    let account = install(&control_plane, &["--set-json", VALUES]);
    std::thread::sleep(Duration::from_secs(12));
    let files = tempfile::tempdir().unwrap();
    let declared = files.path().join("declared.yaml");
    let broken = files.path().join("broken.yaml");
    let spec = r#"{"instanceArn":"arn:aws:sso:::instance/ssoins-0000000000009001","region":"us-east-1","endpoint":"http://127.0.0.1:9"}"#;
    std::fs::write(&declared, spec).unwrap();
    std::fs::write(&broken, "a: [").unwrap();
    let directory = format!("--instances-directory={}", files.path().display());
    let flags = [&directory, "--lease-duration=8s", "--renew-deadline=6s", "--retry-period=1s"];
    let cluster = Cluster::on(control_plane, account, TIME_SCALE, &flags);
    let place = Place::with(&cluster, 4, &json!({"policy": {"approval": "SeparateApprover"}}));
    undo(&place);

    // The same news twice is one event with a count.
    let told = |count: i64| {
        wait_for(&format!("the event to be told {count} times"), SOON, || {
            let (_, refused) = asked(&cluster.control_plane);
            assert!(refused.is_empty(), "asked and not given: {refused:?}");
            let events = place.cluster.control_plane.get(&[
                "--namespace",
                "default",
                "events.events.k8s.io",
            ]);
            let found = events["items"]
                .as_array()?
                .iter()
                .find(|it| it["regarding"]["name"] == "broken")
                .cloned()?;
            (count == 1 || found["series"]["count"].as_i64()? >= count).then_some(())
        });
    };
    told(1);
    std::fs::remove_file(&broken).unwrap();
    let refused = || {
        let text = cluster.operator().read("/metrics").unwrap();
        text.lines()
            .find_map(|line| {
                line.strip_prefix(r#"rollback_declared_instances{outcome="refused"} "#)
                    .map(str::to_owned)
            })
            .unwrap()
    };
    wait_for("nothing to be refused", SOON, || (refused() == "0").then_some(()));
    std::fs::write(&broken, "a: [").unwrap();
    told(2);

    let given = given();
    assert!(given.len() > 25, "{given:?}");
    let (let_do, refused) = asked(&cluster.control_plane);
    assert!(refused.is_empty(), "asked and not given: {refused:?}");
    let unused: Vec<&String> = given.difference(&let_do).collect();
    assert!(unused.is_empty(), "given and not asked: {unused:?}");
    let elsewhere: Vec<&String> = let_do.difference(&given).collect();
    assert!(elsewhere.is_empty(), "asked and given by other roles: {elsewhere:?}");
}

#[test]
fn what_can_be_given_by_name_is_given_by_name_alone() {
    let rendered = objects(&[r#"fullnameOverride="undo""#]);
    let role = one(&rendered, "ClusterRole", "undo");
    let named = |resource: &str| -> BTreeSet<String> {
        let rules = role["rules"].as_array().unwrap().iter();
        let rules = rules
            .filter(|rule| rule["resources"].as_array().unwrap().iter().any(|it| it == resource));
        rules.flat_map(|rule| rule["resourceNames"].as_array().unwrap()).map(text).collect()
    };
    // What the program reads is what is in these files.
    let mut policies: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for file in ["approval", "stamps", "names"] {
        let path = chart().join(format!("files/admission/{file}.yaml"));
        for object in std::fs::read_to_string(path).unwrap().split("\n---\n") {
            let object: Value = serde_saphyr::from_str(object).unwrap();
            let kind = text(&object["kind"]).to_lowercase();
            let plural =
                kind.strip_suffix('y').map_or(format!("{kind}s"), |kind| format!("{kind}ies"));
            policies.entry(plural).or_default().insert(text(&object["metadata"]["name"]));
        }
    }
    assert_eq!(policies.len(), 4, "{policies:?}");
    for (resource, names) in policies {
        assert_eq!(named(&resource), names, "{resource}");
    }

    let lease = one(&rendered, "Role", "undo-lease")["rules"].clone();
    let variables = one(&rendered, "Deployment", "undo")["spec"]["template"]["spec"]["containers"]
        [0]["env"]
        .as_array()
        .unwrap()
        .iter();
    let mut variables = variables.filter(|it| it["name"] == "ROLLBACK_OPERATOR_LEASE_NAME");
    assert_eq!(variables.next().unwrap()["value"], "undo");
    for rule in lease.as_array().unwrap() {
        if rule["verbs"] == json!(["create"]) {
            assert!(rule["resourceNames"].is_null(), "no creation has a name");
        } else {
            assert_eq!(rule["resourceNames"], json!(["undo"]), "{rule}");
        }
    }
}
