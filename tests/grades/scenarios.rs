//! Operations with what their undo may promise.

use rollback_operator::model::{AssignmentKey, BlockedReason, Grade};
use rollback_operator::plan::Plan;
use serde_json::{Value, json};

use super::stage::{Stage, key, set};

/// What an undo did to the world.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Found {
    /// Nothing can tell it from the world before.
    Same,
    /// The same access; something visible differs.
    SameAccess,
    /// Other access.
    Other,
}

async fn compared(stage: &Stage, before: &(Value, Value)) -> Found {
    if stage.everything().await == before.0 {
        Found::Same
    } else if stage.access().await == before.1 {
        Found::SameAccess
    } else {
        Found::Other
    }
}

/// Holds that a grade promises no more than what was found.
#[track_caller]
fn honest(what: &str, plan: &Plan, found: Found) {
    let kept = match plan.grade {
        Grade::Exact => found == Found::Same,
        Grade::Equivalent => found <= Found::SameAccess,
        Grade::Assumed | Grade::Lossy => true,
    };
    assert!(kept, "{what}: graded {:?}, yet the world is {found:?}\n{:#?}", plan.grade, plan.items);
}

/// One operation on assignments.
struct Case {
    what: &'static str,
    /// What is done before, and is part of the world before.
    first: &'static [(bool, &'static str)],
    /// What the operation does, with what its record says was there before.
    done: &'static [(bool, &'static str, &'static str)],
    grade: Grade,
    found: Found,
}

const fn case(
    what: &'static str,
    first: &'static [(bool, &'static str)],
    done: &'static [(bool, &'static str, &'static str)],
    grade: Grade,
    found: Found,
) -> Case {
    Case { what, first, done, grade, found }
}

const G: bool = true;
const R: bool = false;

const CASES: &[Case] = &[
    case(
        "a grant where the set has a role",
        &[],
        &[(G, "alice a 1", "Absent")],
        Grade::Exact,
        Found::Same,
    ),
    case(
        "the first grant of a set in an account",
        &[],
        &[(G, "alice a 2", "Absent")],
        Grade::Exact,
        Found::Same,
    ),
    case("a grant to a group", &[], &[(G, "Team a 1", "Absent")], Grade::Exact, Found::Same),
    case(
        "grants in two accounts",
        &[],
        &[(G, "alice a 1", "Absent"), (G, "alice a 2", "Absent")],
        Grade::Exact,
        Found::Same,
    ),
    case(
        "grants of two sets",
        &[],
        &[(G, "alice a 1", "Absent"), (G, "alice b 1", "Absent")],
        Grade::Exact,
        Found::Same,
    ),
    case(
        "a grant that was there before",
        &[(G, "alice a 1")],
        &[(G, "alice a 1", "Present")],
        Grade::Exact,
        Found::Same,
    ),
    case(
        "a grant of which nobody knows",
        &[],
        &[(G, "alice a 1", "Unknown")],
        Grade::Assumed,
        Found::Same,
    ),
    case(
        "a grant of which nobody knows and that was there",
        &[(G, "alice a 1")],
        &[(G, "alice a 1", "Unknown")],
        Grade::Assumed,
        Found::Other,
    ),
    case(
        "a revocation that leaves the role",
        &[(G, "alice a 1")],
        &[(R, "alice a 1", "Present")],
        Grade::Exact,
        Found::Same,
    ),
    case(
        "a revocation from a group that leaves the role",
        &[(G, "Team a 1")],
        &[(R, "Team a 1", "Present")],
        Grade::Exact,
        Found::Same,
    ),
    case(
        "a revocation of the last assignment",
        &[(G, "alice a 2")],
        &[(R, "alice a 2", "Present")],
        Grade::Lossy,
        Found::SameAccess,
    ),
    case(
        "a revocation of a group's last assignment",
        &[(G, "Team b 2")],
        &[(R, "Team b 2", "Present")],
        Grade::Lossy,
        Found::SameAccess,
    ),
    case(
        "revocations of which one is the last",
        &[(G, "alice a 1"), (G, "alice a 2")],
        &[(R, "alice a 1", "Present"), (R, "alice a 2", "Present")],
        Grade::Lossy,
        Found::SameAccess,
    ),
    case(
        "two revocations that together are the last",
        &[(G, "alice a 2"), (G, "carol a 2")],
        &[(R, "alice a 2", "Present"), (R, "carol a 2", "Present")],
        Grade::Lossy,
        Found::SameAccess,
    ),
    case(
        "a revocation that was absent before",
        &[],
        &[(R, "alice a 1", "Absent")],
        Grade::Exact,
        Found::Same,
    ),
    case(
        "a revocation of which nobody knows",
        &[(G, "alice a 1")],
        &[(R, "alice a 1", "Unknown")],
        Grade::Assumed,
        Found::Same,
    ),
    case(
        "a last revocation of which nobody knows",
        &[(G, "alice a 2")],
        &[(R, "alice a 2", "Unknown")],
        Grade::Lossy,
        Found::SameAccess,
    ),
    case(
        "one set for another where both keep their roles",
        &[(G, "alice a 1")],
        &[(R, "alice a 1", "Present"), (G, "alice b 1", "Absent")],
        Grade::Exact,
        Found::Same,
    ),
    case(
        "one set for another where the first loses its role",
        &[(G, "alice a 2")],
        &[(R, "alice a 2", "Present"), (G, "alice b 2", "Absent")],
        Grade::Lossy,
        Found::SameAccess,
    ),
    case(
        "one person for another under the same set",
        &[(G, "alice a 2")],
        &[(G, "carol a 2", "Absent"), (R, "alice a 2", "Present")],
        // Its record does not tell this from the next.
        Grade::Lossy,
        Found::Same,
    ),
    case(
        "one person for another with a moment without any",
        &[(G, "alice a 2")],
        &[(R, "alice a 2", "Present"), (G, "carol a 2", "Absent")],
        Grade::Lossy,
        Found::SameAccess,
    ),
    case(
        "one person for another where somebody else keeps the role",
        &[(G, "alice a 1")],
        &[(R, "alice a 1", "Present"), (G, "carol a 1", "Absent")],
        Grade::Exact,
        Found::Same,
    ),
    case(
        "a copy from bob to alice",
        &[],
        &[(G, "alice a 1", "Absent"), (G, "alice b 1", "Absent")],
        Grade::Exact,
        Found::Same,
    ),
    case(
        "a copy of which a part was there",
        &[(G, "alice a 1")],
        &[(G, "alice a 1", "Present"), (G, "alice b 1", "Absent")],
        Grade::Exact,
        Found::Same,
    ),
];

#[tokio::test]
async fn what_is_graded_exact_is_exact() {
    for case in CASES {
        let mut stage = Stage::new(false).await;
        for (grants, key) in case.first {
            stage.does(*grants, &[key]).await;
        }
        let before = (stage.everything().await, stage.access().await);
        let mut entries: Vec<(&str, &str, AssignmentKey)> = Vec::new();
        for (grants, text, was) in case.done {
            stage.does(*grants, &[text]).await;
            entries.push((if *grants { "Granted" } else { "Revoked" }, was, key(text)));
        }
        stage.record("CopyAssignments", &entries, &Value::Null);
        let plan = stage.plan(&[0]).await;
        stage.execute(&plan, &[0]).await;
        let found = compared(&stage, &before).await;
        honest(case.what, &plan, found);
        assert_eq!((plan.grade, found), (case.grade, case.found), "{}", case.what);
    }
}

/// Graded and blocked as expected; what is done is done, and the grade is honest about it.
async fn ends(
    what: &str,
    mut stage: Stage,
    before: (Value, Value),
    blocked: Option<BlockedReason>,
    grade: Grade,
    found: Found,
) {
    let plan = stage.plan(&[0]).await;
    assert_eq!(
        plan.items.iter().find_map(|item| item.blocked),
        blocked,
        "{what}: {:#?}",
        plan.items
    );
    stage.execute(&plan, &[0]).await;
    let seen = compared(&stage, &before).await;
    honest(what, &plan, seen);
    assert_eq!((plan.grade, seen), (grade, found), "{what}");
}

async fn revoked(delegate: bool, first: &str) -> (Stage, (Value, Value)) {
    let mut stage = Stage::new(delegate).await;
    stage.does(true, &[first]).await;
    let before = (stage.everything().await, stage.access().await);
    stage.does(false, &[first]).await;
    stage.record("Revoke", &[("Revoked", "Present", key(first))], &Value::Null);
    (stage, before)
}

#[tokio::test]
async fn what_aws_cannot_give_back_is_lossy() {
    let (stage, before) = revoked(false, "alice a 1").await;
    let user = json!({"IdentityStoreId": "d-0123456789", "UserId": key("alice a 1").principal.id});
    stage.calls("AWSIdentityStore.DeleteUser", &user).await;
    ends(
        "a user who is gone",
        stage,
        before,
        Some(BlockedReason::PrincipalMissing),
        Grade::Lossy,
        Found::Other,
    )
    .await;

    let (stage, before) = revoked(false, "alice b 2").await;
    stage.does(false, &["bob b 1"]).await;
    stage.client().delete_permission_set(&set('b')).await.unwrap();
    ends(
        "a set that is gone",
        stage,
        before,
        Some(BlockedReason::PermissionSetMissing),
        Grade::Lossy,
        Found::Other,
    )
    .await;

    let (stage, before) = revoked(false, "alice a 1").await;
    stage.happens(&json!({"suspend": ["222222222222"]})).await;
    ends(
        "a suspended account",
        stage,
        before,
        Some(BlockedReason::AccountUnavailable),
        Grade::Lossy,
        Found::Other,
    )
    .await;
}

#[tokio::test]
async fn what_somebody_else_did_since_is_not_promised() {
    let (stage, before) = revoked(false, "alice a 1").await;
    stage.does(true, &["alice a 1"]).await;
    ends("given again by hand", stage, before, None, Grade::Exact, Found::Same).await;

    let (mut stage, before) = revoked(false, "alice a 1").await;
    stage.does(true, &["alice a 1"]).await;
    stage.record("Assign", &[("Granted", "Absent", key("alice a 1"))], &Value::Null);
    ends("given again by another operation", stage, before, None, Grade::Exact, Found::Same).await;
}

/// A clone of Write with an assignment, recorded; and the world before.
async fn cloned(known: bool) -> (Stage, (Value, Value), AssignmentKey) {
    let mut stage = Stage::new(false).await;
    let before = (stage.everything().await, stage.access().await);
    let arn = stage.clones().await;
    let through = stage.grants_through(&arn, "alice b 1").await;
    let (_, content) = stage.client().permission_set_content(&arn).await.unwrap().unwrap();
    let mut made = json!({"arn": arn, "name": "Clone", "source": set('b')});
    if known {
        made["content"] = json!(content);
    }
    stage.record("ClonePermissionSet", &[], &json!({"createdPermissionSet": made}));
    stage.record("Assign", &[("Granted", "Absent", through.clone())], &Value::Null);
    (stage, before, through)
}

#[tokio::test]
async fn a_clone_is_undone_exactly_and_comes_back_under_another_arn() {
    let (mut stage, before, _) = cloned(true).await;
    let done = (stage.everything().await, stage.access().await);
    let plan = stage.plan(&[0, 1]).await;
    stage.execute(&plan, &[0, 1]).await;
    let found = compared(&stage, &before).await;
    honest("a clone and its assignment", &plan, found);
    assert_eq!((plan.grade, found), (Grade::Exact, Found::Same));

    let plan = stage.plan(&[2]).await;
    stage.execute(&plan, &[2]).await;
    let found = compared(&stage, &done).await;
    honest("the redo", &plan, found);
    assert_eq!((plan.grade, found), (Grade::Lossy, Found::SameAccess), "the role has another name");

    let plan = stage.plan(&[3]).await;
    stage.execute(&plan, &[3]).await;
    let found = compared(&stage, &before).await;
    honest("the undo of the redo", &plan, found);
    assert_eq!((plan.grade, found), (Grade::Exact, Found::Same));
}

#[tokio::test]
async fn a_clone_without_assignments_comes_back_equivalent() {
    let mut stage = Stage::new(false).await;
    let arn = stage.clones().await;
    let done = (stage.everything().await, stage.access().await);
    let (_, content) = stage.client().permission_set_content(&arn).await.unwrap().unwrap();
    let made = json!({"arn": arn, "name": "Clone", "source": set('b'), "content": content});
    stage.record("ClonePermissionSet", &[], &json!({"createdPermissionSet": made}));
    let plan = stage.plan(&[0]).await;
    stage.execute(&plan, &[0]).await;
    let plan = stage.plan(&[1]).await;
    stage.execute(&plan, &[1]).await;
    let found = compared(&stage, &done).await;
    honest("the redo of a clone", &plan, found);
    assert_eq!((plan.grade, found), (Grade::Equivalent, Found::SameAccess));
}

#[tokio::test]
async fn a_clone_that_changed_or_is_used_stays() {
    let (mut stage, before, _) = cloned(false).await;
    let plan = stage.plan(&[0, 1]).await;
    stage.execute(&plan, &[0, 1]).await;
    let found = compared(&stage, &before).await;
    honest("a clone whose content nobody recorded", &plan, found);
    assert_eq!((plan.grade, found), (Grade::Assumed, Found::Same));

    let (stage, _, _) = cloned(true).await;
    let plan = stage.plan(&[0]).await;
    assert_eq!(plan.items[0].blocked, Some(BlockedReason::StillAssigned));

    let (stage, _, through) = cloned(true).await;
    let policy = json!({
        "InstanceArn": "arn:aws:sso:::instance/ssoins-0123456789abcdef",
        "PermissionSetArn": through.permission_set,
        "ManagedPolicyArn": "arn:aws:iam::aws:policy/AdministratorAccess",
    });
    stage.calls("SWBExternalService.AttachManagedPolicyToPermissionSet", &policy).await;
    let plan = stage.plan(&[0, 1]).await;
    let blocked = plan.items.iter().find_map(|item| item.blocked);
    assert_eq!(blocked, Some(BlockedReason::ContentChanged));
}

#[tokio::test]
async fn a_delegated_administrator_is_told_what_is_out_of_reach() {
    let mut stage = Stage::new(true).await;
    let before = (stage.everything().await, stage.access().await);
    stage.does(true, &["alice a 0"]).await;
    stage.record("Assign", &[("Granted", "Absent", key("alice a 0"))], &Value::Null);
    let blocked = Some(BlockedReason::ManagementAccount);
    ends("the management account", stage, before, blocked, Grade::Lossy, Found::Other).await;
}
