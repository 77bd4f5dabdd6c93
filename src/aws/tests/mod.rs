//! The client and its gate over a transport in memory, on tokio's paused time.

mod answers;
mod endpoint;
mod gate;
mod transport;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_sdk_ssoadmin::config::{Credentials as Keys, SharedCredentialsProvider};
use jiff::Timestamp;

use super::{Client, ConnectOptions, Gate, GateOptions, Observer};
use crate::model::{AssignmentKey, InstanceArn, PermissionSetArn, Principal, PrincipalType};
use crate::runtime::Clock;
use transport::{Reply, Transport};

const SET: &str = "arn:aws:sso:::permissionSet/ssoins-grrwdwht9b3hswl7/ps-64rrohtnuu77rp8j";
const INSTANCE: &str = "arn:aws:sso:::instance/ssoins-grrwdwht9b3hswl7";
const USER: &str = "0f791059-3b41-4313-86da-59fa2cf217a7";
const GROUP: &str = "c0fbd4e2-0f34-444d-91ff-3c7ff45c2709";
const REQUEST: &str = "11111111-2222-4333-8444-555555555555";

fn instance() -> InstanceArn {
    INSTANCE.parse().unwrap()
}

fn set() -> PermissionSetArn {
    SET.parse().unwrap()
}

fn user() -> Principal {
    Principal { kind: PrincipalType::User, id: USER.parse().unwrap() }
}

fn group() -> Principal {
    Principal { kind: PrincipalType::Group, id: GROUP.parse().unwrap() }
}

fn key() -> AssignmentKey {
    AssignmentKey {
        account: "111111111111".parse().unwrap(),
        permission_set: set(),
        principal: user(),
    }
}

fn clock() -> Clock {
    Clock::starting_at(Timestamp::UNIX_EPOCH, 1.0)
}

async fn connect(transport: &Transport, options: GateOptions) -> (Client, Gate) {
    let gate = Gate::new(options);
    let mut to = ConnectOptions::new(instance(), "eu-west-1");
    to.transport = Some(transport.client());
    let identity = Keys::new("AKIDEXAMPLE", "secret", None, None, "tests");
    let identity = SharedCredentialsProvider::new(identity);
    (Client::connect_as(to, &gate, Some(identity)).await, gate)
}

/// A client over a transport that answers like this.
async fn answering(
    answer: impl Fn(&str, &str) -> Reply + Send + Sync + 'static,
) -> (Client, Gate, Transport) {
    let clock = clock();
    let transport = Transport::new(clock, answer);
    let (client, gate) = connect(&transport, GateOptions::new(clock)).await;
    (client, gate, transport)
}

/// An answer to everything that the tests of the gate send.
fn accepting(operation: &str, _: &str) -> Reply {
    Reply::ok(match operation {
        "CreateAccountAssignment" => format!(
            r#"{{"AccountAssignmentCreationStatus":{{"Status":"IN_PROGRESS","RequestId":"{REQUEST}"}}}}"#
        ),
        "DeleteAccountAssignment" => format!(
            r#"{{"AccountAssignmentDeletionStatus":{{"Status":"IN_PROGRESS","RequestId":"{REQUEST}"}}}}"#
        ),
        "ListAccountAssignments" => r#"{"AccountAssignments":[]}"#.to_owned(),
        other => panic!("{other} is not answered"),
    })
}

/// What an observer was told.
#[derive(Debug, Default, Clone)]
struct Log(Arc<Mutex<Vec<(&'static str, &'static str)>>>);

impl Log {
    fn outcomes(&self) -> Vec<(&'static str, &'static str)> {
        self.0.lock().unwrap().clone()
    }
}

impl Observer for Log {
    fn request(&self, operation: &'static str, outcome: &'static str, seconds: f64, waited: f64) {
        assert!(seconds >= 0.0 && waited >= 0.0);
        self.0.lock().unwrap().push((operation, outcome));
    }
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}
