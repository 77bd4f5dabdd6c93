//! An undo takes no longer, and asks AWS no more, than it did: simulated time is the same in each run.

use libtest_mimic::{Failed, Trial};

use super::measure::{Setting, measure};

/// What an undo took when it was last looked at: `measure` prints both.
struct Known {
    setting: Setting,
    /// From the first intent until every request had ended, as a multiple of the bound.
    times_bound: f64,
    calls_per_action: f64,
}

/// So much more, as a part, is called slower.
const ALLOWED: f64 = 0.03;

/// A test for each undo whose time is held.
pub fn trials() -> Vec<Trial> {
    let usual = Setting {
        actions: 100,
        latency: 3,
        sigma: 0.0,
        slots: 10,
        round_trip_millis: 5,
        both: false,
        scattered: false,
    };
    let large = Setting { actions: 1000, ..usual };
    [
        ("pace::of_a_hundred", usual, 1.134, 1.85),
        ("pace::of_a_thousand", large, 1.070, 2.18),
        ("pace::of_quick_changes", Setting { latency: 1, ..large }, 1.130, 1.87),
        ("pace::in_both_directions", Setting { both: true, ..large }, 1.067, 3.08),
    ]
    .into_iter()
    .map(|(name, setting, times_bound, calls_per_action)| {
        let known = Known { setting, times_bound, calls_per_action };
        Trial::test(name, move || known.is_kept())
    })
    .collect()
}

impl Known {
    fn is_kept(&self) -> Result<(), Failed> {
        let now = measure(self.setting);
        println!("{now}");
        let times_bound = now.seconds / now.bound;
        let calls_per_action = now.calls as f64 / self.setting.actions as f64;
        for (what, now, before) in [
            ("× bound", times_bound, self.times_bound),
            ("calls an action", calls_per_action, self.calls_per_action),
        ] {
            if now > before * (1.0 + ALLOWED) {
                let rise = (now / before - 1.0) * 100.0;
                return Err(Failed::from(format!(
                    "{now:.3} {what}, and it was {before:.3}: {rise:.1} % more; find out why, or \
                     write the new figure here and the reason in the commit"
                )));
            }
        }
        if now.throttles > 0 {
            return Err(Failed::from(format!("{} calls were throttled", now.throttles)));
        }
        Ok(())
    }
}
