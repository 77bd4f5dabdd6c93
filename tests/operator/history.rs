//! A history of many operations by several actors, and what it leads to: a plain set of who has
//! access, computed apart from the code under test.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::place::text;
use super::seed::{ALICE, accounts};

/// Whose operations are undone.
pub const ACTOR: &str = "build-agent";
const COLLEAGUES: [&str; 2] = ["identity-team", "platform-team"];
const SETS: [&str; 3] = ["Read", "Audit", "Deploy"];
/// Users and groups: type, name, id.
const PRINCIPALS: [(&str, &str, &str); 4] = [
    ("USER", "alice", ALICE),
    ("USER", "bob", "00000000-0000-4000-8000-000000000002"),
    ("USER", "carol", "00000000-0000-4000-8000-000000000003"),
    ("GROUP", "Operators", "00000000-0000-4000-8000-000000000004"),
];
const TAGS: &str = "team=a";
const POLICY: &str = "arn:aws:iam::aws:policy/ReadOnlyAccess";

/// One assignment.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    pub account: String,
    pub set: String,
    pub principal: String,
}

/// Who has access, and which permission sets there are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct State {
    pub keys: BTreeSet<Key>,
    pub sets: BTreeSet<String>,
}

/// ARNs of permission sets by name.
pub type Clones = BTreeMap<String, String>;

struct Operation {
    name: String,
    actor: &'static str,
    minute: i64,
    kind: &'static str,
    granted: bool,
    keys: Vec<Key>,
    /// Which of the keys were there before.
    there: BTreeSet<Key>,
    clone: Option<String>,
}

/// What happened, in order.
pub struct History {
    start: State,
    operations: Vec<Operation>,
}

/// Numbers that look random and are always the same.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % end
    }

    fn of<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        &list[self.below(list.len())]
    }
}

impl History {
    /// An hour of the build agent with forty operations, from minute 10 on; before, meanwhile and
    /// afterwards others work, and so does the agent before and after.
    pub fn new() -> Self {
        let mut start = State { keys: BTreeSet::new(), sets: SETS.map(str::to_owned).into() };
        start.keys.extend(keys("Read", "bob", &accounts(1..=10)));
        start.keys.extend(keys("Audit", "Operators", &accounts(1..=5)));
        start.keys.extend(keys("Deploy", "carol", &accounts(3..=7)));
        let mut history = Self { start: start.clone(), operations: Vec::new() };
        let (mut now, mut numbers) = (start, Numbers(20));
        let mut clones: Vec<String> = Vec::new();
        let kinds = [
            "Assign",
            "Revoke",
            "Assign",
            "CopyAssignments",
            "Revoke",
            "Assign",
            "ClonePermissionSet",
            "Assign",
            "CopyAssignments",
            "Revoke",
        ];
        for minute in 0..80 {
            let in_window = (10..70).contains(&minute);
            let (actor, kind) = match (in_window, minute % 3) {
                // Two thirds of sixty minutes.
                (true, 0 | 1) => {
                    let done = history.operations.iter().filter(|it| it.is_of_the_incident());
                    (ACTOR, kinds[done.count() % kinds.len()])
                }
                (false, 0) => (ACTOR, *numbers.of(&["Assign", "Revoke"])),
                _ => (*numbers.of(&COLLEAGUES), *numbers.of(&["Assign", "Revoke"])),
            };
            let mut known: Vec<String> = SETS.map(str::to_owned).to_vec();
            if in_window && actor == ACTOR {
                // A set that is to be deleted must be nobody else's.
                known.extend(clones.clone());
            }
            let operation = Self::draw(minute, actor, kind, &known, &now, &mut numbers);
            clones.extend(operation.clone.clone());
            operation.apply(&mut now);
            history.operations.push(operation);
        }
        history
    }

    fn draw(
        minute: i64,
        actor: &'static str,
        kind: &'static str,
        sets: &[String],
        now: &State,
        numbers: &mut Numbers,
    ) -> Operation {
        let (_, principal, _) = *numbers.of(&PRINCIPALS);
        let set = numbers.of(sets).clone();
        let first = 1 + numbers.below(8);
        let some = keys(&set, principal, &accounts(first..=first + 2));
        let (keys, clone) = match kind {
            "CopyAssignments" => {
                let (_, from, _) = *numbers.of(&PRINCIPALS);
                let copied = now.keys.iter().filter(|key| key.principal == from);
                let copied = copied.filter(|key| sets.contains(&key.set)).take(6);
                let mut copied: Vec<Key> = copied
                    .map(|key| Key { principal: principal.to_owned(), ..key.clone() })
                    .collect();
                if copied.is_empty() {
                    copied = some;
                }
                (copied, None)
            }
            "ClonePermissionSet" => (Vec::new(), Some(format!("Clone-{minute}"))),
            _ => (some, None),
        };
        let there = keys.iter().filter(|key| now.keys.contains(*key)).cloned().collect();
        let name = format!("{}-{minute:02}", kind.to_lowercase());
        Operation { name, actor, minute, kind, granted: kind != "Revoke", keys, there, clone }
    }

    /// Where all of it leads.
    pub fn all(&self) -> State {
        self.replay(|_| true)
    }

    /// Where all but the incident leads.
    pub fn without_the_incident(&self) -> State {
        self.replay(|operation| !operation.is_of_the_incident())
    }

    fn replay(&self, happened: impl Fn(&Operation) -> bool) -> State {
        let mut state = self.start.clone();
        for operation in self.operations.iter().filter(|operation| happened(operation)) {
            operation.apply(&mut state);
        }
        state
    }

    /// When the incident began and ended.
    pub fn window() -> (String, String) {
        (at(10).to_string(), at(69).to_string())
    }

    /// The records of the incident.
    pub fn names_of_the_incident(&self) -> BTreeSet<String> {
        let incident = self.operations.iter().filter(|operation| operation.is_of_the_incident());
        incident.map(|operation| operation.name.clone()).collect()
    }

    /// Makes an instance of the simulator's seed hold a state. Gives the ARNs of all sets.
    pub fn write_into(instance: &mut Value, state: &State) -> Clones {
        let read = text(&instance["permissionSets"][0]["arn"]);
        let base = read.rsplit_once('/').unwrap().0;
        let mut arns = Clones::new();
        let sets = state.sets.iter().enumerate().map(|(number, name)| {
            let arn = format!("{base}/ps-{:016}", 1000 + number);
            arns.insert(name.clone(), arn.clone());
            json!({
                "name": name, "arn": arn, "description": format!("made as {name}"),
                "sessionDuration": "PT2H", "managedPolicies": [POLICY], "tags": {"team": "a"},
            })
        });
        instance["permissionSets"] = sets.collect();
        for (kind, name, id) in &PRINCIPALS[2..] {
            let (list, member) =
                if *kind == "USER" { ("users", "userName") } else { ("groups", "displayName") };
            let row = json!({member: name, "id": id});
            match instance[list].as_array_mut() {
                Some(rows) => rows.push(row),
                None => instance[list] = json!([row]),
            }
        }
        let rows = state.keys.iter().map(|key| {
            let (kind, ..) = principal(&key.principal);
            let member = if kind == "USER" { "user" } else { "group" };
            json!({"permissionSet": key.set, member: key.principal, "accounts": [key.account]})
        });
        instance["assignments"] = rows.collect();
        arns
    }

    /// A record of each operation, by name.
    pub fn records(&self, instance: &str, namespace: &str, sets: &Clones) -> Vec<(String, Value)> {
        let record = |operation: &Operation| {
            let record = json!({
                "instance": instance,
                "type": operation.kind,
                "actor": operation.actor,
                "occurredAt": at(operation.minute).to_string(),
                "source": {"tool": "test", "id": format!("{namespace}-{}", operation.name)},
                "changes": operation.changes(sets),
                "createdPermissionSet": operation.clone.as_ref().map(|name| json!({
                    "arn": sets[name], "name": name, "source": sets["Read"],
                    "content": {
                        "description": format!("made as {name}"), "sessionDuration": "PT2H",
                        "managedPolicies": [POLICY], "tags": [TAGS],
                    },
                })),
            });
            let given = record.as_object().unwrap().clone().into_iter();
            let given = given.filter(|(_, value)| !value.is_null());
            (operation.name.clone(), Value::Object(given.collect()))
        };
        self.operations.iter().map(record).collect()
    }
}

impl Operation {
    fn is_of_the_incident(&self) -> bool {
        self.actor == ACTOR && (10..70).contains(&self.minute)
    }

    fn apply(&self, state: &mut State) {
        state.sets.extend(self.clone.clone());
        for key in &self.keys {
            if self.granted {
                state.keys.insert(key.clone());
            } else {
                state.keys.remove(key);
            }
        }
    }

    /// One change for each key, with what was there before.
    fn changes(&self, sets: &Clones) -> Vec<Value> {
        let change = |key: &Key| {
            let (kind, _, id) = principal(&key.principal);
            json!({
                "effect": if self.granted { "Granted" } else { "Revoked" },
                "principal": {"type": kind, "id": id},
                "permissionSet": sets[&key.set],
                "accounts": [key.account],
                "before": if self.there.contains(key) { "Present" } else { "Absent" },
            })
        };
        self.keys.iter().map(change).collect()
    }
}

fn keys(set: &str, principal: &str, accounts: &[String]) -> Vec<Key> {
    let key = |account: &String| Key {
        account: account.clone(),
        set: set.to_owned(),
        principal: principal.to_owned(),
    };
    accounts.iter().map(key).collect()
}

fn principal(name: &str) -> (&'static str, &'static str, &'static str) {
    *PRINCIPALS.iter().find(|(_, known, _)| *known == name).unwrap()
}

fn at(minute: i64) -> Timestamp {
    "2026-01-05T10:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_mins(minute)
}
