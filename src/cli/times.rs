//! Times and durations as people give and read them.

use std::time::Duration;

use crate::api::rollback_status::Shares;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, SpanRelativeTo, Timestamp};

/// How long ago `then` was, as kubectl writes ages: `42s`, `5m10s`, `3h`, `2d5h`, `40d`.
#[must_use]
pub fn age(now: Timestamp, then: Timestamp) -> String {
    let seconds = now.duration_since(then).as_secs();
    if seconds < 0 { "in the future".to_owned() } else { length(seconds) }
}

/// A length of time with one or two units.
#[must_use]
pub fn length(seconds: i64) -> String {
    let two = |large: i64, unit: &str, small: i64, small_unit: &str| {
        if small == 0 {
            format!("{large}{unit}")
        } else {
            format!("{large}{unit}{small}{small_unit}")
        }
    };
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    match seconds {
        ..120 => format!("{}s", seconds.max(0)),
        120..600 => two(minutes, "m", seconds % 60, "s"),
        600..10_800 => format!("{minutes}m"),
        10_800..28_800 => two(hours, "h", minutes % 60, "m"),
        28_800..172_800 => format!("{hours}h"),
        172_800..691_200 => two(days, "d", hours % 24, "h"),
        691_200..63_072_000 => format!("{days}d"),
        _ => two(days / 365, "y", days % 365, "d"),
    }
}

/// A length of time from a number of seconds with a fraction.
#[must_use]
pub fn seconds(seconds: f64) -> String {
    if !seconds.is_finite() || seconds < 0.0 {
        return "?".to_owned();
    }
    if seconds < 10.0 {
        return format!("{seconds:.1}s");
    }
    length(
        Duration::try_from_secs_f64(seconds.round())
            .map_or(i64::MAX, |length| i64::try_from(length.as_secs()).unwrap_or(i64::MAX)),
    )
}

/// Reads `90s`, `5m`, `2h30m`, `3d`, `1w`.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("{text:?} is not a length of time such as 90s, 5m, 2h30m or 3d");
    let length = parse_span(text).ok_or_else(wrong)?;
    Duration::try_from(length).map_err(|_| wrong())
}

/// A point in time, given as such or as a length of time before now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// A point in time.
    At(Timestamp),
    /// So long before now.
    Ago(SignedDuration),
}

impl When {
    /// The point in time.
    #[must_use]
    pub fn at(self, now: Timestamp) -> Timestamp {
        match self {
            Self::At(time) => time,
            Self::Ago(length) => now.saturating_sub(length).unwrap_or(Timestamp::MIN),
        }
    }
}

/// Reads `3d`, `2026-11-23T20:50:00Z`, or a local `2026-11-23` or `2026-11-23T20:50`.
pub fn parse_when(text: &str) -> Result<When, String> {
    if let Ok(time) = text.parse::<Timestamp>() {
        return Ok(When::At(time));
    }
    if let Ok(local) = text.parse::<DateTime>()
        && let Ok(time) = TimeZone::system().to_timestamp(local)
    {
        return Ok(When::At(time));
    }
    parse_span(text).map(When::Ago).ok_or_else(|| {
        format!("{text:?} is neither a time such as 2026-11-23T20:50:00Z or 2026-11-23 nor a length of time such as 2h or 3d")
    })
}

fn parse_span(text: &str) -> Option<SignedDuration> {
    let span: Span = text.parse().ok()?;
    let length = span.to_duration(SpanRelativeTo::days_are_24_hours()).ok()?;
    (!length.is_negative()).then_some(length)
}

/// Reads the name of a time zone, such as `Europe/Berlin`.
pub fn parse_time_zone(text: &str) -> Result<TimeZone, String> {
    TimeZone::get(text).map_err(|_| {
        format!("{text:?} is not a time zone of this machine, such as Europe/Berlin or UTC")
    })
}

/// Where the time of an attempt went that is over; what is below a half of a hundredth is left out.
#[must_use]
pub fn spent(shares: &Shares) -> String {
    [
        (shares.approval, "waiting for approval"),
        (shares.aws, "what AWS's limits require"),
        (shares.quota, "lost to others' use of the quota"),
        (shares.overhead, "all else"),
    ]
    .iter()
    .filter(|(share, _)| *share >= 0.005)
    .map(|(share, what)| format!("{:.0}% {what}", share * 100.0))
    .collect::<Vec<_>>()
    .join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_read_as_in_kubectl() {
        for (seconds, text) in [
            (-5, "0s"),
            (0, "0s"),
            (119, "119s"),
            (120, "2m"),
            (310, "5m10s"),
            (3_600, "60m"),
            (10_800, "3h"),
            (19_200, "5h20m"),
            (100_000, "27h"),
            (190_800, "2d5h"),
            (3_456_000, "40d"),
            (70_000_000, "2y80d"),
        ] {
            assert_eq!(length(seconds), text);
        }
        let now: Timestamp = "2026-11-23T20:50:00Z".parse().unwrap();
        assert_eq!(age(now, now - SignedDuration::from_secs(42)), "42s");
        assert_eq!(age(now, now + SignedDuration::from_secs(42)), "in the future");
        assert_eq!(super::seconds(1.234), "1.2s");
        assert_eq!(super::seconds(75.6), "76s");
        assert_eq!(super::seconds(f64::NAN), "?");
        assert_eq!(super::seconds(1e300), length(i64::MAX));
    }

    #[test]
    fn lengths_and_times_are_read() {
        assert_eq!(parse_duration("2h30m"), Ok(Duration::from_mins(150)));
        assert_eq!(parse_duration("3d"), Ok(Duration::from_hours(72)));
        for wrong in ["", "5", "soon", "-5m", "1 month"] {
            assert!(parse_duration(wrong).is_err(), "{wrong}");
        }
        let now: Timestamp = "2026-11-23T20:50:00Z".parse().unwrap();
        let at = |text: &str| parse_when(text).map(|when| when.at(now).to_string());
        assert_eq!(at("2h").unwrap(), "2026-11-23T18:50:00Z");
        assert_eq!(at("2026-11-01T00:00:00+01:00").unwrap(), "2026-10-31T23:00:00Z");
        assert!(at("2026-11-01").is_ok());
        assert!(at("yesterday").unwrap_err().contains("yesterday"));
        assert!(parse_time_zone("Mars/Olympus").is_err());
        assert!(parse_time_zone("UTC").is_ok());
    }
}
