//! How an undo went, from moment to moment.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How things stood at one moment of an undo.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Sample {
    /// Since the approval.
    pub seconds: f64,
    /// Actions at work, or not read back yet.
    pub at_work: u32,
    /// What the operator held.
    pub memory_mebibytes: f64,
}

/// About so many moments are kept of an undo.
const SAMPLES: usize = 200;

/// About so many of them evenly, the first and the last among them.
pub fn thinned(samples: &[Sample]) -> Vec<Sample> {
    let step = samples.len() / SAMPLES + 1;
    let mut kept: Vec<Sample> = samples.iter().copied().step_by(step).collect();
    if samples.len() % step != 1 % step {
        kept.extend(samples.last());
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_and_the_last_are_kept() {
        for count in [0_u16, 1, 2, 199, 200, 201, 399, 400, 401, 1001] {
            let all: Vec<Sample> = (0..count)
                .map(|n| Sample { seconds: n.into(), at_work: 0, memory_mebibytes: 0.0 })
                .collect();
            let kept: Vec<f64> = thinned(&all).iter().map(|it| it.seconds).collect();
            assert!(kept.len() <= 2 * SAMPLES && kept.is_sorted(), "{count}: {kept:?}");
            assert_eq!(kept.last(), all.last().map(|it| &it.seconds), "{count}");
            assert!(kept.windows(2).all(|it| it[0] < it[1]), "{count}: {kept:?}");
        }
    }
}
