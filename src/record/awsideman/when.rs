//! When an operation was done.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::Refused;
use crate::api::record::Precision;

/// The time, and how exactly it is known. Times without a zone need `zone`.
pub fn read(text: &str, zone: Option<&TimeZone>) -> Result<(Timestamp, Precision), Refused> {
    let not_a_time = || Refused::NotATime(text.chars().take(100).collect());
    // An hour alone, and a zone by its name, which the offset before it may contradict.
    if text.contains('[') || !text.contains(':') {
        return Err(not_a_time());
    }
    let time = match text.parse::<Timestamp>() {
        Ok(time) => time,
        Err(_) => local(text, zone)?,
    };
    // Kubernetes takes RFC 3339, which has four digits for the year.
    let year = time.to_zoned(TimeZone::UTC).year();
    if !(1970..=9998).contains(&year) {
        return Err(not_a_time());
    }
    Ok((time, precision(text)))
}

/// How exactly a text that is a time says it: by what is written of the time of day. Fewer digits of
/// a second than six may be a second that was written with zeros.
fn precision(text: &str) -> Precision {
    if let Some((_, fraction)) = text.split_once(['.', ',']) {
        let digits = fraction.chars().take_while(char::is_ascii_digit).count();
        return if digits < 6 { Precision::Second } else { Precision::Microsecond };
    }
    let time = text.split_once(['T', 't', ' ']).map_or("", |(_, time)| time);
    let time = time.split(['Z', 'z', '+', '-']).next().unwrap_or_default();
    let digits = time.chars().filter(char::is_ascii_digit).count();
    if digits < "hhmmss".len() { Precision::Minute } else { Precision::Second }
}

fn local(text: &str, zone: Option<&TimeZone>) -> Result<Timestamp, Refused> {
    let shown: String = text.chars().take(100).collect();
    let Ok(time) = text.parse::<DateTime>() else { return Err(Refused::NotATime(shown)) };
    let zone = zone.ok_or_else(|| Refused::NoTimeZone(shown.clone()))?;
    zone.to_ambiguous_timestamp(time).unambiguous().map_err(|_| Refused::AmbiguousTime(shown))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_with_a_zone_are_read_as_they_are() {
        let expected: Timestamp = "2026-11-23T20:50:39.440975Z".parse().unwrap();
        for text in [
            "2026-11-23T20:50:39.440975+00:00",
            "2026-11-23 20:50:39.440975+00:00",
            "2026-11-23T21:50:39.440975+01:00",
            "2026-11-23T20:50:39.440975Z",
        ] {
            assert_eq!(read(text, None), Ok((expected, Precision::Microsecond)), "{text}");
        }
        for (text, expected) in [
            ("2026-11-23T20:50:39.000Z", Precision::Second),
            ("2026-11-23T20:50:39+00:00", Precision::Second),
            ("2026-11-23 20:50:39Z", Precision::Second),
            ("2026-11-23T20:50Z", Precision::Minute),
            ("2026-11-23T20:50-05:30", Precision::Minute),
        ] {
            assert_eq!(read(text, None).unwrap().1, expected, "{text}");
        }
    }

    #[test]
    fn a_time_without_a_zone_needs_one() {
        let text = "2026-11-23T20:50:39.440975";
        assert_eq!(read(text, None), Err(Refused::NoTimeZone(text.to_owned())));
        let berlin = TimeZone::get("Europe/Berlin").unwrap();
        let (time, _) = read(text, Some(&berlin)).unwrap();
        assert_eq!(time.to_string(), "2026-11-23T19:50:39.440975Z");
        assert!(matches!(
            read("2026-10-25T02:30:00", Some(&berlin)),
            Err(Refused::AmbiguousTime(_))
        ));
        assert!(matches!(
            read("2026-03-29T02:30:00", Some(&berlin)),
            Err(Refused::AmbiguousTime(_))
        ));
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "",
            "yesterday",
            "2026-11-23",
            "-009999-01-01T00:00:00Z",
            "1795466439",
            "2026-11-23T20",
            "2026-11-23T20Z",
            "2026-11-23T20:50:39[Europe/Berlin]",
            "2026-11-23T20:50:39+01:00[Europe/Berlin]",
            "2026-11-23T20:50:39-08:00[Europe/Berlin]",
        ] {
            assert!(matches!(read(text, None), Err(Refused::NotATime(_))), "{text}");
        }
    }
}
