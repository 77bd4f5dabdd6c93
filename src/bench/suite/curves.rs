//! Drawings of time against the bound: of all undos, and of those that differ in one thing alone (but
//! for the number of accounts and the clocks).

use maud::{Markup, html};

use super::Measured;
use crate::bench::UndoArguments;

const WIDTH: f64 = 320.0;
const HEIGHT: f64 = 220.0;
/// Beside and below a drawing, for the figures of its axes.
const MARGIN: (f64, f64) = (44.0, 34.0);

/// One undo in a drawing.
struct Point {
    /// Along the axis.
    at: f64,
    took: f64,
    bound: f64,
    name: String,
}

/// All drawings for which there are at least two undos.
pub fn draw(scenarios: &[Measured]) -> Markup {
    let bounded = scenarios.iter().filter(|it| !it.report.is_of_clones());
    let all = bounded.map(|it| point(it, it.report.bound())).collect();
    let mut drawings = vec![("Seconds against the bound, of all", "bound in seconds", all)];
    for (dimension, title, axis) in [
        (0, "By size", "actions"),
        (1, "By latency", "seconds that AWS takes for a change"),
        (2, "By slots", "changes at work at once"),
        (3, "By number", "Rollbacks at once"),
    ] {
        drawings.push((title, axis, family(scenarios, dimension)));
    }
    html! {
        div class="small" {
            @for (title, axis, points) in drawings.iter().filter(|it| it.2.len() > 1) {
                (drawing(title, axis, points))
            }
        }
    }
}

fn point(measured: &Measured, at: f64) -> Point {
    let report = &measured.report;
    Point { at, took: report.seconds(), bound: report.bound(), name: measured.name.clone() }
}

/// The undos that differ in one thing alone from the usual one, which is among them.
fn family(scenarios: &[Measured], dimension: usize) -> Vec<Point> {
    let usual = UndoArguments::USUAL;
    let usual = [
        f64::from(usual.actions),
        usual.latency,
        f64::from(usual.slots),
        f64::from(usual.rollbacks),
    ];
    let mut points: Vec<Point> = scenarios
        .iter()
        .filter_map(|it| {
            let mine = it.report.coordinates()?;
            let differs = |other: usize| (mine[other] - usual[other]).abs() > 1e-9;
            let alone = (0..usual.len()).all(|other| other == dimension || !differs(other));
            alone.then(|| point(it, mine[dimension]))
        })
        .collect();
    points.sort_by(|a, b| a.at.total_cmp(&b.at));
    points
}

/// A logarithmic axis from a power of ten to a power of ten.
struct Axis {
    decades: (i32, i32),
    length: f64,
}

impl Axis {
    fn of(values: impl Iterator<Item = f64>, length: f64) -> Self {
        let (least, most) = values
            .filter(|it| *it > 0.0)
            .map(f64::log10)
            .fold((f64::MAX, f64::MIN), |(least, most), it| (least.min(it), most.max(it)));
        let decades = (-3..6).filter(|it| f64::from(*it) <= least + 1e-9).max().unwrap_or(-3);
        let end = (-3..6).filter(|it| f64::from(*it) >= most - 1e-9).min().unwrap_or(6);
        Self { decades: (decades, end.max(decades + 1)), length }
    }

    fn position(&self, value: f64) -> f64 {
        let (first, last) = (f64::from(self.decades.0), f64::from(self.decades.1));
        (value.max(1e-3).log10() - first) / (last - first) * self.length
    }

    /// Powers of ten, with where they are.
    fn ticks(&self) -> impl Iterator<Item = (String, f64)> {
        (self.decades.0..=self.decades.1).map(|power| {
            let value = 10_f64.powi(power);
            (value.to_string(), self.position(value))
        })
    }
}

fn drawing(title: &str, axis: &str, points: &[Point]) -> Markup {
    let across = Axis::of(points.iter().map(|it| it.at), WIDTH);
    let up = Axis::of(points.iter().flat_map(|it| [it.took, it.bound]), HEIGHT);
    let (left, below) = MARGIN;
    let x = |it: &Point| left + across.position(it.at);
    let y = |seconds: f64| 10.0 + HEIGHT - up.position(seconds);
    let line = |seconds: &dyn Fn(&Point) -> f64| {
        let points = points.iter().map(|it| format!("{:.1},{:.1}", x(it), y(seconds(it))));
        points.collect::<Vec<_>>().join(" ")
    };
    let connected = points.windows(2).all(|it| it[0].at <= it[1].at);
    let (right, ground) = (left + WIDTH, 10.0 + HEIGHT);
    html! {
        figure {
            figcaption { (title) }
            svg viewBox=(format!("0 0 {} {}", right + 10.0, ground + below)) role="img" aria-label=(format!("{title}: seconds from the approval to Ready, and the bound, by {axis}")) {
                @for (value, at) in across.ticks() {
                    line x1=(left + at) x2=(left + at) y1="10" y2=(ground) {}
                    text class="tick" x=(left + at) y=(ground + 14.0) { (value) }
                }
                @for (value, at) in up.ticks() {
                    line x1=(left) x2=(right) y1=(ground - at) y2=(ground - at) {}
                    text class="side" x=(left - 6.0) y=(ground - at + 4.0) { (value) }
                }
                text class="tick" x=(left + WIDTH / 2.0) y=(ground + 29.0) { (axis) }
                @if connected {
                    polyline class="bound" points=(line(&|it| it.bound)) {}
                    polyline points=(line(&|it| it.took)) {}
                }
                @for it in points {
                    @if !connected { circle class="bound" cx=(x(it)) cy=(y(it.bound)) r="2" {} }
                    circle cx=(x(it)) cy=(y(it.took)) r="3.5" {
                        title { (format!("{}: {:.1} s, bound {:.1} s", it.name, it.took, it.bound)) }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_axis_goes_from_power_to_power_of_ten() {
        let axis = Axis::of([3.0, 250.0].into_iter(), 300.0);
        assert_eq!(axis.decades, (0, 3));
        assert!((axis.position(10.0) - 100.0).abs() < 1e-9);
        let ticks: Vec<String> = axis.ticks().map(|it| it.0).collect();
        assert_eq!(ticks, ["1", "10", "100", "1000"]);
        assert_eq!(Axis::of([10.0].into_iter(), 1.0).decades, (1, 2));
        assert_eq!(Axis::of(std::iter::empty(), 1.0).decades, (5, 6));
    }
}
