//! The world before the operations: an organization in which alice has no access yet.

use serde_json::{Value, json};

/// Whose access the operations change.
pub const ALICE: &str = "00000000-0000-4000-8000-000000000001";
/// Whose access is no business of the operations.
const BOB: &str = "00000000-0000-4000-8000-000000000002";

/// The id of one account of the organization.
pub fn account(number: usize) -> String {
    format!("{:012}", 100_000_000_000 + number)
}

/// The ids of some accounts.
pub fn accounts(numbers: impl IntoIterator<Item = usize>) -> Vec<String> {
    numbers.into_iter().map(account).collect()
}

/// An instance as AWS knows it.
#[derive(Clone)]
pub struct Identity {
    pub arn: String,
    pub read: String,
}

impl Identity {
    /// One of its own for each number.
    pub fn new(number: u32) -> Self {
        Self {
            arn: format!("arn:aws:sso:::instance/ssoins-{number:016}"),
            read: format!("arn:aws:sso:::permissionSet/ssoins-{number:016}/ps-{number:016}"),
        }
    }

    /// The key of one of alice's assignments, as the simulator counts it.
    pub fn key(&self, account: &str) -> String {
        format!("{account} {} USER:{ALICE}", self.read)
    }

    /// A world with so many accounts. Bob may read in all of them, alice in none.
    pub fn world(&self, size: usize) -> Value {
        let members = (1..=size).map(|n| json!({"id": account(n), "name": format!("member-{n}")}));
        let management = json!({"id": "900000000000", "name": "management"});
        let all: Vec<Value> = std::iter::once(management).chain(members).collect();
        json!({
            "organization": {"id": "o-test000001", "managementAccount": "900000000000"},
            "accounts": all,
            "instances": [{
                "arn": self.arn,
                "region": "us-east-1",
                "identityStoreId": "d-9067c0ffee",
                "users": [
                    {"userName": "alice", "id": ALICE},
                    {"userName": "bob", "id": BOB},
                ],
                "permissionSets": [{"name": "Read", "arn": self.read}],
                "assignments": [{"permissionSet": "Read", "user": "bob", "accounts": accounts(1..=size)}],
            }],
        })
    }
}

/// Rows of a foreign change: alice's access in some accounts.
pub fn alice_in(accounts: &[String]) -> Value {
    json!([{"permissionSet": "Read", "user": "alice", "accounts": accounts}])
}
