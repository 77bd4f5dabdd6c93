//! Statistics as tables and as CSV.

use std::fmt::Write as _;

use super::sums::{OfAws, Stats, Sum};
use crate::cli::narrow::Yields;
use crate::cli::screen::{Paint, Tone};
use crate::cli::table::{Cell, csv, table};
use crate::cli::times;
use crate::cli::wrap::wrap;

const HEADERS: [&str; 13] = [
    "OPERATIONS",
    "ROLLED-BACK",
    "UNDOS",
    "SUCCEEDED",
    "PARTLY",
    "FAILED",
    "ENDED",
    "SUCCESS-RATE",
    "KEYS-CHANGED",
    "KEYS-OPEN",
    "P50",
    "P95",
    "KEYS/S",
];

/// What a narrow table does without.
const YIELDS: Yields<'_> = Yields {
    shortened: &[],
    left_out: &[
        "KEYS/S",
        "P95",
        "P50",
        "ENDED",
        "PARTLY",
        "KEYS-CHANGED",
        "SUCCESS-RATE",
        "KEYS-OPEN",
        "ROLLED-BACK",
        "SUCCEEDED",
        "FAILED",
        "UNDOS",
    ],
};

/// For people: what AWS did, then a table for each way to group.
#[must_use]
pub fn text(stats: &Stats, paint: Paint) -> String {
    let mut text = String::new();
    let title = format!("From {} to {}, days of UTC", stats.from, stats.to);
    let _ = writeln!(text, "{}", paint.text(Tone::Strong, &title));
    let total = std::iter::once(("all", &stats.total));
    text.push_str(&grouped("TOTAL", total, paint));
    let aws = &stats.aws;
    let efficiency = aws.efficiency.map_or_else(
        || "nothing to compare with the bound".to_owned(),
        |efficiency| format!("{:.0}% of the speed that AWS's limits allow", efficiency * 100.0),
    );
    let aws = format!(
        "\nAWS, over the latest attempts of {} Rollbacks that still exist:\n  {} requests, {} \
         throttled, {} conflicts; {efficiency}{}\n",
        aws.rollbacks,
        aws.requests,
        aws.throttled,
        aws.conflicts,
        latencies(aws)
    );
    text.push_str(&wrap(&aws, paint.width));
    for (name, groups) in
        [("TYPE", &stats.by_type), ("PRINCIPAL", &stats.by_principal), ("DAY", &stats.by_day)]
    {
        if !groups.is_empty() {
            let groups = groups.iter().map(|(key, sum)| (key.as_str(), sum));
            text.push('\n');
            text.push_str(&grouped(name, groups, paint));
        }
    }
    text
}

/// How quick AWS was, where that is known.
fn latencies(aws: &OfAws) -> String {
    let (Some(reply), Some(half), Some(most)) =
        (aws.reply_seconds_p90, aws.provisioning_seconds_p50, aws.provisioning_seconds_p99)
    else {
        return String::new();
    };
    format!(
        "\n  nine of ten replies within {reply:.2} s; half of the changes done within {half:.1} s, \
         ninety-nine of a hundred within {most:.1} s"
    )
}

fn grouped<'a>(
    name: &str,
    groups: impl Iterator<Item = (&'a str, &'a Sum)>,
    paint: Paint,
) -> String {
    let headers: Vec<&str> = std::iter::once(name).chain(HEADERS).collect();
    let rows = groups.map(|(key, sum)| row(&[key], sum, true)).collect();
    table(&headers, YIELDS, rows, paint)
}

/// For programs: a row for each group, with plain numbers.
#[must_use]
pub fn comma_separated(stats: &Stats) -> String {
    let headers: Vec<&str> = ["GROUP", "KEY"].into_iter().chain(HEADERS).collect();
    let mut rows = vec![row(&["total", "all"], &stats.total, false)];
    for (name, groups) in
        [("type", &stats.by_type), ("principal", &stats.by_principal), ("day", &stats.by_day)]
    {
        rows.extend(groups.iter().map(|(key, sum)| row(&[name, key], sum, false)));
    }
    csv(&headers, &rows)
}

fn row(first: &[&str], sum: &Sum, for_people: bool) -> Vec<Cell> {
    let number = |value: u64| Cell::from(value.to_string());
    let share = |value: Option<f64>| match value {
        Some(value) if for_people => Cell::from(format!("{:.0}%", value * 100.0)),
        Some(value) => Cell::from(value.to_string()),
        None => Cell::default(),
    };
    let length = |value: Option<f64>| match value {
        Some(value) if for_people => Cell::from(times::seconds(value)),
        Some(value) => Cell::from(value.to_string()),
        None => Cell::default(),
    };
    let pace = sum
        .keys_per_second
        .map(|value| if for_people { format!("{value:.1}") } else { value.to_string() });
    let failed = if sum.failed > 0 { Tone::Bad } else { Tone::Plain };
    let open = if sum.keys_open > 0 { Tone::Warning } else { Tone::Plain };
    let mut cells: Vec<Cell> = first.iter().map(|text| Cell::from(*text)).collect();
    cells.extend([
        number(sum.operations),
        number(sum.rolled_back),
        number(sum.undos),
        number(sum.succeeded),
        number(sum.partly),
        Cell::new(failed, sum.failed.to_string()),
        number(sum.ended),
        share(sum.success_rate),
        number(sum.keys_changed),
        Cell::new(open, sum.keys_open.to_string()),
        length(sum.seconds_p50),
        length(sum.seconds_p95),
        Cell::from(pace.unwrap_or_default()),
    ]);
    cells
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::fixtures;
    use crate::cli::stats::sums::sums;
    use crate::cli::stats::window::Window;

    fn stats() -> Stats {
        let records = [fixtures::record(), fixtures::ledger("undo-a-1", "undo", "a", "Verified")];
        sums(&records, &[], Window::of(30, "2026-11-30T12:00:00Z".parse().unwrap()))
    }

    #[test]
    fn statistics_read_as_tables() {
        let text = text(&stats(), Paint::PLAIN);
        let head = "\
From 2026-11-01 to 2026-11-30, days of UTC
TOTAL   OPERATIONS   ROLLED-BACK   UNDOS   SUCCEEDED   PARTLY   FAILED   ENDED   SUCCESS-RATE   KEYS-CHANGED   KEYS-OPEN   P50   P95   KEYS/S
all     1            0             1       1           0        0        0       100%           1              0           60s   60s   0.0

AWS, over the latest attempts of 0 Rollbacks that still exist:
  0 requests, 0 throttled, 0 conflicts; nothing to compare with the bound
";
        assert!(text.starts_with(head), "{text}");
        for part in ["\nTYPE ", "\nPRINCIPAL ", "\nDAY ", "\n2026-11-23 "] {
            assert!(text.contains(part), "{part} is not in {text}");
        }
    }

    #[test]
    fn programs_get_plain_numbers() {
        let text = comma_separated(&stats());
        assert!(text.starts_with("GROUP,KEY,OPERATIONS,"), "{text}");
        assert!(text.contains("\r\ntotal,all,1,0,1,1,0,0,0,1,1,0,60,60,0.017\r\n"), "{text}");
        assert!(text.contains("\r\nday,2026-11-23,1,0,1,"), "{text}");
    }
}
