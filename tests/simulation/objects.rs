//! What the harness reads out of objects and of calls to AWS.

use rollback_operator::model::{AssignmentKey, Key};
use serde_json::Value;

use super::aws::Arrival;

impl Arrival {
    /// What it is to change, and with which action of a plan.
    pub fn change(&self) -> Option<(Key, &'static str)> {
        let text = |name: &str| self.body[name].as_str().unwrap_or_default();
        let action = match self.operation.as_str() {
            "CreateAccountAssignment" => "CreateAssignment",
            "DeleteAccountAssignment" => "DeleteAssignment",
            "DeletePermissionSet" => {
                return Some((
                    Key::PermissionSet(text("PermissionSetArn").parse().ok()?),
                    "DeletePermissionSet",
                ));
            }
            _ => return None,
        };
        let key = AssignmentKey {
            account: text("TargetId").parse().ok()?,
            permission_set: text("PermissionSetArn").parse().ok()?,
            principal: serde_json::from_value(serde_json::json!({
                "type": text("PrincipalType"),
                "id": text("PrincipalId"),
            }))
            .ok()?,
        };
        Some((Key::Assignment(key), action))
    }
}

/// Whether a status says that an attempt is over.
pub fn is_terminal(status: &Value) -> bool {
    let terminal =
        ["Succeeded", "PartiallySucceeded", "Failed", "Cancelled", "Rejected", "AlreadyRolledBack"];
    terminal.iter().any(|phase| status["phase"] == *phase)
}

/// The journal of a Rollback, a letter for each item of its plan.
pub fn letters(object: &Value) -> Vec<char> {
    let shards = object["status"]["progress"]["shards"].as_array().cloned().unwrap_or_default();
    shards.iter().filter_map(Value::as_str).flat_map(str::chars).collect()
}

/// The key of a plan's item.
pub fn key_of(item: &Value) -> Option<Key> {
    let set = item["permissionSet"].as_str()?.parse().ok()?;
    if item["account"].is_null() {
        return Some(Key::PermissionSet(set));
    }
    let principal = serde_json::from_value(serde_json::json!({
        "type": item["principal"]["type"],
        "id": item["principal"]["id"],
    }))
    .ok()?;
    let account = item["account"].as_str()?.parse().ok()?;
    Some(Key::Assignment(AssignmentKey { account, permission_set: set, principal }))
}

/// Whether a plan's item is to make its key present.
pub fn is_goal(item: &Value) -> bool {
    item["action"] == "CreateAssignment"
}

pub fn is_ready(object: &Value) -> bool {
    let conditions = object["status"]["conditions"].as_array().cloned().unwrap_or_default();
    conditions.iter().any(|condition| condition["type"] == "Ready" && condition["status"] == "True")
}
