//! The results as one page that needs no network: a table, and drawings of it.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::{Measured, Results, curves};
use crate::bench::words::mebibytes;

const STYLE: &str = "
:root { color-scheme: light dark; --ink: #1b1f24; --paper: #fff; --line: #d0d7de; --one: #0969da; --two: #bc4c00; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6edf3; --paper: #0d1117; --line: #3d444d; --one: #58a6ff; --two: #f0883e; } }
body { margin: 0 auto; max-width: 70rem; padding: 1.5rem; font: 1rem/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); }
table { border-collapse: collapse; width: 100%; font-size: .85rem; } th, td { padding: .2rem .6rem; border-bottom: 1px solid var(--line); text-align: right; }
th:first-child, td:first-child { text-align: left; } td { white-space: nowrap; } figure { margin: 1rem 0; } .wide { overflow-x: auto; }
.small { display: grid; grid-template-columns: repeat(auto-fill, minmax(20rem, 1fr)); gap: 1rem; }
svg { width: 100%; height: auto; overflow: visible; } text { fill: currentColor; font-size: 11px; } line { stroke: var(--line); }
rect { fill: var(--one); } polyline { fill: none; stroke: var(--one); stroke-width: 2; } polyline.memory { stroke: var(--two); }
.bound { stroke: var(--two); stroke-dasharray: 4 3; } circle { fill: var(--one); } circle.bound { fill: var(--two); }
.tick { text-anchor: middle; } .side { text-anchor: end; } pre { overflow-x: auto; }
";
const WIDTH: f64 = 640.0;
const ROW: f64 = 22.0;
const LABELS: f64 = 150.0;
/// A curve over time.
const CURVE: (f64, f64) = (320.0, 110.0);

/// The page.
pub fn draw(results: &Results) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { "Undos against the bound of AWS's limits" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                h1 { "Undos against the bound of AWS's limits" }
                p {
                    "rollback-operator " (results.version) ", "
                    (if results.optimised { "compiled for speed" } else { "compiled for tests" })
                    ". Real components: etcd, kube-apiserver, the operator and the simulator as processes. "
                    "Where the clocks run faster than life, what the machine takes counts as many times: "
                    "the operator is then slower than it would be beside AWS."
                }
                h2 { "Time, as a multiple of the bound" }
                (bars(&results.scenarios))
                h2 { "Seconds from the approval to Ready, and the bound (dashed)" }
                (curves::draw(&results.scenarios))
                h2 { "All figures" }
                div class="wide" { (table(&results.scenarios)) }
                @if let Some(report) = &results.among_much {
                    h2 { "Among much that is there already" }
                    pre { (report) }
                }
                h2 { "Changes at work, and memory of the operator, over time" }
                p {
                    "Blue: actions at work or not read back yet; orange: memory. Each is drawn against its own most."
                }
                div class="small" { @for it in &results.scenarios { (curves(it)) } }
            }
        }
    }
}

fn table(scenarios: &[Measured]) -> Markup {
    let heads = [
        "Scenario",
        "Actions",
        "Latency",
        "Slots",
        "Clocks",
        "Bound",
        "Took",
        "× bound",
        "Calls an action",
        "Throttled",
        "Start to ready",
        "Processor ms an action",
        "Peak memory",
    ];
    html! {
        table {
            thead { tr { @for head in heads { th scope="col" { (head) } } } }
            tbody {
                @for it in scenarios {
                    tr {
                        td { (it.name) }
                        @for cell in it.report.cells() { td { (cell) } }
                    }
                }
            }
        }
    }
}

/// A bar for each scenario; the dashed line is the bound itself.
fn bars(scenarios: &[Measured]) -> Markup {
    let bounded = || scenarios.iter().filter(|it| !it.report.is_of_clones());
    let most = bounded().map(|it| it.report.times_bound()).fold(1.0, f64::max);
    let scale = (WIDTH - LABELS - 60.0) / most;
    let rows: Vec<(f64, &Measured)> =
        (0_u16..).map(|row| f64::from(row) * ROW).zip(bounded()).collect();
    let height = rows.last().map_or(ROW, |(y, _)| y + ROW);
    let bound = LABELS + scale;
    html! {
        figure {
            svg viewBox=(format!("0 0 {WIDTH} {height}")) role="img" aria-label="Time of each scenario as a multiple of the bound" {
                @for (y, it) in &rows {
                    @let times = it.report.times_bound();
                    text x="0" y=(y + 15.0) { (it.name) }
                    rect x=(LABELS) y=(y + 3.0) width=(format!("{:.1}", times * scale)) height=(ROW - 7.0) {}
                    text x=(format!("{:.1}", LABELS + times * scale + 6.0)) y=(y + 15.0) { (format!("{times:.2}")) }
                }
                line class="bound" x1=(bound) x2=(bound) y1="0" y2=(height) {}
            }
        }
    }
}

fn curves(measured: &Measured) -> Markup {
    let samples = measured.report.samples();
    let (width, height) = CURVE;
    let last = samples.last().map_or(1.0, |it| it.seconds.max(1e-9));
    let line = |value: &dyn Fn(&crate::bench::samples::Sample) -> f64| {
        let most = samples.iter().map(value).fold(1e-9, f64::max);
        let points = samples.iter().map(|it| {
            format!(
                "{:.1},{:.1}",
                it.seconds / last * width,
                height - value(it) / most * height * 0.9
            )
        });
        points.collect::<Vec<_>>().join(" ")
    };
    let at_work = line(&|it| f64::from(it.at_work));
    let memory = line(&|it| it.memory_mebibytes);
    let (most, memory_bytes) = measured.report.peaks();
    html! {
        figure {
            svg viewBox=(format!("0 0 {width} {}", height + 16.0)) role="img" aria-label=(format!("{}: changes at work and memory over time", measured.name)) {
                line x1="0" x2=(width) y1=(height) y2=(height) {}
                polyline points=(at_work) {}
                polyline class="memory" points=(memory) {}
                text x="0" y=(height + 13.0) { (format!("0 to {last:.0} s")) }
            }
            figcaption {
                (measured.name) ": at most " (most) " at work"
                @if let Some(bytes) = memory_bytes { ", " (mebibytes(bytes)) }
            }
        }
    }
}
