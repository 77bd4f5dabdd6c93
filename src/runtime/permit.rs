//! Leave to change the outside world, held by whoever leads and checked where the bytes leave.
//!
//! A lease in Kubernetes cannot fence AWS, so the last look at it belongs right before a request
//! is sent, after every queue and every wait.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::Moment;

/// Cheap to clone and to ask. It ends by itself: nothing has to notice that the lease was lost.
#[derive(Debug, Clone)]
pub struct Permit {
    validity: Arc<Mutex<Validity>>,
}

/// The side that extends and revokes a [`Permit`]. Dropping it revokes.
#[derive(Debug)]
pub struct Grant {
    validity: Arc<Mutex<Validity>>,
}

#[derive(Debug, Clone, Copy)]
enum Validity {
    Never,
    Always,
    Ended,
    Span { from: Moment, length: Duration },
}

impl Permit {
    /// A permit that never ends, for a single operator without an election.
    #[must_use]
    pub fn always() -> Self {
        Self { validity: Arc::new(Mutex::new(Validity::Always)) }
    }

    /// A permit that is not valid until its grant extends it.
    #[must_use]
    pub fn issue() -> (Grant, Self) {
        let validity = Arc::new(Mutex::new(Validity::Never));
        (Grant { validity: Arc::clone(&validity) }, Self { validity })
    }

    /// Ends it for good: this process changes nothing any more, whoever leads.
    pub fn end(&self) {
        *self.validity.lock().unwrap_or_else(PoisonError::into_inner) = Validity::Ended;
    }

    /// Whether the outside world may be changed now.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        match *self.validity.lock().unwrap_or_else(PoisonError::into_inner) {
            Validity::Never | Validity::Ended => false,
            Validity::Always => true,
            Validity::Span { from, length } => from.elapsed() < length,
        }
    }
}

impl Grant {
    /// Makes the permit valid for `length` from a moment in the past.
    pub fn extend(&self, from: Moment, length: Duration) {
        self.set(Validity::Span { from, length });
    }

    /// Ends the permit at once.
    pub fn revoke(&self) {
        self.set(Validity::Never);
    }

    fn set(&self, validity: Validity) {
        let mut now = self.validity.lock().unwrap_or_else(PoisonError::into_inner);
        if !matches!(*now, Validity::Ended) {
            *now = validity;
        }
    }
}

impl Drop for Grant {
    fn drop(&mut self) {
        self.revoke();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn it_ends_by_itself_by_revocation_and_with_its_grant() {
        let (grant, permit) = Permit::issue();
        assert!(!permit.is_valid());
        grant.extend(Moment::now(), Duration::from_secs(10));
        let copy = permit.clone();
        tokio::time::advance(Duration::from_secs(9)).await;
        assert!(permit.is_valid() && copy.is_valid());
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(!permit.is_valid() && !copy.is_valid());
        grant.extend(Moment::now(), Duration::from_secs(10));
        grant.revoke();
        assert!(!permit.is_valid());
        grant.extend(Moment::now(), Duration::from_secs(10));
        drop(grant);
        assert!(!copy.is_valid());
        assert!(Permit::always().is_valid());
    }

    #[test]
    fn once_it_has_ended_for_good_no_renewal_brings_it_back() {
        let (grant, permit) = Permit::issue();
        grant.extend(Moment::now(), Duration::from_secs(10));
        permit.clone().end();
        grant.extend(Moment::now(), Duration::from_secs(10));
        assert!(!permit.is_valid());
    }
}
