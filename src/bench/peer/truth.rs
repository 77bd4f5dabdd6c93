//! What the simulator holds while and after a tool works.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::bench::simulator::Pages;
use crate::bench::{BenchError, UndoArguments};
use crate::runtime::clock::Clock;

/// How often the simulator is looked at, which is how exact the time is.
const LOOK: Duration = Duration::from_millis(100);
/// What was accepted last has ended by then, beyond its latency.
const REST: Duration = Duration::from_secs(1);

/// The assignments that are left, and since when it is these.
#[derive(Debug, Clone)]
pub struct Left {
    /// The accounts that they are in.
    pub accounts: BTreeSet<String>,
    /// When that was seen first.
    pub since: Timestamp,
}

/// Looks at the simulator until it is dropped.
pub struct Watch {
    seen: watch::Receiver<Result<Left, String>>,
    task: JoinHandle<()>,
}

impl Watch {
    /// Begins to look.
    pub fn begin(pages: &Pages) -> Result<Self, BenchError> {
        let life = Clock::real();
        let first = Left { accounts: pages.accounts_with_access()?, since: life.now() };
        let (sender, seen) = watch::channel(Ok(first));
        let pages = pages.clone();
        let task = tokio::spawn(async move {
            loop {
                life.sleep(LOOK).await;
                let now = life.now();
                let accounts = pages.accounts_with_access().map_err(|error| error.to_string());
                sender.send_if_modified(|seen| match (accounts, &*seen) {
                    (Ok(accounts), Ok(left)) if left.accounts == accounts => false,
                    (accounts, _) => {
                        *seen = accounts.map(|accounts| Left { accounts, since: now });
                        true
                    }
                });
            }
        });
        Ok(Self { seen, task })
    }

    /// What is left for good, once all that was accepted so far has ended.
    pub async fn end(self, world: &UndoArguments) -> Result<Left, BenchError> {
        Clock::real().sleep(Duration::from_secs_f64(world.latency) + REST).await;
        let left = self.seen.borrow().clone();
        left.map_err(BenchError::Simulator)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.task.abort();
    }
}
