//! Files of operations and of events with anything in them: nothing panics, and what was not
//! touched is taken as before. For stores of awsideman the same is in `import_awsideman.rs`.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use proptest::prelude::*;
use proptest::sample::Index;
use rollback_operator::model::InstanceArn;
use rollback_operator::record::cloudtrail::Trail;
use rollback_operator::record::neutral::Operations;
use rollback_operator::record::{Instances, Report, SourceFile};
use serde_json::{Value, json};

const INSTANCE: &str = "arn:aws:sso:::instance/ssoins-grrwdwht9b3hswl7";
const SET: &str = "arn:aws:sso:::permissionSet/ssoins-grrwdwht9b3hswl7/ps-64rrohtnuu77rp8j";
const EVENTS: &str = "111122223333_CloudTrail_eu-west-1_20261123T2100Z_0123456789abcdef.json";

/// The two importers of files that are not a tool's own store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Neutral,
    CloudTrail,
}

impl Form {
    fn read(self, bytes: impl Into<Vec<u8>>) -> Report {
        let arn: InstanceArn = INSTANCE.parse().unwrap();
        let instances = Instances::Known(BTreeMap::from([(arn, "main".to_owned())]));
        let file = SourceFile::new("operations.json", bytes);
        match self {
            Self::Neutral => {
                let mut operations = Operations::default();
                operations.add(&file, None);
                operations.report(&instances)
            }
            Self::CloudTrail => {
                let mut trail = Trail::default();
                trail.add(&file);
                trail.report(&instances)
            }
        }
    }

    /// Good items, each with an id of its own.
    fn items(self) -> Vec<Value> {
        match self {
            Self::Neutral => (0..8).map(operation).collect(),
            Self::CloudTrail => {
                let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/cloudtrail");
                let text = std::fs::read(path.join(EVENTS)).unwrap();
                let mut file: Value = serde_json::from_slice(&text).unwrap();
                std::mem::take(file["Records"].as_array_mut().unwrap())
            }
        }
    }

    fn file(self, items: &[Value]) -> Vec<u8> {
        match self {
            Self::Neutral => items
                .iter()
                .flat_map(|item| [item.to_string(), "\n".to_owned()])
                .collect::<String>()
                .into(),
            Self::CloudTrail => json!({"Records": items}).to_string().into(),
        }
    }
}

fn operation(number: usize) -> Value {
    json!({
        "type": if number.is_multiple_of(2) { "Assign" } else { "Revoke" },
        "occurredAt": "2026-11-23T20:50:11Z", "actor": "alice",
        "source": {"tool": "portal", "id": format!("change-{number}")},
        "changes": [{
            "effect": if number.is_multiple_of(2) { "Granted" } else { "Revoked" },
            "permissionSet": SET,
            "principal": {"type": "USER", "id": "0f791059-3b41-4313-86da-59fa2cf217a7"},
            "accounts": ["061836611202", "592740528984"], "before": "Unknown",
        }],
    })
}

fn form() -> impl Strategy<Value = Form> {
    prop_oneof![Just(Form::Neutral), Just(Form::CloudTrail)]
}

/// Any JSON, with texts and numbers at which readers stumble.
fn any_json() -> impl Strategy<Value = Value> {
    let texts = prop_oneof![
        any::<String>().prop_map(Value::from),
        Just(Value::from("")),
        Just(Value::from("2026-02-30T25:61:61Z")),
        Just(Value::from("+999999-01-01T00:00:00Z")),
        Just(Value::from("arn:aws:sso:::instance/")),
        Just(Value::from("999999999999")),
        Just(Value::from("\u{202e}\u{0}\u{1b}[2J")),
        Just(Value::from("x".repeat(100_000))),
    ];
    let leaf = prop_oneof![
        4 => texts,
        1 => any::<i64>().prop_map(Value::from),
        1 => any::<f64>().prop_map(Value::from),
        1 => any::<bool>().prop_map(Value::from),
        1 => Just(Value::Null),
    ];
    leaf.prop_recursive(4, 24, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map("[a-zA-Z]{0,12}", inner, 0..5)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// Where values are in a document, as JSON pointers.
fn places(value: &Value, at: &str, found: &mut Vec<String>) {
    found.push(at.to_owned());
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                let name = name.replace('~', "~0").replace('/', "~1");
                places(member, &format!("{at}/{name}"), found);
            }
        }
        Value::Array(elements) => {
            for (number, element) in elements.iter().enumerate() {
                places(element, &format!("{at}/{number}"), found);
            }
        }
        _ => {}
    }
}

fn ids(report: &Report) -> BTreeMap<&str, &rollback_operator::api::OperationRecordSpec> {
    report.records.iter().map(|it| (it.spec.source.id.as_str(), &it.spec)).collect()
}

/// Holds that of these items nothing is missing but what was touched, or what a touched one now
/// contradicts.
fn untouched_are_taken(
    form: Form,
    touched: &BTreeSet<usize>,
    damaged: &Report,
) -> Result<(), TestCaseError> {
    let items = form.items();
    for (number, item) in items.iter().enumerate().filter(|(number, _)| !touched.contains(number)) {
        let alone = form.read(form.file(std::slice::from_ref(item)));
        for (id, spec) in ids(&alone) {
            let contradicted =
                damaged.refusals.iter().any(|refusal| refusal.operation.as_deref() == Some(id));
            let taken = ids(damaged).get(id).is_some_and(|found| *found == spec);
            prop_assert!(taken || contradicted, "{form:?} {number} {id} is lost: {damaged:?}");
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn no_bytes_make_a_reader_panic(form in form(), bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        prop_assert!(form.read(bytes).records.is_empty());
    }

    #[test]
    fn no_document_makes_a_reader_panic(form in form(), document in any_json()) {
        let text = document.to_string();
        let wrapped = json!({"Records": [document.clone()], "operations": [document.clone()]});
        for text in [text.clone(), format!("[{text},{text}]"), wrapped.to_string()] {
            prop_assert!(form.read(text).records.is_empty());
        }
    }

    /// One value of one item is another one, whatever it is: the other items are taken.
    #[test]
    fn a_value_that_makes_no_sense_costs_its_item_alone(
        form in form(), item in any::<Index>(), place in any::<Index>(), value in any_json(),
    ) {
        let mut items = form.items();
        let item = item.index(items.len());
        let mut found = Vec::new();
        places(&items[item], "", &mut found);
        *items[item].pointer_mut(&found[place.index(found.len())]).unwrap() = value;
        let damaged = form.read(form.file(&items));
        untouched_are_taken(form, &BTreeSet::from([item]), &damaged)?;
    }

    /// Bytes are overwritten, removed and inserted: the items that were not touched are taken.
    #[test]
    fn damaged_bytes_cost_only_what_they_touch(
        form in form(),
        edits in prop::collection::vec((any::<Index>(), any::<u8>(), 0..3_u8), 1..4),
    ) {
        let items = form.items();
        let whole = form.file(&items);
        let text = String::from_utf8(whole.clone()).unwrap();
        let spans: Vec<_> = items.iter().map(|item| {
            let shown = item.to_string();
            let from = text.find(&shown).unwrap();
            // With the marks on either side, which hold the items apart.
            from.saturating_sub(12)..=from + shown.len() + 2
        }).collect();
        let mut bytes = whole.clone();
        let mut places: Vec<_> =
            edits.iter().map(|(at, byte, kind)| (at.index(whole.len()), *byte, *kind)).collect();
        places.sort_unstable_by_key(|edit| std::cmp::Reverse(edit.0));
        for (at, byte, kind) in &places {
            match kind {
                0 => bytes[*at] = *byte,
                1 => drop(bytes.remove(*at)),
                _ => bytes.insert(*at, *byte),
            }
        }
        let damaged = form.read(bytes);
        let before = form.read(whole.clone());
        let lost = damaged.records.len() < before.records.len();
        let said = !damaged.is_complete() || damaged.left_out != before.left_out;
        prop_assert!(!lost || said, "{form:?}: nothing is said of what is lost");
        if places.iter().any(|(at, ..)| *at < *spans[0].start() + 12) {
            // A list under another name may be anything: it is refused whole.
            return Ok(());
        }
        let touched = spans.iter().enumerate()
            .filter(|(_, span)| places.iter().any(|(at, ..)| span.contains(at)))
            .map(|(number, _)| number)
            .collect();
        untouched_are_taken(form, &touched, &damaged)?;
    }
}
