use serde_json::json;

use super::*;

const SET: &str = "arn:aws:sso:::permissionSet/ssoins-0000000000000001/ps-0000000000000001";

fn guarded(name: &str, spec: &serde_json::Value) -> DeserializeGuard<OperationRecord> {
    let object = json!({
        "apiVersion": "identitycenter.dev/v1alpha1",
        "kind": "OperationRecord",
        "metadata": {"name": name, "namespace": "access"},
        "spec": spec,
    });
    serde_json::from_value(object).unwrap()
}

fn record(name: &str, account: u64) -> DeserializeGuard<OperationRecord> {
    let user = json!({"type": "USER", "id": "00000000-0000-4000-8000-000000000001"});
    let account = format!("{account:012}");
    guarded(
        name,
        &json!({
            "instance": "main",
            "type": "Assign",
            "occurredAt": "2026-01-05T10:00:00Z",
            "source": {"tool": "test", "id": name},
            "changes": [{
                "effect": "Granted", "principal": user, "permissionSet": SET,
                "accounts": [account], "before": "Absent",
            }],
        }),
    )
}

fn keys(guarded: &DeserializeGuard<OperationRecord>) -> BTreeSet<Key> {
    let mut keys = BTreeSet::new();
    plan::each_mention(&guarded.0.as_ref().unwrap().spec, &mut |mention| {
        if let Mention::Key(key) = mention {
            keys.insert(key.clone());
        }
    });
    keys
}

fn watched(events: Vec<Event<DeserializeGuard<OperationRecord>>>) -> RecordIndex {
    let index = RecordIndex::default();
    let scope = index.add_scope(None);
    for event in events {
        index.take_in(scope, &event);
    }
    index
}

fn found(names: &[&str], of: usize) -> Found {
    Found { names: names.iter().map(|name| (*name).to_owned()).collect(), of }
}

#[test]
fn records_are_found_by_their_keys() {
    let index = watched(vec![
        Event::Init,
        Event::InitApply(record("one", 1)),
        Event::InitApply(record("two", 2)),
        Event::InitDone,
        Event::Apply(record("again", 1)),
    ]);
    let first = keys(&record("", 1));
    assert_eq!(index.find("access", "main", &first), Some(found(&["again", "one"], 3)));
    assert_eq!(index.find("access", "other", &first), Some(found(&[], 3)));
    assert_eq!(index.find("elsewhere", "main", &first), Some(found(&[], 0)));
}

#[test]
fn what_is_deleted_or_listed_no_more_is_forgotten() {
    let seen = || {
        vec![
            Event::Init,
            Event::InitApply(record("one", 1)),
            Event::InitApply(record("two", 1)),
            Event::InitDone,
        ]
    };
    let first = keys(&record("", 1));
    let deleted = [seen(), vec![Event::Delete(record("one", 1))]].concat();
    assert_eq!(watched(deleted).find("access", "main", &first), Some(found(&["two"], 1)));
    let listed_again =
        [seen(), vec![Event::Init, Event::InitApply(record("two", 1)), Event::InitDone]];
    assert_eq!(
        watched(listed_again.concat()).find("access", "main", &first),
        Some(found(&["two"], 1))
    );
    let being_listed = [seen(), vec![Event::Init]].concat();
    assert_eq!(
        watched(being_listed).find("access", "main", &first),
        Some(found(&["one", "two"], 2))
    );
}

#[test]
fn nothing_is_known_before_all_was_seen_or_where_something_cannot_be_read() {
    let first = keys(&record("", 1));
    let incomplete = watched(vec![Event::Init, Event::InitApply(record("one", 1))]);
    assert_eq!(incomplete.find("access", "main", &first), None);
    assert!(incomplete.is_being_listed("access"));
    let bad = guarded("bad", &json!({"type": "Unheard"}));
    let index = watched(vec![Event::Init, Event::InitApply(bad.clone()), Event::InitDone]);
    assert_eq!(index.find("access", "main", &first), None);
    assert!(!index.is_being_listed("access"));
    index.take_in(0, &Event::Delete(bad));
    assert_eq!(index.find("access", "main", &first), Some(found(&[], 0)));
}

/// The policy may name a set that was deleted: a record through what stands for it has to lead there.
#[test]
fn a_ledger_is_found_by_the_set_that_stands_for_another() {
    let other = SET.replace("/ps-0", "/ps-9");
    let ledger = guarded(
        "redo",
        &json!({
            "instance": "main",
            "type": "Rollback",
            "occurredAt": "2026-01-05T10:00:00Z",
            "source": {"tool": "rollback-operator", "id": "redo"},
            "rollback": {
                "by": {"namespace": "access", "name": "redo", "uid": "1"}, "attempt": 1,
                "outcome": "Succeeded", "undone": [], "finishedAt": "2026-01-05T10:00:00Z",
                "createdPermissionSets": [{"arn": SET, "name": "Clone", "replaces": other}],
            },
        }),
    );
    let index = watched(vec![Event::Init, Event::InitApply(ledger), Event::InitDone]);
    let through = keys(&record("", 1));
    assert_eq!(index.find("access", "main", &through), Some(found(&["redo"], 1)));
}

#[test]
fn a_scope_of_one_namespace_knows_nothing_of_others() {
    let index = RecordIndex::default();
    let scope = index.add_scope(Some("access".to_owned()));
    for event in [Event::Init, Event::InitApply(record("one", 1)), Event::InitDone] {
        index.take_in(scope, &event);
    }
    let first = keys(&record("", 1));
    assert_eq!(index.find("access", "main", &first), Some(found(&["one"], 1)));
    assert_eq!(index.find("elsewhere", "main", &first), None);
    index.add_scope(Some("new".to_owned()));
    assert!(index.is_being_listed("new") && !index.is_being_listed("access"));
}

#[test]
fn a_set_that_replaces_another_is_found_by_the_keys_of_that() {
    let ledger = guarded(
        "ledger",
        &json!({
            "instance": "main",
            "type": "Rollback",
            "occurredAt": "2026-01-05T10:00:00Z",
            "source": {"tool": "rollback-operator", "id": "1"},
            "rollback": {
                "by": {"namespace": "access", "name": "redo", "uid": "1"},
                "attempt": 0,
                "outcome": "Succeeded",
                "undone": [],
                "keys": [],
                "finishedAt": "2026-01-05T11:00:00Z",
                "createdPermissionSets": [{
                    "arn": "arn:aws:sso:::permissionSet/ssoins-0000000000000001/ps-0000000000000009",
                    "name": "Copy",
                    "replaces": SET,
                }],
            },
        }),
    );
    if let Err(error) = &ledger.0 {
        panic!("{}", error.error);
    }
    let index = watched(vec![Event::Init, Event::InitApply(ledger), Event::InitDone]);
    let first = keys(&record("", 1));
    assert_eq!(index.find("access", "main", &first), Some(found(&["ledger"], 1)));
}

#[test]
fn what_grows_too_large_is_given_up() {
    let mut seen = Seen::default();
    seen.add(&record("one", 1));
    let one = seen.bytes;
    seen.add(&record("one", 1));
    assert_eq!(seen.bytes, one, "a record that is shown again takes no more");
    seen.remove(&record("one", 1));
    assert_eq!((seen.bytes, seen.namespaces.len()), (0, 0));

    let index = watched(vec![Event::Init, Event::InitDone]);
    index.lock()[0].seen.bytes = MOST_BYTES;
    index.take_in(0, &Event::Apply(record("one", 1)));
    let first = keys(&record("", 1));
    assert_eq!(index.find("access", "main", &first), None);
    index.take_in(0, &Event::InitDone);
    assert_eq!(index.find("access", "main", &first), None, "it stays given up");

    for event in [Event::Init, Event::InitApply(record("one", 1)), Event::InitDone] {
        index.take_in(0, &event);
    }
    assert_eq!(index.find("access", "main", &first), Some(found(&["one"], 1)), "it is listed anew");
}

/// Of what is remembered and what is listed again there is room for one.
#[test]
fn what_is_listed_again_takes_the_place_of_what_was_seen() {
    let index = watched(vec![Event::Init, Event::InitApply(record("old", 1)), Event::InitDone]);
    let first = keys(&record("", 1));
    index.take_in(0, &Event::Init);
    index.lock()[0].seen.bytes = MOST_BYTES;
    index.take_in(0, &Event::InitApply(record("new", 1)));
    assert_eq!(index.find("access", "main", &first), None);
    index.take_in(0, &Event::InitDone);
    assert_eq!(index.find("access", "main", &first), Some(found(&["new"], 1)));
}
