//! The simulator's behaviours, stepped in process: time passes only when a test says so.

mod assignments;
mod faults;
mod limits;
mod lists;
mod permission_sets;
mod rights;
mod state;
mod trail;

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{FaultScript, ForeignChange, Request, Response, Seed, World};

const INSTANCE: &str = "arn:aws:sso:::instance/ssoins-0123456789abcdef";
const READ: &str = "arn:aws:sso:::permissionSet/ssoins-0123456789abcdef/ps-aaaaaaaaaaaaaaaa";
const ADMIN: &str = "arn:aws:sso:::permissionSet/ssoins-0123456789abcdef/ps-bbbbbbbbbbbbbbbb";
const USER: &str = "00000000-0000-4000-8000-00000000000a";
const GROUP: &str = "00000000-0000-4000-8000-00000000000b";
const MANAGEMENT: &str = "111111111111";
const ONE: &str = "222222222222";
const TWO: &str = "333333333333";
const CLOSED: &str = "444444444444";
const DELEGATE: &str = "555555555555";

const SEED: &str = r#"
organization: {id: o-0123456789, managementAccount: "111111111111"}
accounts:
- {id: "111111111111", name: management}
- {id: "222222222222", name: one, customerManagedPolicies: [{name: Guard}]}
- {id: "333333333333", name: two}
- {id: "444444444444", name: closed, status: SUSPENDED}
- {id: "555555555555", name: security}
callers:
- {accessKeyId: DELEGATE, account: "555555555555"}
- {accessKeyId: STRANGER, account: "222222222222"}
- {accessKeyId: READER, account: "111111111111", denied: ["sso:DeleteAccountAssignment"]}
- {accessKeyId: NOIAM, account: "111111111111", iamInManagementAccount: false}
instances:
- arn: arn:aws:sso:::instance/ssoins-0123456789abcdef
  region: eu-west-1
  identityStoreId: d-0123456789
  delegatedAdministrators: ["555555555555"]
  users:
  - {id: 00000000-0000-4000-8000-00000000000a, userName: user}
  groups:
  - {id: 00000000-0000-4000-8000-00000000000b, displayName: Group, members: [user]}
  permissionSets:
  - name: Read
    arn: arn:aws:sso:::permissionSet/ssoins-0123456789abcdef/ps-aaaaaaaaaaaaaaaa
    managedPolicies: ["arn:aws:iam::aws:policy/ReadOnlyAccess"]
    tags: {team: a}
  - name: Admin
    arn: arn:aws:sso:::permissionSet/ssoins-0123456789abcdef/ps-bbbbbbbbbbbbbbbb
    customerManagedPolicies: [{name: Guard}]
    permissionsBoundary: {customerManagedPolicy: {name: Guard, path: /}}
  assignments:
  - {permissionSet: Read, user: user, accounts: [one]}
  - {permissionSet: Read, group: Group, accounts: [one, two]}
"#;

/// A world and its time.
struct Lab {
    world: World,
    now: Timestamp,
    caller: Option<&'static str>,
}

impl Lab {
    fn new() -> Self {
        Self::with("")
    }

    /// The seed with more lines, such as settings.
    fn with(more: &str) -> Self {
        Self::of(&format!("{SEED}\n{more}"), 1)
    }

    fn of(yaml: &str, random_seed: u64) -> Self {
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let seed = Seed::from_yaml(yaml).unwrap();
        let world = World::new(&seed, FaultScript::default(), random_seed, now).unwrap();
        Self { world, now, caller: None }
    }

    fn faults(&mut self, yaml: &str) {
        self.world.set_faults(FaultScript::from_yaml(yaml).unwrap(), self.now);
    }

    fn change(&mut self, yaml: &str) -> usize {
        let change: ForeignChange = serde_saphyr::from_str(yaml).unwrap();
        self.world.change_from_outside(self.now, &change).unwrap()
    }

    fn wait(&mut self, millis: u64) {
        self.now = self.now.checked_add(Duration::from_millis(millis)).unwrap();
        self.world.advance(self.now);
    }

    fn send(&mut self, target: &str, body: &Value) -> Response {
        let body = body.to_string();
        let request = Request {
            target,
            body: body.as_bytes(),
            access_key: self.caller,
            region: Some("eu-west-1"),
            user_agent: Some("aws-cli/2.31.0"),
        };
        self.world.handle(self.now, &request)
    }

    fn ask(&mut self, target: &str, body: &Value) -> Result<Value, (String, String)> {
        let response = self.send(target, body);
        let body: Value = serde_json::from_str(&response.body).unwrap();
        if response.status == 200 {
            return Ok(body);
        }
        let text = |member: &str| body[member].as_str().unwrap().to_owned();
        Err((text("__type"), text("message")))
    }

    /// An operation of sso-admin on the instance of the tests.
    fn sso(&mut self, operation: &str, mut body: Value) -> Result<Value, (String, String)> {
        body["InstanceArn"] = json!(INSTANCE);
        self.ask(&format!("SWBExternalService.{operation}"), &body)
    }

    fn store(&mut self, operation: &str, mut body: Value) -> Result<Value, (String, String)> {
        body["IdentityStoreId"] = json!("d-0123456789");
        self.ask(&format!("AWSIdentityStore.{operation}"), &body)
    }

    fn create(&mut self, account: &str, set: &str, user: &str) -> Result<String, (String, String)> {
        let answer = self.sso("CreateAccountAssignment", key(account, set, "USER", user))?;
        Ok(request_id(&answer["AccountAssignmentCreationStatus"]))
    }

    fn delete(&mut self, account: &str, set: &str, user: &str) -> Result<String, (String, String)> {
        let answer = self.sso("DeleteAccountAssignment", key(account, set, "USER", user))?;
        Ok(request_id(&answer["AccountAssignmentDeletionStatus"]))
    }

    /// The status of a creation or deletion: its word and its reason.
    fn status(&mut self, kind: &str, id: &str) -> (String, String) {
        let member = format!("AccountAssignment{kind}RequestId");
        let operation = format!("DescribeAccountAssignment{kind}Status");
        let answer = self.sso(&operation, json!({ member: id })).unwrap();
        let status = &answer[format!("AccountAssignment{kind}Status")];
        let reason = status["FailureReason"].as_str().unwrap_or_default();
        (status["Status"].as_str().unwrap().to_owned(), reason.to_owned())
    }

    /// Who is listed with a set in an account.
    fn listed(&mut self, account: &str, set: &str) -> Vec<String> {
        let body = json!({"AccountId": account, "PermissionSetArn": set});
        let answer = self.sso("ListAccountAssignments", body).unwrap();
        let rows = answer["AccountAssignments"].as_array().unwrap();
        rows.iter().map(|row| row["PrincipalId"].as_str().unwrap().to_owned()).collect()
    }
}

fn key(account: &str, set: &str, kind: &str, principal: &str) -> Value {
    json!({
        "TargetId": account,
        "TargetType": "AWS_ACCOUNT",
        "PermissionSetArn": set,
        "PrincipalType": kind,
        "PrincipalId": principal,
    })
}

fn request_id(status: &Value) -> String {
    status["RequestId"].as_str().unwrap().to_owned()
}
