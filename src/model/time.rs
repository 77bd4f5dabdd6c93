//! Arithmetic on points in time that cannot overflow.

use jiff::{SignedDuration, Timestamp};

/// `at` moved by `by`; the end of representable time where that would be beyond it.
#[must_use]
pub fn later(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.saturating_add(by).unwrap_or(at)
}

/// Seconds from `from` to `to`; negative when `to` comes first.
#[must_use]
pub fn seconds_between(from: Timestamp, to: Timestamp) -> f64 {
    to.duration_since(from).as_secs_f64()
}

/// Reads a duration as the API writes it: `300ms`, `2s`, `5m`, `1h30m`.
#[must_use]
pub fn parse_duration(text: &str) -> Option<SignedDuration> {
    text.parse().ok().filter(|duration: &SignedDuration| !duration.is_negative())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_of_the_api_are_read() {
        assert_eq!(parse_duration("300ms"), Some(SignedDuration::from_millis(300)));
        assert_eq!(parse_duration("2s"), Some(SignedDuration::from_secs(2)));
        assert_eq!(parse_duration("1h30m"), Some(SignedDuration::from_secs(5400)));
        assert_eq!(parse_duration("-2s"), None);
        assert_eq!(parse_duration("soon"), None);
    }

    #[test]
    fn time_does_not_overflow() {
        assert_eq!(later(Timestamp::MAX, SignedDuration::from_secs(5)), Timestamp::MAX);
    }
}
