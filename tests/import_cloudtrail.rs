//! Events of `CloudTrail` in every form that they come in.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use rollback_operator::model::{Before, Effect, InstanceArn, OperationType, PrincipalType};
use rollback_operator::record::cloudtrail::{Trail, find_files};
use rollback_operator::record::files::read_file;
use rollback_operator::record::{ImportedRecord, Instances, Report, SourceFile};
use serde_json::{Value, json};

const INSTANCE: &str = "arn:aws:sso:::instance/ssoins-grrwdwht9b3hswl7";
const RECORDS: &str = "111122223333_CloudTrail_eu-west-1_20261123T2100Z_0123456789abcdef.json";

fn samples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/cloudtrail")
}

fn instances() -> Instances {
    let arn: InstanceArn = INSTANCE.parse().unwrap();
    Instances::Known(BTreeMap::from([(arn, "main".to_owned())]))
}

fn import(path: &Path) -> Report {
    let mut trail = Trail::default();
    for (path, name) in find_files(path).unwrap() {
        trail.add(&read_file(&path, name).unwrap());
    }
    trail.report(&instances())
}

fn read(text: impl Into<Vec<u8>>) -> Report {
    let mut trail = Trail::default();
    trail.add(&SourceFile::new("events.json", text));
    trail.report(&instances())
}

fn events() -> Vec<Value> {
    let text = std::fs::read(samples().join(RECORDS)).unwrap();
    let mut file: Value = serde_json::from_slice(&text).unwrap();
    std::mem::take(file["Records"].as_array_mut().unwrap())
}

/// The first event, changed.
fn event(change: impl FnOnce(&mut Value)) -> Value {
    let mut event = events().swap_remove(0);
    change(&mut event);
    event
}

fn names(report: &Report) -> Vec<(&str, OperationType)> {
    let records = report.records.iter();
    records.map(|record| (record.name.as_str(), record.spec.operation_type)).collect()
}

fn record<'a>(report: &'a Report, name: &str) -> &'a ImportedRecord {
    report.records.iter().find(|record| record.name == name).unwrap()
}

#[test]
fn every_change_of_both_forms_becomes_one_record() {
    let report = import(&samples());
    assert_eq!(
        names(&report),
        [
            ("assign-00000001", OperationType::Assign),
            ("assign-00000002", OperationType::Assign),
            ("revoke-0000000b", OperationType::Revoke),
            ("revoke-00000003", OperationType::Revoke),
            ("clone-00000004", OperationType::ClonePermissionSet),
        ]
    );
    assert!(report.is_complete(), "{:?} {:?}", report.refusals, report.tears);
    assert_eq!(report.repairs.len(), 1);
    assert!(report.repairs[0].what.contains("delivered 2 times; taken once"));
    let left_out: Vec<_> = report.left_out.iter().map(|(what, count)| (*what, *count)).collect();
    assert_eq!(
        left_out,
        [
            ("calls of the operator itself, which its ledgers record", 1),
            ("calls that AWS refused", 2),
            ("events about other things", 2),
            ("other changes of Identity Center, which cannot be imported", 1),
        ]
    );
}

#[test]
fn an_assignment_says_who_what_when_and_no_more_than_the_event_does() {
    let report = import(&samples());
    let assign = record(&report, "assign-00000001");
    assert_eq!(assign.spec.instance, "main");
    assert_eq!(assign.spec.source.tool, "cloudtrail");
    assert_eq!(assign.spec.source.id, "00000001-eeee-4000-8000-000000000001");
    assert_eq!(assign.spec.occurred_at.to_string(), "2026-11-23T20:50:11Z");
    assert_eq!(
        assign.spec.actor.as_deref(),
        Some(
            "arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_AdministratorAccess_0123456789abcdef/deploy"
        )
    );
    let [change] = assign.spec.changes.as_slice() else { panic!("one change") };
    assert_eq!((change.effect, change.before), (Effect::Granted, Before::Unknown));
    assert_eq!(change.principal.kind, PrincipalType::User);
    assert_eq!(change.accounts[0].as_str(), "061836611202");
    assert_eq!(
        change.request_id.as_ref().unwrap().as_str(),
        "00000001-aaaa-4000-8000-000000000001"
    );
    let of_user = record(&report, "assign-00000002");
    assert_eq!(of_user.spec.actor.as_deref(), Some("c0fbd4e2-0f34-444d-91ff-3c7ff45c2709"));
    assert_eq!(record(&report, "revoke-00000003").spec.changes[0].effect, Effect::Revoked);
}

#[test]
fn a_created_set_has_the_content_that_its_call_gave_it() {
    let report = import(&samples());
    let made = record(&report, "clone-00000004").spec.created_permission_set.clone().unwrap();
    assert_eq!((made.name.as_str(), made.source), ("ReadEverything", None));
    let content = made.content.unwrap();
    assert_eq!(content.session_duration.as_deref(), Some("PT4H"));
    assert_eq!(content.description.as_deref(), Some("Reads"));
    assert_eq!(content.tags, ["team=data"]);
    assert!(content.managed_policies.is_empty());

    // What CloudTrail hides is not known.
    let mut hidden = events().swap_remove(3);
    hidden["requestParameters"]["description"] = json!("HIDDEN_DUE_TO_SECURITY_REASONS");
    let report = read(hidden.to_string());
    assert_eq!(report.records[0].spec.created_permission_set.as_ref().unwrap().content, None);
}

#[test]
fn the_same_events_give_the_same_records_in_every_form() {
    let all = events();
    let plain = read(json!({ "Records": all }).to_string());
    let wrapped: Vec<Value> = all
        .iter()
        .map(|event| json!({"EventId": event["eventID"], "CloudTrailEvent": event.to_string()}))
        .collect();
    let bridge: Vec<Value> =
        all.iter().map(|event| json!({"version": "0", "detail": event})).collect();
    let lines = all.iter().map(Value::to_string).collect::<Vec<_>>().join("\n");
    let halves: String = all.chunks(5).map(|some| json!({ "Records": some }).to_string()).collect();
    for text in [
        json!({ "Events": wrapped, "NextToken": "x" }).to_string(),
        json!(bridge).to_string(),
        json!(all).to_string(),
        lines,
        halves,
    ] {
        let report = read(text.clone());
        let specs = |report: &Report| -> Vec<_> {
            report.records.iter().map(|record| record.spec.clone()).collect()
        };
        assert_eq!(specs(&report), specs(&plain), "{text}");
        assert!(report.is_complete(), "{:?}", report.tears);
        assert_eq!(report.left_out, plain.left_out);
    }
}

#[test]
fn a_bucket_is_searched_and_compressed_files_are_read() {
    let directory = tempfile::tempdir().unwrap();
    let day = directory.path().join("AWSLogs/o-1/111122223333/CloudTrail/eu-west-1/2026/11/23");
    let digest = directory.path().join("AWSLogs/o-1/111122223333/CloudTrail-Digest/eu-west-1");
    std::fs::create_dir_all(&day).unwrap();
    std::fs::create_dir_all(&digest).unwrap();
    let text = std::fs::read(samples().join(RECORDS)).unwrap();
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(&text).unwrap();
    std::fs::write(day.join("a.json.gz"), encoder.finish().unwrap()).unwrap();
    std::fs::write(digest.join("d.json.gz"), "{").unwrap();
    std::fs::write(day.join("README.txt"), "no events").unwrap();
    let report = import(directory.path());
    assert_eq!(report.records.len(), 4);
    assert!(report.is_complete());
    assert!(report.records[0].origin.file.ends_with("eu-west-1/2026/11/23/a.json.gz"));
}

#[test]
fn a_bad_event_is_refused_with_its_reason_and_the_rest_is_taken() {
    type Edit = Box<dyn FnOnce(&mut Value)>;
    let parameter = |name: &'static str, value: Value| {
        move |event: &mut Value| event["requestParameters"][name] = value
    };
    let cases: Vec<(Edit, &str)> = vec![
        (Box::new(parameter("principalId", "john".into())), "not an identity store principal id"),
        (Box::new(parameter("principalType", "ROBOT".into())), "\"ROBOT\" is not USER or GROUP"),
        (Box::new(parameter("targetType", "OU".into())), "\"OU\" is not AWS_ACCOUNT"),
        (Box::new(parameter("targetId", "12".into())), "not an AWS account id"),
        (Box::new(parameter("targetId", 12.into())), "requestParameters: invalid type"),
        (
            Box::new(parameter("instanceArn", INSTANCE.replace("grr", "xxx").into())),
            "but its permission set belongs to",
        ),
        (Box::new(|event| event["requestParameters"] = Value::Null), "they are not there"),
        (Box::new(|event| event["eventTime"] = "yesterday".into()), "is not a time"),
        (Box::new(|event| event["eventID"] = "../..".into()), "it has no eventID"),
        (Box::new(|event| event["eventName"] = 3.into()), "not an event that CloudTrail writes"),
        (Box::new(|event| *event = json!({"hello": 1})), "it has neither eventVersion nor"),
        (Box::new(|event| *event = json!({"EventName": "x"})), "it has neither eventVersion nor"),
    ];
    for (edit, words) in cases {
        let bad = event(|event| {
            event["eventID"] = "bad".into();
            edit(event);
        });
        let report = read(json!({"Records": [bad, event(|_| ())]}).to_string());
        assert_eq!(names(&report), [("assign-00000001", OperationType::Assign)], "{words}");
        assert_eq!(report.refusals.len(), 1, "{words}");
        assert!(report.refusals[0].reason.contains(words), "{}", report.refusals[0]);
    }
}

#[test]
fn a_list_of_events_in_a_form_that_is_not_read_is_refused() {
    let event = event(|_| ());
    let logs = json!({"events": [{"message": event.to_string()}]});
    for text in [logs, json!({"data": {"Records": [event]}}), json!({"Records": {}})] {
        let report = read(text.to_string());
        assert_eq!((report.records.len(), report.refusals.len()), (0, 1), "{text}");
        assert!(!report.is_complete());
    }
    // The bus of EventBridge carries other things as well.
    let other = json!({"detail-type": "EC2 Instance State-change Notification", "detail": {}});
    let report = read(other.to_string());
    assert_eq!((report.is_complete(), report.left_out["events about other things"]), (true, 1));
}

#[test]
fn events_of_one_id_that_contradict_each_other_are_refused() {
    let other = event(|event| event["requestParameters"]["targetId"] = "592740528984".into());
    let report = read(json!([event(|_| ()), other]).to_string());
    assert_eq!(report.records, []);
    assert!(report.refusals[0].reason.contains("says something else"), "{}", report.refusals[0]);
}

#[test]
fn an_answer_that_says_failed_is_no_change() {
    let failed = event(|event| {
        event["responseElements"]["accountAssignmentCreationStatus"]["status"] = "FAILED".into();
    });
    let report = read(failed.to_string());
    assert_eq!((report.records.len(), report.left_out["calls that AWS refused"]), (0, 1));
}
