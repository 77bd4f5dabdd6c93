//! One key, a few records: what is wanted, and what is done about it.
//!
//! Stories are written as one word for each record: its name, `+` for a grant or `-` for a revoke,
//! and what was there before: `0` absent, `1` present, `?` unknown.

use super::fixtures::{found, key, keys_of, ledger, live, only, operation, triple, try_plan, undo};
use crate::api::plan::Disposition::{self, Act, Kept};
use crate::api::record::LedgerOutcome;
use crate::model::Before::{Absent, Present, Unknown};
use crate::model::Effect::{Granted, Revoked};
use crate::model::{ActionKind, Grade, Key, Presence};
use crate::plan::{Plan, Record};

fn told(story: &str) -> Vec<Record> {
    let word = |(at, word): (i64, &str)| {
        let (name, what) = word.split_at(1);
        let effect = if what.starts_with('+') { Granted } else { Revoked };
        let before = match &what[1..] {
            "0" => Absent,
            "1" => Present,
            "?" => Unknown,
            _ => panic!("{word}"),
        };
        operation(name, at * 3600).change(effect, before, &key(1))
    };
    (1..).zip(story.split(' ')).map(word).collect()
}

/// The plan of undoing the records of these names, one letter each.
fn judged(story: &str, selected: &str, live: u8) -> Plan {
    let records = told(story);
    let chosen: Vec<&Record> =
        records.iter().filter(|record| selected.contains(record.name.as_str())).collect();
    let present = if live == 1 { vec![key(1)] } else { Vec::new() };
    undo(&records, &chosen, &present)
}

fn in_words(plan: &Plan) -> String {
    let item = only(plan);
    match (item.disposition, item.action) {
        (Disposition::Act, ActionKind::CreateAssignment) => "create".to_owned(),
        (Disposition::Act, _) => "delete".to_owned(),
        (Disposition::AlreadySo, _) => "already so".to_owned(),
        (Disposition::Kept, _) => format!("kept for {}", item.kept_for.as_deref().unwrap_or("")),
        (Disposition::Unexplained, _) => "unexplained".to_owned(),
        (Disposition::Blocked, _) => "blocked".to_owned(),
    }
}

/// What it is about, the story, what is undone, whether the key is there, and what is done.
type Row = (&'static str, &'static str, &'static str, u8, &'static str);

const ROWS: &[Row] = &[
    ("a grant is taken back", "a+0", "a", 1, "delete"),
    ("a revoke is given back", "a-1", "a", 0, "create"),
    ("somebody took it already", "a+0", "a", 0, "already so"),
    ("somebody gave it already", "a-1", "a", 1, "already so"),
    ("the grant changed nothing", "a+1", "a", 1, "already so"),
    ("the revoke changed nothing", "a-0", "a", 0, "already so"),
    ("it changed nothing and is gone since", "a+1", "a", 0, "unexplained"),
    ("a later grant holds it", "a+0 b+1", "a", 1, "kept for b"),
    ("an earlier grant holds it", "a+0 b+1", "b", 1, "kept for a"),
    ("an earlier revoke holds it", "a-1 b-0", "b", 0, "kept for a"),
    ("both grants are undone", "a+0 b+1", "ab", 1, "delete"),
    ("a later revoke did it", "a+0 b-1", "a", 0, "already so"),
    ("the revoke after a grant", "a+0 b-1", "b", 0, "create"),
    ("grant and revoke are undone", "a+0 b-1", "ab", 0, "already so"),
    ("kept, yet gone", "a+0 b+1", "a", 0, "unexplained"),
    ("revoked by record, yet there", "a+0 b-1", "a", 1, "unexplained"),
    ("a revoke between two grants, the later one undone", "a+0 b-1 c+0", "c", 1, "delete"),
    ("a revoke between two grants, all undone", "a+0 b-1 c+0", "abc", 1, "delete"),
    ("a revoke overlaps a second grant", "a+0 b+1 c-1", "c", 0, "create"),
    ("its undo leaves what the second grant wants", "a+0 b+1 c-1", "ac", 0, "create"),
    ("an unrecorded removal before b stays", "a-1 b-1", "b", 0, "create"),
    ("an unrecorded removal, both undone", "a+0 b+0", "ab", 1, "delete"),
    ("an unrecorded removal, the first undone", "a+0 b+0", "a", 1, "kept for b"),
    ("an unrecorded removal, the second undone", "a+0 b+0", "b", 1, "delete"),
    ("an unrecorded grant that c reveals is nobody's to undo", "a+0 b-1 c+1", "c", 1, "already so"),
    ("nor is it when all is undone", "a+0 b-1 c+1", "abc", 1, "already so"),
    ("an unknown state contradicts nothing", "a+0 b+?", "b", 1, "kept for a"),
    ("nor does it reveal anything", "a+0 b-1 c+?", "bc", 1, "kept for a"),
];

#[test]
fn the_rules_of_replay() {
    for (what, story, selected, live, expected) in ROWS {
        let plan = judged(story, selected, *live);
        assert_eq!(in_words(&plan), *expected, "{what}");
        assert_eq!((plan.grade, plan.assumed), (Grade::Exact, false), "{what}");
    }
}

#[test]
fn what_rests_on_an_unknown_beginning_is_assumed() {
    for (story, selected, live, assumed) in [
        ("a+?", "a", 1, true),
        ("a-?", "a", 0, true),
        ("a-? b-?", "ab", 0, true),
        // A record of what was there before, or a record that is not undone, is no assumption.
        ("a+? b-?", "b", 0, false),
        ("a+? b+0", "ab", 1, false),
    ] {
        let plan = judged(story, selected, live);
        assert_eq!(only(&plan).disposition, Act, "{story}");
        assert_eq!(only(&plan).grade == Grade::Assumed, assumed, "{story}");
        assert_eq!((plan.assumed, plan.grade == Grade::Assumed), (assumed, assumed), "{story}");
    }
}

#[test]
fn a_ledger_reveals_what_nobody_recorded() {
    // Granted; then removed by nobody knows whom, as the undo of another record saw; then granted.
    let first = operation("a", 0).grants(&key(1));
    let other = operation("b", 100_000).change(Granted, Unknown, &key(1));
    let at = Key::Assignment(key(1));
    let seen = found(&at, Presence::Absent, Presence::Absent, LedgerOutcome::AlreadySo);
    let unrelated = operation("c", 10).change(Granted, Present, &key(1));
    let look = ledger("undo-c", 1, 50_000, &[&unrelated], vec![seen]);
    let records = [first, other.clone(), unrelated, look];
    let plan = undo(&records, &[&other], &[key(1)]);
    assert_eq!((only(&plan).disposition, only(&plan).grade), (Act, Grade::Exact));
    // Without what the ledger saw, the first grant would hold it.
    let plan = undo(&records[..3], &[&other], &[key(1)]);
    assert_eq!(only(&plan).disposition, Kept);
}

#[test]
fn records_of_another_instance_say_nothing() {
    let a = operation("a", 0).grants(&key(1));
    let b = operation("b", 3600).grants(&key(1)).with(|spec| spec.instance = "other".into());
    let plan = undo(&[a.clone(), b], &[&a], &[key(1)]);
    assert_eq!(only(&plan).disposition, Act);
}

#[test]
fn a_selected_record_need_not_be_among_the_others() {
    let a = operation("a", 0).grants(&key(1));
    let b = operation("b", 3600).change(Granted, Present, &key(1));
    let world = live(std::slice::from_ref(&a), &[key(1)]);
    let plan = try_plan(&[b], &[&a], &world).unwrap();
    assert_eq!(only(&plan).kept_for.as_deref(), Some("b"));
}

#[test]
fn copies_with_two_sets_touch_exact_keys_only() {
    // Two sets were copied, each in another account: never sets × accounts.
    let copied = operation("copy", 0).grants(&triple(1, 1, 7)).grants(&triple(2, 2, 7));
    let older = triple(1, 2, 7);
    let present = [triple(1, 1, 7), triple(2, 2, 7), older.clone()];
    let plan = undo(std::slice::from_ref(&copied), &[&copied], &present);
    assert_eq!(plan.actions, 2);
    assert!(!keys_of(&plan).contains(&Key::Assignment(older)));
}
