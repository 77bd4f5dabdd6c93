//! Real stores of awsideman, and what happens to them when bytes go missing.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use rollback_operator::model::{AccountId, Before, Effect, InstanceArn, OperationType};
use rollback_operator::record::awsideman::{read, read_directory};
use rollback_operator::record::{ImportedRecord, Instances, Report, SourceFile};

const INSTANCE: &str = "arn:aws:sso:::instance/ssoins-grrwdwht9b3hswl7";
const READ_ONLY: &str = "arn:aws:sso:::permissionSet/ssoins-grrwdwht9b3hswl7/ps-64rrohtnuu77rp8j";
const ACCOUNTS: [&str; 12] = [
    "061836611202",
    "079790045373",
    "254162605213",
    "337036076925",
    "474716250369",
    "478781966189",
    "538530713442",
    "577289225385",
    "592740528984",
    "660580397228",
    "925628735057",
    "969357283574",
];

fn samples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/awsideman")
}

fn instances() -> Instances {
    Instances::Known(BTreeMap::from([(arn(INSTANCE), "main".to_owned())]))
}

fn arn(text: &str) -> InstanceArn {
    text.parse().unwrap()
}

fn import() -> Report {
    read(&read_directory(&samples(), &[]).unwrap(), &instances(), None)
}

fn file(name: &str, bytes: impl Into<Vec<u8>>) -> SourceFile {
    SourceFile::new(name, bytes)
}

fn read_one(text: impl Into<Vec<u8>>) -> Report {
    read(&[file("operations.json", text)], &instances(), None)
}

fn record<'a>(report: &'a Report, name: &str) -> &'a ImportedRecord {
    report.records.iter().find(|record| record.name == name).unwrap()
}

fn accounts(list: &[AccountId]) -> Vec<&str> {
    list.iter().map(AccountId::as_str).collect()
}

#[test]
fn every_operation_of_both_stores_becomes_one_record() {
    let report = import();
    let names: Vec<_> = report
        .records
        .iter()
        .map(|record| (record.name.as_str(), record.spec.operation_type))
        .collect();
    assert_eq!(
        names,
        [
            ("assign-2abdc948", OperationType::Assign),
            ("assign-e6e133b0", OperationType::Assign),
            ("assign-1c0be399", OperationType::Assign),
            ("revoke-5b006792", OperationType::Revoke),
            ("copy-39156504", OperationType::CopyAssignments),
            ("clone-64006897", OperationType::ClonePermissionSet),
        ]
    );
    assert_eq!(report.refusals, []);
    assert_eq!(report.tears, []);
    assert!(report.is_complete());
    assert!(report.records.iter().all(|record| record.spec.instance == "main"));
    assert!(
        report.records.iter().flat_map(|r| &r.spec.changes).all(|c| c.before == Before::Unknown)
    );
}

#[test]
fn an_assignment_keeps_its_tuples_time_and_names() {
    let report = import();
    let assign = record(&report, "assign-2abdc948");
    assert_eq!(assign.full_name, "assign-2abdc948-e85d-486a-8d50-37afbf1855ff-c4311fa3");
    assert_eq!(assign.spec.occurred_at.to_string(), "2026-11-23T20:50:11.234159Z");
    // Its twelve accounts took 679 ms, one after the other.
    let began = assign.spec.started_at.unwrap().to_string();
    assert_eq!(began, "2026-11-23T20:50:10.555159Z");
    assert_eq!(record(&report, "assign-1c0be399").spec.started_at, None);
    assert_eq!(assign.spec.source.tool, "awsideman");
    assert_eq!(assign.spec.source.id, "2abdc948-e85d-486a-8d50-37afbf1855ff");
    let [change] = assign.spec.changes.as_slice() else { panic!("one change") };
    assert_eq!(change.effect, Effect::Granted);
    assert_eq!(
        change.principal.principal().to_string(),
        "USER:0f791059-3b41-4313-86da-59fa2cf217a7"
    );
    assert_eq!(change.principal.name.as_deref(), Some("john.doe"));
    assert_eq!(change.permission_set.as_str(), READ_ONLY);
    assert_eq!(change.permission_set_name.as_deref(), Some("ReadOnlyAccess"));
    assert_eq!(accounts(&change.accounts), ACCOUNTS);
    assert_eq!(assign.labels["identitycenter.dev/tool"], "awsideman");
    assert_eq!(assign.labels["identitycenter.dev/type"], "Assign");
    assert_eq!(
        assign.annotations["identitycenter.dev/awsideman-file"],
        "profiles/default/operations.json"
    );
}

#[test]
fn a_copy_gives_exactly_its_twelve_tuples() {
    let report = import();
    let copy = record(&report, "copy-39156504");
    let [change] = copy.spec.changes.as_slice() else { panic!("one change") };
    assert_eq!(change.effect, Effect::Granted);
    assert_eq!(change.principal.id.as_str(), "08574c02-bbc3-4aac-841f-0c24ea4bad1f");
    assert_eq!(change.permission_set.as_str(), READ_ONLY);
    assert_eq!(accounts(&change.accounts), ACCOUNTS);
}

#[test]
fn a_clone_names_what_it_made_and_does_not_invent_its_content() {
    let report = import();
    let clone = record(&report, "clone-64006897");
    let made = clone.spec.created_permission_set.as_ref().unwrap();
    assert_eq!(made.name, "ReadOnlyClone");
    assert!(made.arn.as_str().ends_with("/ps-xcjh8pp5npedwpcq"));
    assert_eq!(made.source.as_ref().unwrap().as_str(), READ_ONLY);
    assert_eq!((&made.content, &made.content_digest), (&None, &None));
    assert!(clone.spec.changes.is_empty());
}

#[test]
fn rolled_back_is_kept_as_information() {
    let report = import();
    let rolled_back = |name: &str| {
        let annotations = &record(&report, name).annotations;
        annotations.get("identitycenter.dev/awsideman-rolled-back").map(String::as_str)
    };
    assert_eq!(rolled_back("assign-2abdc948"), Some("true"));
    assert_eq!(rolled_back("copy-39156504"), Some("true"), "the second copy says so");
    assert_eq!(rolled_back("assign-e6e133b0"), None);
    assert_eq!(
        record(&report, "copy-39156504").annotations["identitycenter.dev/awsideman-rollback-operation"],
        "rollback_39156504-4e7f-44c5-804e-64813984e274"
    );
}

#[test]
fn what_was_mended_is_said() {
    let report = import();
    let repairs: Vec<_> = report.repairs.iter().map(ToString::to_string).collect();
    let [copy, clone] = repairs.as_slice() else { panic!("{repairs:#?}") };
    assert!(copy.contains("39156504-4e7f-44c5-804e-64813984e274: recorded 2 times; taken once"));
    assert!(clone.contains("64006897") && clone.contains("recorded 2 times; taken once"));
}

/// A record that was imported must be found unchanged when the store has grown since.
#[test]
fn a_record_says_the_same_whatever_stands_beside_it() {
    let text = std::fs::read(samples().join("profiles/default/operations.json")).unwrap();
    let whole: serde_json::Value = serde_json::from_slice(&text).unwrap();
    let operations = whole["operations"].as_array().unwrap();
    let all = read_one(text);
    // One request id stands in the assignment and in its revocation, as the tool wrote it.
    let id = |name: &str| record(&all, name).spec.changes[0].request_id.clone().unwrap();
    assert_eq!(id("assign-1c0be399"), id("revoke-5b006792"));
    for count in 1..=operations.len() {
        let grown = read_one(store(&operations[..count]));
        assert_eq!(grown.records.len(), count);
        for early in &grown.records {
            assert_eq!(early.spec, record(&all, &early.name).spec, "{}", early.name);
        }
    }
}

#[test]
fn importing_twice_gives_the_same() {
    assert_eq!(import().records, import().records);
    let mut files = read_directory(&samples(), &[]).unwrap();
    files.extend(files.clone());
    let twice = read(&files, &instances(), None);
    assert_eq!(twice.records, import().records);
}

#[test]
fn a_foreign_instance_is_refused_by_name() {
    let files = read_directory(&samples(), &[]).unwrap();
    let other = arn("arn:aws:sso:::instance/ssoins-0000000000000000");
    let one = Instances::One { name: "production".to_owned(), arn: other };
    let report = read(&files, &one, None);
    assert_eq!(report.records, []);
    assert_eq!(report.refusals.len(), 6);
    assert_eq!(
        report.refusals[0].to_string(),
        "operations.json (byte 24): operation 39156504-4e7f-44c5-804e-64813984e274: it belongs to \
         arn:aws:sso:::instance/ssoins-grrwdwht9b3hswl7, not to instance production \
         (arn:aws:sso:::instance/ssoins-0000000000000000)"
    );
    let unknown = read(&files, &Instances::Known(BTreeMap::new()), None);
    assert!(unknown.refusals[0].reason.contains("no IdentityCenterInstance has this ARN"));
}

/// One operation of the samples, changed.
fn operation(change: impl FnOnce(&mut serde_json::Value)) -> serde_json::Value {
    let text = std::fs::read(samples().join("profiles/default/operations.json")).unwrap();
    let mut store: serde_json::Value = serde_json::from_slice(&text).unwrap();
    let mut operation = store["operations"][0].take();
    change(&mut operation);
    operation
}

fn store(operations: &[serde_json::Value]) -> String {
    serde_json::json!({ "operations": operations }).to_string()
}

#[test]
fn a_bad_operation_is_refused_with_its_reason_and_the_rest_is_taken() {
    for (field, value, words) in [
        ("principal_id", "john.doe".into(), "principal_id: \"john.doe\" is not an identity store"),
        ("principal_type", "user".into(), "principal_type is not USER or GROUP"),
        ("permission_set_arn", "ReadOnlyAccess".into(), "is not a permission set ARN"),
        ("operation_type", "explode".into(), "operation_type \"explode\" is unknown"),
        ("operation_type", serde_json::Value::Null, "it has no operation_type"),
        ("timestamp", "2026-11-23T20:50:11".into(), "say with --timezone"),
        ("timestamp", 7.into(), "timestamp is not a text"),
        (
            "results",
            serde_json::json!([{"account_id": "12", "success": true}]),
            "\"12\" is not an AWS account id",
        ),
        ("results", serde_json::json!([]), "it changed nothing"),
        ("results", "all".into(), "results is not a list"),
        ("account_ids", serde_json::json!([5]), "account_ids is not a list of texts"),
    ] {
        let bad = operation(|operation| {
            operation["operation_id"] = "11111111-e85d-486a-8d50-37afbf1855ff".into();
            operation[field] = value;
        });
        let good = operation(|_| ());
        let report = read_one(store(&[bad, good, serde_json::json!(3)]));
        assert_eq!(report.records.len(), 1, "{field}");
        assert_eq!(report.records[0].name, "assign-2abdc948");
        assert_eq!(report.refusals.len(), 1);
        assert_eq!(
            report.refusals[0].operation.as_deref(),
            Some("11111111-e85d-486a-8d50-37afbf1855ff")
        );
        assert_eq!(report.refusals[0].origin.position, 15);
        assert!(report.refusals[0].reason.contains(words), "{}", report.refusals[0]);
        assert!(report.tears[0].to_string().ends_with("what stands here is not an operation"));
    }
}

#[test]
fn ids_that_cannot_be_named_are_refused() {
    for id in ["", "../../x", "ü"] {
        let report =
            read_one(store(&[operation(|operation| operation["operation_id"] = id.into())]));
        assert_eq!(report.records, []);
        assert!(report.refusals[0].reason.contains("is not an id"), "{}", report.refusals[0]);
    }
}

#[test]
fn times_without_a_zone_are_read_in_the_zone_that_is_given() {
    let text =
        store(&[operation(|operation| operation["timestamp"] = "2026-07-01T12:00:00".into())]);
    let zone = jiff::tz::TimeZone::get("America/New_York").unwrap();
    let report = read(&[file("operations.json", text)], &instances(), Some(&zone));
    assert_eq!(report.records[0].spec.occurred_at.to_string(), "2026-07-01T16:00:00Z");
}

#[test]
fn two_ids_that_begin_alike_get_their_full_names() {
    let first = operation(|_| ());
    let second = operation(|operation| operation["operation_id"] = "2abdc948-0000".into());
    let report = read_one(store(&[first, second]));
    let names: BTreeSet<_> = report.records.iter().map(|record| record.name.as_str()).collect();
    assert_eq!(
        names,
        BTreeSet::from([
            "assign-2abdc948-e85d-486a-8d50-37afbf1855ff-c4311fa3",
            "assign-2abdc948-0000-52bc360c",
        ])
    );
}

#[test]
fn copies_of_one_operation_that_contradict_each_other_are_refused() {
    let other = operation(|operation| operation["principal_type"] = "GROUP".into());
    let report = read_one(store(&[operation(|_| ()), other]));
    assert_eq!(report.records, []);
    assert!(report.refusals[0].reason.contains("more than once with different content"));
    // A copy that cannot be used does no harm to one that can.
    let broken = operation(|operation| operation["results"] = 1.into());
    let report = read_one(store(&[broken, operation(|_| ())]));
    assert_eq!(report.records.len(), 1);
    assert!(report.repairs[0].what.contains("results is not a list"));
}

#[test]
fn rotated_and_compressed_files_and_profiles_are_found() {
    let directory = tempfile::tempdir().unwrap();
    let operations = directory.path().join("operations");
    std::fs::create_dir_all(operations.join("profiles/production")).unwrap();
    let text = |id: &str| store(&[operation(|operation| operation["operation_id"] = id.into())]);
    let compress = |text: String| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(text.as_bytes()).unwrap();
        encoder.finish().unwrap()
    };
    for (name, bytes) in [
        ("operations_20261123_205039.json", text("a0").into_bytes()),
        ("operations.json", text("a1").into_bytes()),
        ("operations.json.gz", compress(text("a2"))),
        ("rollbacks.json", b"{}".to_vec()),
        ("operation_index.json", b"{}".to_vec()),
        ("profiles/production/operations.json", text("a3").into_bytes()),
    ] {
        std::fs::write(operations.join(name), bytes).unwrap();
    }
    let report = read(&read_directory(directory.path(), &[]).unwrap(), &instances(), None);
    let ids: Vec<_> = report.records.iter().map(|record| record.spec.source.id.as_str()).collect();
    assert_eq!(ids, ["a0", "a1", "a2", "a3"]);
    assert!(report.is_complete());

    let one = read_directory(&operations, &["production".to_owned()]).unwrap();
    assert_eq!(one.len(), 4);
    let missing = read_directory(&operations, &["staging".to_owned()]).unwrap_err().to_string();
    assert!(missing.ends_with("has no store of the profile \"staging\""), "{missing}");
    let none = read_directory(&operations.join("profiles"), &[]).unwrap_err().to_string();
    assert!(none.contains("holds no awsideman store"), "{none}");
    assert!(read_directory(&operations.join("nowhere"), &[]).is_err());
    assert_eq!(read_directory(&operations.join("operations.json"), &[]).unwrap().len(), 1);
}

#[test]
fn a_compressed_file_that_was_cut_gives_what_it_still_holds() {
    let directory = tempfile::tempdir().unwrap();
    let text = std::fs::read(samples().join("profiles/default/operations.json")).unwrap();
    // Stored, not deflated, so that the cut loses the end alone.
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::none());
    encoder.write_all(&text).unwrap();
    let bytes = encoder.finish().unwrap();
    std::fs::write(directory.path().join("operations.json.gz"), &bytes[..bytes.len() - 300])
        .unwrap();
    let report = read(&read_directory(directory.path(), &[]).unwrap(), &instances(), None);
    assert_eq!(report.records.len(), 3);
    let tears: Vec<&str> = report.tears.iter().map(|tear| tear.what.as_str()).collect();
    assert_eq!(tears.len(), 2, "{tears:?}");
    assert!(tears[0].starts_with("the operation (5b006792-"), "{tears:?}");
    assert!(tears[1].starts_with("the file cannot be decompressed from here on"), "{tears:?}");
}

#[test]
fn wherever_a_file_is_cut_the_operations_before_the_cut_are_taken() {
    let text = std::fs::read(samples().join("profiles/default/operations.json")).unwrap();
    let ends: Vec<_> = {
        let whole = String::from_utf8(text.clone()).unwrap();
        whole.match_indices("\n    }").map(|(at, end)| at + end.len()).collect()
    };
    assert_eq!(ends.len(), 4);
    for cut in 0..text.len() {
        let report = read_one(&text[..cut]);
        let complete = ends.iter().filter(|end| **end <= cut).count();
        assert_eq!(report.records.len(), complete, "cut at byte {cut}");
        assert_eq!(report.tears.len(), 1, "cut at byte {cut}");
        assert!(report.tears[0].position <= cut);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        let report = read_one(bytes);
        prop_assert!(report.records.is_empty());
    }

    /// Bytes are overwritten, removed and inserted in a real store: every operation that was not
    /// touched is still taken as it was.
    #[test]
    fn damage_costs_only_what_it_touches(
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..3_u8), 1..4),
    ) {
        let text = std::fs::read(samples().join("profiles/default/operations.json")).unwrap();
        let whole = read_one(text.clone());
        let whole_text = String::from_utf8(text.clone()).unwrap();
        let begins: Vec<_> = whole_text.match_indices("    {\n      \"operation_id\"").map(|(at, _)| at + 4).collect();
        let ends: Vec<_> = whole_text.match_indices("\n    }").map(|(at, end)| at + end.len()).collect();

        let mut touched: Vec<usize> = edits.iter().map(|(at, _, _)| at.index(text.len())).collect();
        touched.sort_unstable();
        let mut bytes = text;
        let mut order: Vec<_> = edits.iter().map(|(at, byte, kind)| (at.index(bytes.len()), *byte, *kind)).collect();
        order.sort_unstable_by_key(|edit| std::cmp::Reverse(edit.0));
        for (at, byte, kind) in order {
            match kind {
                0 => bytes[at] = byte,
                1 => drop(bytes.remove(at)),
                _ => bytes.insert(at, byte),
            }
        }
        let damaged = read_one(bytes);
        for (begin, end) in begins.iter().zip(&ends) {
            if touched.iter().any(|at| (begin..=end).contains(&at)) {
                continue;
            }
            let id = &whole_text[begin + 25..begin + 61];
            let before = whole.records.iter().find(|record| record.spec.source.id == id).unwrap();
            let after = damaged.records.iter().find(|record| record.spec.source.id == id);
            let taken = after.is_some_and(|after| after.spec == before.spec);
            let contradicted = damaged.refusals.iter().any(|r| r.reason.contains("different content"));
            prop_assert!(taken || contradicted, "{id} is lost: {:?} {:?}", damaged.tears, damaged.refusals);
        }
    }
}
