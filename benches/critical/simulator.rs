//! One step of the simulator, of which simulations take millions.

use std::hint::black_box;

use gungraun::library_benchmark;
use jiff::Timestamp;
use rollback_operator::sim::{FaultScript, Request, Response, Seed, World};
use serde_json::json;

use crate::tick::at;

const SEED: &str = r#"
organization: {id: o-0123456789, managementAccount: "111111111111"}
accounts:
- {id: "111111111111", name: management}
- {id: "222222222222", name: one}
- {id: "333333333333", name: two}
instances:
- arn: arn:aws:sso:::instance/ssoins-0123456789abcdef
  region: eu-west-1
  identityStoreId: d-0123456789
  users:
  - {id: 00000000-0000-4000-8000-00000000000a, userName: user}
  permissionSets:
  - name: Read
    arn: arn:aws:sso:::permissionSet/ssoins-0123456789abcdef/ps-aaaaaaaaaaaaaaaa
  assignments:
  - {permissionSet: Read, user: user, accounts: [one, two]}
  generate:
    accounts: 200
    users: 20
    permissionSets: 10
    assigned: {users: 10, permissionSets: 2, accounts: 100}
"#;

/// A world of 2,002 assignments with the deletion of one at work.
fn world() -> World {
    let seed = Seed::from_yaml(SEED).unwrap();
    let mut world = World::new(&seed, FaultScript::default(), 1, at(0)).unwrap();
    delete(&mut world, at(0), "222222222222");
    world
}

fn delete(world: &mut World, now: Timestamp, account: &str) -> Response {
    let body = json!({
        "InstanceArn": "arn:aws:sso:::instance/ssoins-0123456789abcdef",
        "TargetId": account,
        "TargetType": "AWS_ACCOUNT",
        "PermissionSetArn": "arn:aws:sso:::permissionSet/ssoins-0123456789abcdef/ps-aaaaaaaaaaaaaaaa",
        "PrincipalType": "USER",
        "PrincipalId": "00000000-0000-4000-8000-00000000000a",
    })
    .to_string();
    let request = Request {
        target: "SWBExternalService.DeleteAccountAssignment",
        body: body.as_bytes(),
        access_key: None,
        region: Some("eu-west-1"),
        user_agent: None,
    };
    let response = world.handle(now, &request);
    assert_eq!(response.status, 200, "{}", response.body);
    response
}

// What was at work ends, and another deletion is accepted.
#[library_benchmark]
#[bench::assignments_2002(setup = world)]
fn simulator_step(mut world: World) -> (World, Response) {
    let response = delete(&mut world, at(60), "333333333333");
    black_box((world, response))
}
