//! How AWS's quota of an instance is used now, for doctor and beside the progress of an undo.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::session::Session;
use super::times;
use crate::api::{IdentityCenterInstance, Rollback};

/// The operator renews it this often while it works.
const RENEWED_EVERY: SignedDuration = SignedDuration::from_secs(5);
/// How soon it is looked for again where it was not there.
const LOOK_AGAIN: SignedDuration = SignedDuration::from_secs(1);
/// What is watched waits no longer for it.
const AT_ONCE: Duration = Duration::from_secs(1);

/// The quota in a sentence without an end; none where the operator has not said it yet.
#[must_use]
pub fn words(instance: &IdentityCenterInstance, now: Timestamp) -> Option<String> {
    let view = instance.status.as_ref()?.quota.as_ref()?;
    let limits = &instance.spec.limits;
    let said = format!(
        "{} of {} slots at work (spec.limits: {}), {} waiting; up to {:.1} requests a second (spec.limits: {})",
        view.in_flight,
        view.slots,
        limits.outstanding_requests,
        view.queued,
        view.requests_per_second,
        limits.requests_per_second,
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
    refused: bool,
    words: Option<String>,
}

impl Quota {
    /// What is known. Who may not read instances, or does not reach the API server at once, sees
    /// none: the undo is what is watched. A view from before the undo began is none either: the
    /// operator renews it within a minute.
    pub async fn of(&mut self, session: &Session, rollback: &Rollback) -> Option<&str> {
        let name = rollback.status.as_ref()?.instance.as_deref()?;
        let now = session.clock.now();
        // Nothing was at work yet, or again, when it was last looked at.
        let wait = if self.words.is_some() { RENEWED_EVERY } else { LOOK_AGAIN };
        let is_old = self.read_at.is_none_or(|at| now.duration_since(at) >= wait);
        if is_old && !self.refused {
            self.read_at = Some(now);
            let instances = session.instances();
            let read = session.clock.timeout(AT_ONCE, instances.get(name)).await;
            self.refused = matches!(&read, Ok(Err(kube::Error::Api(_))));
            let read = read.ok().and_then(Result::ok).filter(is_busy);
            self.words = read.and_then(|instance| words(&instance, now));
        }
        self.words.as_deref()
    }
}
