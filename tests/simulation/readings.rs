//! What the reads of operators showed: of each key, when a whole list that had it began, and when
//! one that had it not.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use rollback_operator::model::{AssignmentKey, Key};
use rollback_operator::sim::Response;
use serde_json::{Value, json};

use super::aws::Arrival;

/// One list, from its first page on.
#[derive(Debug, Clone)]
struct List {
    begun: Timestamp,
    found: BTreeSet<Key>,
}

#[derive(Debug, Default)]
pub struct Readings {
    /// Lists of which another page is due, by what asks for it.
    unfinished: BTreeMap<String, List>,
    /// When the last read began that showed a key present, or absent.
    seen: BTreeMap<(Key, bool), Timestamp>,
}

impl Readings {
    /// Takes in what AWS answered to a request; `keys` are those that matter.
    pub fn answered(&mut self, arrival: &Arrival, reply: &Response, keys: &[Key]) {
        // What is missing is found out by an error: the permission set, and so what rests on it.
        let missing = reply.error.as_deref() == Some("ResourceNotFoundException");
        if reply.dropped || (reply.error.is_some() && !missing) {
            return;
        }
        let shown = || keys.iter().filter(|key| shows(arrival, key));
        if missing || arrival.operation == "DescribePermissionSet" {
            for key in shown() {
                self.saw(key.clone(), !missing, arrival.at);
            }
            return;
        }
        if !is_list(arrival) {
            return;
        }
        let answer: Value = serde_json::from_str(&reply.body).unwrap_or_default();
        let mut list = match arrival.body["NextToken"].as_str() {
            None => List { begun: arrival.at, found: BTreeSet::new() },
            Some(token) => match self.unfinished.get(token) {
                Some(list) => list.clone(),
                None => return,
            },
        };
        let rows = answer["AccountAssignments"].as_array().cloned().unwrap_or_default();
        list.found.extend(rows.iter().filter_map(key_of_row));
        if let Some(token) = answer["NextToken"].as_str() {
            self.unfinished.insert(token.to_owned(), list);
            return;
        }
        for key in shown() {
            self.saw(key.clone(), list.found.contains(key), list.begun);
        }
    }

    fn saw(&mut self, key: Key, present: bool, begun: Timestamp) {
        let last = self.seen.entry((key, present)).or_insert(begun);
        *last = begun.max(*last);
    }

    /// When the last whole read began that showed a key present, or absent.
    pub fn last(&self, key: &Key, present: bool) -> Option<Timestamp> {
        self.seen.get(&(key.clone(), present)).copied()
    }
}

fn is_list(arrival: &Arrival) -> bool {
    ["ListAccountAssignments", "ListAccountAssignmentsForPrincipal"]
        .contains(&arrival.operation.as_str())
}

/// Whether a read shows the state of a key.
fn shows(arrival: &Arrival, key: &Key) -> bool {
    let names = |field: &str, value: &str| arrival.body[field] == value;
    match (arrival.operation.as_str(), key) {
        ("DescribePermissionSet", Key::PermissionSet(set)) => {
            names("PermissionSetArn", set.as_str())
        }
        ("ListAccountAssignments", Key::Assignment(key)) => {
            names("AccountId", key.account.as_str())
                && names("PermissionSetArn", key.permission_set.as_str())
        }
        ("ListAccountAssignmentsForPrincipal", Key::Assignment(key)) => {
            names("PrincipalId", key.principal.id.as_str())
        }
        _ => false,
    }
}

fn key_of_row(row: &Value) -> Option<Key> {
    let principal = json!({"type": row["PrincipalType"], "id": row["PrincipalId"]});
    Some(Key::Assignment(AssignmentKey {
        account: row["AccountId"].as_str()?.parse().ok()?,
        permission_set: row["PermissionSetArn"].as_str()?.parse().ok()?,
        principal: serde_json::from_value(principal).ok()?,
    }))
}
