//! What an import did, in words.

use crate::cli::exit::Exit;
use crate::cli::screen::{Screen, Tone, one_line};
use crate::record::Report;

/// What became of the records that were taken.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Records that were only printed.
    pub printed: usize,
    /// Records that were created.
    pub created: usize,
    /// Records that were there already.
    pub unchanged: usize,
    /// Records that could not be created, by name, with the reason.
    pub different: Vec<(String, String)>,
}

impl Summary {
    /// Tells it on standard error and gives the exit code.
    pub fn tell(&self, report: &Report, screen: Screen) -> Exit {
        for (tone, line) in self.lines(report) {
            screen.note_in(tone, &line);
        }
        let complete = report.is_complete() && self.different.is_empty();
        if complete { Exit::Done } else { Exit::PartlyDone }
    }

    fn lines(&self, report: &Report) -> Vec<(Tone, String)> {
        let refused = report.refusals.len() + self.different.len();
        let mut lines = Vec::new();
        let repaired = report.repairs.iter().map(|item| (Tone::Faint, format!("repaired  {item}")));
        lines.extend(repaired);
        lines.extend(report.tears.iter().map(|item| (Tone::Warning, format!("torn      {item}"))));
        lines.extend(report.refusals.iter().map(|item| (Tone::Bad, format!("refused   {item}"))));
        let different =
            |(name, why): &(String, String)| (Tone::Bad, format!("refused   {name}: {why}"));
        lines.extend(self.different.iter().map(different));

        for (what, count) in &report.left_out {
            lines.push((Tone::Faint, format!("left out  {count} {what}")));
        }
        let mut counts = Vec::new();
        if self.printed > 0 {
            counts.push(format!("{} printed, nothing was written", self.printed));
        } else {
            counts.push(format!("{} imported", self.created));
            counts.push(format!("{} unchanged", self.unchanged));
        }
        for (count, what) in [
            (report.repairs.len(), "repaired"),
            (refused, "refused"),
            (report.tears.len(), "torn places"),
        ] {
            if count > 0 {
                counts.push(format!("{count} {what}"));
            }
        }
        let tone = if refused + report.tears.len() > 0 { Tone::Warning } else { Tone::Good };
        lines.push((tone, counts.join(", ")));
        // What files and the API server say may hold line breaks, and a line is about one thing.
        lines.into_iter().map(|(tone, line)| (tone, one_line(&line))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Origin, Refusal, Repair, Tear};

    #[test]
    fn everything_that_was_not_taken_is_named() {
        let origin = Origin { file: "operations.json".to_owned(), position: 24 };
        let report = Report {
            records: Vec::new(),
            repairs: vec![Repair {
                origin: origin.clone(),
                operation: "a".to_owned(),
                what: "recorded 2 times; taken once".to_owned(),
            }],
            refusals: vec![Refusal {
                origin,
                operation: None,
                reason: "it has no operation_id".to_owned(),
            }],
            tears: vec![Tear {
                file: "operations.json".to_owned(),
                position: 90,
                what: "the file is empty".to_owned(),
            }],
            left_out: [("calls that AWS refused", 3)].into(),
        };
        let summary = Summary {
            created: 5,
            unchanged: 1,
            different: vec![("assign-x".to_owned(), "its name is taken".to_owned())],
            printed: 0,
        };
        let lines: Vec<_> = summary.lines(&report).into_iter().map(|(_, line)| line).collect();
        assert_eq!(
            lines,
            [
                "repaired  operations.json (byte 24): operation a: recorded 2 times; taken once",
                "torn      operations.json: torn at byte 90: the file is empty",
                "refused   operations.json (byte 24): operation without an id: it has no operation_id",
                "refused   assign-x: its name is taken",
                "left out  3 calls that AWS refused",
                "5 imported, 1 unchanged, 1 repaired, 2 refused, 1 torn places",
            ]
        );
        let clean = Summary { printed: 6, ..Summary::default() };
        assert_eq!(
            clean.lines(&Report::default()),
            [(Tone::Good, "6 printed, nothing was written".to_owned())]
        );
    }
}
