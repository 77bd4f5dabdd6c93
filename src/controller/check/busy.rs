//! Whether anything would be left half done if the operator went away now.

use kube::api::{Api, ListParams};
use kube::core::DeserializeGuard;
use kube::{Client, ResourceExt};

use super::CheckError;
use crate::api::Rollback;
use crate::cluster::rollbacks::has_finalizer;
use crate::controller::take_up::is_executing;

/// Rollbacks are listed in pages of so many.
const PAGE: u32 = 500;

pub(super) async fn check(client: &Client) -> Result<String, CheckError> {
    let api: Api<DeserializeGuard<Rollback>> = Api::all(client.clone());
    let mut parameters = ListParams::default().limit(PAGE);
    let mut names = Vec::new();
    let mut seen = 0;
    loop {
        let page = match api.list(&parameters).await {
            Ok(page) => page,
            Err(kube::Error::Api(status)) if status.code == 404 => {
                return Ok("the kind Rollback is not installed, so none is at work".to_owned());
            }
            Err(error) => return Err(error.into()),
        };
        seen += page.items.len();
        names.extend(page.items.into_iter().filter(is_at_work).map(|rollback| {
            format!("{}/{}", rollback.namespace().unwrap_or_default(), rollback.name_any())
        }));
        match page.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => parameters = parameters.continue_token(&token),
            None => break,
        }
    }
    if names.is_empty() {
        return Ok(format!("none of {seen} Rollbacks is at work"));
    }
    names.sort();
    Err(CheckError::Busy { names })
}

/// One that cannot be read is at work where it has not let go of its object.
fn is_at_work(guarded: &DeserializeGuard<Rollback>) -> bool {
    match &guarded.0 {
        Ok(rollback) => is_busy(rollback),
        Err(_) => has_finalizer(guarded),
    }
}

/// Whether a Rollback has changes at work, or may have made some that its ledger does not tell of
/// yet. That is so too while it is suspended, and nobody would be there to end it.
fn is_busy(rollback: &Rollback) -> bool {
    let mut entries = rollback.status.iter().flat_map(|status| &status.in_flight);
    entries.any(|entry| entry.ended_at.is_none()) || is_executing(rollback)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::api::FINALIZER;

    fn rollback(spec: &Value, status: &Value) -> Rollback {
        let mut object = json!({
            "apiVersion": "identitycenter.dev/v1alpha1", "kind": "Rollback",
            "metadata": {"name": "undo", "namespace": "access"},
            "spec": {"operations": {"names": ["assign"]}},
            "status": status,
        });
        object["spec"]["suspend"] = spec.clone();
        serde_json::from_value(object).unwrap()
    }

    #[test]
    fn one_that_cannot_be_read_is_at_work_until_it_is_let_go_of() {
        for (finalizers, expected) in [(json!([FINALIZER]), true), (json!([]), false)] {
            let object = json!({
                "apiVersion": "identitycenter.dev/v1alpha1", "kind": "Rollback",
                "metadata": {"name": "undo", "namespace": "access", "finalizers": finalizers},
                "spec": {"attempt": "first"},
            });
            let guarded: DeserializeGuard<Rollback> = serde_json::from_value(object).unwrap();
            assert!(guarded.0.is_err());
            assert_eq!(is_at_work(&guarded), expected, "{finalizers}");
        }
    }

    #[test]
    fn what_has_begun_is_busy_until_it_is_over() {
        let at_work = json!([{"item": 0, "action": "DeleteAssignment", "intentAt": "2026-01-01T00:00:00Z", "firstAt": "2026-01-01T00:00:00Z", "attempt": 1}]);
        for (suspend, status, busy) in [
            (false, json!({"phase": "AwaitingApproval"}), false),
            (false, json!({"phase": "Executing"}), true),
            (false, json!({"phase": "Verifying"}), true),
            (true, json!({"phase": "Executing"}), true),
            (true, json!({"phase": "AwaitingApproval"}), false),
            (true, json!({"phase": "Executing", "inFlight": at_work}), true),
            (false, json!({"phase": "Succeeded"}), false),
        ] {
            let found = is_busy(&rollback(&json!(suspend), &status));
            assert_eq!(found, busy, "suspend {suspend}, {status}");
        }
    }
}
