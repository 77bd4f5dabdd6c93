//! One key, a few records: what is wanted, and what is done about it.

use super::fixtures::{found, key, ledger, only, operation, undo};
use crate::api::plan::Disposition::{self, Act, AlreadySo, Kept, Unexplained};
use crate::api::record::LedgerOutcome;
use crate::model::Before::{Absent, Present, Unknown};
use crate::model::Effect::{Granted, Revoked};
use crate::model::{ActionKind, Before, Effect, Grade, Key, Presence};
use crate::plan::Record;

/// What happened to the key before it is looked at: grant or revoke, and what was there before.
type Story<'a> = &'a [(&'a str, Effect, Before)];

fn told(story: Story<'_>) -> Vec<Record> {
    (1..)
        .zip(story)
        .map(|(at, (id, effect, before))| {
            operation(id, at * 3600).change(*effect, *before, &key(1))
        })
        .collect()
}

#[track_caller]
fn judged(
    story: Story<'_>,
    selected: &[&str],
    live: bool,
) -> (Disposition, ActionKind, Option<String>, Grade) {
    let records = told(story);
    let selected: Vec<&Record> =
        records.iter().filter(|record| selected.contains(&record.name.as_str())).collect();
    let present = if live { vec![key(1)] } else { Vec::new() };
    let plan = undo(&records, &selected, &present);
    let item = only(&plan);
    (item.disposition, item.action, item.kept_for.clone(), item.grade)
}

const CREATE: ActionKind = ActionKind::CreateAssignment;
const DELETE: ActionKind = ActionKind::DeleteAssignment;

#[test]
fn the_rules_of_replay() {
    let grant = ("a", Granted, Absent);
    let revoke = ("a", Revoked, Present);
    let rows: &[(&str, Story<'_>, &[&str], bool, Disposition, ActionKind, Option<&str>)] = &[
        ("a grant is taken back", &[grant], &["a"], true, Act, DELETE, None),
        ("a revoke is given back", &[revoke], &["a"], false, Act, CREATE, None),
        ("somebody took it already", &[grant], &["a"], false, AlreadySo, DELETE, None),
        ("somebody gave it already", &[revoke], &["a"], true, AlreadySo, CREATE, None),
        (
            "the grant changed nothing",
            &[("a", Granted, Present)],
            &["a"],
            true,
            AlreadySo,
            CREATE,
            None,
        ),
        (
            "the revoke changed nothing",
            &[("a", Revoked, Absent)],
            &["a"],
            false,
            AlreadySo,
            DELETE,
            None,
        ),
        (
            "it changed nothing and is gone since",
            &[("a", Granted, Present)],
            &["a"],
            false,
            Unexplained,
            CREATE,
            None,
        ),
        (
            "a later grant holds it",
            &[grant, ("b", Granted, Present)],
            &["a"],
            true,
            Kept,
            DELETE,
            Some("b"),
        ),
        (
            "an earlier grant holds it",
            &[grant, ("b", Granted, Present)],
            &["b"],
            true,
            Kept,
            DELETE,
            Some("a"),
        ),
        (
            "an earlier revoke holds it",
            &[revoke, ("b", Revoked, Absent)],
            &["b"],
            false,
            Kept,
            CREATE,
            Some("a"),
        ),
        (
            "both grants undone",
            &[grant, ("b", Granted, Present)],
            &["a", "b"],
            true,
            Act,
            DELETE,
            None,
        ),
        (
            "a later revoke did it",
            &[grant, ("b", Revoked, Present)],
            &["a"],
            false,
            AlreadySo,
            DELETE,
            None,
        ),
        (
            "the revoke after a grant",
            &[grant, ("b", Revoked, Present)],
            &["b"],
            false,
            Act,
            CREATE,
            None,
        ),
        (
            "grant and revoke undone",
            &[grant, ("b", Revoked, Present)],
            &["a", "b"],
            false,
            AlreadySo,
            DELETE,
            None,
        ),
        (
            "kept, yet gone",
            &[grant, ("b", Granted, Present)],
            &["a"],
            false,
            Unexplained,
            CREATE,
            None,
        ),
        (
            "revoked by record, yet there",
            &[grant, ("b", Revoked, Present)],
            &["a"],
            true,
            Unexplained,
            DELETE,
            None,
        ),
        (
            "an unrecorded removal between two grants stays",
            &[grant, ("b", Granted, Absent)],
            &["a", "b"],
            true,
            Act,
            DELETE,
            None,
        ),
        (
            "an unrecorded grant before a revoke is given back",
            &[("a", Revoked, Absent), ("b", Revoked, Present)],
            &["b"],
            false,
            Act,
            CREATE,
            None,
        ),
        (
            "undoing the first grant takes away no unrecorded grant",
            &[grant, ("b", Revoked, Present), ("c", Granted, Present)],
            &["a"],
            true,
            Kept,
            DELETE,
            Some("c"),
        ),
        (
            "an unrecorded grant that a redundant one reveals is not undone",
            &[grant, ("b", Revoked, Present), ("c", Granted, Present)],
            &["c"],
            true,
            AlreadySo,
            CREATE,
            None,
        ),
        (
            "an unknown state contradicts nothing",
            &[grant, ("b", Granted, Unknown)],
            &["b"],
            true,
            Kept,
            DELETE,
            Some("a"),
        ),
    ];
    for (what, story, selected, live, disposition, action, kept_for) in rows {
        let (found, does, holder, grade) = judged(story, selected, *live);
        assert_eq!((found, does, holder.as_deref()), (*disposition, *action, *kept_for), "{what}");
        assert_eq!(grade, Grade::Exact, "{what}");
    }
}

#[test]
fn what_rests_on_an_unknown_beginning_is_assumed() {
    let rows: &[(Story<'_>, &[&str], bool, bool)] = &[
        (&[("a", Granted, Unknown)], &["a"], true, true),
        (&[("a", Revoked, Unknown)], &["a"], false, true),
        // A record of what was there before, or a record that is not undone, is no assumption.
        (&[("a", Granted, Unknown), ("b", Revoked, Unknown)], &["b"], false, false),
        (&[("a", Granted, Unknown), ("b", Granted, Absent)], &["a", "b"], true, false),
        (&[("a", Revoked, Unknown), ("b", Revoked, Unknown)], &["a", "b"], false, true),
    ];
    for (story, selected, live, assumed) in rows {
        let (disposition, _, _, grade) = judged(story, selected, *live);
        assert_eq!(disposition, Act, "{story:?}");
        assert_eq!(grade == Grade::Assumed, *assumed, "{story:?}");
        let records = told(story);
        let chosen: Vec<&Record> =
            records.iter().filter(|record| selected.contains(&record.name.as_str())).collect();
        let present = if *live { vec![key(1)] } else { Vec::new() };
        let plan = undo(&records, &chosen, &present);
        assert_eq!(plan.assumed, *assumed);
        assert_eq!(plan.grade == Grade::Assumed, *assumed);
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
    let world = super::fixtures::live(std::slice::from_ref(&a), &[key(1)]);
    let plan = super::fixtures::try_plan(&[b], &[&a], &world).unwrap();
    assert_eq!(only(&plan).kept_for.as_deref(), Some("b"));
}

#[test]
fn copies_with_two_sets_touch_exact_keys_only() {
    use super::fixtures::{keys_of, triple};
    // Two sets were copied, each in another account: never sets × accounts.
    let copied = operation("copy", 0).grants(&triple(1, 1, 7)).grants(&triple(2, 2, 7));
    let older = triple(1, 2, 7);
    let present = [triple(1, 1, 7), triple(2, 2, 7), older.clone()];
    let plan = undo(std::slice::from_ref(&copied), &[&copied], &present);
    assert_eq!(plan.actions, 2);
    assert!(!keys_of(&plan).contains(&Key::Assignment(older)));
}
