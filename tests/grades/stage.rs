//! A simulator in which operations are done, recorded and undone.

use std::collections::BTreeSet;
use std::time::Duration;

use aws_sdk_ssoadmin::config::{Credentials, SharedCredentialsProvider};
use jiff::Timestamp;
use rollback_operator::api::plan::{Disposition, PlanItem};
use rollback_operator::api::{IdentityCenterInstanceSpec, OperationRecordSpec};
use rollback_operator::aws::{
    Client, ConnectOptions, Direction, Gate, GateOptions, Priority, RequestState,
};
use rollback_operator::controller::instance_handle::{Facts, InstanceHandle};
use rollback_operator::controller::{access, live};
use rollback_operator::engine::creation;
use rollback_operator::model::{ActionKind, AssignmentKey, Key, PermissionSetArn};
use rollback_operator::plan::{self, Intent, Plan, Record, Replacements, Request};
use rollback_operator::runtime::Clock;
use rollback_operator::sim::Seed;
use rollback_operator::sim::http::{Options, Server};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

const INSTANCE: &str = "arn:aws:sso:::instance/ssoins-0123456789abcdef";
/// How much faster than life the simulator lives.
const SCALE: f64 = 20.0;

/// Two accounts, three users, a group of one of them, and two sets of which Read has a role in the
/// first account.
const WORLD: &str = r#"
organization: {id: o-test000001, managementAccount: "111111111111"}
accounts:
- {id: "111111111111", name: management}
- {id: "222222222222", name: one}
- {id: "333333333333", name: two}
callers:
- {accessKeyId: DELEGATE, account: "222222222222"}
instances:
- arn: arn:aws:sso:::instance/ssoins-0123456789abcdef
  region: eu-west-1
  identityStoreId: d-0123456789
  ownerAccount: "111111111111"
  delegatedAdministrators: ["222222222222"]
  users:
  - {userName: alice, id: 00000000-0000-4000-8000-000000000001}
  - {userName: bob, id: 00000000-0000-4000-8000-000000000002}
  - {userName: carol, id: 00000000-0000-4000-8000-000000000003}
  groups:
  - {displayName: Team, id: 00000000-0000-4000-8000-00000000000a, members: [carol]}
  permissionSets:
  - name: Read
    arn: arn:aws:sso:::permissionSet/ssoins-0123456789abcdef/ps-aaaaaaaaaaaaaaaa
    sessionDuration: PT1H
    managedPolicies: ["arn:aws:iam::aws:policy/ReadOnlyAccess"]
  - name: Write
    arn: arn:aws:sso:::permissionSet/ssoins-0123456789abcdef/ps-bbbbbbbbbbbbbbbb
    sessionDuration: PT2H
    inlinePolicy: '{"Version": "2012-10-17", "Statement": []}'
  assignments:
  - {permissionSet: Read, user: bob, accounts: [one]}
  - {permissionSet: Write, user: bob, accounts: [one]}
settings: {latency: {create: 1s, delete: 1s}, limits: {requestsPerSecond: 0}}
"#;

/// A simulator in which operations are done, recorded and undone.
pub struct Stage {
    server: Server,
    clock: Clock,
    client: Client,
    handle: InstanceHandle,
    pub records: Vec<Record>,
}

/// The id of a permission set: by its letter, `a` for Read and `b` for Write.
pub fn set(letter: char) -> PermissionSetArn {
    let id: String = std::iter::repeat_n(letter, 16).collect();
    format!("arn:aws:sso:::permissionSet/ssoins-0123456789abcdef/ps-{id}").parse().unwrap()
}

/// An assignment: `alice a 1` is alice's of Read in the first account.
pub fn key(text: &str) -> AssignmentKey {
    let words: Vec<&str> = text.split(' ').collect();
    let [who, letter, account] = words[..] else { panic!("{text}") };
    let (kind, id) = match who {
        "alice" => ("USER", "1"),
        "bob" => ("USER", "2"),
        "carol" => ("USER", "3"),
        "Team" => ("GROUP", "a"),
        _ => panic!("{text}"),
    };
    let account =
        ["111111111111", "222222222222", "333333333333"][account.parse::<usize>().unwrap()];
    serde_json::from_value(json!({
        "account": account,
        "permission_set": set(letter.chars().next().unwrap()),
        "principal": {"type": kind, "id": format!("00000000-0000-4000-8000-{id:0>12}")},
    }))
    .unwrap()
}

impl Stage {
    pub async fn new(delegate: bool) -> Self {
        let mut options = Options::new(Seed::from_yaml(WORLD).unwrap());
        options.time_scale = SCALE;
        let server = Server::local(options).await.unwrap();
        let clock = Clock::scaled(SCALE);
        let caller = if delegate { "DELEGATE" } else { "MANAGEMENT" };
        let (client, _) = connect(&server, clock, "MANAGEMENT").await;
        let (own, gate) = connect(&server, clock, caller).await;
        let spec: IdentityCenterInstanceSpec =
            serde_json::from_value(json!({"instanceArn": INSTANCE, "region": "eu-west-1"}))
                .unwrap();
        let facts = Facts {
            identity_store: "d-0123456789".parse().unwrap(),
            owner_account: "111111111111".parse().ok(),
            delegated_administrator: delegate,
            caller: None,
        };
        let stop = CancellationToken::new();
        let now = Timestamp::UNIX_EPOCH;
        let handle = InstanceHandle::new("main".into(), spec, own, gate, facts, now, stop);
        Self { server, clock, client, handle, records: Vec::new() }
    }

    /// Does something to assignments, as the operation does or as somebody else.
    pub async fn does(&self, grants: bool, keys: &[&str]) {
        for key in keys {
            self.write(grants, &self::key(key)).await;
        }
    }

    async fn write(&self, grants: bool, key: &AssignmentKey) {
        let (way, accepted) = if grants {
            (Direction::Create, self.client.create_assignment(key).await.unwrap())
        } else {
            (Direction::Delete, self.client.delete_assignment(key).await.unwrap())
        };
        loop {
            let found = self.client.describe_request(way, &accepted.request_id).await.unwrap();
            if found.unwrap().state != RequestState::InProgress {
                return;
            }
            self.clock.sleep(Duration::from_millis(500)).await;
        }
    }

    /// Makes a permission set with the content of Write; gives its ARN.
    pub async fn clones(&self) -> PermissionSetArn {
        let (_, content) = self.client.permission_set_content(&set('b')).await.unwrap().unwrap();
        self.client.create_permission_set("Clone", &content).await.unwrap()
    }

    /// Gives an assignment through a set by its ARN.
    pub async fn grants_through(&self, arn: &PermissionSetArn, key: &str) -> AssignmentKey {
        let key = AssignmentKey { permission_set: arn.clone(), ..self::key(key) };
        self.write(true, &key).await;
        key
    }

    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Anything else that happens, by the simulator's own address for it or an operation of AWS.
    pub async fn happens(&self, change: &Value) {
        let yaml = change.to_string();
        let reply = http::Client::new(self.server.address()).post("/_sim/changes", "", &yaml).await;
        assert!(reply.unwrap().status < 300);
    }

    /// One call of AWS that the adapter does not make.
    pub async fn calls(&self, target: &str, input: &Value) {
        let reply = http::Client::new(self.server.address());
        let reply = reply.post("/", target, &input.to_string()).await.unwrap();
        assert!(reply.status < 300, "{}", reply.body);
    }

    /// Everything that AWS holds, but for times.
    pub async fn everything(&self) -> Value {
        let mut state = self.state("/_sim/state?format=json").await;
        for list in ["permissionSets", "users", "groups"] {
            let things = state["instances"][0][list].as_array_mut();
            for thing in things.into_iter().flatten() {
                thing.as_object_mut().unwrap().remove("created");
            }
        }
        state["instances"].take()
    }

    /// Who has access to what, whatever ARNs, roles and our own tag look like.
    pub async fn access(&self) -> Value {
        let mut state = self.state("/_sim/state?view=access&format=json").await;
        for set in state["instances"][0]["permissionSets"].as_array_mut().into_iter().flatten() {
            let set = set.as_object_mut().unwrap();
            set.remove("arn");
            let tags = set.remove("tags").unwrap_or_default();
            let mut tags = tags.as_object().cloned().unwrap_or_default();
            tags.remove("identitycenter.dev/rollback");
            set.insert("tags".to_owned(), tags.into());
        }
        state["instances"].take()
    }

    async fn state(&self, path: &str) -> Value {
        http::Client::new(self.server.address()).get(path).await.json()
    }

    /// Records what was done.
    pub fn record(&mut self, kind: &str, entries: &[(&str, &str, AssignmentKey)], more: &Value) {
        let changes: Vec<Value> = entries
            .iter()
            .map(|(effect, before, key)| {
                json!({
                    "effect": effect, "before": before, "principal": key.principal,
                    "permissionSet": key.permission_set, "accounts": [key.account],
                })
            })
            .collect();
        let number = self.records.len();
        let mut spec = json!({
            "instance": "main", "type": kind,
            "occurredAt": format!("2026-01-01T{number:02}:00:00Z"),
            "source": {"tool": "awsideman", "id": format!("{number}")},
            "changes": changes,
        });
        for (member, value) in more.as_object().into_iter().flatten() {
            spec[member] = value.clone();
        }
        self.keep(serde_json::from_value(spec).unwrap());
    }

    fn keep(&mut self, spec: OperationRecordSpec) {
        let name = format!("record-{}", self.records.len());
        let digest = plan::record_digest(&spec);
        self.records.push(Record { namespace: "access".into(), name, created: None, digest, spec });
    }

    /// The plan of undoing the records of these numbers.
    pub async fn plan(&self, selected: &[usize]) -> Plan {
        let selected: Vec<Record> =
            selected.iter().map(|number| self.records[*number].clone()).collect();
        let references: Vec<&Record> = selected.iter().collect();
        let touched = plan::touched(&references, &Replacements::of(&self.records));
        let specs: Vec<_> = selected.iter().map(|record| record.spec.clone()).collect();
        let live =
            live::read(&self.handle, &touched, &specs, "uid", self.clock.now()).await.unwrap();
        let spec = self.handle.spec();
        let proposal = plan::propose(&Request {
            instance: "main",
            instance_arn: &spec.instance_arn,
            records: &self.records,
            selected: &selected,
            policy: &spec.policy,
            live: &live,
            intent: Intent::default(),
            accept: &[],
        })
        .unwrap();
        let access = access::read(&self.handle, &proposal, &live, BTreeSet::new()).await.unwrap();
        proposal.plan(&access).unwrap()
    }

    /// Does what a plan says, and keeps its ledger.
    pub async fn execute(&mut self, plan: &Plan, selected: &[usize]) {
        let mut created: Option<(PermissionSetArn, PermissionSetArn)> = None;
        let acting = |item: &&PlanItem| item.disposition == Disposition::Act;
        for item in plan.items.iter().filter(acting) {
            let aws = self.handle.aws(Priority::Mutation);
            match (item.action, item.key()) {
                (ActionKind::CreatePermissionSet, Key::PermissionSet(old)) => {
                    let content =
                        creation::content(item.content.as_ref().unwrap(), &creation::tag("uid"));
                    let name = item.permission_set_name.as_deref().unwrap();
                    created = Some((old, aws.create_permission_set(name, &content).await.unwrap()));
                }
                (ActionKind::DeletePermissionSet, Key::PermissionSet(set)) => {
                    aws.delete_permission_set(&set).await.unwrap();
                }
                (action, Key::Assignment(mut key)) => {
                    if let Some((old, new)) =
                        created.as_ref().filter(|(old, _)| *old == key.permission_set)
                    {
                        assert_ne!(old, new);
                        key.permission_set = new.clone();
                    }
                    self.write(action == ActionKind::CreateAssignment, &key).await;
                }
                other => panic!("{other:?}"),
            }
        }
        self.keep_ledger(plan, selected, created.as_ref());
    }

    fn keep_ledger(
        &mut self,
        plan: &Plan,
        selected: &[usize],
        created: Option<&(PermissionSetArn, PermissionSetArn)>,
    ) {
        let keys: Vec<Value> = plan
            .items
            .iter()
            .map(|item| {
                let outcome = match item.disposition {
                    Disposition::Act => "Verified",
                    other => return json!({"skip": format!("{other:?}")}),
                };
                json!({
                    "permissionSet": item.permission_set, "principal": item.principal,
                    "accounts": item.account.iter().collect::<BTreeSet<_>>(),
                    "before": item.live, "goal": item.goal(), "outcome": outcome,
                })
            })
            .filter(|keys| keys.get("skip").is_none())
            .collect();
        let sets = |wanted: ActionKind| -> Vec<Value> {
            let of_sets = plan.items.iter().filter(|item| item.action == wanted);
            of_sets
                .map(|item| {
                    let mut set = json!({
                        "arn": item.permission_set, "name": item.permission_set_name, "content": item.content,
                    });
                    if let Some((old, new)) = created.as_ref().filter(|_| wanted == ActionKind::CreatePermissionSet) {
                        (set["arn"], set["replaces"]) = (json!(new), json!(old));
                        let content = creation::content(item.content.as_ref().unwrap(), &creation::tag("uid"));
                        set["content"] = json!(content);
                    }
                    set
                })
                .collect()
        };
        let undone: Vec<Value> = selected
            .iter()
            .map(|number| {
                let record = &self.records[*number];
                json!({"name": record.name, "source": record.spec.source, "digest": record.digest})
            })
            .collect();
        let number = self.records.len();
        let ledger = json!({
            "instance": "main", "type": "Rollback",
            "occurredAt": format!("2026-01-01T{number:02}:00:00Z"),
            "source": {"tool": "rollback-operator", "id": format!("{number}")},
            "rollback": {
                "by": {"namespace": "access", "name": "undo", "uid": "uid"},
                "attempt": 1, "outcome": "Succeeded", "undone": undone, "keys": keys,
                "deletedPermissionSets": sets(ActionKind::DeletePermissionSet),
                "createdPermissionSets": sets(ActionKind::CreatePermissionSet),
                "finishedAt": format!("2026-01-01T{number:02}:00:00Z"),
            },
        });
        self.keep(serde_json::from_value(ledger).unwrap());
    }
}

#[allow(dead_code, reason = "shared with the tests of the simulator")]
#[path = "../simulator/client.rs"]
mod http;

async fn connect(server: &Server, clock: Clock, access_key: &str) -> (Client, Gate) {
    let gate = Gate::new(GateOptions {
        request_timeout: Duration::from_mins(2),
        ..GateOptions::new(clock)
    });
    let mut options = ConnectOptions::new(INSTANCE.parse().unwrap(), "eu-west-1");
    options.endpoint = Some(server.url());
    let credentials = Credentials::new(access_key, "secret", None, None, "tests");
    let identity = SharedCredentialsProvider::new(credentials);
    let client = Client::connect_as(options, &gate, Some(identity)).await;
    (client, gate)
}
