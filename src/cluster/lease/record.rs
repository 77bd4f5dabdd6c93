//! What is written into a Lease, and what is concluded from one.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};

use super::{LeaseSettings, Predecessor};
use crate::runtime::Moment;

/// Who holds the lease; none when it was given back.
pub(super) fn holder(lease: &Lease) -> Option<&str> {
    let holder = lease.spec.as_ref()?.holder_identity.as_deref()?;
    (!holder.is_empty()).then_some(holder)
}

/// How often it has changed hands.
pub(super) fn transitions(lease: &Lease) -> i32 {
    lease.spec.as_ref().and_then(|spec| spec.lease_transitions).unwrap_or(0)
}

/// Another holder, and since when its lease has looked the way it does.
#[derive(Debug)]
pub(super) struct Rival {
    spec: LeaseSpec,
    seen: Moment,
    lease_duration: Duration,
}

impl Rival {
    /// Looks at a lease that another one holds. What was known is kept only while nothing changed;
    /// labels and the like do not count.
    ///
    /// `own_duration` is taken when the lease says none.
    pub(super) fn seen(known: Option<Self>, lease: &Lease, own_duration: Duration) -> Self {
        let spec = lease.spec.clone().unwrap_or_default();
        if let Some(known) = known.filter(|known| known.spec == spec) {
            return known;
        }
        let written = spec
            .lease_duration_seconds
            .and_then(|seconds| u64::try_from(seconds).ok())
            .filter(|seconds| *seconds > 0)
            .map_or(own_duration, Duration::from_secs);
        Self { spec, seen: Moment::now(), lease_duration: written }
    }

    /// Whether its lease has been the same for as long as it lasts.
    pub(super) fn has_run_out(&self) -> bool {
        self.seen.left_of(self.lease_duration).is_zero()
    }

    pub(super) fn as_predecessor(&self) -> Predecessor {
        Predecessor {
            holder: self.spec.holder_identity.clone().unwrap_or_default(),
            observed_renewal: self.seen,
            lease_duration: self.lease_duration,
        }
    }
}

/// A lease that did not exist.
pub(super) fn first(settings: &LeaseSettings, now: Timestamp) -> Lease {
    Lease {
        metadata: ObjectMeta {
            name: Some(settings.name.clone()),
            namespace: Some(settings.namespace.clone()),
            ..ObjectMeta::default()
        },
        spec: Some(LeaseSpec {
            holder_identity: Some(settings.identity.clone()),
            lease_duration_seconds: Some(whole_seconds(settings.duration)),
            acquire_time: Some(MicroTime(now)),
            renew_time: Some(MicroTime(now)),
            lease_transitions: Some(0),
            ..LeaseSpec::default()
        }),
    }
}

/// A lease that is taken from another one, was given back, or is held already.
pub(super) fn taken(mut lease: Lease, settings: &LeaseSettings, now: Timestamp) -> Lease {
    let is_ours = holder(&lease) == Some(settings.identity.as_str());
    let spec = lease.spec.get_or_insert_default();
    if !is_ours {
        spec.holder_identity = Some(settings.identity.clone());
        spec.lease_transitions = Some(spec.lease_transitions.unwrap_or(0).saturating_add(1));
        spec.acquire_time = Some(MicroTime(now));
    }
    spec.lease_duration_seconds = Some(whole_seconds(settings.duration));
    spec.renew_time = Some(MicroTime(now));
    lease
}

/// A lease that goes on.
pub(super) fn renewed(mut lease: Lease, now: Timestamp) -> Lease {
    lease.spec.get_or_insert_default().renew_time = Some(MicroTime(now));
    lease
}

/// A lease that nobody holds, written as client-go does: for one second, so that an old contender
/// that looks at times alone does not wait either.
pub(super) fn given_back(mut lease: Lease, now: Timestamp) -> Lease {
    let spec = lease.spec.get_or_insert_default();
    spec.holder_identity = Some(String::new());
    spec.lease_duration_seconds = Some(1);
    spec.acquire_time = Some(MicroTime(now));
    spec.renew_time = Some(MicroTime(now));
    lease
}

/// Rounds up: a shorter time in the Lease than in the holder's mind would let another one in early.
fn whole_seconds(duration: Duration) -> i32 {
    let seconds = duration.as_secs() + u64::from(duration.subsec_nanos() > 0);
    i32::try_from(seconds.max(1)).unwrap_or(i32::MAX)
}
