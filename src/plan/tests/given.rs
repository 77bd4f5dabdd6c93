//! What the permission sets give through which access is restored.

use super::fixtures::{
    cloned, content, live, only, operation, own_access_only, plan_with, set, triple,
};
use crate::api::instance::Policy;
use crate::api::record::PermissionSetContent;
use crate::model::{ActionKind, Grade};
use crate::plan::{Given, Plan, Record, still_holds};

/// The undo of taking set 0 from user 0, given what the set gives now.
fn restored(given: Given, others: &[Record]) -> Plan {
    let record = operation("revoke", 500).revokes(&triple(1, 0, 0));
    let records: Vec<Record> = others.iter().cloned().chain([record.clone()]).collect();
    let mut world = live(&records, &[]);
    world.provisioned.insert(set(0), [super::fixtures::account(1)].into());
    let mut access = own_access_only(&world);
    access.given.insert(set(0), given);
    plan_with(&Policy::default(), &[], others, &[&record], &world, &access).unwrap()
}

fn gives(content: PermissionSetContent) -> Given {
    Given::Content(content)
}

fn sentence(plan: &Plan) -> &str {
    plan.warnings.iter().find(|line| line.contains("estores access through")).unwrap()
}

#[test]
fn another_content_is_another_plan_and_another_description_is_not() {
    let plan = restored(gives(content()), &[]);
    let item = only(&plan);
    assert_eq!((item.action, item.grade), (ActionKind::CreateAssignment, Grade::Exact));
    assert!(item.gives.as_ref().is_some_and(|digest| digest.starts_with("sha256:")));
    let described = PermissionSetContent {
        description: Some("other words".to_owned()),
        tags: vec!["a=b".to_owned()],
        ..content()
    };
    assert_eq!(restored(gives(described), &[]).digest, plan.digest);
    let edits: [fn(&mut PermissionSetContent); 5] = [
        |it| it.inline_policy = Some(r#"{"Statement": []}"#.to_owned()),
        |it| it.managed_policies.push("arn:aws:iam::aws:policy/AdministratorAccess".to_owned()),
        |it| it.customer_managed_policies.push("/team/WriteAll".to_owned()),
        |it| it.permissions_boundary = Some("/team/Boundary".to_owned()),
        |it| it.session_duration = Some("PT12H".to_owned()),
    ];
    for edit in edits {
        let mut other = content();
        edit(&mut other);
        let after = restored(gives(other.clone()), &[]);
        assert_ne!(after.digest, plan.digest, "{other:?}");
        assert!(!still_holds(&plan.items, &[], &after), "{other:?}");
    }
    assert!(still_holds(&plan.items, &[], &restored(gives(content()), &[])));
}

#[test]
fn what_nobody_could_read_is_assumed() {
    let plan = restored(Given::Unknown, &[]);
    assert_eq!((plan.grade, only(&plan).gives.as_ref()), (Grade::Assumed, None));
    assert!(plan.assumed && only(&plan).assumed, "it waits for an approval under every policy");
    assert!(only(&plan).message.as_ref().unwrap().contains("could not be read"));
    assert!(sentence(&plan).contains("could not be read"), "{:?}", plan.warnings);
}

#[test]
fn people_are_told_what_they_give_and_whether_it_is_what_was_recorded() {
    let nobody = restored(gives(PermissionSetContent::default()), &[]);
    assert!(sentence(&nobody).contains("no policy at all, and nobody recorded"));
    let managed = |name: &str| PermissionSetContent {
        managed_policies: vec![format!("arn:aws:iam::aws:policy/job-function/{name}")],
        permissions_boundary: Some("/team/Boundary".to_owned()),
        ..PermissionSetContent::default()
    };
    let clone = cloned("clone", 0).with(|spec| {
        let created = spec.created_permission_set.as_mut().unwrap();
        (created.arn, created.content) = (set(0), Some(managed("ViewOnlyAccess")));
    });
    let same = restored(gives(managed("ViewOnlyAccess")), std::slice::from_ref(&clone));
    assert!(
        sentence(&same).contains(
            "gives AWS's ViewOnlyAccess within the boundary Boundary, as it did when it was created"
        ),
        "{:?}",
        same.warnings
    );
    let other = restored(gives(managed("Billing")), std::slice::from_ref(&clone));
    assert!(sentence(&other).contains("not what it gave when it was created"));
}
