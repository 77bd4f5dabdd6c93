//! The simulated Identity Center: a pure state machine. Time and requests come in as parameters.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::agenda::Agenda;
use super::counters::Counters;
use super::error::AwsError;
use super::faults::{FaultScript, Faults, Injected};
use super::input::Input;
use super::instance::Instance;
use super::limits::Window;
use super::log::{Log, LogEntry};
use super::operation::{self, Handler, Operation};
use super::organization::{AssumableRole, Caller, Organization};
use super::random::Random;
use super::reading;
use super::scope::{Global, Scope, authorize};
use super::settings::Settings;
use super::trail::Trail;
use crate::model::InstanceArn;

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
    /// How the client names itself.
    pub user_agent: Option<&'a str>,
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
    pub(super) trail: Trail,
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
            self.counters.call(operation.name, Some("ConnectionClosed"));
            let error = AwsError::new("ConnectionClosed", "The request was lost on its way.");
            let response = Response { dropped: true, ..refusal(&error, request_id) };
            self.note(now, request, &facts, &Err(error), None, true);
            return response;
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
        let handle = begun.then(|| request_id.clone());
        self.note(now, request, &facts, &answer, handle, injected.lose_reply);
        if operation.writes {
            self.write_down(now, request, &facts, &body, &answer, &request_id);
        }
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
                run(&mut Global { now, world: self, operation, input, caller: &caller, region })
            }
            Handler::Instance(run) => {
                let arn = self.named_instance(operation, &caller, input, region)?;
                let Some(instance) = self.instances.get_mut(&arn) else {
                    return Err(reading::no_instance(&arn));
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
}

fn begins_request(operation: &Operation) -> bool {
    matches!(
        operation.name,
        "CreateAccountAssignment" | "DeleteAccountAssignment" | "ProvisionPermissionSet"
    )
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
