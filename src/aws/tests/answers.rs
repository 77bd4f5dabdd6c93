//! What the client makes of AWS's answers, good and bad.

use super::*;
use crate::aws::{Direction, Error, InstanceStatus, RequestState};
use crate::model::{BlockedReason, Class, FailureReason, PermissionSetContent};

/// A client to which everything is answered alike.
async fn always(reply: Reply) -> Client {
    answering(move |_, _| reply.clone()).await.0
}

#[tokio::test(start_paused = true)]
async fn an_answer_without_a_member_is_an_error_that_names_it() {
    let client = always(Reply::ok("{}")).await;
    let store = "d-9067f2a1b3".parse().unwrap();
    let account = key().account;
    let request = REQUEST.parse().unwrap();
    let missing = [
        client.create_assignment(&key()).await.unwrap_err(),
        client.delete_assignment(&key()).await.unwrap_err(),
        client.list_assignments(&account, &set()).await.unwrap_err(),
        client.list_assignments_for_principal(&user(), None).await.unwrap_err(),
        client.describe_request(Direction::Create, &request).await.unwrap_err(),
        client.describe_request(Direction::Delete, &request).await.unwrap_err(),
        client.list_requests(Direction::Create, None, None).await.unwrap_err(),
        client.list_requests(Direction::Delete, None, None).await.unwrap_err(),
        client.accounts_with_permission_set(&set()).await.unwrap_err(),
        client.describe_permission_set(&set()).await.unwrap_err(),
        client.permission_set_content(&set()).await.unwrap_err(),
        client.create_permission_set("Clone", &PermissionSetContent::default()).await.unwrap_err(),
        client.describe_instance().await.unwrap_err(),
        client.describe_account(&account).await.unwrap_err(),
        client.describe_principal(&store, &user()).await.unwrap_err(),
        client.describe_principal(&store, &group()).await.unwrap_err(),
    ];
    for error in missing {
        let Error::MissingMember { operation, member } = &error else { panic!("{error:?}") };
        assert_eq!(error.to_string(), format!("{operation}: AWS's answer has no {member}"));
        assert_eq!(error.class(), Class::Retry);
        assert!(error.may_have_been_sent());
    }
    client.delete_permission_set(&set()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn members_of_another_shape_are_errors_and_no_panic() {
    for (body, member) in [
        (
            r#"{"AccountAssignments":[{"PrincipalType":"ROBOT","PrincipalId":"x"}]}"#,
            "PrincipalType",
        ),
        (r#"{"AccountAssignments":[{"PrincipalType":"USER","PrincipalId":"x"}]}"#, "PrincipalId"),
    ] {
        let client = always(Reply::ok(body)).await;
        let error = client.list_assignments(&key().account, &set()).await.unwrap_err();
        assert!(matches!(&error, Error::BadMember { member: m, .. } if *m == member), "{error:?}");
    }
    let bodies =
        ["", "[]", "<html>", "{\"AccountAssignments\":7}", "{\"AccountAssignments\":[", "\u{0}"];
    for body in bodies {
        let client = always(Reply::ok(body)).await;
        let error = client.list_assignments(&key().account, &set()).await.unwrap_err();
        assert_eq!(error.class(), Class::Retry, "{body:?}");
        let error = client.create_assignment(&key()).await.unwrap_err();
        assert!(error.may_have_been_sent(), "{body:?}: {error}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_empty_body_is_as_good_as_an_empty_object() {
    let client = always(Reply::ok("")).await;
    client.delete_permission_set(&set()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn pages_may_be_short_or_empty_and_end_with_an_empty_token() {
    let (client, _, transport) = answering(|_, body| {
        let row = format!(r#"{{"PrincipalType":"USER","PrincipalId":"{USER}"}}"#);
        Reply::ok(match body {
            body if body.contains("\"NextToken\":\"a\"") => {
                r#"{"AccountAssignments":[],"NextToken":"b"}"#.to_owned()
            }
            body if body.contains("\"NextToken\":\"b\"") => {
                format!(r#"{{"AccountAssignments":[{row}],"NextToken":""}}"#)
            }
            _ => format!(r#"{{"AccountAssignments":[{row}],"NextToken":"a"}}"#),
        })
    })
    .await;
    let principals = client.list_assignments(&key().account, &set()).await.unwrap();
    assert_eq!(principals, [user(), user()]);
    assert_eq!(transport.sent().len(), 3);
    assert!(transport.sent()[0].body.contains("\"MaxResults\":100"));
}

#[tokio::test(start_paused = true)]
async fn a_list_that_goes_in_circles_is_an_error_and_no_short_list() {
    let (client, _, transport) =
        answering(|_, _| Reply::ok(r#"{"AccountIds":["111111111111"],"NextToken":"same"}"#)).await;
    let error = client.accounts_with_permission_set(&set()).await.unwrap_err();
    assert!(matches!(&error, Error::BadMember { member: "NextToken", .. }), "{error:?}");
    assert_eq!(transport.sent().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_error_in_the_middle_of_a_list_is_no_short_list() {
    let (client, _, _) = answering(|_, body| {
        if body.contains("NextToken") {
            return Reply::error(400, "ThrottlingException", "Rate exceeded");
        }
        Reply::ok(r#"{"AccountIds":["111111111111"],"NextToken":"next"}"#)
    })
    .await;
    let error = client.accounts_with_permission_set(&set()).await.unwrap_err();
    assert!(matches!(error.class(), Class::Throttled { .. }));
}

#[tokio::test(start_paused = true)]
async fn only_direct_rows_are_a_principals_own() {
    let row = |kind: &str, id: &str| {
        format!(
            r#"{{"AccountId":"111111111111","PermissionSetArn":"{SET}","PrincipalType":"{kind}","PrincipalId":"{id}"}}"#
        )
    };
    let body =
        format!(r#"{{"AccountAssignments":[{},{}]}}"#, row("GROUP", GROUP), row("USER", USER));
    let client = always(Reply::ok(body)).await;
    let own = client.list_assignments_for_principal(&user(), None).await.unwrap();
    assert_eq!(own, [(key().account, set())]);
    let access = client.list_access(&user(), Some(&key().account)).await.unwrap();
    assert_eq!(access.len(), 2);
    assert_eq!(access[0].through.kind, PrincipalType::Group);
}

#[tokio::test(start_paused = true)]
async fn a_request_is_described_with_what_aws_tells() {
    let status = format!(
        r#"{{"AccountAssignmentDeletionStatus":{{"Status":"FAILED","RequestId":"{REQUEST}",
        "FailureReason":"because","TargetId":"111111111111","TargetType":"AWS_ACCOUNT",
        "PermissionSetArn":"{SET}","PrincipalType":"USER","PrincipalId":"{USER}",
        "CreatedDate":1650989104.461}}}}"#
    );
    let client = always(Reply::ok(status)).await;
    let request = REQUEST.parse().unwrap();
    let found = client.describe_request(Direction::Delete, &request).await.unwrap().unwrap();
    assert_eq!(
        (found.state, found.failure_reason.as_deref()),
        (RequestState::Failed, Some("because"))
    );
    assert_eq!(found.key, Some(key()));
    assert_eq!(found.created_at.unwrap().as_millisecond(), 1_650_989_104_461);

    let foreign = r#"{"AccountAssignmentCreationStatus":{"Status":"SUCCEEDED","TargetId":"x"}}"#;
    let client = always(Reply::ok(foreign)).await;
    let found = client.describe_request(Direction::Create, &request).await.unwrap().unwrap();
    assert_eq!((found.state, found.key), (RequestState::Succeeded, None));

    let client = always(Reply::error(400, "ResourceNotFoundException", "no such request")).await;
    assert_eq!(client.describe_request(Direction::Create, &request).await, Ok(None));
}

#[tokio::test(start_paused = true)]
async fn requests_are_listed_up_to_a_limit() {
    let (client, _, transport) = answering(|_, _| {
        let row = format!(r#"{{"Status":"IN_PROGRESS","RequestId":"{REQUEST}"}}"#);
        let rows = vec![row; 2].join(",");
        Reply::ok(format!(r#"{{"AccountAssignmentsDeletionStatus":[{rows}],"NextToken":"t"}}"#))
    })
    .await;
    let some = client
        .list_requests(Direction::Delete, Some(RequestState::InProgress), Some(1))
        .await
        .unwrap();
    assert_eq!(some.len(), 1);
    let sent = transport.sent();
    assert_eq!(sent.len(), 1);
    assert!(sent[0].body.contains("\"MaxResults\":1") && sent[0].body.contains("IN_PROGRESS"));
}

#[tokio::test(start_paused = true)]
async fn refusals_keep_awss_words() {
    let message = "User: x is not authorized to perform: sso:CreateAccountAssignment";
    let client = always(Reply::error(400, "AccessDeniedException", message)).await;
    let error = client.create_assignment(&key()).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("CreateAccountAssignment: AccessDeniedException: {message}")
    );
    assert_eq!(error.class(), Class::Blocked(BlockedReason::AccessDenied));
    assert!(error.is_access_denied() && !error.may_have_been_sent());

    let client = always(Reply::error(500, "InternalServerException", "oops")).await;
    let error = client.create_assignment(&key()).await.unwrap_err();
    assert!(error.class() == Class::Retry && error.may_have_been_sent());
}

#[tokio::test(start_paused = true)]
async fn what_is_not_there_is_none_and_what_may_not_be_asked_is_an_error() {
    let gone = |message: &str| Reply::error(400, "ResourceNotFoundException", message);
    let store = "d-9067f2a1b3".parse().unwrap();
    let client = always(gone("not found")).await;
    assert_eq!(client.describe_permission_set(&set()).await, Ok(None));
    assert_eq!(client.permission_set_content(&set()).await, Ok(None));
    assert_eq!(client.describe_principal(&store, &user()).await, Ok(None));
    let error = client.describe_instance().await.unwrap_err();
    assert_eq!(error.class(), Class::Terminal(FailureReason::InvalidRequest));

    let client = always(Reply::error(400, "AccountNotFoundException", "")).await;
    assert_eq!(client.describe_account(&key().account).await, Ok(None));
    let client = always(Reply::error(400, "AccessDeniedException", "")).await;
    assert!(client.describe_account(&key().account).await.unwrap_err().is_access_denied());

    let no_store =
        r#"{"__type":"ResourceNotFoundException","Message":"?","ResourceType":"IDENTITY_STORE"}"#;
    let client = always(Reply::raw(400, no_store)).await;
    assert!(client.describe_principal(&store, &user()).await.is_err(), "the store is missing");
}

#[tokio::test(start_paused = true)]
async fn accounts_and_instances_that_cannot_be_used_say_so() {
    for (account, active) in [
        (r#"{"Status":"ACTIVE"}"#, true),
        (r#"{"Status":"SUSPENDED","Name":"old"}"#, false),
        (r#"{"State":"CLOSED"}"#, false),
        (r#"{"State":"ACTIVE","Status":"ACTIVE"}"#, true),
    ] {
        let client = always(Reply::ok(format!(r#"{{"Account":{account}}}"#))).await;
        let found = client.describe_account(&key().account).await.unwrap().unwrap();
        assert_eq!(found.active, active, "{account}");
    }
    let body = r#"{"IdentityStoreId":"d-9067f2a1b3","OwnerAccountId":"111111111111","Status":"DELETE_IN_PROGRESS"}"#;
    let facts = always(Reply::ok(body)).await.describe_instance().await.unwrap();
    assert_eq!(facts.status, InstanceStatus::Other("DELETE_IN_PROGRESS".into()));
    assert_eq!(facts.owner_account, Some(key().account));
}

#[tokio::test(start_paused = true)]
async fn content_that_cannot_be_sent_is_refused_by_name() {
    let arn = format!(r#"{{"PermissionSet":{{"PermissionSetArn":"{SET}"}}}}"#);
    let client = always(Reply::ok(arn)).await;
    let mut content = PermissionSetContent { tags: vec!["no-value".into()], ..Default::default() };
    let error = client.create_permission_set("Clone", &content).await.unwrap_err();
    assert!(error.to_string().contains("\"no-value\""), "{error}");
    assert_eq!(error.class(), Class::Terminal(FailureReason::InvalidRequest));
    content.tags.clear();
    content.customer_managed_policies = vec!["no-path".into()];
    let error = client.create_permission_set("Clone", &content).await.unwrap_err();
    assert!(error.to_string().contains("\"no-path\""), "{error}");
}
