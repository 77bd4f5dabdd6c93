//! Time as the simulator counts it: instants are parameters, lengths come from YAML as `2s`.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A length of time, written `500ms`, `2s` or `1m30s`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Span(
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")] pub Duration,
);

impl Span {
    /// A length of whole seconds.
    #[must_use]
    pub const fn seconds(seconds: u64) -> Self {
        Self(Duration::from_secs(seconds))
    }
}

/// The instant that lies `by` after `at`; the end of time if there is none.
#[must_use]
pub fn later(at: Timestamp, by: Duration) -> Timestamp {
    at.checked_add(by).unwrap_or(Timestamp::MAX)
}

/// A time stamp as the JSON protocol of AWS writes it: seconds since 1970 with milliseconds.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "milliseconds since 1970 fit a double exactly")]
pub fn epoch_seconds(at: Timestamp) -> f64 {
    at.as_millisecond() as f64 / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_read_and_written_as_people_write_them() {
        for (text, millis) in [("500ms", 500), ("2s", 2_000), ("1m 30s", 90_000), ("0s", 0)] {
            let span: Span = serde_json::from_value(text.into()).unwrap();
            assert_eq!(span.0, Duration::from_millis(millis));
            assert_eq!(serde_json::to_value(span).unwrap(), text);
        }
        assert!(serde_json::from_value::<Span>("soon".into()).is_err());
        assert!(serde_json::from_value::<Span>("-2s".into()).is_err());
    }

    #[test]
    fn the_wire_has_seconds_with_milliseconds() {
        let at = Timestamp::from_microsecond(1_650_989_104_461_700).unwrap();
        assert!((epoch_seconds(at) - 1_650_989_104.461).abs() < 1e-6);
    }
}
