//! The charts of a report: numbers, and the drawings of them.

use maud::{Markup, html};

use super::facts::KeyFacts;

/// Moments that are drawn of a timeline.
const MOMENTS: usize = 240;
/// Bars of a histogram.
const BARS: usize = 20;
const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 160.0;

/// How many actions were at work and how many had ended, over time.
#[derive(Debug, PartialEq)]
pub struct Timeline {
    /// Seconds from the first accepted request to the last end.
    pub seconds: f64,
    /// Seconds, at work, ended.
    pub moments: Vec<(f64, usize, usize)>,
}

impl Timeline {
    /// None where nothing was sent.
    pub fn of(keys: &[KeyFacts]) -> Option<Self> {
        let first = keys.iter().filter_map(|key| key.requested_at).min()?;
        let since = |at: jiff::Timestamp| at.duration_since(first).as_secs_f64().max(0.0);
        let mut begun: Vec<f64> =
            keys.iter().filter_map(|key| key.requested_at).map(since).collect();
        let ended = keys.iter().filter(|key| key.requested_at.is_some());
        let mut ended: Vec<f64> = ended.filter_map(|key| key.ended_at).map(since).collect();
        begun.sort_by(f64::total_cmp);
        ended.sort_by(f64::total_cmp);
        let last = [begun.last(), ended.last()];
        let seconds = last.into_iter().flatten().copied().fold(0.0, f64::max);
        let moments = (0..=MOMENTS)
            .map(|number| {
                let at = seconds * share(number, MOMENTS);
                let so_far = |times: &[f64]| times.partition_point(|time| *time <= at);
                let (begun, ended) = (so_far(&begun), so_far(&ended));
                (at, begun.saturating_sub(ended), ended)
            })
            .collect();
        Some(Self { seconds, moments })
    }

    /// The most that were at work at once, and how many ended.
    pub fn peaks(&self) -> (usize, usize) {
        let at_work = self.moments.iter().map(|(_, at_work, _)| *at_work).max();
        (at_work.unwrap_or(0), self.moments.last().map_or(0, |(_, _, ended)| *ended))
    }

    /// Draws it.
    pub fn draw(&self) -> Markup {
        let (most, ended) = self.peaks();
        let line = |of: &dyn Fn(&(f64, usize, usize)) -> usize, top: usize| {
            let points = self.moments.iter().map(|moment| {
                let x = if self.seconds > 0.0 { moment.0 / self.seconds * WIDTH } else { 0.0 };
                format!("{x:.1},{:.1}", HEIGHT - share(of(moment), top.max(1)) * HEIGHT)
            });
            points.collect::<Vec<_>>().join(" ")
        };
        let about = format!(
            "{ended} requests ended within {:.1} seconds; at most {most} were at work at once.",
            self.seconds
        );
        html! {
            figure {
                svg role="img" aria-labelledby="timeline-title timeline-about" viewBox=(box_with_labels()) {
                    title id="timeline-title" { "Actions over time" }
                    desc id="timeline-about" { (about) }
                    (axes(&format!("{:.0} s", self.seconds)))
                    polyline class="ended" points=(line(&|it| it.2, ended)) {}
                    polyline class="at-work" points=(line(&|it| it.1, most)) {}
                }
                figcaption {
                    span class="key ended" {} "ended, of " (ended) " "
                    span class="key at-work" {} "at work, at most " (most)
                }
            }
        }
    }
}

/// How long requests took, from being accepted to being seen to have ended.
#[derive(Debug, PartialEq)]
pub struct Histogram {
    /// Seconds that one bar stands for.
    pub step: f64,
    /// How many requests are in each bar.
    pub bars: Vec<usize>,
    /// The median, the 95th hundredth and the longest, in seconds, by nearest rank.
    pub quantiles: [f64; 3],
}

impl Histogram {
    /// None where no request ended.
    pub fn of(keys: &[KeyFacts]) -> Option<Self> {
        let mut seconds: Vec<f64> = keys.iter().filter_map(KeyFacts::seconds).collect();
        seconds.sort_by(f64::total_cmp);
        let longest = *seconds.last()?;
        // Whole tenths, so that the bars have ends that can be read.
        let step = ((longest * 10.0 / share(BARS, 1)).floor() + 1.0) / 10.0;
        let mut bars = vec![0; BARS];
        let mut end = step;
        let mut bar = 0;
        for took in &seconds {
            while *took >= end && bar + 1 < BARS {
                bar += 1;
                end += step;
            }
            if let Some(count) = bars.get_mut(bar) {
                *count += 1;
            }
        }
        let used = bars.iter().rposition(|count| *count > 0).map_or(1, |last| last + 1);
        bars.truncate(used);
        let rank = |hundredths: usize| {
            let rank = (seconds.len() * hundredths).div_ceil(100).max(1);
            seconds.get(rank - 1).copied().unwrap_or(longest)
        };
        Some(Self { step, bars, quantiles: [rank(50), rank(95), longest] })
    }

    /// Draws it.
    pub fn draw(&self) -> Markup {
        let most = self.bars.iter().copied().max().unwrap_or(1);
        let width = WIDTH / share(self.bars.len(), 1);
        let end = self.step * share(self.bars.len(), 1);
        let [median, most_of_them, longest] = self.quantiles;
        let about = format!(
            "Half of the requests took at most {median:.1} seconds, 95 of 100 at most {most_of_them:.1}, the longest {longest:.1}."
        );
        html! {
            figure {
                svg role="img" aria-labelledby="latency-title latency-about" viewBox=(box_with_labels()) {
                    title id="latency-title" { "How long requests took" }
                    desc id="latency-about" { (about) }
                    (axes(&format!("{end:.1} s")))
                    @for (index, count) in self.bars.iter().enumerate() {
                        @let height = share(*count, most) * HEIGHT;
                        rect x=(format!("{:.1}", width.mul_add(share(index, 1), 1.0)))
                            y=(format!("{:.1}", HEIGHT - height))
                            width=(format!("{:.1}", (width - 2.0).max(1.0)))
                            height=(format!("{height:.1}")) {
                            title {
                                (format!("{:.1} to {:.1} s: {count}", self.step * share(index, 1), self.step * share(index + 1, 1)))
                            }
                        }
                    }
                }
                figcaption { (about) }
            }
        }
    }
}

fn box_with_labels() -> String {
    format!("-4 -8 {} {}", WIDTH + 8.0, HEIGHT + 28.0)
}

fn axes(end: &str) -> Markup {
    html! {
        line class="axis" x1="0" y1=(HEIGHT) x2=(WIDTH) y2=(HEIGHT) {}
        text x="0" y=(HEIGHT + 16.0) { "0" }
        text class="end" x=(WIDTH) y=(HEIGHT + 16.0) { (end) }
    }
}

/// A number as a part of another.
fn share(part: usize, whole: usize) -> f64 {
    let number = |count: usize| u32::try_from(count).map_or(f64::from(u32::MAX), f64::from);
    number(part) / number(whole)
}
