//! The simulated Identity Center: a pure state machine. Time and requests come in as parameters.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::agenda::Agenda;
use super::counters::Counters;
use super::error::AwsError;
use super::faults::{Facts, FaultScript, Faults, Injected};
use super::input::Input;
use super::instance::Instance;
use super::limits::Window;
use super::log::{Log, LogEntry};
use super::operation::{self, Handler, Operation, Service};
use super::organization::{AssumableRole, Caller, Organization};
use super::random::Random;
use super::requests::Kind;
use super::scope::{Global, Scope, authorize};
use super::settings::Settings;
use crate::model::{IdentityStoreId, InstanceArn, RequestId};

/// One request of the JSON protocol.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The `X-Amz-Target` header, such as `SWBExternalService.ListInstances`.
    pub target: &'a str,
    /// The JSON body.
    pub body: &'a [u8],
    /// The access key id of the signature; without one the management account calls.
    pub access_key: Option<&'a str>,
    /// The region of the signature; without one every region is meant.
    pub region: Option<&'a str>,
}

/// What is answered, and how.
#[derive(Debug, Clone, PartialEq)]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// The JSON body.
    pub body: String,
    /// The id that goes into the header `x-amzn-RequestId`.
    pub request_id: String,
    /// The error code that goes into the header `x-amzn-ErrorType`.
    pub error: Option<String>,
    /// How long the reply is held back, in simulated time.
    pub delay: Duration,
    /// Whether the connection is closed instead of replying.
    pub dropped: bool,
}

/// The whole simulator.
#[derive(Debug, Clone)]
pub struct World {
    pub(super) organization: Organization,
    pub(super) callers: BTreeMap<String, Caller>,
    pub(super) roles: BTreeMap<String, AssumableRole>,
    pub(super) instances: BTreeMap<InstanceArn, Instance>,
    pub(super) settings: Settings,
    pub(super) random: Random,
    pub(super) agenda: Agenda,
    pub(super) faults: Faults,
    pub(super) counters: Counters,
    pub(super) log: Log,
    /// Requests of the last second, by what shares a quota.
    pub(super) windows: BTreeMap<String, Window>,
    /// Arrivals of the last second, refused ones too, by instance.
    pub(super) arrivals: BTreeMap<InstanceArn, Window>,
}

impl World {
    /// Answers one request that arrives at `now`. What was due before has happened by then.
    pub fn handle(&mut self, now: Timestamp, request: &Request<'_>) -> Response {
        self.advance(now);
        let request_id = self.random.uuid();
        let parsed = operation::find(request.target)
            .ok_or_else(|| AwsError::new("UnknownOperationException", "The operation is unknown."))
            .and_then(|operation| Ok((operation, parse(request.body)?)));
        let (operation, body) = match parsed {
            Ok(parsed) => parsed,
            Err(error) => {
                self.counters.call(request.target, Some(&error.code));
                return refusal(&error, request_id);
            }
        };
        let input = Input(&body);
        let facts = self.facts(operation, input);
        if let Some(arn) = &facts.instance {
            let arrivals = self.arrivals.entry(arn.clone()).or_default();
            arrivals.count(now);
            self.counters.peak_per_second = self.counters.peak_per_second.max(arrivals.peak);
        }
        if self.faults.loses_request(&facts, now, &mut self.random) {
            self.counters.call(operation.name, Some("connection closed before the call"));
            let error = AwsError::new("ConnectionClosed", "the request was lost");
            self.note(now, &facts, &Err(error), None, true);
            let dropped = true;
            return Response { dropped, ..refusal(&AwsError::rate_exceeded(), request_id) };
        }
        let mut injected = Injected::default();
        let answer = if self.admit(now, &facts) {
            injected = self.faults.strike_call(&facts, now, &mut self.random);
            match injected.error.clone() {
                Some(error) => {
                    if error.code == "ThrottlingException" {
                        self.counters.throttles.injected += 1;
                    }
                    Err(error)
                }
                None => self.answer(now, request, operation, input, &injected, &request_id),
            }
        } else {
            self.counters.throttles.rate += 1;
            Err(AwsError::rate_exceeded())
        };
        self.counters.call(operation.name, answer.as_ref().err().map(|error| error.code.as_str()));
        let begun = answer.is_ok() && begins_request(operation);
        self.note(now, &facts, &answer, begun.then(|| request_id.clone()), injected.lose_reply);
        let call = self.random.latency(&self.settings.latency.call);
        let mut response = match answer {
            Ok(body) => Response {
                status: 200,
                body: body.to_string(),
                request_id,
                error: None,
                delay: Duration::ZERO,
                dropped: false,
            },
            Err(error) => refusal(&error, request_id),
        };
        response.delay = call + injected.delay;
        if injected.lose_reply {
            self.counters.lost_replies += 1;
            response.dropped = true;
        }
        response
    }

    /// When something will next happen by itself.
    #[must_use]
    pub fn next_event(&self) -> Option<Timestamp> {
        self.agenda.next()
    }

    /// What was asked and done so far.
    #[must_use]
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// The last requests, oldest first.
    pub fn log(&self, count: usize) -> impl Iterator<Item = &LogEntry> {
        self.log.last(count)
    }

    /// The settings in force.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Changes the settings from now on; requests at work keep the end that they have.
    pub fn set_settings(&mut self, settings: Settings) {
        self.settings = settings;
    }

    /// The fault script in force.
    #[must_use]
    pub fn faults(&self) -> &FaultScript {
        &self.faults.script
    }

    /// Replaces the fault script; its times count from `now`.
    pub fn set_faults(&mut self, script: FaultScript, now: Timestamp) {
        self.faults = Faults::new(script, now);
    }

    fn answer(
        &mut self,
        now: Timestamp,
        request: &Request<'_>,
        operation: &'static Operation,
        input: Input<'_>,
        injected: &Injected,
        request_id: &str,
    ) -> operation::Answer {
        let caller = self.caller(request.access_key);
        let region = request.region;
        match operation.handler {
            Handler::Global(run) => {
                authorize(operation, &caller, &self.organization, None)?;
                run(&mut Global { world: self, operation, input, caller: &caller, region })
            }
            Handler::Instance(run) => {
                let arn = self.named_instance(operation, input, region)?;
                let Some(instance) = self.instances.get_mut(&arn) else {
                    return Err(no_instance(arn.as_str()));
                };
                authorize(operation, &caller, &self.organization, Some(instance))?;
                run(&mut Scope {
                    now,
                    operation,
                    input,
                    caller: &caller,
                    instance,
                    organization: &self.organization,
                    settings: &self.settings,
                    random: &mut self.random,
                    counters: &mut self.counters,
                    agenda: &mut self.agenda,
                    injected,
                    request_id,
                })
            }
        }
    }

    /// Who calls with this access key. Keys that the seed does not name belong to the management account.
    pub(super) fn caller(&self, access_key: Option<&str>) -> Caller {
        if let Some(caller) = access_key.and_then(|key| self.callers.get(key)) {
            return caller.clone();
        }
        let Organization { partition, management, .. } = &self.organization;
        Caller {
            account: management.clone(),
            arn: format!("arn:{partition}:iam::{management}:user/administrator"),
            denied: std::collections::BTreeSet::new(),
            iam_in_management_account: true,
        }
    }

    /// The instance that a request names: by its ARN, by a tagged resource or by its identity store.
    fn named_instance(
        &self,
        operation: &Operation,
        input: Input<'_>,
        region: Option<&str>,
    ) -> Result<InstanceArn, AwsError> {
        let in_region =
            |instance: &&Instance| region.is_none_or(|region| instance.region == region);
        if operation.service == Service::IdentityStore {
            let text = input.required_text("IdentityStoreId")?;
            let bare = serde_json::json!({"IdentityStoreId": text.rsplit('/').next()});
            let bare = bare.as_object().cloned().unwrap_or_default();
            let id: IdentityStoreId =
                Input(&bare).required_id("IdentityStoreId", IdentityStoreId::PATTERN)?;
            let found = self.instances.values().filter(in_region).find(|at| at.directory.id == id);
            return found.map(|instance| instance.arn.clone()).ok_or_else(|| {
                AwsError::not_found("IDENTITY_STORE not found.")
                    .with("ResourceType", "IDENTITY_STORE")
                    .with("ResourceId", id.as_str())
            });
        }
        let arn: InstanceArn = match input.text("ResourceArn")? {
            Some(resource) if input.text("InstanceArn")?.is_none() => {
                super::ops::tags::instance_of(resource)?
            }
            _ => input.required_id("InstanceArn", InstanceArn::PATTERN)?,
        };
        match self.instances.get(&arn).filter(in_region) {
            Some(instance) => Ok(instance.arn.clone()),
            None => Err(no_instance(arn.as_str())),
        }
    }

    /// Counts a request against the quota that it shares; false if that is spent.
    fn admit(&mut self, now: Timestamp, facts: &Facts) -> bool {
        let shared = match (facts.operation.service, &facts.instance) {
            (Service::SsoAdmin, Some(instance)) => instance.to_string(),
            (Service::SsoAdmin, None) => "no instance".to_owned(),
            (Service::IdentityStore, instance) => {
                let store = instance.as_ref().map(ToString::to_string).unwrap_or_default();
                format!("{store} {}", facts.operation.name)
            }
            (Service::Organizations, _) => return true,
        };
        let limit = self.settings.limits.requests_per_second;
        self.windows.entry(shared).or_default().admit(now, limit)
    }

    /// What a call is about, as far as its body says or the request that it asks about knows.
    fn facts(&self, operation: &'static Operation, input: Input<'_>) -> Facts {
        fn get<T: std::str::FromStr>(input: Input<'_>, member: &str) -> Option<T> {
            input.text(member).ok().flatten().and_then(|text| text.parse().ok())
        }
        let store: Option<IdentityStoreId> = get(input, "IdentityStoreId");
        let named: Option<InstanceArn> = get(input, "InstanceArn");
        let instance = self.instances.values().find(|instance| {
            Some(&instance.arn) == named.as_ref() || Some(&instance.directory.id) == store.as_ref()
        });
        let mut facts = Facts {
            operation,
            instance: instance.map(|instance| instance.arn.clone()),
            account: get(input, "TargetId").or_else(|| get(input, "AccountId")),
            principal: get(input, "PrincipalId")
                .or_else(|| get(input, "UserId"))
                .or_else(|| get(input, "GroupId")),
            permission_set: get(input, "PermissionSetArn"),
        };
        for (kind, member) in [
            (Kind::Create, "AccountAssignmentCreationRequestId"),
            (Kind::Delete, "AccountAssignmentDeletionRequestId"),
            (Kind::Provision, "ProvisionPermissionSetRequestId"),
        ] {
            let asked: Option<RequestId> = get(input, member);
            let request = asked.and_then(|id| instance?.requests.get(kind, &id));
            if let Some(request) = request {
                request.subject.tell(&mut facts);
            }
        }
        facts
    }

    fn note(
        &mut self,
        at: Timestamp,
        facts: &Facts,
        answer: &operation::Answer,
        request_id: Option<String>,
        reply_lost: bool,
    ) {
        let parts = [
            facts.account.as_ref().map(ToString::to_string),
            facts.permission_set.as_ref().map(|set| set.short_id().to_owned()),
            facts.principal.as_ref().map(ToString::to_string),
        ];
        let outcome = match answer {
            Ok(_) => "ok".to_owned(),
            Err(error) => format!("{}: {}", error.code, error.message),
        };
        self.log.push(LogEntry {
            at,
            operation: facts.operation.name.to_owned(),
            key: parts.into_iter().flatten().collect::<Vec<_>>().join(" "),
            outcome,
            request_id,
            reply_lost,
        });
    }
}

fn begins_request(operation: &Operation) -> bool {
    matches!(
        operation.name,
        "CreateAccountAssignment" | "DeleteAccountAssignment" | "ProvisionPermissionSet"
    )
}

fn no_instance(arn: &str) -> AwsError {
    let id = arn.rsplit('/').next().unwrap_or_default();
    AwsError::not_found(format!("Could not find Instance with id {id}"))
}

fn parse(body: &[u8]) -> Result<Map<String, Value>, AwsError> {
    if body.is_empty() {
        return Ok(Map::new());
    }
    serde_json::from_slice(body)
        .map_err(|error| AwsError::new("SerializationException", error.to_string()))
}

fn refusal(error: &AwsError, request_id: String) -> Response {
    Response {
        status: error.status,
        body: error.body().to_string(),
        request_id,
        error: Some(error.code.clone()),
        delay: Duration::ZERO,
        dropped: false,
    }
}
