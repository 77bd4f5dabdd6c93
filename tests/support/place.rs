//! What one test works in: a namespace, an instance of it, and a simulator behind the instance.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use super::cluster::Cluster;
use super::seed::{ALICE, Identity, alice_in};
use super::{Finished, Simulator, wait_for};

/// How long anything may take; far more than it does on a machine with two cores.
pub const PATIENCE: Duration = Duration::from_mins(1);

/// A namespace with an instance and a simulator.
pub struct Place<'a> {
    pub cluster: &'a Cluster,
    pub namespace: String,
    pub instance: String,
    pub identity: Identity,
    pub simulator: Simulator,
}

impl Place<'static> {
    /// One in the shared cluster, under the default policy: a plan waits for its approval.
    #[track_caller]
    pub fn new(accounts: usize) -> Self {
        Self::with(Cluster::shared(), accounts, &json!({}))
    }
}

impl<'a> Place<'a> {
    /// One in this cluster, with some fields of the instance's spec.
    #[track_caller]
    pub fn with(cluster: &'a Cluster, accounts: usize, spec: &Value) -> Self {
        Self::in_world(cluster, accounts, spec, |_| {})
    }

    /// The same, in a world whose instance the test changes first.
    #[track_caller]
    pub fn in_world(
        cluster: &'a Cluster,
        accounts: usize,
        spec: &Value,
        change: impl FnOnce(&mut Value),
    ) -> Self {
        let change = |world: &mut Value| change(&mut world["instances"][0]);
        let place = Self::unready(cluster, accounts, spec, change);
        place.wait_ready();
        place
    }

    /// The same in a world that the test changes as a whole, whose instance may never be ready.
    #[track_caller]
    pub fn unready(
        cluster: &'a Cluster,
        accounts: usize,
        spec: &Value,
        change: impl FnOnce(&mut Value),
    ) -> Self {
        static NUMBERS: AtomicU32 = AtomicU32::new(1);
        let identity = Identity::new(NUMBERS.fetch_add(1, Ordering::Relaxed));
        let namespace = cluster.control_plane.namespace();
        let mut world = identity.world(accounts);
        change(&mut world);
        let simulator = cluster.simulator(&world.to_string());
        let instance = format!("{namespace}-instance");
        let place = Self { cluster, namespace, instance, identity, simulator };
        place.create_instance(spec);
        place
    }

    /// Waits until the operator has reached the instance.
    #[track_caller]
    fn wait_ready(&self) {
        self.kubectl(&[
            "wait",
            "--for=condition=Ready",
            "--timeout=60s",
            "identitycenterinstance",
            &self.instance,
        ]);
    }

    /// Creates the instance.
    #[track_caller]
    fn create_instance(&self, more: &Value) {
        let mut spec = json!({
            "instanceArn": self.identity.arn,
            "region": "us-east-1",
            "endpoint": self.simulator.url(),
            "allowedNamespaces": [self.namespace],
        });
        merge(&mut spec, more);
        self.create("IdentityCenterInstance", &self.instance, &spec);
    }

    /// Creates an object; a refusal fails the test.
    #[track_caller]
    pub fn create(&self, kind: &str, name: &str, spec: &Value) {
        self.try_create(kind, name, spec).succeeded();
    }

    /// Tries to create an object.
    pub fn try_create(&self, kind: &str, name: &str, spec: &Value) -> Finished {
        let object = json!({
            "apiVersion": "identitycenter.dev/v1alpha1",
            "kind": kind,
            "metadata": {"name": name},
            "spec": spec,
        });
        let control_plane = &self.cluster.control_plane;
        let arguments = ["--namespace", &self.namespace, "create", "-f", "-"];
        control_plane.kubectl_as(control_plane.kubeconfig(), &arguments, &object.to_string())
    }

    /// Somebody gives alice access in these accounts, and it is recorded.
    #[track_caller]
    pub fn operation(&self, name: &str, accounts: &[String]) {
        self.simulator.post("/_sim/changes", &json!({"grant": alice_in(accounts)}));
        self.create("OperationRecord", name, &self.record(name, accounts));
    }

    /// The record of an operation that gave alice access.
    pub fn record(&self, id: &str, accounts: &[String]) -> Value {
        json!({
            "instance": self.instance,
            "type": "Assign",
            "occurredAt": "2026-01-05T10:00:00Z",
            "source": {"tool": "test", "id": format!("{}-{id}", self.namespace)},
            "changes": [{
                "effect": "Granted",
                "principal": {"type": "USER", "id": ALICE},
                "permissionSet": self.identity.read,
                "accounts": accounts,
                "before": "Absent",
            }],
        })
    }

    /// Applies a Rollback of one record, with some more fields of its spec.
    #[track_caller]
    pub fn rollback(&self, name: &str, record: &str, more: &Value) {
        let mut spec = json!({"operations": {"names": [record]}});
        merge(&mut spec, more);
        self.create("Rollback", name, &spec);
    }

    /// Changes some fields of a Rollback's spec.
    #[track_caller]
    pub fn patch(&self, rollback: &str, spec: &Value) {
        let patch = json!({"spec": spec}).to_string();
        self.kubectl(&["patch", "rollback", rollback, "--type=merge", "--patch", &patch]);
    }

    /// Waits for the plan and approves it; gives its digest.
    #[track_caller]
    pub fn approve(&self, rollback: &str) -> String {
        self.wait_phase(rollback, "AwaitingApproval");
        let digest = text(&self.status(rollback)["plan"]["digest"]);
        self.patch(rollback, &json!({"approval": {"plan": digest}}));
        digest
    }

    /// Runs kubectl in the namespace; gives what it wrote.
    #[track_caller]
    pub fn kubectl(&self, arguments: &[&str]) -> String {
        let namespace = ["--namespace", &self.namespace];
        self.cluster.control_plane.kubectl(&[&namespace, arguments].concat()).succeeded().stdout
    }

    /// One object, or a list.
    #[track_caller]
    pub fn get(&self, arguments: &[&str]) -> Value {
        let namespace = ["--namespace", &self.namespace];
        self.cluster.control_plane.get(&[&namespace, arguments].concat())
    }

    /// The status of a Rollback.
    #[track_caller]
    pub fn status(&self, rollback: &str) -> Value {
        self.get(&["rollback", rollback])["status"].take()
    }

    /// Waits until a Rollback is in this phase.
    #[track_caller]
    pub fn wait_phase(&self, rollback: &str, phase: &str) {
        self.wait_field(rollback, ".status.phase", phase);
    }

    /// Waits until a field of a Rollback has this value.
    #[track_caller]
    pub fn wait_field(&self, rollback: &str, path: &str, value: &str) {
        let condition = format!("--for=jsonpath={{{path}}}={value}");
        let patience = format!("--timeout={}s", PATIENCE.as_secs());
        self.kubectl(&["wait", &condition, &patience, "rollback", rollback]);
    }

    /// Waits until a condition has this status and reason; gives its message.
    #[track_caller]
    pub fn wait_condition(&self, rollback: &str, kind: &str, status: &str, reason: &str) -> String {
        let what = format!("{rollback} to have {kind}={status} because of {reason}");
        wait_for(&what, PATIENCE, || {
            let found = condition(&self.status(rollback), kind)?;
            (found["status"] == status && found["reason"] == reason)
                .then(|| text(&found["message"]))
        })
    }

    /// The ledger record that a Rollback's status names.
    #[track_caller]
    pub fn ledger(&self, rollback: &str) -> Value {
        let name = text(&self.status(rollback)["ledger"]);
        self.get(&["operationrecord", &name])
    }

    /// From now on AWS takes long to end what it accepted, so that a test can come between.
    #[track_caller]
    pub fn slow_down(&self) {
        self.simulator
            .post("/_sim/settings", &json!({"latency": {"create": "15s", "delete": "15s"}}));
    }

    /// Waits until so much simulated time has gone by.
    #[track_caller]
    pub fn wait_simulated(&self, time: Duration) {
        let now = || text(&self.simulator.health()["now"]).parse::<jiff::Timestamp>().unwrap();
        let began = now();
        wait_for(&format!("{} simulated seconds to pass", time.as_secs()), PATIENCE, || {
            (now().duration_since(began).unsigned_abs() >= time).then_some(())
        });
    }

    /// How many calls that change something AWS was sent, refused ones too.
    #[track_caller]
    pub fn writes(&self) -> u64 {
        let counters = self.simulator.counters();
        let calls = counters["calls"].as_object().unwrap();
        let reading = ["List", "Describe", "Get", "Lookup"];
        calls
            .iter()
            .filter(|(operation, _)| !reading.iter().any(|verb| operation.starts_with(verb)))
            .map(|(_, calls)| calls["total"].as_u64().unwrap())
            .sum()
    }

    /// How often requests made each key present or absent.
    #[track_caller]
    pub fn effective(&self) -> Vec<(String, u64)> {
        let counters = self.simulator.counters();
        let effective = counters["effective"].as_object().unwrap();
        effective.iter().map(|(key, times)| (key.clone(), times.as_u64().unwrap())).collect()
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let arguments = ["--namespace", &self.namespace, "get", "rollbacks", "--output=yaml"];
            let said = self.cluster.control_plane.kubectl(&arguments);
            eprintln!("--- the Rollbacks in {}\n{}{}", self.namespace, said.stdout, said.stderr);
        }
        // The shared operator need not look after an instance whose simulator is gone.
        let _ = self.cluster.control_plane.kubectl(&[
            "delete",
            "--wait=false",
            "identitycenterinstance",
            &self.instance,
        ]);
    }
}

/// One condition of a status.
pub fn condition(status: &Value, kind: &str) -> Option<Value> {
    let conditions = status["conditions"].as_array()?;
    conditions.iter().find(|condition| condition["type"] == kind).cloned()
}

/// Status and reason of one condition.
#[track_caller]
pub fn stands(status: &Value, kind: &str) -> (String, String) {
    let found = condition(status, kind).unwrap_or_else(|| panic!("no {kind} in {status}"));
    (text(&found["status"]), text(&found["reason"]))
}

/// A string of a document.
#[track_caller]
pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("a string is expected, not {value}")).to_owned()
}

/// The accounts of a ledger record whose keys ended so.
pub fn ledger_accounts(ledger: &Value, outcome: &str) -> Vec<String> {
    let keys = ledger["spec"]["rollback"]["keys"].as_array().unwrap();
    let mut found: Vec<String> = keys
        .iter()
        .filter(|group| group["outcome"] == outcome)
        .flat_map(|group| group["accounts"].as_array().unwrap().iter().map(text))
        .collect();
    found.sort();
    found
}

fn merge(spec: &mut Value, more: &Value) {
    for (field, value) in more.as_object().unwrap() {
        spec[field] = value.clone();
    }
}
