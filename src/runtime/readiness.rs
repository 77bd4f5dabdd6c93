//! Ready is who has everything that it asked for at the start.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Named things that must have happened once before the process is ready, such as the first
/// listing of a kind. Leadership is not one of them: a standby is ready too.
#[derive(Debug, Clone)]
pub struct Readiness {
    awaited: Arc<Mutex<BTreeMap<&'static str, usize>>>,
}

/// One thing that is awaited. Dropping it without [`Handle::release`] never makes the process
/// ready: whatever held it failed.
#[derive(Debug)]
#[must_use = "the process is not ready until every handle is released"]
pub struct Handle {
    awaited: Arc<Mutex<BTreeMap<&'static str, usize>>>,
    name: &'static str,
}

impl Readiness {
    /// Starts with one handle, so that nothing is ready before all others are registered.
    pub fn new(first: &'static str) -> (Self, Handle) {
        let readiness = Self { awaited: Arc::default() };
        let handle = readiness.register(first);
        (readiness, handle)
    }

    /// Adds one thing to wait for.
    pub fn register(&self, name: &'static str) -> Handle {
        *self.awaited.lock().unwrap_or_else(PoisonError::into_inner).entry(name).or_default() += 1;
        Handle { awaited: Arc::clone(&self.awaited), name }
    }

    /// Whether nothing is awaited.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.awaited.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    /// The names of what is awaited, sorted.
    #[must_use]
    pub fn awaited(&self) -> Vec<&'static str> {
        self.awaited.lock().unwrap_or_else(PoisonError::into_inner).keys().copied().collect()
    }
}

impl Handle {
    /// It has happened.
    pub fn release(self) {
        let mut awaited = self.awaited.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = awaited.get_mut(self.name) {
            *count -= 1;
            if *count == 0 {
                awaited.remove(self.name);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ready_is_only_when_every_handle_was_released() {
        let (readiness, start) = Readiness::new("start");
        let one = readiness.register("rollbacks");
        let two = readiness.register("rollbacks");
        start.release();
        one.release();
        assert_eq!(readiness.awaited(), ["rollbacks"]);
        two.release();
        assert!(readiness.is_ready());
        drop(readiness.register("instances"));
        assert!(!readiness.is_ready(), "a dropped handle is a failure, not a success");
    }
}
