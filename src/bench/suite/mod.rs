//! Undos of many sizes and in many worlds, one after another, as one result that can be kept and
//! compared with a later one.

mod page;
mod scenarios;

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use indicatif::{ProgressBar, ProgressStyle};
use serde::{Deserialize, Serialize};

use self::scenarios::{Scenario, scenarios};
use super::report::Report;
use super::stage::Stage;
use super::{BenchError, Output, SuiteArguments, undo};

/// What all scenarios gave.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Results {
    /// The version that was measured.
    version: String,
    /// Whether the programs were compiled for speed.
    optimised: bool,
    scenarios: Vec<Measured>,
}

/// What one scenario gave.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Measured {
    name: String,
    #[serde(flatten)]
    report: Report,
}

/// Runs all scenarios, or those whose names contain a word, prints the results and writes them down.
pub async fn run(arguments: &SuiteArguments) -> Result<(), BenchError> {
    let base = arguments.compare.as_deref().map(read).transpose()?;
    let wanted: Vec<Scenario> = scenarios(arguments.quick)
        .into_iter()
        .filter(|it| arguments.only.as_ref().is_none_or(|word| it.name.contains(word.as_str())))
        .collect();
    let bar = ProgressBar::new(u64::try_from(wanted.len()).unwrap_or_default());
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} {msg} {elapsed}") {
        bar.set_style(style);
    }
    let mut results = Results {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        optimised: !cfg!(debug_assertions),
        scenarios: Vec::new(),
    };
    for Scenario { name, undo } in wanted {
        bar.set_message(name.clone());
        bar.tick();
        let mut stage = Stage::start(&undo).await?;
        let report = undo::measure(&mut stage, &undo, &ProgressBar::hidden()).await;
        let report = report.map_err(|error| BenchError::Scenario(name.clone(), Box::new(error)))?;
        results.scenarios.push(Measured { name, report });
        bar.inc(1);
    }
    bar.finish_and_clear();
    if let Some(path) = &arguments.page {
        let page = page::draw(&results).into_string();
        std::fs::write(path, page).map_err(BenchError::io(path.display().to_string()))?;
    }
    let json = serde_json::to_value(&results).unwrap_or_default();
    if let Some(path) = &arguments.json {
        std::fs::write(path, json.to_string())
            .map_err(BenchError::io(path.display().to_string()))?;
    }
    match arguments.output {
        Output::Table => print!("{}", Table { results: &results, base: base.as_ref() }),
        Output::Json => println!("{json}"),
    }
    Ok(())
}

fn read(path: &Path) -> Result<Results, BenchError> {
    let shown = path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(BenchError::io(shown.clone()))?;
    serde_json::from_str(&text).map_err(|error| BenchError::Base(shown, error.to_string()))
}

/// For people; beside an earlier result, what has changed since.
struct Table<'a> {
    results: &'a Results,
    base: Option<&'a Results>,
}

impl fmt::Display for Table<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let earlier: BTreeMap<&str, &Report> = self
            .base
            .iter()
            .flat_map(|base| &base.scenarios)
            .map(|it| (it.name.as_str(), &it.report))
            .collect();
        let change = if self.base.is_some() { " took, before | CPU, before |" } else { "" };
        writeln!(
            f,
            "| scenario | actions | latency | slots | clocks | bound | approval to Ready | × bound | calls an action | throttled | CPU ms an action | peak memory |{change}"
        )?;
        writeln!(
            f,
            "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|{}",
            if self.base.is_some() { "--:|--:|" } else { "" }
        )?;
        for Measured { name, report } in &self.results.scenarios {
            write!(f, "| {name} {report:#}")?;
            if let Some(before) = earlier.get(name.as_str()) {
                let took = percent(report.seconds(), before.seconds());
                let used = report.processor_milliseconds().zip(before.processor_milliseconds());
                let used = used.map_or_else(String::new, |(now, then)| percent(now, then));
                write!(f, " {took} | {used} |")?;
            } else if self.base.is_some() {
                write!(f, " new | |")?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}

fn percent(now: f64, before: f64) -> String {
    if before > 0.0 { format!("{:+.1} %", (now / before - 1.0) * 100.0) } else { String::new() }
}
