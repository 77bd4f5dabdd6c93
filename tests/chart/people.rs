//! What the roles for people give, asked as these people.

use std::time::Duration;

use serde_json::{Value, json};

use super::render::{objects, one};
use super::server::installed;
use super::support::wait_for;

const INSTANCES: &str = "identitycenterinstances.identitycenter.dev";

/// The API server learns of a binding a moment after it was written.
#[track_caller]
fn soon(what: &str, holds: &dyn Fn() -> bool) {
    wait_for(what, Duration::from_secs(30), || holds().then_some(()));
}

#[test]
fn who_reads_instances_is_bound_for_the_whole_cluster() {
    let (control_plane, _) = installed();
    let may = |account: &std::path::Path, verb: &str, what: &str| -> bool {
        // Of instances kubectl would ask in the namespace all the same, where the API server never does.
        let place = if what == INSTANCES { "--all-namespaces" } else { "--namespace=default" };
        let said = control_plane.kubectl_as(account, &["auth", "can-i", verb, what, place], "");
        match said.stdout.trim() {
            "yes" => true,
            "no" => false,
            _ => panic!("{verb} {what}: {}{}", said.stdout, said.stderr),
        }
    };
    // Bound in a namespace, the role gives what is in it.
    let (insider, reader) =
        (control_plane.user("insider", &["team"]), control_plane.user("reader", &["access-team"]));
    let bind = ["create", "rolebinding", "team", "--clusterrole=rollback-operator-view"];
    let place = ["--group=team", "--namespace=default"];
    control_plane.kubectl(&[&bind[..], &place].concat()).succeeded();
    soon("the role to count", &|| may(&insider, "get", "rollbacks.identitycenter.dev"));
    assert!(!may(&insider, "get", INSTANCES), "a RoleBinding gives nothing outside of namespaces");
    assert!(!may(&reader, "list", INSTANCES), "nobody by default");

    let rendered = objects(&[r#"rbac.instanceReaders=[{"kind":"Group","name":"access-team"}]"#]);
    let binding = one(&rendered, "ClusterRoleBinding", "rollback-operator-instances");
    control_plane.apply(&binding.to_string()).succeeded();
    for verb in ["get", "list", "watch"] {
        soon(verb, &|| may(&reader, verb, INSTANCES));
    }
    for verb in ["create", "update", "patch", "delete"] {
        assert!(!may(&reader, verb, INSTANCES), "{verb}");
    }
    assert!(!may(&reader, "get", "rollbacks.identitycenter.dev"), "only instances");
    assert!(!may(&insider, "get", INSTANCES));
    control_plane
        .kubectl(&["delete", "clusterrolebinding", "rollback-operator-instances"])
        .succeeded();
}

#[test]
fn readers_are_bound_also_where_other_roles_are_made_elsewhere() {
    let values = [
        "rbac.aggregatedRoles=false",
        r#"rbac.instanceReaders=[{"kind":"ServiceAccount","name":"a","namespace":"b"}]"#,
    ];
    let rendered = objects(&values);
    let binding = one(&rendered, "ClusterRoleBinding", "rollback-operator-instances");
    assert_eq!(
        binding["subjects"],
        json!([{"kind": "ServiceAccount", "name": "a", "namespace": "b"}])
    );
    one(&rendered, "ClusterRole", "rollback-operator-instances");
    let has = |rendered: &[Value]| {
        rendered.iter().any(|it| it["metadata"]["name"] == "rollback-operator-instances")
    };
    assert!(!has(&objects(&["rbac.aggregatedRoles=false"])));
}

#[test]
fn the_built_in_roles_ask_and_look_and_never_approve_or_record() {
    let (control_plane, _) = installed();
    let place = "--namespace=default";
    for (role, asks) in [("view", false), ("edit", true), ("admin", true)] {
        let group = format!("who-may-{role}");
        let bind = ["create", "rolebinding", &group, "--clusterrole", role, "--group", &group];
        control_plane.kubectl(&[&bind[..], &[place]].concat()).succeeded();
        let account = control_plane.user(&format!("one-with-{role}"), &[&group]);
        let may = |verb: &str, what: &str| {
            let what = format!("{what}.identitycenter.dev");
            let said =
                control_plane.kubectl_as(&account, &["auth", "can-i", verb, &what, place], "");
            said.stdout.trim() == "yes"
        };
        for what in ["rollbacks", "rollbackplans", "operationrecords"] {
            soon(&format!("{role} to read {what}"), &|| may("get", what));
        }
        for verb in ["create", "patch", "delete"] {
            assert_eq!(may(verb, "rollbacks"), asks, "{role}: {verb}");
            assert!(!may(verb, "operationrecords"), "{role}: {verb}");
            assert!(!may(verb, "rollbackplans"), "{role}: {verb}");
        }
        assert!(!may("approve", "rollbacks"), "{role}");
        let status =
            ["auth", "can-i", "patch", "rollbacks.identitycenter.dev", "--subresource=status"];
        let said = control_plane.kubectl_as(&account, &[&status[..], &[place]].concat(), "");
        assert_eq!(said.stdout.trim(), "no", "{role}");
    }
}
