//! The days that are counted: whole days of UTC, today included.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};

/// Some days up to today.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// The first day.
    pub first: Date,
    /// The last day: today.
    pub last: Date,
}

impl Window {
    /// The last `days` days, today included.
    #[must_use]
    pub fn of(days: u32, now: Timestamp) -> Self {
        let last = day(now);
        let back = Span::new().days(i64::from(days.saturating_sub(1)));
        Self { first: last.checked_sub(back).unwrap_or(Date::MIN), last }
    }

    /// Whether something happened in one of these days.
    #[must_use]
    pub fn has(self, at: Timestamp) -> bool {
        (self.first..=self.last).contains(&day(at))
    }
}

/// The day of UTC.
#[must_use]
pub fn day(at: Timestamp) -> Date {
    at.to_zoned(TimeZone::UTC).date()
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;

    /// Every day of eight years, two leap days among them, at its first and last moment.
    #[test]
    fn a_window_has_its_days_on_every_day_of_the_calendar() {
        let mut today = jiff::civil::date(2024, 1, 1);
        while today.year() < 2032 {
            let midnight = today.to_zoned(TimeZone::UTC).unwrap().timestamp();
            let last = midnight + SignedDuration::from_secs(86_399);
            for days in [1, 2, 7, 28, 29, 30, 31, 90, 365] {
                for now in [midnight, last] {
                    let window = Window::of(days, now);
                    let length = SignedDuration::from_hours(24 * i64::from(days - 1));
                    assert_eq!(window.last, today);
                    assert_eq!(window.first, day(midnight - length), "{days} days before {now}");
                    let before = midnight - length - SignedDuration::from_nanos(1);
                    assert!(window.has(midnight - length) && window.has(last));
                    assert!(!window.has(before), "{days} days before {now}");
                }
            }
            today = today.tomorrow().unwrap();
        }
    }
}
