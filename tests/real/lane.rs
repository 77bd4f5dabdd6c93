//! One of the lanes in which the same undo is played again and again: an API server, a simulator,
//! and nothing left of the time before.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::api::Api;
use super::cluster::{TIME_SCALE, options, time_origin};
use super::seed::Identity;
use super::story::Story;
use super::support::{ControlPlane, Operator, OperatorOptions, Simulator, SimulatorOptions};

/// How many of them may be at work at once. The simulator would take ten.
const SLOTS: u64 = 6;
/// The name of every lane's instance.
pub const INSTANCE: &str = "instance";

/// An API server with the kinds, and a simulator.
pub struct Lane {
    pub api: Api,
    _control_plane: ControlPlane,
    account: PathBuf,
    pub simulator: Simulator,
    pub identity: Identity,
    /// Access on the first day.
    pub before: Value,
}

/// One undo in a lane.
pub struct Play<'a> {
    lane: &'a Lane,
    story: Story,
    name: String,
    starts: u32,
}

impl Lane {
    pub fn start(number: u32) -> Self {
        let control_plane = ControlPlane::start_without_controllers();
        control_plane.install_crds();
        let account = control_plane.install_operator_access();
        allow_every_lease(&control_plane);
        let identity = Identity::new(number);
        let arguments = vec!["--time-origin".to_owned(), time_origin().to_owned()];
        let simulator = Simulator::start(
            &identity.world(Story::ACCOUNTS).to_string(),
            &SimulatorOptions { time_scale: TIME_SCALE, arguments },
        );
        let before = simulator.access();
        let api = Api::new(control_plane.kubeconfig());
        Self { api, _control_plane: control_plane, account, simulator, identity, before }
    }

    /// A new namespace with an operation and its undo, an instance and a simulator as on their
    /// first day. No operator runs.
    pub fn play(&self, name: &str, story: Story) -> Play<'_> {
        self.simulator.reset();
        self.api.delete(&format!("/identitycenterinstances/{INSTANCE}"));
        let spec = json!({
            "instanceArn": self.identity.arn,
            "region": "us-east-1",
            "endpoint": self.simulator.url(),
            "allowedNamespaces": [name],
            "limits": {"outstandingRequests": SLOTS},
        });
        self.api.create("", "IdentityCenterInstance", INSTANCE, &spec);
        self.api.create_namespace(name);
        let record = story.begin(self, name);
        let undo = json!({"operations": {"names": [record]}});
        self.api.create(&format!("/namespaces/{name}"), "Rollback", "undo", &undo);
        Play { lane: self, story, name: name.to_owned(), starts: 0 }
    }

    /// Writes a record.
    pub fn record(&self, namespace: &str, name: &str, spec: &Value) {
        self.api.create(&format!("/namespaces/{namespace}"), "OperationRecord", name, spec);
    }
}

/// Each start has a lease of its own name; the role is for the one of the chart.
fn allow_every_lease(control_plane: &ControlPlane) {
    let create = |arguments: &[&str]| {
        let fixed = ["create", "--namespace", "rollback-system"];
        control_plane.kubectl(&[&fixed, arguments].concat()).succeeded();
    };
    let leases = "--resource=leases.coordination.k8s.io";
    create(&["role", "every-lease", "--verb=get,update", leases]);
    let operator = "--serviceaccount=rollback-system:rollback-operator";
    create(&["rolebinding", "every-lease", "--role=every-lease", operator]);
}

impl Play<'_> {
    /// Starts an operator for this undo alone. Each start has a lease of its own: nobody waits here
    /// until the lease of the dead has run out.
    pub fn operator(&mut self, environment: &[(&str, &str)]) -> Operator {
        self.starts += 1;
        let lease = format!("--lease-name={}-{}", self.name, self.starts);
        let flags = ["--watch-namespace", &self.name, &lease, "--admin-address=127.0.0.1:0"];
        let environment = environment.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect();
        let options = options(self.lane.account.clone(), TIME_SCALE, &flags);
        Operator::launch(OperatorOptions { environment, ..options })
    }

    /// The Rollback as it is. Its plan is approved if it waits for that.
    pub fn look(&self) -> Value {
        let path = format!("/namespaces/{}/rollbacks/undo", self.name);
        let undo = self.lane.api.get(&path);
        let status = &undo["status"];
        let digest = &status["plan"]["digest"];
        if status["phase"] == "AwaitingApproval" && undo["spec"]["approval"]["plan"] != *digest {
            self.lane.api.patch(&path, &json!({"spec": {"approval": {"plan": digest}}}));
        }
        undo
    }

    /// Everything that is wrong once it is over.
    pub fn judge(&self, undo: &Value) -> Vec<String> {
        let mut wrong = Vec::new();
        let mut hold = |holds: bool, what: String| {
            if !holds {
                wrong.push(what);
            }
        };
        let simulator = &self.lane.simulator;
        let counters = simulator.counters();
        for counted in ["effective", "accepted"] {
            // The parts of a permission set may be put in place again: that changes nothing.
            let keys = counters[counted].as_object().unwrap().iter();
            let keys: Vec<_> = keys.filter(|(key, _)| !key.ends_with(" content")).collect();
            let once =
                keys.len() == self.story.keys() && keys.iter().all(|(_, times)| **times == 1);
            hold(once, format!("not each key once in {counted}: {}", counters[counted]));
        }
        let peak = counters["peakOutstanding"].as_u64().unwrap();
        hold(peak <= SLOTS, format!("{peak} requests at work, more than {SLOTS}"));

        let ready = super::place::condition(&undo["status"], "Ready");
        hold(ready.is_some_and(|ready| ready["status"] == "True"), "it is not ready".to_owned());
        let display = &undo["status"]["progress"]["display"];
        let keys = self.story.keys();
        hold(*display == format!("{keys}/{keys}"), format!("the progress is {display}"));
        let records = self.lane.api.get(&format!("/namespaces/{}/operationrecords", self.name));
        let ledgers: Vec<&Value> = records["items"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|record| record["spec"]["rollback"]["by"]["name"] == "undo")
            .collect();
        let [ledger] = *ledgers else {
            wrong.push(format!("{} ledgers", ledgers.len()));
            return wrong;
        };
        let entries = ledger["spec"]["rollback"]["keys"].as_array().unwrap();
        let all_verified = entries.iter().all(|entry| entry["outcome"] == "Verified");
        let sizes = entries.iter().map(|entry| entry["accounts"].as_array().map_or(1, Vec::len));
        hold(all_verified && sizes.sum::<usize>() == keys, format!("the ledger has {entries:?}"));
        hold(
            undo["status"]["ledger"] == ledger["metadata"]["name"],
            "the status names another ledger".to_owned(),
        );
        wrong.extend(self.story.judge(self.lane, undo, ledger));
        wrong
    }
}
