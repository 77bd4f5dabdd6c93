//! Ready is who has everything that it asked for at the start.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Named things that must have happened once before the process is ready, such as the first
/// listing of a kind. Leadership is not one of them: a standby is ready too.
#[derive(Debug, Clone)]
pub struct Readiness {
    awaited: Arc<Awaited>,
}

/// How many handles of each name are out, and why the last of them was not released yet.
type Awaited = Mutex<BTreeMap<&'static str, (usize, String)>>;

/// One thing that is awaited. Dropping it without [`Handle::release`] never makes the process
/// ready: whatever held it failed.
#[derive(Debug)]
#[must_use = "the process is not ready until every handle is released"]
pub struct Handle {
    awaited: Arc<Awaited>,
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
        let mut awaited = self.awaited.lock().unwrap_or_else(PoisonError::into_inner);
        awaited.entry(name).or_default().0 += 1;
        drop(awaited);
        Handle { awaited: Arc::clone(&self.awaited), name }
    }

    /// Whether nothing is awaited.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.awaited.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    /// What is awaited, sorted by name, each with the reason where one is known.
    #[must_use]
    pub fn awaited(&self) -> Vec<String> {
        let awaited = self.awaited.lock().unwrap_or_else(PoisonError::into_inner);
        let shown = |(name, (_, why)): (&&'static str, &(usize, String))| {
            if why.is_empty() { (*name).to_owned() } else { format!("{name} ({why})") }
        };
        awaited.iter().map(shown).collect()
    }
}

impl Handle {
    /// Says why it has not happened yet, for who asks.
    pub fn because(&self, why: &str) {
        let mut awaited = self.awaited.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, known)) = awaited.get_mut(self.name) {
            why.clone_into(known);
        }
    }

    /// It has happened.
    pub fn release(self) {
        let mut awaited = self.awaited.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((count, _)) = awaited.get_mut(self.name) {
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
        two.because("not served");
        assert_eq!(readiness.awaited(), ["rollbacks (not served)"]);
        two.release();
        assert!(readiness.is_ready());
        drop(readiness.register("instances"));
        assert!(!readiness.is_ready(), "a dropped handle is a failure, not a success");
    }
}
