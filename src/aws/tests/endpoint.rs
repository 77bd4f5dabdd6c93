//! Which service is asked where.

use super::transport::{Reply, Transport};
use super::*;
use crate::aws::Credentials;

/// Answers as much as it takes to be asked, in STS's XML or in JSON.
fn services(operation: &str, _: &str) -> Reply {
    Reply::ok(match operation {
        "AssumeRole" => {
            "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleResult>\
             <AssumedRoleUser><AssumedRoleId>AROA:a</AssumedRoleId><Arn>arn:aws:sts::111111111111:assumed-role/a/a</Arn></AssumedRoleUser>\
             <Credentials><AccessKeyId>ASIAEXAMPLE</AccessKeyId><SecretAccessKey>s</SecretAccessKey>\
             <SessionToken>t</SessionToken><Expiration>2999-01-01T00:00:00Z</Expiration></Credentials>\
             </AssumeRoleResult></AssumeRoleResponse>"
        }
        "GetCallerIdentity" => {
            "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><GetCallerIdentityResult>\
             <Account>111111111111</Account></GetCallerIdentityResult></GetCallerIdentityResponse>"
        }
        "ListAccountAssignments" => r#"{"AccountAssignments":[]}"#,
        "DescribeUser" => r#"{"UserId":"u","IdentityStoreId":"d-0123456789"}"#,
        "DescribeAccount" => r#"{"Account":{"Status":"ACTIVE"}}"#,
        other => panic!("{other} is not answered"),
    })
}

async fn hosts(endpoint: &str) -> Vec<(String, String)> {
    let clock = clock();
    let transport = Transport::new(clock, services);
    let mut to = ConnectOptions::new(instance(), "eu-west-1");
    to.transport = Some(transport.client());
    to.endpoint = Some(endpoint.to_owned());
    to.credentials = Some(Credentials {
        role_arn: "arn:aws:iam::111111111111:role/rollback".to_owned(),
        external_id: None,
    });
    let identity = Keys::new("AKIDEXAMPLE", "secret", None, None, "tests");
    let identity = SharedCredentialsProvider::new(identity);
    let gate = Gate::new(GateOptions::new(clock));
    let client = Client::connect_as(to, &gate, Some(identity)).await;
    let account = "111111111111".parse().unwrap();
    client.list_assignments(&account, &set()).await.unwrap();
    client.describe_principal(&"d-0123456789".parse().unwrap(), &user()).await.unwrap();
    client.describe_account(&account).await.unwrap();
    client.caller().await.unwrap();
    transport.sent().into_iter().map(|sent| (sent.operation, sent.host)).collect()
}

fn told(hosts: &[(String, String)]) -> Vec<(&str, &str)> {
    hosts.iter().map(|(operation, host)| (operation.as_str(), host.as_str())).collect()
}

#[tokio::test(start_paused = true)]
async fn a_vpc_endpoint_serves_identity_center_alone() {
    let host = "vpce-0a1b-2c3d.sso.eu-west-1.vpce.amazonaws.com";
    assert_eq!(
        told(&hosts(&format!("https://{host}")).await),
        [
            ("AssumeRole", "sts.eu-west-1.amazonaws.com"),
            ("ListAccountAssignments", host),
            ("DescribeUser", "identitystore.eu-west-1.amazonaws.com"),
            ("DescribeAccount", "organizations.us-east-1.amazonaws.com"),
            ("GetCallerIdentity", "sts.eu-west-1.amazonaws.com"),
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_simulator_serves_everything() {
    let hosts = hosts("http://127.0.0.1:8181").await;
    assert_eq!(hosts.len(), 5, "{hosts:?}");
    assert!(hosts.iter().all(|(_, host)| host == "127.0.0.1:8181"), "{hosts:?}");
}
