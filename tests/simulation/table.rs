//! The table of `docs/performance.md`.

use super::measure::{Measured, Setting, measure};

const USUAL: Setting = Setting {
    actions: 1000,
    latency: 3,
    sigma: 0.0,
    slots: 10,
    round_trip_millis: 5,
    both: false,
    scattered: false,
};

/// Prints the measurements, or those of these numbers of actions alone.
pub fn print(numbers: &[String]) {
    println!("{}", Measured::HEAD);
    for setting in settings() {
        let wanted = numbers.is_empty() || numbers.contains(&setting.actions.to_string());
        if wanted {
            println!("{}", measure(setting));
        }
    }
}

/// Every latency with every size; then what else may differ, one thing at a time.
fn settings() -> Vec<Setting> {
    let mut settings = Vec::new();
    for actions in [10, 100, 1000, 10_000] {
        for latency in [1, 3, 10] {
            for slots in [10, 15] {
                for sigma in [0.0, 0.5] {
                    settings.push(Setting { actions, latency, sigma, slots, ..USUAL });
                }
            }
        }
        for latency in [1, 3, 10] {
            let usual = Setting { actions, latency, ..USUAL };
            settings.push(Setting { round_trip_millis: 150, ..usual });
            settings.push(Setting { both: true, ..usual });
            settings.push(Setting { scattered: true, ..usual });
            settings.push(Setting { both: true, scattered: true, round_trip_millis: 150, ..usual });
        }
    }
    settings
}
