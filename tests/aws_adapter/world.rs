//! A simulator, and clients of it.

use std::time::Duration;

use aws_sdk_ssoadmin::config::{Credentials, SharedCredentialsProvider};
use rollback_operator::aws::{
    Client, ConnectOptions, Direction, Gate, GateOptions, RequestOutcome, RequestState,
};
use rollback_operator::model::{AssignmentKey, InstanceArn, Principal, PrincipalType, RequestId};
use rollback_operator::runtime::Clock;
use rollback_operator::sim::http::{Options, Server};
use rollback_operator::sim::{FaultScript, Seed};
use serde_json::Value;

#[allow(dead_code, reason = "shared with the tests of the simulator")]
#[path = "../simulator/client.rs"]
mod http;

/// The world that the boto3 tests have, too.
const WORLD: &str = include_str!("../boto3/world.yaml");
/// How much faster than life the simulator and the gate's clock run.
const SCALE: f64 = 20.0;

pub const INSTANCE: &str = "arn:aws:sso:::instance/ssoins-0123456789abcdef";
pub const READ: &str = "arn:aws:sso:::permissionSet/ssoins-0123456789abcdef/ps-aaaaaaaaaaaaaaaa";
pub const BARE: &str = "arn:aws:sso:::permissionSet/ssoins-0123456789abcdef/ps-bbbbbbbbbbbbbbbb";
pub const GONE: &str = "arn:aws:sso:::permissionSet/ssoins-0123456789abcdef/ps-0000000000000000";
pub const FIRST: &str = "00000000-0000-4000-8000-000000000001";
pub const SECOND: &str = "0123456789-00000000-0000-4000-8000-000000000002";
pub const NOBODY: &str = "00000000-0000-4000-8000-00000000ffff";
pub const TEAM: &str = "00000000-0000-4000-8000-00000000000a";
pub const MANAGEMENT: &str = "111111111111";
pub const ONE: &str = "222222222222";
pub const TWO: &str = "333333333333";
pub const CLOSED: &str = "444444444444";

pub fn user(id: &str) -> Principal {
    Principal { kind: PrincipalType::User, id: id.parse().unwrap() }
}

pub fn group(id: &str) -> Principal {
    Principal { kind: PrincipalType::Group, id: id.parse().unwrap() }
}

pub fn key(account: &str, set: &str, principal: Principal) -> AssignmentKey {
    AssignmentKey {
        account: account.parse().unwrap(),
        permission_set: set.parse().unwrap(),
        principal,
    }
}

/// The key that most tests change: absent at the start.
pub fn absent() -> AssignmentKey {
    key(TWO, BARE, user(FIRST))
}

pub struct World {
    pub server: Server,
    pub clock: Clock,
    admin: http::Client,
}

impl World {
    /// The contract's world with this fault script.
    pub async fn start(faults: &str) -> Self {
        Self::of(Self::seed(), faults, SCALE).await
    }

    /// Without quotas: requests that a loaded machine bunches up are not what these tests are
    /// about.
    pub fn seed() -> Seed {
        let mut seed = Seed::from_yaml(WORLD).unwrap();
        seed.settings.limits.requests_per_second = 0;
        seed
    }

    pub async fn of(seed: Seed, faults: &str, scale: f64) -> Self {
        let mut options = Options::new(seed);
        options.time_scale = scale;
        options.faults = FaultScript::from_yaml(faults).unwrap();
        let server = Server::local(options).await.unwrap();
        let admin = http::Client::new(server.address());
        Self { server, clock: Clock::scaled(scale), admin }
    }

    /// Options of a gate with a deadline that a loaded machine keeps.
    pub fn gate(&self) -> GateOptions {
        GateOptions { request_timeout: Duration::from_mins(2), ..GateOptions::new(self.clock) }
    }

    pub async fn client(&self) -> Client {
        self.client_as("MANAGEMENT", self.gate()).await.0
    }

    pub async fn client_as(&self, access_key: &str, gate: GateOptions) -> (Client, Gate) {
        let gate = Gate::new(gate);
        let mut options = ConnectOptions::new(instance(), "eu-west-1");
        options.endpoint = Some(self.server.url());
        let client = Client::connect_as(options, &gate, Some(identity(access_key))).await;
        (client, gate)
    }

    pub async fn counters(&self) -> Value {
        self.admin.get("/_sim/counters").await.json()
    }

    pub async fn post(&self, path: &str, yaml: &str) {
        let reply = self.admin.post(path, "", yaml).await.unwrap();
        assert!(reply.status < 300, "{path}: {}", reply.body);
    }

    /// Waits until a request has ended.
    pub async fn ended(
        &self,
        client: &Client,
        direction: Direction,
        request_id: &RequestId,
    ) -> RequestOutcome {
        for _ in 0..200 {
            let found = client.describe_request(direction, request_id).await.unwrap().unwrap();
            if found.state != RequestState::InProgress {
                return found;
            }
            self.clock.sleep(Duration::from_secs(1)).await;
        }
        panic!("{request_id} does not end");
    }

    /// Makes an assignment and waits until AWS says that it is made.
    pub async fn grant(&self, client: &Client, key: &AssignmentKey) {
        let accepted = client.create_assignment(key).await.unwrap();
        let ended = self.ended(client, Direction::Create, &accepted.request_id).await;
        assert_eq!(ended.state, RequestState::Succeeded, "{ended:?}");
    }
}

pub fn instance() -> InstanceArn {
    INSTANCE.parse().unwrap()
}

pub fn identity(access_key: &str) -> SharedCredentialsProvider {
    SharedCredentialsProvider::new(Credentials::new(access_key, "secret", None, None, "tests"))
}
