//! The view on records whose undo was undone in turn: their keys are open again, until that is undone
//! too.

use jiff::Timestamp;
use kube::{Client, ResourceExt};

use crate::api::condition::{ConditionType, set_condition};
use crate::api::record::{LedgerOutcome, RecordRef};
use crate::api::rollback_status::Phase;
use crate::api::{OperationRecord, Reason};
use crate::cluster::records::{self, Named};
use crate::engine::conclusion::Conclusion;

/// How many undos of undos are followed.
const DEEPEST: usize = 16;

/// Shows on the records that a selected ledger undid what the attempt of another ledger made of them.
/// Like every view it may be left unwritten.
pub async fn show(
    client: &Client,
    selected: &OperationRecord,
    by: &OperationRecord,
    conclusion: &Conclusion,
    now: Timestamp,
) {
    let ledger = by.spec.rollback.as_ref();
    let wrote =
        ledger.is_some_and(|it| it.keys.iter().any(|keys| keys.outcome == LedgerOutcome::Verified));
    if !wrote {
        return;
    }
    let namespace = selected.namespace().unwrap_or_default();
    let entry = format!("{}/{}", by.namespace().unwrap_or_default(), by.name_any());
    let mut whole = conclusion.phase == Phase::Succeeded;
    let mut ledgers = vec![selected.clone()];
    for depth in 1..=DEEPEST {
        // What was undone in part is not closed by undoing its redo; of a redo a part is enough.
        whole = whole && (!depth.is_multiple_of(2) || ledgers.iter().all(is_whole));
        let undone = ledgers.iter().filter_map(|it| it.spec.rollback.as_ref());
        let undone: Vec<RecordRef> = undone.flat_map(|it| it.undone.clone()).collect();
        ledgers.clear();
        for reference in undone {
            let Ok(Named::Found(record)) = records::get(client, &namespace, &reference.name).await
            else {
                continue;
            };
            // The name may be another record's by now.
            if record.spec.source != reference.source {
                continue;
            }
            if let Some(rolled_back) = turned(depth, whole) {
                write(client, &record, rolled_back, &entry, now).await;
            }
            if record.spec.rollback.is_some() {
                ledgers.push(*record);
            }
        }
        if ledgers.is_empty() {
            return;
        }
    }
}

/// Whether a record this far below the one that is undone counts as rolled back now; none where that
/// cannot be said. What is put back in part is open; what is undone in part stays so.
fn turned(depth: usize, whole: bool) -> Option<bool> {
    let undone_again = depth.is_multiple_of(2);
    if undone_again { whole.then_some(true) } else { Some(false) }
}

fn is_whole(ledger: &OperationRecord) -> bool {
    let ended = ledger.spec.rollback.as_ref().map(|ledger| ledger.outcome.as_str());
    ended == Some(Phase::Succeeded.as_str())
}

async fn write(
    client: &Client,
    record: &OperationRecord,
    rolled_back: bool,
    entry: &str,
    now: Timestamp,
) {
    let mut view = record.status.clone().unwrap_or_default();
    let (reason, message) = if rolled_back {
        (Reason::Succeeded, format!("{entry}: what had put it back was undone"))
    } else {
        (Reason::Redone, format!("{entry}: what was undone was put back"))
    };
    let kind = ConditionType::RolledBack;
    set_condition(&mut view.conditions, kind, rolled_back, reason, &message, None, now);
    if let Err(error) = records::write_status(client, record, &view).await {
        tracing::warn!(%error, record = record.name_any(), "the view on a record was not written");
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::{Arc, Mutex};

    use http::{Method, Request, Response};
    use http_body_util::BodyExt as _;
    use kube::client::Body;
    use serde_json::{Value, json};
    use tower::service_fn;

    use super::*;

    type Objects = Arc<Mutex<BTreeMap<String, Value>>>;

    const SET: &str = "arn:aws:sso:::permissionSet/ssoins-grrwdwht9b3hswl7/ps-64rrohtnuu77rp8j";

    fn object(name: &str, spec: &Value) -> Value {
        json!({
            "apiVersion": "identitycenter.dev/v1alpha1",
            "kind": "OperationRecord",
            "metadata": {"name": name, "namespace": "access", "resourceVersion": "1"},
            "spec": spec,
        })
    }

    fn original(name: &str) -> Value {
        object(
            name,
            &json!({
                "instance": "main", "type": "Assign", "occurredAt": "2026-01-01T00:00:00Z",
                "source": {"tool": "t", "id": name},
            }),
        )
    }

    fn ledger(name: &str, undone: &str, phase: Phase) -> Value {
        let digest = format!("sha256:{}", "0".repeat(64));
        object(
            name,
            &json!({
                "instance": "main", "type": "Rollback", "occurredAt": "2026-01-01T00:00:00Z",
                "source": {"tool": "t", "id": name},
                "rollback": {
                    "by": {"namespace": "access", "name": name, "uid": name},
                    "attempt": 1,
                    "outcome": phase.as_str(),
                    "undone": [{"name": undone, "source": {"tool": "t", "id": undone}, "digest": digest}],
                    "keys": [{"permissionSet": SET, "before": "Present", "goal": "Absent", "outcome": "Verified"}],
                    "finishedAt": "2026-01-01T00:00:00Z",
                },
            }),
        )
    }

    fn cluster(objects: Vec<Value>) -> (Client, Objects) {
        let objects = objects.into_iter();
        let named = objects.map(|it| (it["metadata"]["name"].as_str().unwrap().to_owned(), it));
        let objects: Objects = Arc::new(Mutex::new(named.collect()));
        let held = Arc::clone(&objects);
        let service = service_fn(move |request: Request<Body>| {
            let objects = Arc::clone(&held);
            async move {
                let (parts, body) = request.into_parts();
                let body = body.collect().await.unwrap().to_bytes();
                let name = parts.uri.path().split('/').nth(7).unwrap().to_owned();
                let mut objects = objects.lock().unwrap();
                let object = objects.get_mut(&name).unwrap();
                if parts.method == Method::PATCH {
                    let patch: Value = serde_json::from_slice(&body).unwrap();
                    object["status"] = patch["status"].clone();
                }
                let answer = Body::from(serde_json::to_vec(object).unwrap());
                Ok::<_, std::convert::Infallible>(Response::new(answer))
            }
        });
        (Client::new(service, "access"), objects)
    }

    fn record(objects: &Objects, name: &str) -> OperationRecord {
        serde_json::from_value(objects.lock().unwrap()[name].clone()).unwrap()
    }

    /// Status and reason of the condition on a record.
    fn shown(objects: &Objects, name: &str) -> (String, String) {
        let condition = objects.lock().unwrap()[name]["status"]["conditions"][0].clone();
        let text = |member: &str| condition[member].as_str().unwrap_or_default().to_owned();
        (text("status"), text("reason"))
    }

    async fn finished(client: &Client, objects: &Objects, selected: &str, by: &str, phase: Phase) {
        let conclusion = Conclusion { phase, reason: Reason::Succeeded, message: String::new() };
        let (selected, by) = (record(objects, selected), record(objects, by));
        show(client, &selected, &by, &conclusion, Timestamp::UNIX_EPOCH).await;
    }

    fn is(status: &str, reason: &str) -> (String, String) {
        (status.to_owned(), reason.to_owned())
    }

    #[tokio::test]
    async fn a_redo_opens_the_records_and_its_undo_closes_them_again() {
        let whole = Phase::Succeeded;
        let (client, objects) = cluster(vec![
            original("assign"),
            ledger("undo", "assign", whole),
            ledger("redo", "undo", whole),
            ledger("again", "redo", whole),
        ]);
        finished(&client, &objects, "assign", "undo", whole).await;
        assert_eq!(shown(&objects, "assign"), is("", ""), "an original undid nothing");
        finished(&client, &objects, "undo", "redo", whole).await;
        assert_eq!(shown(&objects, "assign"), is("False", "Redone"));
        finished(&client, &objects, "redo", "again", whole).await;
        assert_eq!(shown(&objects, "undo"), is("False", "Redone"));
        assert_eq!(shown(&objects, "assign"), is("True", "Succeeded"));
    }

    #[tokio::test]
    async fn what_was_put_back_in_part_is_open_and_stays_so() {
        let (whole, part) = (Phase::Succeeded, Phase::PartiallySucceeded);
        let (client, objects) = cluster(vec![
            original("assign"),
            ledger("undo", "assign", whole),
            ledger("redo", "undo", part),
            ledger("again", "redo", part),
        ]);
        finished(&client, &objects, "undo", "redo", part).await;
        assert_eq!(shown(&objects, "assign"), is("False", "Redone"));
        finished(&client, &objects, "redo", "again", part).await;
        assert_eq!(shown(&objects, "assign"), is("False", "Redone"));
        finished(&client, &objects, "redo", "again", whole).await;
        assert_eq!(shown(&objects, "assign"), is("True", "Succeeded"));
    }

    #[tokio::test]
    async fn another_record_of_the_same_name_is_left_alone() {
        let (client, objects) = cluster(vec![
            original("assign"),
            ledger("undo", "assign", Phase::Succeeded),
            ledger("redo", "undo", Phase::Succeeded),
        ]);
        objects.lock().unwrap().get_mut("assign").unwrap()["spec"]["source"]["id"] = "b".into();
        finished(&client, &objects, "undo", "redo", Phase::Succeeded).await;
        assert_eq!(shown(&objects, "assign"), is("", ""));
    }
}
