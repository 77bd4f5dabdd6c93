//! How an election is held.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::time::Duration;

use uuid::Uuid;

use crate::runtime::config::OperatorFlags;

/// How an election is held. All durations are real time.
#[derive(Debug, Clone)]
pub struct LeaseSettings {
    /// Namespace of the Lease.
    pub namespace: String,
    /// Name of the Lease.
    pub name: String,
    /// Who this process is. No two processes may ever have the same: see [`identity`].
    pub identity: String,
    /// How long others wait after the last renewal that they saw.
    pub duration: Duration,
    /// How long renewals may fail before leadership is lost.
    pub renew_deadline: Duration,
    /// How long to wait between two tries.
    pub retry_period: Duration,
    /// Time limit of one request.
    pub request_timeout: Duration,
}

impl LeaseSettings {
    /// Takes the flags, which must have been validated. `own_namespace` is where the operator runs.
    #[must_use]
    pub fn from_flags(flags: &OperatorFlags, own_namespace: &str) -> Self {
        Self {
            namespace: flags.lease_namespace.clone().unwrap_or_else(|| own_namespace.to_owned()),
            name: flags.lease_name.clone(),
            identity: identity(flags.pod_name.as_deref()),
            duration: flags.lease_duration,
            renew_deadline: flags.renew_deadline,
            retry_period: flags.retry_period,
            request_timeout: Duration::from_secs(5).min(flags.renew_deadline / 2),
        }
    }

    /// How long after the start of a renewal the permit is valid: halfway between the renew
    /// deadline, when a healthy process has stopped by itself, and the moment when another one may
    /// take over at the earliest. The rest is for clocks that do not run equally fast.
    pub(super) fn permit_length(&self) -> Duration {
        (self.duration + self.renew_deadline.min(self.duration)) / 2
    }

    /// The retry period and up to a fifth of it more (client-go's jitter), so that contenders do
    /// not keep in step.
    pub(super) fn jittered_retry(&self, tries: u32) -> Duration {
        let mut hasher = DefaultHasher::new();
        (&self.identity, tries).hash(&mut hasher);
        let fraction = u32::try_from(hasher.finish() % 1000).unwrap_or(0);
        self.retry_period + self.retry_period * fraction / 5000
    }
}

/// `<pod or host>_<uuid>`: readable, and different for each start of a process.
#[must_use]
pub fn identity(pod_name: Option<&str>) -> String {
    let name = pod_name.map_or_else(host_name, str::to_owned);
    format!("{name}_{}", Uuid::new_v4())
}

/// The name of the host; in a pod without host network that is the pod's name.
#[must_use]
pub fn host_name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}
