//! How durations are spread, in little space: exact enough for a quantile, and two of them add up.

use std::collections::BTreeMap;
use std::fmt;

/// Each bucket ends a tenth above the one before, so a quantile is off by at most a tenth.
const GROWTH: f64 = 1.1;
/// The first bucket ends here; what is shorter counts as this.
const LEAST_SECONDS: f64 = 0.001;
/// Ends above five hours; what is longer counts as this.
const LAST_BUCKET: u16 = 176;

/// Counts of durations in buckets of growing width: bucket `n` ends at 1 ms × 1.1ⁿ.
///
/// Written as `bucket:count` of each bucket that holds any, in order: `0:3 17:1`. That is at most
/// 177 pairs, however many durations were added.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Histogram(BTreeMap<u16, i64>);

impl Histogram {
    /// Adds one duration. What is no number counts as none.
    pub fn add(&mut self, seconds: f64) {
        if !seconds.is_nan() {
            *self.0.entry(bucket(seconds)).or_default() += 1;
        }
    }

    /// Adds all that another one holds.
    pub fn merge(&mut self, other: &Self) {
        for (bucket, count) in &other.0 {
            let own = self.0.entry(*bucket).or_default();
            *own = own.saturating_add(*count);
        }
    }

    /// How many durations were added.
    #[must_use]
    pub fn count(&self) -> i64 {
        self.0.values().fold(0, |sum: i64, count| sum.saturating_add(*count))
    }

    /// The end of the bucket below which a part of the durations lies, from 0 to 1, in seconds;
    /// none of an empty one.
    #[must_use]
    #[allow(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
    pub fn quantile(&self, part: f64) -> Option<f64> {
        let wanted = (self.count() as f64 * part).max(1.0);
        let mut seen = 0.0;
        self.0.iter().find_map(|(bucket, count)| {
            seen += *count as f64;
            (seen >= wanted).then(|| end(*bucket))
        })
    }

    /// Reads what [`Histogram`]'s `Display` wrote; none of anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let pairs = text.split_ascii_whitespace().map(|pair| {
            let (bucket, count) = pair.split_once(':')?;
            let (bucket, count) = (bucket.parse().ok()?, count.parse().ok()?);
            (bucket <= LAST_BUCKET && count > 0).then_some((bucket, count))
        });
        pairs.collect::<Option<_>>().map(Self)
    }
}

impl fmt::Display for Histogram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (bucket, count)) in self.0.iter().enumerate() {
            let space = if index > 0 { " " } else { "" };
            write!(f, "{space}{bucket}:{count}")?;
        }
        Ok(())
    }
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped before")]
fn bucket(seconds: f64) -> u16 {
    let steps = (seconds / LEAST_SECONDS).max(1.0).log(GROWTH);
    // Not a bucket further for what the logarithm rounds up.
    (steps - 1e-9).ceil().clamp(0.0, f64::from(LAST_BUCKET)) as u16
}

fn end(bucket: u16) -> f64 {
    LEAST_SECONDS * GROWTH.powi(i32::from(bucket))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(seconds: &[f64]) -> Histogram {
        let mut histogram = Histogram::default();
        for it in seconds {
            histogram.add(*it);
        }
        histogram
    }

    #[test]
    fn odd_durations_do_not_upset_it() {
        let odd = [0.0, -1.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e300];
        let histogram = of(&odd);
        assert_eq!(histogram.count(), 5);
        assert_eq!(histogram.to_string(), "0:3 176:2");
        assert_eq!(of(&[]).quantile(0.5), None);
    }

    #[test]
    fn what_it_did_not_write_is_not_read() {
        for text in ["a", "1", "1:", "1:0", "1:-2", "177:1", "70000:1", "1:2,3:4"] {
            assert_eq!(Histogram::parse(text), None, "{text}");
        }
        assert_eq!(Histogram::parse(""), Some(Histogram::default()));
    }

    proptest! {
        #[test]
        fn a_quantile_is_off_by_a_tenth_at_most(
            mut seconds in prop::collection::vec(0.001..10_000.0_f64, 1..200),
            part in 0.0..1.0_f64,
        ) {
            let histogram = of(&seconds);
            seconds.sort_by(f64::total_cmp);
            #[allow(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                clippy::cast_precision_loss,
                reason = "a rank among two hundred"
            )]
            let rank = (seconds.len() as f64 * part).max(1.0).ceil() as usize;
            let exact = seconds[rank - 1];
            let found = histogram.quantile(part).unwrap();
            prop_assert!(found >= exact * 0.999_999 && found <= exact * 1.100_001, "{exact} {found}");
        }

        #[test]
        fn two_parts_add_up_to_the_whole_and_survive_writing(
            first in prop::collection::vec(0.0..100.0_f64, 0..50),
            second in prop::collection::vec(0.0..100.0_f64, 0..50),
        ) {
            let mut merged = Histogram::parse(&of(&first).to_string()).unwrap();
            merged.merge(&of(&second));
            prop_assert_eq!(merged, of(&[first, second].concat()));
        }
    }
}
