//! Whose requests are counted where: a task says for what it works, and each request is noted there.

use std::sync::{Arc, Mutex, PoisonError};

use crate::model::Tally;
use crate::runtime::traces;

/// What was asked of AWS for one piece of work. Cheap to clone; clones share everything.
#[derive(Debug, Clone, Default)]
pub struct SharedTally(Arc<Mutex<Tally>>);

tokio::task_local! {
    /// Where the requests of the current task count.
    static CURRENT: SharedTally;
}

impl SharedTally {
    /// Where the requests of the current task count; none if nobody asked.
    #[must_use]
    pub fn current() -> Option<Self> {
        CURRENT.try_with(Clone::clone).ok()
    }

    /// Runs a future whose requests count here.
    pub async fn count<F: Future>(&self, future: F) -> F::Output {
        CURRENT.scope(self.clone(), future).await
    }

    /// Changes what is counted.
    pub fn change(&self, change: impl FnOnce(&mut Tally)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Takes what was counted so far; it begins anew.
    #[must_use]
    pub fn take(&self) -> Tally {
        let mut taken = Tally::default();
        self.change(|tally| std::mem::swap(tally, &mut taken));
        taken
    }

    /// What was counted so far.
    #[must_use]
    pub fn so_far(&self) -> Tally {
        let mut seen = Tally::default();
        self.change(|tally| seen.add(tally));
        seen
    }
}

/// Runs a future in a task of its own, as part of the same work: its requests count where those of
/// the current task do, and its spans are in the same trace.
pub fn spawn(future: impl Future<Output = ()> + Send + 'static) {
    match SharedTally::current() {
        Some(tally) => traces::spawn(async move { tally.count(future).await }),
        None => traces::spawn(future),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::RequestKind;

    #[tokio::test]
    async fn what_a_task_starts_counts_where_it_does() {
        let tally = SharedTally::default();
        assert!(SharedTally::current().is_none());
        let (seen, told) = tokio::sync::oneshot::channel();
        tally
            .count(async {
                spawn(async move {
                    let current = SharedTally::current().unwrap();
                    current.change(|it| it.note(RequestKind::Read, "ok", 0.1));
                    seen.send(()).unwrap();
                });
            })
            .await;
        told.await.unwrap();
        assert_eq!(tally.so_far().reads, 1);
        assert_eq!(tally.take().reads, 1);
        assert_eq!(tally.so_far(), Tally::default());
    }
}
