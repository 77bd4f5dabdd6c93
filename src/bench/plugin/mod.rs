//! What the plugin takes: to start, to import and list many operations, to report a large undo.

mod report;
mod run;

use std::io::Write as _;
use std::path::{Path, PathBuf};

use indicatif::ProgressBar;
use serde_json::{Value, json};

use self::report::Report;
use self::run::{Plugin, Run};
use super::process::beside;
use super::stage::Stage;
use super::{BenchError, PluginArguments, UndoArguments, print, spinner, undo, world};

/// The plugin's name as a program.
const PLUGIN: &str = "kubectl-rollback";
/// So often it is started, to see how long that takes.
const STARTS: usize = 20;

/// Measures the plugin and prints the result.
pub async fn run(arguments: &PluginArguments) -> Result<(), BenchError> {
    let bar = spinner();
    print(arguments.output, &bar, Box::pin(measure(arguments, &bar))).await
}

async fn measure(arguments: &PluginArguments, bar: &ProgressBar) -> Result<Report, BenchError> {
    bar.set_message("starts the components");
    let large = UndoArguments {
        actions: arguments.actions,
        accounts: 500,
        latency: 1.0,
        slots: 10,
        time_scale: 5.0,
        ..UndoArguments::USUAL
    };
    let mut stage = Stage::start(&large).await?;
    let program = arguments.program.clone().map_or_else(|| beside(PLUGIN), Ok)?;
    let failed = BenchError::io(program.display().to_string());
    let bytes = std::fs::metadata(&program).map_err(failed)?.len();
    let plugin = Plugin { program };
    let mut start_seconds = Vec::new();
    for _ in 0..STARTS {
        start_seconds.push(plugin.run(&stage, &["--version"]).await?.seconds);
    }
    start_seconds.sort_by(f64::total_cmp);

    bar.set_message("undoes what is reported");
    undo::measure(&mut stage, &large, &ProgressBar::hidden()).await?;
    stage.stop_operator().await?;
    bar.set_message("reports");
    let page = stage.directory().join("report.html");
    let reported = reported(&plugin, &stage, &page).await?;
    let page_bytes = std::fs::metadata(&page).map_err(BenchError::io("the report"))?.len();

    bar.set_message("imports");
    let file = operations(stage.directory(), arguments.operations, &stage)?;
    let path = file.display().to_string();
    let import = plugin.run(&stage, &["import", "json", &path, "--instance", "bench"]).await?;
    bar.set_message("lists operations");
    let list = plugin.run(&stage, &["operations"]).await?;
    let found = plugin.run(&stage, &["operations", "--actor", "actor-007", "-o", "json"]).await?;
    Ok(Report {
        operations: arguments.operations,
        actions: arguments.actions,
        program_bytes: bytes,
        start_seconds: start_seconds[STARTS / 2],
        slowest_start_seconds: start_seconds[STARTS - 1],
        reported,
        page_bytes,
        import,
        list,
        found,
    })
}

async fn reported(plugin: &Plugin, stage: &Stage, page: &Path) -> Result<Run, BenchError> {
    let page = page.display().to_string();
    plugin.run(stage, &["report", &world::rollback_name(0), "--file", &page]).await
}

/// A file of operations, each of one user in one account.
fn operations(directory: &Path, count: u32, stage: &Stage) -> Result<PathBuf, BenchError> {
    let path = directory.join("operations.jsonl");
    let failed = || BenchError::io(path.display().to_string());
    let file = std::fs::File::create(&path).map_err(failed())?;
    let mut file = std::io::BufWriter::new(file);
    let now = stage.clock.now().to_string();
    for number in 0..count {
        writeln!(file, "{}", operation(number, &now)).map_err(failed())?;
    }
    file.flush().map_err(failed())?;
    Ok(path)
}

fn operation(number: u32, occurred_at: &str) -> Value {
    let record = world::grant("", &user(number), number % 500, occurred_at);
    let spec = &record["spec"];
    json!({
        "type": spec["type"],
        "occurredAt": spec["occurredAt"],
        "actor": format!("actor-{:03}", number % 1000),
        "source": {"tool": "bench", "id": id(number)},
        "changes": spec["changes"],
    })
}

/// As tools number their operations: at random, so that the first letters tell most of them apart.
fn id(number: u32) -> String {
    // Odd, so that no two numbers have one product; its bits are spread over all 32.
    const SPREAD: u32 = 2_654_435_761;
    format!("{:08x}-0000-4000-8000-{number:012}", number.wrapping_mul(SPREAD))
}

fn user(number: u32) -> String {
    format!("00000000-0000-4000-8000-{number:012}")
}
