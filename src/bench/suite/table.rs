//! The results as a table.

use std::collections::BTreeMap;
use std::fmt;

use super::{Measured, Results};
use crate::bench::report::Report;

/// For people; beside an earlier result, what has changed since.
pub struct Table<'a> {
    /// What was measured now.
    pub results: &'a Results,
    /// What was measured before.
    pub base: Option<&'a Results>,
}

impl fmt::Display for Table<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let earlier: BTreeMap<&str, &Report> = self
            .base
            .iter()
            .filter(|base| base.optimised == self.results.optimised)
            .flat_map(|base| &base.scenarios)
            .map(|it| (it.name.as_str(), &it.report))
            .collect();
        let change = if self.base.is_some() { " took, before | processor, before |" } else { "" };
        writeln!(
            f,
            "| scenario | actions | latency | slots | clocks | bound | approval to Ready | × bound | calls an action | throttled | start | processor ms an action | peak memory |{change}"
        )?;
        writeln!(
            f,
            "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|{}",
            if self.base.is_some() { "--:|--:|" } else { "" }
        )?;
        for Measured { name, report } in &self.results.scenarios {
            write!(f, "| {name} {report:#}")?;
            let before = earlier.get(name.as_str());
            if before.is_some_and(|before| !before.is_like(report)) {
                write!(f, " another world | |")?;
            } else if let Some(before) = before {
                let took = percent(report.seconds(), before.seconds());
                let used = report.processor_milliseconds().zip(before.processor_milliseconds());
                let used = used.map_or_else(String::new, |(now, then)| percent(now, then));
                write!(f, " {took} | {used} |")?;
            } else if self.base.is_some() {
                write!(f, " new | |")?;
            }
            writeln!(f)?;
        }
        self.results.among_much.iter().try_for_each(|it| write!(f, "\n{it}"))
    }
}

fn percent(now: f64, before: f64) -> String {
    if before > 0.0 { format!("{:+.1} %", (now / before - 1.0) * 100.0) } else { String::new() }
}
