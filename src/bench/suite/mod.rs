//! Undos of many sizes and in many worlds, one after another, as one result that can be kept and
//! compared with a later one.

mod curves;
mod page;
mod scenarios;
mod table;

use std::path::Path;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::scenarios::{AMONG_MUCH, Scenario, scenarios};
use self::table::Table;
use super::report::Report;
use super::stage::{Stage, write};
use super::{BenchError, Output, SuiteArguments, UndoArguments, scale, undo};

/// What all scenarios gave.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Results {
    /// The version that was measured.
    version: String,
    /// Whether the programs were compiled for speed.
    optimised: bool,
    /// Undos, one scenario after another.
    scenarios: Vec<Measured>,
    /// How the operator did among much that was there already.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    among_much: Option<scale::Report>,
}

/// What one scenario gave.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
struct Measured {
    /// Its name.
    name: String,
    #[serde(flatten)]
    report: Report,
}

/// What the measurement at scale is called.
const AMONG: &str = "among much";

/// Runs all scenarios, or those whose names contain a word, prints the results and writes them down.
/// A scenario that fails is named and the others go on.
pub async fn run(arguments: &SuiteArguments) -> Result<(), BenchError> {
    let base = arguments.compare.as_deref().map(read).transpose()?;
    let all = scenarios(arguments.quick);
    let names: Vec<String> = all.iter().map(|it| it.name.clone()).collect();
    let is_wanted =
        |name: &str| arguments.only.as_ref().is_none_or(|word| name.contains(word.as_str()));
    let wanted: Vec<Scenario> = all.into_iter().filter(|it| is_wanted(&it.name)).collect();
    let among_much = arguments.among_much;
    let steps = wanted.len() + usize::from(among_much);
    if steps == 0 {
        let word = arguments.only.clone().unwrap_or_default();
        return Err(BenchError::NoScenario(word, names.join(", ")));
    }
    let mut results = Results {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        optimised: !cfg!(debug_assertions),
        scenarios: Vec::new(),
        among_much: None,
    };
    results.keep(arguments)?;
    let bar = ProgressBar::new(u64::try_from(steps).unwrap_or_default());
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} {msg} {elapsed}") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(200));
    let mut failed = 0;
    for Scenario { name, undo } in wanted {
        bar.set_message(name.clone());
        match Box::pin(measure(&undo)).await {
            Ok(report) => results.scenarios.push(Measured { name, report }),
            Err(error) => {
                failed += 1;
                bar.suspend(|| eprintln!("{}", BenchError::Scenario(name, Box::new(error))));
            }
        }
        results.keep(arguments)?;
        bar.inc(1);
    }
    if among_much {
        bar.set_message(AMONG);
        match Box::pin(scale::measure(&AMONG_MUCH, &ProgressBar::hidden())).await {
            Ok(report) => results.among_much = Some(report),
            Err(error) => {
                failed += 1;
                bar.suspend(|| {
                    eprintln!("{}", BenchError::Scenario(AMONG.into(), Box::new(error)));
                });
            }
        }
        results.keep(arguments)?;
    }
    bar.finish_and_clear();
    match arguments.output {
        Output::Table => print!("{}", Table { results: &results, base: base.as_ref() }),
        Output::Json => println!("{}", serde_json::to_value(&results).unwrap_or_default()),
    }
    if failed == 0 { Ok(()) } else { Err(BenchError::Scenarios(failed)) }
}

async fn measure(undo: &UndoArguments) -> Result<Report, BenchError> {
    let mut stage = Stage::start(undo).await?;
    undo::measure(&mut stage, undo, &ProgressBar::hidden()).await
}

impl Results {
    /// Writes down what there is so far.
    fn keep(&self, arguments: &SuiteArguments) -> Result<(), BenchError> {
        if let Some(path) = &arguments.page {
            write(path, &page::draw(self).into_string())?;
        }
        if let Some(path) = &arguments.json {
            let json = serde_json::to_value(self).unwrap_or_default();
            write(path, &(json.to_string() + "\n"))?;
        }
        Ok(())
    }
}

fn read(path: &Path) -> Result<Results, BenchError> {
    let shown = path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(BenchError::io(shown.clone()))?;
    serde_json::from_str(&text).map_err(|error| BenchError::Base(shown, error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::fixtures::is_in;

    #[test]
    fn the_schema_of_the_results_is_in_the_documents() {
        let schema = serde_json::to_string_pretty(&schemars::schema_for!(Results)).unwrap();
        is_in("docs/schemas/bench.json", &(schema + "\n"));
    }
}
