//! The one source of chance: a seeded generator (`ChaCha8`), so that one seed gives one run.

use std::time::Duration;

use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::hex;
use super::settings::Latency;

/// A seeded generator with the draws that the simulator needs.
#[derive(Debug, Clone)]
pub(super) struct Random(ChaCha8Rng);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed))
    }

    /// True with this probability. Draws nothing when the answer is certain.
    pub fn chance(&mut self, probability: f64) -> bool {
        probability >= 1.0 || (probability > 0.0 && self.0.random::<f64>() < probability)
    }

    /// A number from 0 to `end - 1`, or 0 when `end` is 0.
    pub fn below(&mut self, end: usize) -> usize {
        if end == 0 { 0 } else { self.0.random_range(0..end) }
    }

    /// A length from zero to `max`.
    pub fn up_to(&mut self, max: Duration) -> Duration {
        if max.is_zero() { max } else { max.mul_f64(self.0.random::<f64>()) }
    }

    pub fn latency(&mut self, latency: &Latency) -> Duration {
        match latency {
            Latency::Fixed(span) => span.0,
            Latency::Uniform { min, max } => min.0 + self.up_to(max.0.saturating_sub(min.0)),
            Latency::Lognormal { median, sigma, max } => {
                // Box and Muller: two uniform draws give one of the normal distribution.
                let radius = (-2.0 * (1.0 - self.0.random::<f64>()).ln()).sqrt();
                let normal = radius * (std::f64::consts::TAU * self.0.random::<f64>()).cos();
                let seconds = median.0.as_secs_f64() * (sigma * normal).exp();
                Duration::from_secs_f64(seconds.min(max.0.as_secs_f64()))
            }
        }
    }

    /// A version 4 UUID in lower case.
    pub fn uuid(&mut self) -> String {
        let mut bytes = [0_u8; 16];
        self.0.fill_bytes(&mut bytes);
        bytes[6] = (bytes[6] & 0x0f) | 0x40;
        bytes[8] = (bytes[8] & 0x3f) | 0x80;
        hex::uuid(&hex::encode(&bytes))
    }

    /// Lower-case hexadecimal digits.
    pub fn hex(&mut self, digits: usize) -> String {
        (0..digits).map(|_| char::from(b"0123456789abcdef"[self.below(16)])).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::RequestId;
    use crate::sim::time::Span;

    #[test]
    fn one_seed_gives_one_sequence() {
        let draw = |seed| {
            let mut random = Random::new(seed);
            (random.uuid(), random.hex(16), random.below(1000))
        };
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
        assert!(Random::new(1).uuid().parse::<RequestId>().is_ok());
    }

    #[test]
    fn latencies_keep_to_their_distribution() {
        let mut random = Random::new(3);
        let span = Span::seconds;
        assert_eq!(random.latency(&Latency::Fixed(span(2))), Duration::from_secs(2));
        let uniform = Latency::Uniform { min: span(1), max: span(3) };
        let lognormal = Latency::Lognormal { median: span(2), sigma: 0.5, max: span(20) };
        let mut drawn: Vec<Duration> = Vec::new();
        for _ in 0..2000 {
            let length = random.latency(&uniform);
            assert!(length >= Duration::from_secs(1) && length <= Duration::from_secs(3));
            drawn.push(random.latency(&lognormal));
        }
        drawn.sort();
        let median = drawn[1000].as_secs_f64();
        assert!((1.9..2.1).contains(&median), "{median}");
        assert!(drawn[1999] <= Duration::from_secs(20));
    }

    #[test]
    fn certainty_is_certain() {
        let mut random = Random::new(1);
        assert!(random.chance(1.0));
        assert!(!random.chance(0.0));
        assert_eq!(random.below(0), 0);
    }
}
