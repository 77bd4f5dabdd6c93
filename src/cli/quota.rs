//! How AWS's quota of an instance is used now, for doctor and beside the progress of an undo.

use jiff::{SignedDuration, Timestamp};

use super::session::Session;
use super::times;
use crate::api::{IdentityCenterInstance, Rollback};

/// The operator renews it this often while it works.
const RENEWED_EVERY: SignedDuration = SignedDuration::from_secs(5);

/// The quota in a sentence without an end; none where the operator has not said it yet.
#[must_use]
pub fn words(instance: &IdentityCenterInstance, now: Timestamp) -> Option<String> {
    let view = instance.status.as_ref()?.quota.as_ref()?;
    let limits = &instance.spec.limits;
    let said = format!(
        "{:.1} of {} requests a second, {} of {} slots, {} at work, {} waiting",
        view.requests_per_second,
        limits.requests_per_second,
        view.slots,
        limits.outstanding_requests,
        view.in_flight,
        view.queued
    );
    Some(match view.throttled_since {
        Some(since) => format!("{said}; AWS has throttled for {}", times::age(now, since)),
        None => said,
    })
}

fn is_busy(instance: &IdentityCenterInstance) -> bool {
    let view = instance.status.as_ref().and_then(|status| status.quota.as_ref());
    view.is_some_and(|view| view.in_flight > 0 || view.queued > 0)
}

/// The quota of the instance of a Rollback, read again when it may be another one.
#[derive(Debug, Default)]
pub struct Quota {
    read_at: Option<Timestamp>,
    words: Option<String>,
}

impl Quota {
    /// What is known. Who may not read instances, or does not reach the API server in time, sees
    /// none: the undo is what is watched. A view from before the undo began is none either: the
    /// operator renews it within a minute.
    pub async fn of(&mut self, session: &Session, rollback: &Rollback) -> Option<&str> {
        let name = rollback.status.as_ref()?.instance.as_deref()?;
        let now = session.clock.now();
        if self.read_at.is_none_or(|at| now.duration_since(at) >= RENEWED_EVERY) {
            self.read_at = Some(now);
            let doing = format!("read instance {name}");
            let read = session.call(&doing, session.instances().get(name)).await;
            let read = read.ok().filter(is_busy);
            self.words = read.and_then(|instance| words(&instance, now));
        }
        self.words.as_deref()
    }
}
