//! The fault script: which call, when, and what goes wrong.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::error::AwsError;
use super::failures::FailureKind;
use super::operation::{self, Operation};
use super::random::Random;
use super::settings::Latency;
use super::time::{Span, later};
use crate::model::{AccountId, InstanceArn, PermissionSetArn, PrincipalId};

/// A list of faults. Each is asked in turn; all that match have their effect.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct FaultScript {
    /// The faults.
    pub faults: Vec<Fault>,
}

/// One fault.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Fault {
    /// What it is called in the log.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Which calls; every call if left out.
    #[serde(default, rename = "match")]
    pub on: Matcher,
    /// Not before this much time after the script was loaded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Span>,
    /// Not from this much time after the script was loaded on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Span>,
    /// Matching calls that are spared before the first is hit.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub after: u64,
    /// How often it strikes; without end if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
    /// The probability that a matching call is hit.
    #[serde(default = "certain")]
    pub probability: f64,
    /// What goes wrong.
    #[serde(rename = "do")]
    pub action: Action,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

fn certain() -> f64 {
    1.0
}

/// Which calls a fault hits. An empty list is any.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Matcher {
    /// Operations by name; `reads` and `writes` stand for all of their kind.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub operations: Vec<String>,
    /// The instance.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub instances: Vec<InstanceArn>,
    /// The account that the call is about.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub accounts: Vec<AccountId>,
    /// The user or group.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub principals: Vec<PrincipalId>,
    /// The permission set.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub permission_sets: Vec<PermissionSetArn>,
}

/// What goes wrong. At least one of these is needed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Action {
    /// The call is refused with this error and has no effect.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<InjectedError>,
    /// The call is accepted and ends FAILED.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fail: Option<Failure>,
    /// The connection is closed before anything happens: an outage, seen from outside.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub lose_request: bool,
    /// The call has its effect, then the connection is closed without a reply.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub lose_reply: bool,
    /// The reply is held back; the effect is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delay: Option<Span>,
    /// The accepted request takes this long instead of what the settings say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latency: Option<Latency>,
    /// The status shows the end this much later than the effect.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status_delay: Option<Span>,
}

/// An error reply.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct InjectedError {
    /// Such as `InternalServerException`.
    pub code: String,
    /// Its message.
    #[serde(default)]
    pub message: String,
    /// The HTTP status: 400 unless the code says otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
}

/// An asynchronous failure: `reason` in your words or `like` in AWS's.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Failure {
    /// The `FailureReason`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// One of those that AWS is known for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub like: Option<FailureKind>,
    /// Whether the change was made all the same.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub applied: bool,
}

/// What a call is about, for the script to match.
#[derive(Debug, Clone)]
pub(super) struct Facts {
    pub operation: &'static Operation,
    pub instance: Option<InstanceArn>,
    pub account: Option<AccountId>,
    pub principal: Option<PrincipalId>,
    pub permission_set: Option<PermissionSetArn>,
}

/// What the script does to one call.
#[derive(Debug, Clone, Default)]
pub(super) struct Injected {
    pub error: Option<AwsError>,
    pub failure: Option<Failure>,
    pub lose_reply: bool,
    pub delay: Duration,
    pub latency: Option<Latency>,
    pub status_delay: Duration,
}

/// The script at work.
#[derive(Debug, Clone)]
pub(super) struct Faults {
    pub script: FaultScript,
    loaded: Timestamp,
    /// For each fault, how many calls it matched and how many it hit.
    tally: Vec<(u64, u64)>,
}

impl FaultScript {
    /// Reads a script; the error names the line and says what is wrong there.
    pub fn from_yaml(text: &str) -> Result<Self, String> {
        let script: Self = serde_saphyr::from_str(text).map_err(|error| error.to_string())?;
        script.check()?;
        Ok(script)
    }

    fn check(&self) -> Result<(), String> {
        for (index, fault) in self.faults.iter().enumerate() {
            let at = format!("faults[{index}] {}", fault.name);
            if fault.action == Action::default() {
                return Err(format!(
                    "{at}: `do` says nothing; give it an error, fail, loseReply, …"
                ));
            }
            if !(0.0..=1.0).contains(&fault.probability) {
                return Err(format!(
                    "{at}: probability {} is not between 0 and 1",
                    fault.probability
                ));
            }
            for name in &fault.on.operations {
                if !matches!(name.as_str(), "reads" | "writes") && !operation::exists(name) {
                    return Err(format!(
                        "{at}: {name} is no operation of this simulator; use its AWS name, reads or writes"
                    ));
                }
            }
            if let Some(fail) = &fault.action.fail
                && fail.reason.is_some() == fail.like.is_some()
            {
                return Err(format!("{at}: `fail` needs either reason or like"));
            }
        }
        Ok(())
    }
}

impl Faults {
    pub fn new(script: FaultScript, loaded: Timestamp) -> Self {
        let tally = vec![(0, 0); script.faults.len()];
        Self { script, loaded, tally }
    }

    /// Whether the call never arrives.
    pub fn loses_request(&mut self, facts: &Facts, now: Timestamp, random: &mut Random) -> bool {
        self.strike(facts, now, random, |action| action.lose_request).next().is_some()
    }

    /// All else that goes wrong with the call.
    pub fn strike_call(&mut self, facts: &Facts, now: Timestamp, random: &mut Random) -> Injected {
        let mut injected = Injected::default();
        for action in self.strike(facts, now, random, |action| !action.lose_request) {
            if injected.error.is_none() {
                injected.error = action.error.as_ref().map(InjectedError::to_error);
            }
            injected.failure = injected.failure.or_else(|| action.fail.clone());
            injected.lose_reply |= action.lose_reply;
            injected.delay += action.delay.unwrap_or_default().0;
            injected.latency = injected.latency.or_else(|| action.latency.clone());
            injected.status_delay += action.status_delay.unwrap_or_default().0;
        }
        injected
    }

    fn strike(
        &mut self,
        facts: &Facts,
        now: Timestamp,
        random: &mut Random,
        wanted: impl Fn(&Action) -> bool,
    ) -> impl Iterator<Item = &Action> {
        let loaded = self.loaded;
        let mut struck = Vec::new();
        for (fault, (matched, hit)) in self.script.faults.iter().zip(&mut self.tally) {
            let begun = fault.from.is_none_or(|from| now >= later(loaded, from.0));
            let over = fault.until.is_some_and(|until| now >= later(loaded, until.0));
            if !wanted(&fault.action) || !begun || over || !fault.on.matches(facts) {
                continue;
            }
            *matched += 1;
            let spent = fault.count.is_some_and(|count| *hit >= count);
            if *matched > fault.after && !spent && random.chance(fault.probability) {
                *hit += 1;
                struck.push(&fault.action);
            }
        }
        struck.into_iter()
    }
}

impl Matcher {
    fn matches(&self, facts: &Facts) -> bool {
        fn any<T: PartialEq>(list: &[T], value: Option<&T>) -> bool {
            list.is_empty() || value.is_some_and(|value| list.contains(value))
        }
        let kind = if facts.operation.writes { "writes" } else { "reads" };
        let named = |name: &String| name == facts.operation.name || name == kind;
        (self.operations.is_empty() || self.operations.iter().any(named))
            && any(&self.instances, facts.instance.as_ref())
            && any(&self.accounts, facts.account.as_ref())
            && any(&self.principals, facts.principal.as_ref())
            && any(&self.permission_sets, facts.permission_set.as_ref())
    }
}

impl InjectedError {
    fn to_error(&self) -> AwsError {
        let mut error = AwsError::new(&self.code, self.message.clone());
        let internal = self.code.starts_with("Internal") || self.code == "ServiceException";
        error.status = self.status.unwrap_or(if internal { 500 } else { 400 });
        error
    }
}
