//! The operator's flags. Each has an environment variable with the prefix `ROLLBACK_OPERATOR_`.
//!
//! Standard variables (`KUBECONFIG`, `AWS_*`, `RUST_LOG`, `NO_COLOR`) keep their meaning and have
//! no flag here.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgAction, Args};
use jiff::{SignedDuration, Timestamp};

use super::clock::Clock;
use super::effects::ChokePoint;
use super::logs::LogFormat;

/// How the operator runs.
#[derive(Debug, Clone, Args)]
pub struct OperatorFlags {
    /// Address of the admin server: /healthz, /readyz, /metrics, /debug/state.
    #[arg(long, env = "ROLLBACK_OPERATOR_ADMIN_ADDRESS", default_value = "0.0.0.0:8080")]
    pub admin_address: SocketAddr,

    /// How a line of the log looks.
    #[arg(long, env = "ROLLBACK_OPERATOR_LOG_FORMAT", value_enum, default_value = "json")]
    pub log_format: LogFormat,

    /// Level or filter of the log, such as `info` or `info,kube=debug`. `RUST_LOG` goes before it.
    #[arg(long, env = "ROLLBACK_OPERATOR_LOG_LEVEL", default_value = "info")]
    pub log_level: String,

    /// Act only while holding the lease. Turn it off only where a second operator cannot start.
    #[arg(
        long,
        env = "ROLLBACK_OPERATOR_LEADER_ELECTION",
        action = ArgAction::Set,
        num_args = 0..=1,
        require_equals = true,
        default_value = "true",
        default_missing_value = "true",
        overrides_with = "no_leader_election",
    )]
    leader_election: bool,

    /// The same as `--leader-election=false`.
    #[arg(long, overrides_with = "leader_election")]
    no_leader_election: bool,

    /// Namespace of the lease. Default: the namespace that the operator runs in.
    #[arg(long, env = "ROLLBACK_OPERATOR_LEASE_NAMESPACE")]
    pub lease_namespace: Option<String>,

    /// Name of the lease.
    #[arg(long, env = "ROLLBACK_OPERATOR_LEASE_NAME", default_value = "rollback-operator")]
    pub lease_name: String,

    /// How long others wait, after the last renewal that they saw, before they take the lease.
    /// Whole seconds.
    #[arg(long, env = "ROLLBACK_OPERATOR_LEASE_DURATION", default_value = "15s", value_parser = duration)]
    pub lease_duration: Duration,

    /// How long the holder tries to renew before it stops.
    #[arg(long, env = "ROLLBACK_OPERATOR_RENEW_DEADLINE", default_value = "10s", value_parser = duration)]
    pub renew_deadline: Duration,

    /// How long to wait between two tries to take or to renew the lease.
    #[arg(long, env = "ROLLBACK_OPERATOR_RETRY_PERIOD", default_value = "2s", value_parser = duration)]
    pub retry_period: Duration,

    /// Name of the pod, which the lease and the events show. Default: the host's name.
    #[arg(long, env = "ROLLBACK_OPERATOR_POD_NAME")]
    pub pod_name: Option<String>,

    /// Namespace to watch; may be given more than once, and as a list with commas. Default: all.
    #[arg(
        long = "watch-namespace",
        env = "ROLLBACK_OPERATOR_WATCH_NAMESPACE",
        value_delimiter = ','
    )]
    pub watch_namespaces: Vec<String>,

    /// Directory with a file NAME.yaml for each instance (kubectl explain idc) to apply, which
    /// holds its spec. The leader looks at it every 10 s.
    #[arg(long, env = "ROLLBACK_OPERATOR_INSTANCES_DIRECTORY", value_name = "DIRECTORY")]
    pub instances_directory: Option<PathBuf>,

    /// How many Rollbacks are worked on at the same time.
    #[arg(long, env = "ROLLBACK_OPERATOR_CONCURRENCY", default_value_t = 8)]
    pub concurrency: u16,

    /// Time limit of one request to AWS.
    #[arg(long, env = "ROLLBACK_OPERATOR_REQUEST_TIMEOUT", default_value = "10s", value_parser = duration)]
    pub request_timeout: Duration,

    /// How long the process waits for what is in flight when it is asked to stop.
    #[arg(long, env = "ROLLBACK_OPERATOR_SHUTDOWN_GRACE", default_value = "20s", value_parser = duration)]
    pub shutdown_grace: Duration,

    /// For tests against the simulator only: how much faster than life the operator's clock runs.
    #[arg(long, env = "ROLLBACK_OPERATOR_TIME_SCALE", default_value_t = 1.0, hide = true)]
    pub time_scale: f64,

    /// For tests only: when the scaled clock and the wall's showed the same time. Give it, and to
    /// the simulator the same, where the operator is started more than once. Default: now.
    #[arg(long, env = "ROLLBACK_OPERATOR_TIME_ORIGIN", hide = true)]
    pub time_origin: Option<Timestamp>,

    /// For tests only, and only there: the request at which the process ends as in a power cut,
    /// such as `12:before` or `12:after`.
    #[cfg(debug_assertions)]
    #[arg(long, env = "ROLLBACK_OPERATOR_ABORT_AT", hide = true)]
    pub abort_at: Option<super::abort::AbortAt>,
}

/// A value, or values that do not go together.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum InvalidFlags {
    /// The holder must have given up before others take over.
    #[error(
        "--lease-duration ({lease:?}) must be longer than --renew-deadline ({renew:?}): \
         the holder has to stop before another takes over"
    )]
    LeaseTooShort {
        /// The lease duration.
        lease: Duration,
        /// The renew deadline.
        renew: Duration,
    },
    /// There must be time for more than one try.
    #[error(
        "--renew-deadline ({renew:?}) must be longer than 1.2 times --retry-period ({retry:?}): \
         one lost reply would end the leadership"
    )]
    RenewTooShort {
        /// The renew deadline.
        renew: Duration,
        /// The retry period.
        retry: Duration,
    },
    /// The Lease object holds whole seconds.
    #[error("--lease-duration ({0:?}) must be whole seconds: the Lease object holds no fractions")]
    LeaseNotWholeSeconds(Duration),
    /// A zero or absurd duration.
    #[error("{flag} ({value:?}) must be more than zero and at most {most:?}")]
    OutOfRange {
        /// The flag.
        flag: &'static str,
        /// What was given.
        value: Duration,
        /// The longest that is taken.
        most: Duration,
    },
    /// Nothing would ever be reconciled.
    #[error("--concurrency must be at least 1")]
    NoConcurrency,
    /// Slower than life has no use and would stretch AWS's limits.
    #[error("--time-scale ({0}) must be a number between 1 and 1000; it is for tests only")]
    TimeScale(f64),
    /// Names of namespaces cannot be empty.
    #[error("--watch-namespace has an empty name; leave it out to watch all namespaces")]
    EmptyNamespace,
}

impl OperatorFlags {
    /// Whether to act only while holding the lease.
    #[must_use]
    pub const fn leader_election(&self) -> bool {
        self.leader_election && !self.no_leader_election
    }

    /// The clock that these flags ask for.
    #[must_use]
    pub fn clock(&self) -> Clock {
        match self.time_origin {
            Some(origin) => Clock::with_origin(origin, self.time_scale),
            None => Clock::scaled(self.time_scale),
        }
    }

    /// Where every request passes: with a hook if these flags ask for one.
    #[must_use]
    pub fn choke_point(&self) -> ChokePoint {
        #[cfg(debug_assertions)]
        if let Some(abort_at) = &self.abort_at {
            return ChokePoint::new(std::sync::Arc::new(abort_at.clone()));
        }
        ChokePoint::default()
    }

    /// Holds the values against each other.
    ///
    /// # Errors
    /// The first mistake, with what to do about it.
    pub fn validate(&self) -> Result<(), InvalidFlags> {
        const HOUR: Duration = Duration::from_hours(1);
        for (flag, value) in [
            ("--lease-duration", self.lease_duration),
            ("--renew-deadline", self.renew_deadline),
            ("--retry-period", self.retry_period),
            ("--request-timeout", self.request_timeout),
            ("--shutdown-grace", self.shutdown_grace),
        ] {
            if value.is_zero() || value > HOUR {
                return Err(InvalidFlags::OutOfRange { flag, value, most: HOUR });
            }
        }
        let (lease, renew) = (self.lease_duration, self.renew_deadline);
        if lease.subsec_nanos() != 0 {
            return Err(InvalidFlags::LeaseNotWholeSeconds(lease));
        }
        if lease <= renew {
            return Err(InvalidFlags::LeaseTooShort { lease, renew });
        }
        let retry = self.retry_period;
        if renew <= retry.mul_f64(1.2) {
            return Err(InvalidFlags::RenewTooShort { renew, retry });
        }
        if self.concurrency == 0 {
            return Err(InvalidFlags::NoConcurrency);
        }
        if !(1.0..=1000.0).contains(&self.time_scale) {
            return Err(InvalidFlags::TimeScale(self.time_scale));
        }
        if self.watch_namespaces.iter().any(String::is_empty) {
            return Err(InvalidFlags::EmptyNamespace);
        }
        Ok(())
    }
}

/// Reads `15s`, `1m 30s`, `500ms`, `2h`.
///
/// # Errors
/// A sentence for people.
pub fn duration(text: &str) -> Result<Duration, String> {
    let parsed: SignedDuration = text
        .parse()
        .map_err(|_| format!("{text:?} is not a duration; write it as 15s, 1m30s or 500ms"))?;
    Duration::try_from(parsed).map_err(|_| format!("{text:?} must not be negative"))
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory as _, Parser};

    use super::*;

    #[derive(Debug, Parser)]
    struct Program {
        #[command(flatten)]
        flags: OperatorFlags,
    }

    fn parse(arguments: &[&str]) -> Result<OperatorFlags, clap::Error> {
        Program::try_parse_from(std::iter::once("operator").chain(arguments.iter().copied()))
            .map(|program| program.flags)
    }

    fn mistake(arguments: &[&str]) -> InvalidFlags {
        parse(arguments).unwrap().validate().unwrap_err()
    }

    #[test]
    fn the_defaults_are_valid_and_those_of_client_go() {
        let flags = parse(&[]).unwrap();
        flags.validate().unwrap();
        assert_eq!(flags.lease_duration, Duration::from_secs(15));
        assert_eq!(flags.renew_deadline, Duration::from_secs(10));
        assert_eq!(flags.retry_period, Duration::from_secs(2));
        assert!(flags.leader_election());
        assert!(flags.watch_namespaces.is_empty());
    }

    #[test]
    fn every_flag_has_help_and_an_environment_variable_of_its_name() {
        let command = Program::command();
        command.clone().debug_assert();
        for argument in command.get_arguments().filter(|a| a.get_id() != "help") {
            let flag = argument.get_long().unwrap();
            assert!(argument.get_help().is_some(), "{flag} has no help");
            if flag == "no-leader-election" {
                continue;
            }
            let expected = format!("ROLLBACK_OPERATOR_{}", flag.replace('-', "_").to_uppercase());
            assert_eq!(argument.get_env().unwrap().to_str(), Some(expected.as_str()));
        }
    }

    #[test]
    fn leader_election_can_be_turned_off_in_both_ways() {
        assert!(!parse(&["--no-leader-election"]).unwrap().leader_election());
        assert!(!parse(&["--leader-election=false"]).unwrap().leader_election());
        assert!(parse(&["--leader-election"]).unwrap().leader_election());
        assert!(parse(&["--no-leader-election", "--leader-election"]).unwrap().leader_election());
    }

    #[test]
    fn namespaces_may_be_repeated_or_listed() {
        let flags = parse(&["--watch-namespace", "a,b", "--watch-namespace=c"]).unwrap();
        assert_eq!(flags.watch_namespaces, ["a", "b", "c"]);
    }

    #[test]
    fn values_that_do_not_go_together_are_refused() {
        assert!(matches!(mistake(&["--lease-duration=10s"]), InvalidFlags::LeaseTooShort { .. }));
        assert!(matches!(mistake(&["--retry-period=8500ms"]), InvalidFlags::RenewTooShort { .. }));
        assert!(matches!(
            mistake(&["--lease-duration=15500ms"]),
            InvalidFlags::LeaseNotWholeSeconds(_)
        ));
        assert!(matches!(mistake(&["--retry-period=0s"]), InvalidFlags::OutOfRange { .. }));
        assert!(matches!(mistake(&["--concurrency=0"]), InvalidFlags::NoConcurrency));
        for scale in ["0.5", "NaN", "inf", "-3"] {
            let flag = format!("--time-scale={scale}");
            assert!(matches!(mistake(&[&flag]), InvalidFlags::TimeScale(_)), "{scale}");
        }
        assert!(parse(&["--lease-duration=soon"]).unwrap_err().to_string().contains("1m30s"));
        assert!(parse(&["--retry-period=-2s"]).is_err());
    }
}
