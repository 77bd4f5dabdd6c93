//! A control plane with the policies and people of all kinds.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};

use super::support::{ControlPlane, Finished, chart, wait_for};

pub const DIGEST: &str = "sha256:0000000000000000000000000000000000000000000000000000000000000000";
pub const OTHER: &str = "sha256:1111111111111111111111111111111111111111111111111111111111111111";
pub const NAMESPACE: &str = "access";
/// A service account with the verb approve.
pub const ROBOT: &str = "robot";
/// The operator's service account.
pub const OPERATOR: &str = "operator";
/// A member of `system:masters`.
pub const ADMIN: &str = "admin";

/// May change records, and not delete them.
pub const LABELLER: &str = "labeller";
/// May create and change Rollbacks and records; those in the second list have the verb approve, too.
const EDITORS: [&str; 5] = ["author", "editor", "recorder", "approver", "second"];
const APPROVERS: [&str; 4] = ["author", "recorder", "approver", "second"];

/// A control plane with the policies and people of all kinds.
pub struct Place {
    pub control_plane: ControlPlane,
    people: BTreeMap<&'static str, PathBuf>,
}

impl Place {
    /// One without the policies.
    pub fn new() -> Self {
        let control_plane = ControlPlane::start_without_owner_rule();
        control_plane.install_crds();
        let operator = control_plane.install_operator_access();
        control_plane.kubectl(&["create", "namespace", NAMESPACE]).succeeded();
        control_plane.apply(&roles()).succeeded();
        let mut people: BTreeMap<&'static str, PathBuf> = EDITORS
            .iter()
            .chain(&[LABELLER])
            .map(|name| (*name, control_plane.user(name, &["people"])))
            .collect();
        people.insert(ROBOT, control_plane.service_account(NAMESPACE, ROBOT));
        people.insert(OPERATOR, operator);
        people.insert(ADMIN, control_plane.kubeconfig().to_owned());
        Self { control_plane, people }
    }

    /// Installs what the chart renders with these values, and waits until it is in force.
    pub fn install_policies(&self, values: &[&str]) {
        let manifest = chart::rendered(&["admission"], values);
        self.control_plane.apply(&manifest).succeeded();
        // A policy is in force some seconds after it was written.
        wait_for("the policies to be in force", Duration::from_mins(1), || {
            let ledger = object("OperationRecord", "probe", &ledger());
            let plan = object("RollbackPlan", "probe", &plan());
            let refused = |manifest: &str| {
                let tried = self.run(ADMIN, &["create", "--dry-run=server", "-f", "-"], manifest);
                !tried.ok && tried.stderr.contains("only the operator")
            };
            (refused(&ledger) && refused(&plan) && self.names_hold()).then_some(())
        });
    }

    /// Whether a forged name on a new Rollback does not stay.
    fn names_hold(&self) -> bool {
        let forged = object("Rollback", "probe", &rollback(&json!({"requestedBy": "forged"})));
        let arguments = ["create", "--dry-run=server", "-o", "json", "-f", "-"];
        let tried = self.run(ADMIN, &arguments, &forged);
        let found: Value = serde_json::from_str(&tried.stdout).unwrap_or_default();
        !tried.ok || found["spec"]["requestedBy"] != "forged"
    }

    /// Runs kubectl as somebody.
    pub fn run(&self, who: &str, arguments: &[&str], input: &str) -> Finished {
        let all = [&["--namespace", NAMESPACE], arguments].concat();
        self.control_plane.kubectl_as(&self.people[who], &all, input)
    }

    /// Creates an object.
    pub fn create(&self, who: &str, kind: &str, name: &str, spec: &Value) -> Finished {
        self.run(who, &["create", "-f", "-"], &object(kind, name, spec))
    }

    /// Applies an object as `GitOps` controllers do: server-side, under a field manager of their own.
    pub fn apply(&self, who: &str, kind: &str, name: &str, spec: &Value) -> Finished {
        let arguments =
            ["apply", "--server-side", "--force-conflicts", "--field-manager=gitops", "-f", "-"];
        self.run(who, &arguments, &object(kind, name, spec))
    }

    /// Changes some fields of a Rollback's spec.
    pub fn patch(&self, who: &str, name: &str, spec: &Value) -> Finished {
        let patch = json!({"spec": spec}).to_string();
        self.run(who, &["patch", "rollback", name, "--type=merge", "--patch", &patch], "")
    }

    /// Writes the status of an object.
    pub fn patch_status(&self, who: &str, kind: &str, name: &str, status: &Value) -> Finished {
        let patch = json!({"status": status}).to_string();
        let arguments =
            ["patch", kind, name, "--subresource=status", "--type=merge", "--patch", &patch];
        self.run(who, &arguments, "")
    }

    /// An object with its metadata.
    pub fn whole(&self, kind: &str, name: &str) -> Value {
        let found = self.run(ADMIN, &["get", kind, name, "-o", "json"], "").succeeded();
        serde_json::from_str(&found.stdout).unwrap()
    }

    /// The spec of an object.
    pub fn spec(&self, kind: &str, name: &str) -> Value {
        self.whole(kind, name)["spec"].take()
    }

    /// A Rollback of the author whose plan waits under this policy, as the operator would have left it.
    pub fn planned(&self, name: &str, policy: &str) {
        self.create("author", "Rollback", name, &rollback(&json!({}))).succeeded();
        let status = json!({
            "observedGeneration": 1,
            "phase": "AwaitingApproval",
            "plan": {
                "digest": DIGEST, "createdAt": "2026-01-01T00:00:00Z", "policy": policy,
                "grade": "Exact", "actions": 1, "kept": 0, "blocked": 0, "shards": ["shard"],
                "authors": ["recorder"], "estimate": {"seconds": 1.0, "calls": 1},
            },
        });
        self.patch_status(OPERATOR, "rollback", name, &status).succeeded();
    }
}

/// The manifest of an object.
pub fn object(kind: &str, name: &str, spec: &Value) -> String {
    json!({
        "apiVersion": "identitycenter.dev/v1alpha1",
        "kind": kind,
        "metadata": {"name": name},
        "spec": spec,
    })
    .to_string()
}

/// The spec of a Rollback with some more fields.
pub fn rollback(more: &Value) -> Value {
    let mut spec = json!({"operations": {"names": ["assign"]}});
    for (field, value) in more.as_object().unwrap() {
        spec[field] = value.clone();
    }
    spec
}

/// The spec of a record with some more fields.
pub fn record(id: &str, more: &Value) -> Value {
    let mut spec = json!({
        "instance": "main", "type": "Assign", "occurredAt": "2026-01-01T00:00:00Z",
        "source": {"tool": "test", "id": id},
        "changes": [{
            "effect": "Granted",
            "principal": {"type": "USER", "id": "00000000-0000-4000-8000-000000000001"},
            "permissionSet": "arn:aws:sso:::permissionSet/ssoins-0123456789abcdef/ps-0123456789abcdef",
            "accounts": ["100000000001"],
        }],
    });
    for (field, value) in more.as_object().unwrap() {
        spec[field] = value.clone();
    }
    spec
}

/// The spec of a ledger record.
pub fn ledger() -> Value {
    json!({
        "instance": "main", "type": "Rollback", "occurredAt": "2026-01-01T00:00:00Z",
        "source": {"tool": "rollback-operator", "id": "forged"},
        "rollback": {
            "by": {"namespace": NAMESPACE, "name": "undo", "uid": "1"},
            "attempt": 1, "outcome": "Succeeded", "undone": [],
            "finishedAt": "2026-01-01T00:00:00Z",
        },
    })
}

/// The spec of a plan's shard.
pub fn plan() -> Value {
    json!({
        "rollback": "undo", "rollbackUid": "1", "attempt": 1, "shard": 0, "digest": DIGEST,
        "instanceArn": "arn:aws:sso:::instance/ssoins-0123456789abcdef", "items": [],
    })
}

/// Roles in the namespace, each for people who have it.
fn roles() -> String {
    let role = |name: &str, rules: Value| {
        json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role",
            "metadata": {"name": name, "namespace": NAMESPACE}, "rules": rules,
        })
    };
    let user = |name: &&str| json!({"kind": "User", "name": name, "apiGroup": "rbac.authorization.k8s.io"});
    let account = |namespace: &str, name: &str| json!({"kind": "ServiceAccount", "name": name, "namespace": namespace});
    let bound = |name: &str, people: &[&str], account: Value| {
        let subjects: Vec<Value> = people.iter().map(user).chain([account]).collect();
        json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding",
            "metadata": {"name": name, "namespace": NAMESPACE}, "subjects": subjects,
            "roleRef": {"kind": "Role", "name": name, "apiGroup": "rbac.authorization.k8s.io"},
        })
    };
    // Wider than any role of the chart: what is refused is refused by the policies.
    let all = json!([{"apiGroups": ["identitycenter.dev"], "resources": ["*"],
        "verbs": ["get", "list", "watch", "create", "update", "patch", "delete"]}]);
    let label = json!([{"apiGroups": ["identitycenter.dev"], "resources": ["operationrecords"],
        "verbs": ["get", "patch"]}]);
    let approve = json!([{"apiGroups": ["identitycenter.dev"], "resources": ["rollbacks"],
        "verbs": ["approve"]}]);
    let robot = json!({"apiVersion": "v1", "kind": "ServiceAccount",
        "metadata": {"name": ROBOT, "namespace": NAMESPACE}});
    // kubectl reads a status before it writes it; the operator does not.
    let read_status = json!([{"apiGroups": ["identitycenter.dev"], "resources": ["rollbacks/status"],
        "verbs": ["get"]}]);
    let operator = account("rollback-system", "rollback-operator");
    let objects = [
        robot,
        role("edit", all),
        role("approve", approve),
        role("label", label),
        role("read-status", read_status),
        bound("edit", &EDITORS, account(NAMESPACE, ROBOT)),
        bound("approve", &APPROVERS, account(NAMESPACE, ROBOT)),
        bound("label", &[LABELLER], account(NAMESPACE, ROBOT)),
        bound("read-status", &[], operator),
    ];
    json!({"apiVersion": "v1", "kind": "List", "items": objects}).to_string()
}
