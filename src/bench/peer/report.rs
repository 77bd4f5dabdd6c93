//! What both tools said, beside what is true.

use std::collections::BTreeSet;
use std::fmt;

use serde::Serialize;

use super::Said;
use super::faults::Faults;
use super::truth::Left;
use crate::bench::words::{known, mebibytes, ratio, seconds};
use crate::bench::{UndoArguments, world};

/// One undo by one tool.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Row {
    actions: u32,
    faults: Faults,
    tool: String,
    planned_seconds: f64,
    /// From the wish to undo until the tool says that it is done.
    said_done_seconds: f64,
    /// From then until all is undone in truth, if that came to be.
    true_seconds: Option<f64>,
    said: String,
    said_undone: usize,
    /// Said to be undone, although the access remains.
    wrongly_undone: usize,
    said_not_undone: usize,
    /// Said not to be undone, although the access is gone.
    wrongly_not_undone: usize,
    calls: u64,
    calls_per_action: f64,
    throttled: u64,
    /// Accepted changes that changed nothing.
    failed_changes: u64,
    peak_memory_bytes: Option<u64>,
    processor_seconds: Option<f64>,
}

impl Row {
    /// Compares what was said with what is left.
    pub fn new(world: &UndoArguments, faults: Faults, said: Said, left: &Left) -> Self {
        let all: BTreeSet<String> = (0..world.accounts).map(world::account).collect();
        let not_undone = &all - &said.undone;
        let until_then = left.since.duration_since(said.begun_at).as_secs_f64();
        Self {
            actions: world.actions,
            faults,
            planned_seconds: said.planned_seconds,
            said_done_seconds: said.ended_seconds,
            true_seconds: left.accounts.is_empty().then_some(until_then),
            said: said.conclusion,
            said_undone: said.undone.len(),
            wrongly_undone: said.undone.intersection(&left.accounts).count(),
            said_not_undone: not_undone.len(),
            wrongly_not_undone: not_undone.difference(&left.accounts).count(),
            calls: said.calls.requests,
            calls_per_action: ratio(said.calls.requests, u64::from(world.actions)),
            throttled: said.calls.throttled(),
            failed_changes: said.calls.without_effect(),
            peak_memory_bytes: said.usage.peak_memory,
            processor_seconds: said.usage.processor_seconds,
            tool: said.tool,
        }
    }
}

impl Row {
    /// What both tables begin with.
    fn undo(&self) -> String {
        format!("| {} | {} | {} |", self.actions, self.faults.words(), self.tool)
    }

    fn cost(&self) -> String {
        format!(
            "{} {:.1} s | {:.1} s | {} | {:.2} | {} | {} | {} |",
            self.undo(),
            self.planned_seconds,
            self.said_done_seconds,
            self.true_seconds.map_or_else(|| "never".to_owned(), |it| format!("{it:.1} s")),
            self.calls_per_action,
            self.throttled,
            known(self.peak_memory_bytes.map(mebibytes)),
            seconds(self.processor_seconds),
        )
    }

    fn verdict(&self) -> String {
        format!(
            "{} {} | {} | {} | {} | {} | {} |",
            self.undo(),
            self.failed_changes,
            self.said,
            self.said_undone,
            self.wrongly_undone,
            self.said_not_undone,
            self.wrongly_not_undone,
        )
    }
}

/// All of them.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Seconds from an accepted change to its end.
    pub latency_seconds: f64,
    /// Changes at work at once.
    pub slots: u32,
    /// Two for each undo.
    pub rows: Vec<Row>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let build = if cfg!(debug_assertions) { "debug" } else { "release" };
        writeln!(
            f,
            "Latency {} s, {} changes at work at once, 20 requests a second; the operator is a {build} build.\n\n\
             | actions | changes that fail | tool | planned after | says done after | true after | calls an action | throttled | most memory | processor |\n\
             |--:|---|---|--:|--:|--:|--:|--:|--:|--:|",
            self.latency_seconds, self.slots,
        )?;
        self.rows.iter().try_for_each(|row| writeln!(f, "{}", row.cost()))?;
        writeln!(
            f,
            "\n| actions | changes that fail | tool | failed changes | says | undone, it says | … wrongly | not undone, it says | … wrongly |\n\
             |--:|---|---|--:|---|--:|--:|--:|--:|",
        )?;
        self.rows.iter().try_for_each(|row| writeln!(f, "{}", row.verdict()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::calls::Calls;
    use crate::bench::usage::Usage;

    fn row(undone: &[u32], left: &[u32]) -> Row {
        let accounts = |indices: &[u32]| indices.iter().map(|it| world::account(*it)).collect();
        let world = UndoArguments {
            actions: 4,
            accounts: 4,
            latency: 2.0,
            slots: 10,
            ..UndoArguments::USUAL
        };
        let at = |second| jiff::Timestamp::from_second(second).unwrap();
        let said = Said {
            tool: "a tool".to_owned(),
            begun_at: at(100),
            planned_seconds: 1.0,
            ended_seconds: 9.0,
            conclusion: "done".to_owned(),
            undone: accounts(undone),
            usage: Usage::default(),
            calls: Calls::default(),
        };
        Row::new(&world, Faults::None, said, &Left { accounts: accounts(left), since: at(107) })
    }

    #[test]
    fn what_was_said_is_held_against_what_is_left() {
        let right = row(&[0, 1, 2, 3], &[]);
        assert_eq!((right.said_undone, right.wrongly_undone), (4, 0));
        assert_eq!(right.true_seconds, Some(7.0));
        let wrong = row(&[0, 1], &[1, 2]);
        assert_eq!((wrong.said_undone, wrong.wrongly_undone), (2, 1));
        assert_eq!((wrong.said_not_undone, wrong.wrongly_not_undone), (2, 1));
        assert_eq!(wrong.true_seconds, None, "something is left");
    }
}
