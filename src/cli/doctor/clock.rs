//! How far this machine's clock is from the API server's.
//!
//! Options such as `--from 2h` count from here, and tokens hold for a time: a wrong clock selects
//! other operations than the person means.

use jiff::{SignedDuration, Timestamp};

use super::finding::{Finding, Level};
use crate::cli::times;

const CHECK: &str = "clock";
/// From here on it matters.
const MUCH: SignedDuration = SignedDuration::from_secs(30);
/// Below this nobody has to know.
const LITTLE: SignedDuration = SignedDuration::from_secs(2);

/// The API server's time in an HTTP `Date` header, in whole seconds (RFC 9110, 5.6.7).
#[must_use]
pub fn parse(date: &str) -> Option<Timestamp> {
    jiff::fmt::rfc2822::parse(date).ok().map(|zoned| zoned.timestamp())
}

/// How far our clock is ahead of the server's, at least: the answer was made between two of our
/// times, and its second has a length.
#[must_use]
pub fn ahead(sent: Timestamp, received: Timestamp, server: Timestamp) -> SignedDuration {
    let until = server.saturating_add(SignedDuration::from_secs(1)).unwrap_or(Timestamp::MAX);
    if sent > until {
        sent.duration_since(until)
    } else if received < server {
        received.duration_since(server)
    } else {
        SignedDuration::ZERO
    }
}

/// What that means.
#[must_use]
pub fn finding(ahead: SignedDuration) -> Finding {
    let length = times::length(i64::try_from(ahead.unsigned_abs().as_secs()).unwrap_or(i64::MAX));
    let way = if ahead.is_negative() { "behind" } else { "ahead of" };
    let said = format!("this machine's clock is {length} {way} the API server's");
    let remedy = "set the clock, with NTP; times such as --from 2h count from it";
    if ahead.abs() >= MUCH {
        Finding::of(Level::Wrong, CHECK, said, remedy)
    } else if ahead.abs() >= LITTLE {
        Finding::of(Level::Note, CHECK, said, remedy)
    } else {
        Finding::good(CHECK, "this machine's clock and the API server's agree")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_is_what_the_times_cannot_explain() {
        let server = parse("Mon, 23 Nov 2026 21:00:00 GMT").unwrap();
        assert_eq!(server.to_string(), "2026-11-23T21:00:00Z");
        assert_eq!(parse("yesterday"), None);
        let at = |milliseconds| server + SignedDuration::from_millis(milliseconds);
        for (sent, received, difference) in [
            (100, 200, 0),
            (900, 1_100, 0),
            (-50, 10, 0),
            (61_000, 61_100, 60_000),
            (-40_100, -40_000, -40_000),
        ] {
            let found = ahead(at(sent), at(received), server);
            assert_eq!(found, SignedDuration::from_millis(difference), "{sent} {received}");
        }
    }

    #[test]
    fn a_large_difference_is_wrong_and_a_small_one_is_told() {
        let level = |seconds| finding(SignedDuration::from_secs(seconds)).level;
        assert_eq!(level(0), Level::Good);
        assert_eq!(level(-3), Level::Note);
        assert_eq!(level(30), Level::Wrong);
        let said = finding(SignedDuration::from_secs(-90)).what;
        assert_eq!(said, "this machine's clock is 90s behind the API server's");
    }
}
