use std::collections::BTreeSet;

use serde_json::json;

use super::*;
use crate::api::record::Precision;
use crate::model::Before;

const INSTANCE: &str = "arn:aws:sso:::instance/ssoins-grrwdwht9b3hswl7";
const SET: &str = "arn:aws:sso:::permissionSet/ssoins-grrwdwht9b3hswl7/ps-64rrohtnuu77rp8j";
const OTHER: &str = "arn:aws:sso:::permissionSet/ssoins-aaaaaaaaaaaaaaaa/ps-64rrohtnuu77rp8j";

fn operation(id: &str) -> Value {
    json!({
        "type": "Assign", "occurredAt": "2026-11-23T20:50:11Z", "actor": "alice",
        "source": {"tool": "portal", "id": id},
        "changes": [{
            "effect": "Granted", "permissionSet": SET,
            "principal": {"type": "USER", "id": "0f791059-3b41-4313-86da-59fa2cf217a7"},
            "accounts": ["061836611202", "592740528984"], "before": "Absent",
        }],
    })
}

fn read(text: &str) -> Report {
    read_in(text, None)
}

fn read_in(text: &str, zone: Option<&TimeZone>) -> Report {
    let arn: InstanceArn = INSTANCE.parse().unwrap();
    let instances = Instances::Known(BTreeMap::from([(arn, "main".to_owned())]));
    let mut operations = Operations::default();
    operations.add(&SourceFile::new("operations.jsonl", text), zone);
    operations.report(&instances)
}

fn refusal(operation: &Value) -> String {
    let report = read(&operation.to_string());
    assert_eq!((report.records.len(), report.refusals.len()), (0, 1), "{operation}");
    report.refusals[0].reason.clone()
}

#[test]
fn every_form_is_read() {
    let (a, b) = (operation("a"), operation("b"));
    for text in [
        format!("{a}\n{b}\n"),
        json!([a, b]).to_string(),
        json!({"operations": [a, b]}).to_string(),
        format!(r#"{{"version":1,"by":{{"type":"USER"}},"operations":[{a},{b}]}}"#),
        serde_json::to_string_pretty(&json!({"operations": [a, b]})).unwrap(),
    ] {
        let report = read(&text);
        assert!(report.is_complete(), "{text}: {report:?}");
        let names: Vec<&str> = report.records.iter().map(|it| it.name.as_str()).collect();
        assert_eq!(names, ["assign-a", "assign-b"], "{text}");
        let spec = &report.records[0].spec;
        assert_eq!((spec.instance.as_str(), spec.changes[0].before), ("main", Before::Absent));
    }
}

#[test]
fn what_is_written_is_read_as_it_was() {
    let clone = json!({
        "type": "ClonePermissionSet", "occurredAt": "2026-11-23T20:50:11.123456Z",
        "occurredAtPrecision": "Microsecond", "source": {"tool": "portal", "id": "c"},
        "reason": "a new team", "ticket": "SEC-1",
        "createdPermissionSet": {
            "arn": SET, "name": "Copy", "source": SET,
            "content": {"managedPolicies": ["arn:aws:iam::aws:policy/ReadOnlyAccess"]},
        },
        "failed": [{
            "effect": "Granted", "permissionSet": SET, "accounts": ["061836611202"],
            "principal": {"type": "GROUP", "id": "0f791059-3b41-4313-86da-59fa2cf217a7"},
            "message": "refused",
        }],
    });
    for operation in [operation("a"), clone] {
        let first = read(&operation.to_string());
        assert!(first.is_complete(), "{first:?}");
        let again = read(&written(&first.records[0].spec).to_string());
        assert_eq!(again.records[0].spec, first.records[0].spec);
    }
}

#[test]
fn what_cannot_be_trusted_is_refused_with_its_reason() {
    let change = |edit: fn(&mut Value)| {
        let mut operation = operation("a");
        edit(&mut operation);
        refusal(&operation)
    };
    for (edit, words) in [
        (
            (|it| it["changes"][0]["principle"] = json!("x")) as fn(&mut Value),
            "changes[0].principle",
        ),
        (|it| it["approvedBy"] = json!("x"), "approvedBy"),
        (|it| it["changes"] = json!([]), "it changes nothing"),
        (|it| it["type"] = json!("Grant"), "it is not an operation"),
        (|it| it["type"] = json!("Rollback"), "ledger"),
        (|it| it["source"]["id"] = json!("a b"), "cannot be written into a name"),
        (|it| it["source"]["tool"] = json!("a b"), "no name of a tool"),
        (|it| it["source"]["tool"] = json!("portal-"), "source.tool \"portal-\" is no name"),
        (|it| it["occurredAt"] = json!("2026-11-23T20:50:11"), "--timezone"),
        (|it| it["occurredAt"] = json!("yesterday"), "not a time"),
        (|it| it["changes"][0]["accounts"] = json!(["12"]), "12"),
        (
            |it| it["changes"][0]["permissionSet"] = json!(OTHER),
            "no IdentityCenterInstance has this ARN",
        ),
    ] {
        let reason = change(edit);
        assert!(reason.contains(words), "{words} is not in {reason}");
    }
    let mut two = operation("a");
    let mut second = two["changes"][0].clone();
    second["permissionSet"] = json!(OTHER);
    two["changes"].as_array_mut().unwrap().push(second);
    assert!(refusal(&two).contains("belong to two instances"));
}

/// Whoever looks for what was granted would be shown, and would undo, the opposite.
#[test]
fn a_change_that_its_type_never_makes_is_refused() {
    let of = |kind: &str, list: &str, effect: &str| {
        let mut operation = operation("a");
        operation["type"] = json!(kind);
        let mut change = operation["changes"][0].take();
        change["effect"] = json!(effect);
        operation["changes"] = json!([]);
        if list == "failed" {
            change.as_object_mut().unwrap().remove("before");
            change["message"] = json!("refused");
        }
        operation[list] = json!([change]);
        operation
    };
    for list in ["changes", "failed"] {
        for (kind, effect) in
            [("Assign", "Revoked"), ("CopyAssignments", "Revoked"), ("Revoke", "Granted")]
        {
            let reason = refusal(&of(kind, list, effect));
            let words = format!("its type is {kind}, and the effect of {list}[0] is {effect}");
            assert!(reason.contains(&words), "{reason}");
            let other = if effect == "Revoked" { "Granted" } else { "Revoked" };
            let report = read(&of(kind, list, other).to_string());
            assert_eq!(report.records.len(), 1, "{kind} {list} {other}: {report:?}");
        }
    }
}

#[test]
fn an_operation_may_say_when_it_began() {
    let mut value = operation("a");
    value["startedAt"] = json!("2026-11-23 21:40:00+01:00");
    let report = read(&value.to_string());
    let expected = "2026-11-23T20:40:00Z".parse().unwrap();
    assert_eq!(report.records[0].spec.started_at, Some(expected), "{report:?}");
    assert_eq!(report.records[0].spec.occurred_at_precision, Precision::Second);
    let again = read(&written(&report.records[0].spec).to_string());
    assert_eq!(again.records[0].spec, report.records[0].spec);
    for (text, words) in [
        ("2026-11-23T20:50:12Z", "startedAt is later than occurredAt"),
        ("2026-11-23T20:50", "zone"),
        ("soon", "soon"),
    ] {
        value["startedAt"] = json!(text);
        let reason = refusal(&value);
        assert!(reason.contains(words), "{reason}");
    }
}

#[test]
fn a_time_without_a_zone_is_read_in_the_one_that_is_given() {
    let mut operation = operation("a");
    operation["occurredAt"] = json!("2026-11-23T20:50:11");
    let berlin = TimeZone::get("Europe/Berlin").unwrap();
    let report = read_in(&operation.to_string(), Some(&berlin));
    assert_eq!(report.records[0].spec.occurred_at.to_string(), "2026-11-23T19:50:11Z");
}

#[test]
fn a_time_is_known_as_exactly_as_it_is_written() {
    for (time, said, expected) in [
        ("2026-11-23T20:50:11.234159Z", Value::Null, Precision::Microsecond),
        ("2026-11-23T20:50:11Z", Value::Null, Precision::Second),
        ("2026-11-23T20:50Z", Value::Null, Precision::Minute),
        ("2026-11-23T20:50:11Z", json!("Microsecond"), Precision::Microsecond),
    ] {
        let mut operation = operation("a");
        operation["occurredAt"] = json!(time);
        operation["occurredAtPrecision"] = said;
        let report = read(&operation.to_string());
        assert_eq!(report.records[0].spec.occurred_at_precision, expected, "{operation}");
    }
    let report = read(&operation("a").to_string());
    assert_eq!(report.records[0].spec.occurred_at_precision, Precision::Second);
}

#[test]
fn one_operation_stands_for_its_copies_and_none_for_a_contradiction() {
    let (a, mut other) = (operation("a"), operation("a"));
    let report = read(&format!("{a}\n{a}\n"));
    assert_eq!((report.records.len(), report.repairs.len()), (1, 1));
    other["actor"] = json!("bob");
    let report = read(&format!("{a}\n{other}\n"));
    assert_eq!(report.records.len(), 0);
    assert!(report.refusals[0].reason.contains("says something else"));
    other["source"]["tool"] = json!("another");
    let report = read(&format!("{a}\n{other}\n"));
    let names: BTreeSet<&str> = report.records.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(names.len(), 2, "ids are those of a tool: {names:?}");
}

#[test]
fn damage_costs_the_line_that_it_touches() {
    let (a, b, c) = (operation("a"), operation("b"), operation("c"));
    let torn = &b.to_string()[..100];
    let report = read(&format!("{a}\n{torn}\n{c}\n"));
    let names: Vec<&str> = report.records.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(names, ["assign-a", "assign-c"]);
    assert_eq!(report.tears.len(), 1, "{:?}", report.tears);
    assert!(report.tears[0].what.starts_with("the operation that begins at byte"));
}

#[test]
fn damage_on_one_line_costs_the_operation_that_it_touches() {
    let (a, b, c) = (operation("a"), operation("b"), operation("c"));
    let bad = b.to_string().replace("\"Absent\"", "Absent");
    for text in [format!("[{a},{bad},{c}]"), format!(r#"{{"operations":[{a},{bad},{c}]}}"#)] {
        let report = read(&text);
        let names: Vec<&str> = report.records.iter().map(|it| it.name.as_str()).collect();
        assert_eq!(names, ["assign-a", "assign-c"], "{text}");
        assert_eq!((report.tears.len(), report.refusals.len()), (1, 0), "{report:?}");
    }
}

#[test]
fn the_schema_is_the_one_of_the_type() {
    let mut schema = serde_json::to_value(schemars::schema_for!(OperationRecordSpec)).unwrap();
    schema["title"] = json!("Operation in the neutral form");
    let hidden = ["instance", "recordedBy", "rollback"];
    let properties = schema["properties"].as_object_mut().unwrap();
    properties.retain(|name, _| !hidden.contains(&name.as_str()));
    let required = schema["required"].as_array_mut().unwrap();
    required.retain(|name| !hidden.contains(&name.as_str().unwrap()));
    let text = serde_json::to_string_pretty(&schema).unwrap() + "\n";
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/schemas/operation.json");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(path, &text).unwrap();
    }
    let there = std::fs::read_to_string(path).unwrap_or_default();
    assert!(there == text, "docs/schemas/operation.json is out of date: run with UPDATE_DOCS=1");
}
