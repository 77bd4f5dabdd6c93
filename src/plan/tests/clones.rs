//! Permission sets that a clone made.

use super::fixtures::{
    account, cloned, content, executed, live, only, operation, plan_under, set, triple, try_plan,
};
use crate::api::instance::Policy;
use crate::api::plan::Disposition::{Act, AlreadySo};
use crate::api::plan_status::GuardReason;
use crate::api::record::CreatedPermissionSet;
use crate::model::{ActionKind, AssignmentKey, BlockedReason, Grade, Key};
use crate::plan::{Live, Record, Refusal, Replacements, SetFacts, content_digest, touched};

fn edited(record: Record, edit: impl FnOnce(&mut CreatedPermissionSet)) -> Record {
    record.with(|spec| edit(spec.created_permission_set.as_mut().unwrap()))
}

fn facts(live: &mut Live) -> &mut SetFacts {
    live.permission_sets.get_mut(&set(9)).unwrap()
}

#[test]
fn an_unused_unchanged_clone_is_deleted_and_its_content_kept() {
    let clone = cloned("clone", 0);
    let world = live(std::slice::from_ref(&clone), &[]);
    let plan = try_plan(&[], &[&clone], &world).unwrap();
    let item = only(&plan);
    assert_eq!((item.disposition, item.action), (Act, ActionKind::DeletePermissionSet));
    assert_eq!((item.grade, plan.assumed, plan.gives_access), (Grade::Exact, false, false));
    assert_eq!(item.content, Some(content()));
    assert_eq!((item.account.as_ref(), item.principal.as_ref()), (None, None));
}

#[test]
fn a_clone_that_is_gone_is_undone() {
    let clone = cloned("clone", 0);
    let mut world = live(std::slice::from_ref(&clone), &[]);
    *facts(&mut world) = SetFacts::default();
    let plan = try_plan(&[], &[&clone], &world).unwrap();
    assert_eq!(only(&plan).disposition, AlreadySo);
}

#[test]
fn a_clone_that_nobody_looked_at_is_not_judged() {
    let clone = cloned("clone", 0);
    let mut world = live(std::slice::from_ref(&clone), &[]);
    world.permission_sets.clear();
    assert_eq!(try_plan(&[], &[&clone], &world), Err(Refusal::Unread(set(9))));
}

type Edit = fn(&mut SetFacts);

#[test]
fn what_the_clone_made_is_compared() {
    let known = cloned("clone", 0);
    let by_digest = edited(cloned("clone", 0), |created| {
        created.content = None;
        created.content_digest = Some(content_digest(&content()));
    });
    let unknown = edited(cloned("clone", 0), |created| created.content = None);
    let of_itself = edited(cloned("clone", 0), |created| {
        created.content = None;
        created.source = Some(set(9));
    });
    let same: Edit = |_| {};
    let laid_out: Edit = |facts| {
        facts.content.as_mut().unwrap().inline_policy =
            Some("{\n  \"Statement\": [],\n  \"Version\": \"2012-10-17\"\n}".to_owned());
    };
    let described: Edit =
        |facts| facts.content.as_mut().unwrap().description = Some("mine now".to_owned());
    let widened: Edit =
        |facts| facts.content.as_mut().unwrap().managed_policies.push("x".to_owned());
    let longer: Edit =
        |facts| facts.content.as_mut().unwrap().session_duration = Some("PT12H".to_owned());
    let orphaned: Edit = |facts| facts.source_content = None;
    let unread: Edit = |facts| facts.content = None;
    let changed = Some(BlockedReason::ContentChanged);
    let rows: [(&Record, Edit, Option<BlockedReason>, Grade); 17] = [
        (&known, same, None, Grade::Exact),
        (&known, laid_out, None, Grade::Exact),
        (&known, described, changed, Grade::Lossy),
        (&known, widened, changed, Grade::Lossy),
        (&known, orphaned, None, Grade::Exact),
        (&known, unread, Some(BlockedReason::AccessDenied), Grade::Lossy),
        (&by_digest, same, None, Grade::Exact),
        (&by_digest, laid_out, None, Grade::Exact),
        (&by_digest, widened, changed, Grade::Lossy),
        (&by_digest, orphaned, None, Grade::Exact),
        (&unknown, same, None, Grade::Assumed),
        (&unknown, described, None, Grade::Assumed),
        (&unknown, widened, changed, Grade::Lossy),
        (&unknown, longer, changed, Grade::Lossy),
        (&unknown, orphaned, changed, Grade::Lossy),
        (&of_itself, same, changed, Grade::Lossy),
        (&unknown, unread, Some(BlockedReason::AccessDenied), Grade::Lossy),
    ];
    for (row, (record, edit, blocked, grade)) in rows.into_iter().enumerate() {
        let mut world = live(std::slice::from_ref(record), &[]);
        edit(facts(&mut world));
        let plan = try_plan(&[], &[record], &world).unwrap();
        let item = only(&plan);
        assert_eq!((item.blocked, item.grade), (blocked, grade), "row {row}");
        assert_eq!(plan.assumed, grade == Grade::Assumed, "row {row}");
    }
}

fn with_assignments(assigned: &[AssignmentKey]) -> (Record, Record, Live) {
    let clone = cloned("clone", 0);
    let assign = operation("assign", 100).grants(&triple(1, 9, 1)).grants(&triple(2, 9, 1));
    let world = live(&[clone.clone(), assign.clone()], assigned);
    (clone, assign, world)
}

#[test]
fn assignments_of_the_clone_go_first_and_all_of_them_must_go() {
    let ours = [triple(1, 9, 1), triple(2, 9, 1)];
    let (clone, assign, world) = with_assignments(&ours);
    let plan = try_plan(&[], &[&assign, &clone], &world).unwrap();
    assert_eq!((plan.actions, plan.blocked), (3, 0));
    assert_eq!(plan.items[2].action, ActionKind::DeletePermissionSet);

    // Not selected: they stand in the way, and are named.
    let plan = try_plan(&[], &[&clone], &world).unwrap();
    assert_eq!(only(&plan).blocked, Some(BlockedReason::StillAssigned));
    let message = only(&plan).message.clone().unwrap();
    assert!(
        message.contains("2 assignments") && message.contains(account(2).as_str()),
        "{message}"
    );

    // Somebody else's, in an account that no record names.
    let mut world = with_assignments(&ours).2;
    facts(&mut world).assigned.insert(triple(77, 9, 5));
    let plan = try_plan(&[], &[&assign, &clone], &world).unwrap();
    let item = plan.items.iter().find(|item| item.blocked.is_some()).unwrap();
    assert_eq!(item.blocked, Some(BlockedReason::StillAssigned));
    assert!(item.message.clone().unwrap().contains("1 assignments"));
    assert_eq!((plan.actions, plan.blocked), (2, 1));
}

#[test]
fn an_assignment_that_is_kept_or_blocked_keeps_the_set() {
    let ours = [triple(1, 9, 1), triple(2, 9, 1)];
    let (clone, assign, mut world) = with_assignments(&ours);
    let keeper = operation("keeper", 5000).change(
        crate::model::Effect::Granted,
        crate::model::Before::Present,
        &triple(1, 9, 1),
    );
    let plan = try_plan(&[keeper], &[&assign, &clone], &world).unwrap();
    let item = plan.items.iter().find(|item| item.blocked.is_some()).unwrap();
    assert_eq!(item.blocked, Some(BlockedReason::StillAssigned));

    *world.accounts.get_mut(&account(2)).unwrap() = crate::plan::AccountState::Suspended;
    let plan = try_plan(&[], &[&assign, &clone], &world).unwrap();
    assert_eq!((plan.actions, plan.blocked), (1, 2));
}

#[test]
fn a_set_through_which_the_plan_gives_access_is_not_deleted() {
    let clone = cloned("clone", 0);
    let assign = operation("assign", 100).grants(&triple(1, 9, 1));
    let revoke = operation("revoke", 200).revokes(&triple(1, 9, 1));
    let world = live(&[clone.clone(), assign.clone(), revoke.clone()], &[]);
    let plan = try_plan(std::slice::from_ref(&assign), &[&clone, &revoke], &world).unwrap();
    assert_eq!((plan.actions, plan.blocked), (1, 1));
    let item = plan.items.iter().find(|item| item.account.is_none()).unwrap();
    assert_eq!(item.blocked, Some(BlockedReason::StillAssigned));
    let message = item.message.clone().unwrap();
    let key = triple(1, 9, 1);
    assert!(message.contains(&format!("{} in {}", key.principal, key.account)), "{message}");

    // Undoing all three wants nobody in: then the set goes.
    let plan = try_plan(&[], &[&clone, &assign, &revoke], &world).unwrap();
    assert_eq!((plan.actions, plan.blocked), (1, 0));
}

#[test]
fn many_assignments_are_counted_not_listed() {
    let clone = cloned("clone", 0);
    let mut world = live(std::slice::from_ref(&clone), &[]);
    facts(&mut world).assigned = (0..500).map(|at| triple(at, 9, 3)).collect();
    let message = only(&try_plan(&[], &[&clone], &world).unwrap()).message.clone().unwrap();
    assert!(message.contains("500 assignments") && message.contains("and 497 more"), "{message}");
    assert!(message.len() < 1000);
}

#[test]
fn sets_can_be_out_of_reach() {
    let clone = cloned("clone", 0);
    let mut world = live(std::slice::from_ref(&clone), &[]);
    world.delegated_administrator = true;
    world.provisioned.insert(set(9), [account(999)].into());
    let plan = try_plan(&[], &[&clone], &world).unwrap();
    assert_eq!(only(&plan).blocked, Some(BlockedReason::ManagementAccount));
}

#[test]
fn the_existence_of_the_set_is_touched() {
    let touched = touched(&[&cloned("clone", 0)], &Replacements::default());
    assert!(touched.keys.contains(&Key::PermissionSet(set(9))));
    assert!(touched.permission_sets.contains(&set(9)));
    assert!(touched.accounts.is_empty() && touched.principals.is_empty());
}

/// A clone with two assignments, the ledger of their undo, and a world in which they are gone.
fn deleted_clone() -> ([Record; 3], Live) {
    let (clone, assign, world) = with_assignments(&[triple(1, 9, 1), triple(2, 9, 1)]);
    let plan = try_plan(&[], &[&clone, &assign], &world).unwrap();
    let mut undone = executed("undo", 1, 9000, &plan, &[&clone, &assign], &|_| false);
    undone = undone.with(|spec| {
        let mut deleted = clone.spec.created_permission_set.clone().unwrap();
        deleted.content = Some(content());
        spec.rollback.as_mut().unwrap().deleted_permission_sets.push(deleted);
    });
    let records = [clone, assign, undone];
    let mut world = live(&records, &[]);
    *facts(&mut world) = SetFacts::default();
    world.provisioned.clear();
    (records, world)
}

#[test]
fn a_deleted_set_is_created_again_with_its_content_before_what_goes_through_it() {
    let (records, mut world) = deleted_clone();
    let plan = try_plan(&records, &[&records[2]], &world).unwrap();
    assert_eq!((plan.actions, plan.blocked), (3, 0));
    let item = &plan.items[0];
    assert_eq!((item.disposition, item.action), (Act, ActionKind::CreatePermissionSet));
    assert_eq!((item.grade, item.content.clone()), (Grade::Equivalent, Some(content())));
    assert_eq!(item.permission_set_name.as_deref(), Some("Clone"));
    assert_eq!(plan.grade, Grade::Lossy, "the roles come back under other names");
    // Without the set nothing can be assigned through it.
    let unsaved = records[2].clone().with(|spec| {
        spec.rollback.as_mut().unwrap().deleted_permission_sets.clear();
    });
    let all = [records[0].clone(), records[1].clone(), unsaved.clone()];
    let plan = try_plan(&all, &[&unsaved], &world).unwrap();
    assert_eq!((plan.actions, plan.blocked), (0, 3));
    let of_set = plan.items.iter().find(|item| item.account.is_none()).unwrap();
    assert_eq!(of_set.blocked, Some(BlockedReason::Unsupported));
    // It was not deleted after all: nothing is created twice.
    facts(&mut world).exists = true;
    let plan = try_plan(&records, &[&records[2]], &world).unwrap();
    assert!(plan.items.iter().all(
        |item| item.action != ActionKind::CreatePermissionSet || item.disposition == AlreadySo
    ));
}

#[test]
fn a_set_whose_name_is_taken_is_not_created_and_gives_nothing() {
    let (records, mut world) = deleted_clone();
    world.taken_names.insert("another".to_owned());
    let plan = try_plan(&records, &[&records[2]], &world).unwrap();
    let created = |plan: &crate::plan::Plan| {
        let mut items = plan.items.iter();
        items.find(|item| item.action == ActionKind::CreatePermissionSet).cloned().unwrap()
    };
    let name = created(&plan).permission_set_name.unwrap();
    assert_eq!(plan.blocked, 0);
    world.taken_names.insert(name.clone());
    let plan = try_plan(&records, &[&records[2]], &world).unwrap();
    assert_eq!(created(&plan).blocked, Some(BlockedReason::NameTaken));
    let message = created(&plan).message.unwrap();
    assert!(message.contains(&format!("is named {name}")), "{message}");
    assert_eq!(plan.actions, 0, "nobody is let in through a set that is not there");
}

/// The ledger of the redo, which created set 8 in place of set 9.
fn redo(records: &[Record; 3], world: &Live) -> Record {
    let mut plan = try_plan(records, &[&records[2]], world).unwrap();
    for item in &mut plan.items {
        item.permission_set = set(8);
    }
    executed("redo", 1, 19000, &plan, &[&records[2]], &|_| false).with(|spec| {
        spec.rollback.as_mut().unwrap().created_permission_sets.push(CreatedPermissionSet {
            arn: set(8),
            name: "Clone".to_owned(),
            source: None,
            content_digest: None,
            content: Some(tagged()),
            replaces: Some(set(9)),
        });
    })
}

/// The content as it was created in place: with a tag more.
fn tagged() -> crate::api::record::PermissionSetContent {
    crate::api::record::PermissionSetContent { tags: vec!["a=b".to_owned()], ..content() }
}

#[test]
fn records_of_the_old_set_are_undone_through_the_one_that_stands_for_it() {
    let (records, world) = deleted_clone();
    let redo = redo(&records, &world);
    let all = [records[0].clone(), records[1].clone(), records[2].clone(), redo.clone()];
    let present = [triple(1, 8, 1), triple(2, 8, 1)];
    let mut world = live(&all, &present);
    let of_set = world.permission_sets.get_mut(&set(8)).unwrap();
    of_set.content = Some(tagged());
    // The undo of the redo, and the undo of the originals again, are one and the same.
    for selected in [vec![&all[3]], vec![&all[0], &all[1]]] {
        let plan = try_plan(&all, &selected, &world).unwrap();
        assert_eq!((plan.actions, plan.blocked), (3, 0), "{:#?}", plan.items);
        assert!(plan.items.iter().all(|item| item.permission_set == set(8)));
        let last = plan.items.last().unwrap();
        assert_eq!(last.action, ActionKind::DeletePermissionSet);
        assert_eq!(last.content, Some(tagged()));
    }
    let other = try_plan(&all, &[&all[1]], &world).unwrap();
    assert_eq!(other.actions, 2, "the assignments alone");
    // What protects the old set protects the one that stands for it.
    let mut policy = Policy::default();
    policy.protected.permission_sets = vec![set(9)];
    let plan = plan_under(&policy, &all, &[&all[1]], &world).unwrap();
    let refused = plan.refusals.iter().map(|it| it.reason).collect::<Vec<_>>();
    assert_eq!(refused, [GuardReason::ProtectedPermissionSet]);
    // What was changed since is not what was created.
    world.permission_sets.get_mut(&set(8)).unwrap().content = Some(content());
    let plan = try_plan(&all, &[&all[3]], &world).unwrap();
    assert_eq!(plan.items.iter().find_map(|it| it.blocked), Some(BlockedReason::ContentChanged));
}

#[test]
fn every_name_of_a_replaced_set_is_known() {
    let (records, world) = deleted_clone();
    let redo = redo(&records, &world);
    let replacements = Replacements::of([&redo]);
    assert_eq!(replacements.current(&set(9)), &set(8));
    let of_old = [Key::PermissionSet(set(9))].into();
    let of_new = [Key::PermissionSet(set(8))].into();
    assert_eq!(replacements.all_names(&of_old), replacements.all_names(&of_new));
    assert_eq!(replacements.all_names(&of_old).len(), 2);
    assert!(crate::plan::touches(&redo.spec, &of_old), "it is found by the name that it replaced");
    // Two that stand for one another were not written by us; they are no endless loop.
    let circle = redo.with(|spec| {
        let created = &mut spec.rollback.as_mut().unwrap().created_permission_sets;
        let back =
            CreatedPermissionSet { arn: set(9), replaces: Some(set(8)), ..created[0].clone() };
        created.push(back);
    });
    let _ = Replacements::of([&circle]).current(&set(9));
}
