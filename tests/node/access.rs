//! The simulated Identity Center in its pod, and undos of what was done there.

use std::cell::Cell;

use serde_json::{Value, json};

use super::PATIENCE;
use super::release::{ACCESS, ACCOUNTS, NAME, Release};
use super::support::seed::{ALICE, accounts, alice_in};
use super::support::{Node, wait_for};

/// The instance that the chart's playground makes.
const INSTANCE: &str = "simulator";

/// The instance and the namespace of its Rollbacks.
pub struct Access<'a> {
    release: &'a Release<'a>,
    undone: Cell<usize>,
}

impl<'a> Access<'a> {
    /// Waits until the operator has the instance.
    #[track_caller]
    pub fn new(release: &'a Release<'a>) -> Self {
        let access = Self { release, undone: Cell::new(0) };
        let ready = ["wait", "--for=condition=Ready", "--timeout=60s", "idc", INSTANCE];
        wait_for("the instance to be ready", PATIENCE, || {
            access.node().kubectl(&ready).ok.then_some(())
        });
        access
    }

    fn node(&self) -> &Node {
        self.release.node
    }

    fn simulator(&self, path: &str) -> Value {
        let text = self.release.read("services", &format!("{NAME}-simulator"), path);
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{path}: {error}\n{text}"))
    }

    fn simulate(&self, path: &str, body: &Value) {
        self.release.post("services", &format!("{NAME}-simulator"), path, body);
    }

    fn create(&self, kind: &str, name: &str, spec: &Value) {
        let object = json!({
            "apiVersion": "identitycenter.dev/v1alpha1",
            "kind": kind,
            "metadata": {"name": name, "namespace": ACCESS},
            "spec": spec,
        });
        self.node().kubectl_with(&["create", "-f", "-"], &object.to_string()).succeeded();
    }

    /// Somebody gives alice access in all accounts, it is recorded, and its undo is approved. A change
    /// takes so many seconds in AWS.
    #[track_caller]
    pub fn begin(&self, name: &str, seconds: u32) {
        let (latency, all) = (format!("{seconds}s"), accounts(1..=ACCOUNTS));
        let latency = json!({"latency": {"create": latency, "delete": latency}});
        self.simulate("/_sim/settings", &latency);
        self.simulate("/_sim/changes", &json!({"grant": alice_in(&all)}));
        let record = format!("assign-{name}");
        self.create(
            "OperationRecord",
            &record,
            &json!({
                "instance": INSTANCE,
                "type": "Assign",
                "occurredAt": jiff::Timestamp::now(),
                "source": {"tool": "test", "id": record},
                "changes": [{
                    "effect": "Granted",
                    "principal": {"type": "USER", "id": ALICE},
                    "permissionSet": self.release.identity.read,
                    "accounts": all,
                    "before": "Absent",
                }],
            }),
        );
        self.create("Rollback", name, &json!({"operations": {"names": [record]}}));
        self.wait_phase(name, "AwaitingApproval");
        let plan = &self.status(name)["plan"]["digest"];
        let patch = json!({"spec": {"approval": {"plan": plan}}}).to_string();
        let arguments =
            ["--namespace", ACCESS, "patch", "rollback", name, "--type=merge", "--patch"];
        self.node().kubectl(&[&arguments[..], &[&patch]].concat()).succeeded();
    }

    /// The same, and waits until some keys are undone and most are not.
    #[track_caller]
    pub fn begin_slowly(&self, name: &str) {
        let before = self.changes();
        self.begin(name, 5);
        wait_for("the first keys to be undone", PATIENCE, || {
            (self.changes() >= before + 8).then_some(())
        });
    }

    /// Holds that not all keys are undone yet: what was done meanwhile came in the middle.
    #[track_caller]
    pub fn is_in_the_middle(&self, name: &str) {
        let phase = self.status(name)["phase"].clone();
        assert!(self.changes() < (self.undone.get() + 1) * ACCOUNTS, "all was over before");
        assert_eq!(phase, "Executing");
    }

    /// Waits until it has succeeded; then each key was changed once in effect.
    #[track_caller]
    pub fn finishes(&self, name: &str) {
        self.wait_phase(name, "Succeeded");
        let arguments = ["--namespace", ACCESS, "wait", "--for=condition=Ready", "--timeout=60s"];
        self.node().kubectl(&[&arguments[..], &["rollback", name]].concat()).succeeded();
        self.undone.set(self.undone.get() + 1);
        let counters = self.simulator("/_sim/counters");
        let effective = counters["effective"].as_object().unwrap();
        for account in accounts(1..=ACCOUNTS) {
            let key = self.release.identity.key(&account);
            assert_eq!(effective[&key], self.undone.get(), "changes of {key} in effect");
        }
        assert_eq!(effective.len(), ACCOUNTS, "keys that nobody asked for were changed");
        assert_eq!(self.ledgers(), self.undone.get(), "records of undos");
    }

    /// How many keys were changed in effect, all undos together.
    fn changes(&self) -> usize {
        let counters = self.simulator("/_sim/counters");
        let effective = counters["effective"].as_object().unwrap();
        effective.values().map(|times| usize::try_from(times.as_u64().unwrap()).unwrap()).sum()
    }

    /// How many records of undos there are.
    pub fn ledgers(&self) -> usize {
        self.count("operationrecords", &["--field-selector=spec.type=Rollback"])
    }

    /// How many Rollbacks there are.
    pub fn rollbacks(&self) -> usize {
        self.count("rollbacks", &[])
    }

    fn count(&self, kind: &str, more: &[&str]) -> usize {
        let found = self.node().get(&[&[kind, "--namespace", ACCESS], more].concat());
        found["items"].as_array().unwrap().len()
    }

    #[track_caller]
    fn status(&self, name: &str) -> Value {
        self.node().get(&["rollback", name, "--namespace", ACCESS])["status"].take()
    }

    #[track_caller]
    fn wait_phase(&self, name: &str, phase: &str) {
        let condition = format!("--for=jsonpath={{.status.phase}}={phase}");
        let arguments =
            ["--namespace", ACCESS, "wait", &condition, "--timeout=120s", "rollback", name];
        self.node().kubectl(&arguments).succeeded();
    }
}

impl Drop for Access<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let said =
                self.node().kubectl(&["--namespace", ACCESS, "get", "rollbacks", "-o", "yaml"]);
            eprintln!("--- the Rollbacks\n{}{}", said.stdout, said.stderr);
        }
    }
}
