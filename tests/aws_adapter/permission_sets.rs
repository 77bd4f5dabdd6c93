//! Permission sets and their content.

use rollback_operator::model::{BlockedReason, Class, FailureReason, PermissionSetContent};

use crate::world::*;

#[tokio::test]
async fn content_is_read_whole_and_can_be_made_again() {
    let world = World::start("").await;
    let client = world.client().await;
    let (name, content) =
        client.permission_set_content(&READ.parse().unwrap()).await.unwrap().unwrap();
    assert_eq!(name, "Read");
    let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    assert_eq!(
        content,
        PermissionSetContent {
            description: Some("Look, but change nothing".into()),
            session_duration: Some("PT4H".into()),
            relay_state: Some("https://console.aws.amazon.com/".into()),
            inline_policy: Some(r#"{"Version": "2012-10-17", "Statement": []}"#.into()),
            managed_policies: texts(&[
                "arn:aws:iam::aws:policy/ReadOnlyAccess",
                "arn:aws:iam::aws:policy/job-function/Billing",
            ]),
            customer_managed_policies: texts(&["/Guard", "/a/b/Deep"]),
            permissions_boundary: Some("arn:aws:iam::aws:policy/PowerUserAccess".into()),
            tags: texts(&["stage=test", "team=a"]),
        }
    );
    let copy = client.create_permission_set("Copy", &content).await.unwrap();
    let read_back = client.permission_set_content(&copy).await.unwrap().unwrap();
    assert_eq!(read_back, ("Copy".to_owned(), content.clone()));

    let guarded = PermissionSetContent {
        permissions_boundary: Some("/a/b/Deep".into()),
        ..PermissionSetContent::default()
    };
    let guarded_set = client.create_permission_set("Guarded", &guarded).await.unwrap();
    let (_, read_back) = client.permission_set_content(&guarded_set).await.unwrap().unwrap();
    assert_eq!(read_back.permissions_boundary, guarded.permissions_boundary);

    let error = client.create_permission_set("Copy", &content).await.unwrap_err();
    assert_eq!(error.class(), Class::Terminal(FailureReason::InvalidRequest), "{error}");
    client.delete_permission_set(&copy).await.unwrap();
    assert_eq!(client.describe_permission_set(&copy).await, Ok(None));
    assert_eq!(client.permission_set_content(&copy).await, Ok(None));
}

#[tokio::test]
async fn a_bare_set_has_nothing() {
    let world = World::start("").await;
    let client = world.client().await;
    let bare = BARE.parse().unwrap();
    let facts = client.describe_permission_set(&bare).await.unwrap().unwrap();
    assert_eq!((facts.name.as_str(), facts.description), ("Bare", None));
    assert_eq!(facts.session_duration.as_deref(), Some("PT1H"));
    let (_, content) = client.permission_set_content(&bare).await.unwrap().unwrap();
    let nothing = PermissionSetContent {
        session_duration: Some("PT1H".into()),
        ..PermissionSetContent::default()
    };
    assert_eq!(content, nothing);
}

#[tokio::test]
async fn what_is_assigned_is_not_deleted_and_what_is_gone_is_none() {
    let world = World::start("").await;
    let client = world.client().await;
    let error = client.delete_permission_set(&READ.parse().unwrap()).await.unwrap_err();
    assert_eq!(error.class(), Class::Conflict, "{error}");
    let gone = GONE.parse().unwrap();
    let error = client.delete_permission_set(&gone).await.unwrap_err();
    assert_eq!(error.class(), Class::Blocked(BlockedReason::PermissionSetMissing), "{error}");
    assert!(error.is_not_found());
    assert_eq!(client.describe_permission_set(&gone).await, Ok(None));
    let error = client.accounts_with_permission_set(&gone).await.unwrap_err();
    assert!(error.is_not_found(), "{error}");
    let accounts = client.accounts_with_permission_set(&BARE.parse().unwrap()).await.unwrap();
    assert_eq!(accounts.len(), 3);
}
