//! What the simulator counted.

use std::collections::BTreeMap;

use serde::Deserialize;

/// The simulator's counters, as far as they are reported.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Calls {
    /// All calls.
    pub requests: u64,
    #[serde(rename = "calls")]
    by_operation: BTreeMap<String, CallsOfOperation>,
    accepted: BTreeMap<String, u64>,
    effective: BTreeMap<String, u64>,
    /// The most changes at work at once.
    pub peak_outstanding: u64,
    /// The most calls in one second.
    pub peak_per_second: u64,
    throttles: BTreeMap<String, u64>,
    /// Changes that were refused because another was at work in the account.
    pub conflicts: u64,
}

#[derive(Debug, Clone, Default, Deserialize)]
struct CallsOfOperation {
    total: u64,
}

impl Calls {
    /// What came after an earlier look. Peaks are of the whole time.
    pub fn since(&self, earlier: &Self) -> Self {
        let mut calls = self.clone();
        calls.requests -= earlier.requests;
        for (operation, before) in &earlier.by_operation {
            if let Some(after) = calls.by_operation.get_mut(operation) {
                after.total -= before.total;
            }
        }
        calls.by_operation.retain(|_, calls| calls.total > 0);
        let less = |after: &mut BTreeMap<String, u64>, before: &BTreeMap<String, u64>| {
            for (name, before) in before {
                if let Some(after) = after.get_mut(name) {
                    *after -= before;
                }
            }
        };
        less(&mut calls.accepted, &earlier.accepted);
        less(&mut calls.effective, &earlier.effective);
        less(&mut calls.throttles, &earlier.throttles);
        calls.conflicts -= earlier.conflicts;
        calls
    }

    /// Calls by AWS's name of the operation.
    pub fn by_operation(&self) -> BTreeMap<String, u64> {
        self.by_operation.iter().map(|(name, calls)| (name.clone(), calls.total)).collect()
    }

    /// Changes that changed something, and the most of these to one key.
    pub fn effective(&self) -> (u64, u64) {
        let most = self.effective.values().copied().max().unwrap_or_default();
        (self.effective.values().sum(), most)
    }

    /// Calls that were refused because there were too many.
    pub fn throttled(&self) -> u64 {
        self.throttles.values().sum()
    }

    /// Changes that were accepted and changed nothing.
    pub fn without_effect(&self) -> u64 {
        self.accepted.values().sum::<u64>() - self.effective.values().sum::<u64>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_counted_before_is_taken_off() {
        let calls = |total: u64| -> Calls {
            serde_json::from_value(serde_json::json!({
                "requests": total,
                "calls": {"ListAccounts": {"total": total}, "DescribeInstance": {"total": 1}},
                "accepted": {"a": total},
                "effective": {"a": total - 1, "b": 1},
                "peakOutstanding": 7,
                "peakPerSecond": 9,
                "throttles": {"rate": total},
                "conflicts": total,
            }))
            .unwrap()
        };
        let since = calls(10).since(&calls(4));
        assert_eq!((since.requests, since.throttled(), since.conflicts), (6, 6, 6));
        assert_eq!(since.by_operation(), [("ListAccounts".to_owned(), 6)].into());
        assert_eq!((since.effective(), since.without_effect()), ((6, 6), 0));
        assert_eq!((since.peak_outstanding, since.peak_per_second), (7, 9));
    }
}
