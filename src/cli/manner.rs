//! How far a Rollback is carried, and what is printed of it.

use std::time::Duration;

use clap::{ArgAction, Args};

use super::output::Output;
use super::screen::Screen;
use super::times;

/// How far it is carried, and what is printed of it.
#[derive(Debug, Args)]
pub struct Manner {
    /// Do not ask: approve the plan as it is
    #[arg(short, long)]
    pub yes: bool,
    /// Follow it to the end
    #[arg(long, value_name = "BOOL", default_value_t = true, action = ArgAction::Set,
          num_args = 0..=1, default_missing_value = "true", require_equals = true)]
    pub wait: bool,
    /// Stop waiting after so long; the Rollback goes on. 0s: never
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = times::parse_duration)]
    pub timeout: Duration,
    /// Form of the result
    #[arg(short, long, value_name = "FORM", default_value = "table",
          value_parser = Output::among(&["table", "wide", "json", "yaml", "csv", "name"]))]
    pub output: Output,
}

impl Manner {
    /// Whether the result is for people.
    pub const fn is_for_people(&self) -> bool {
        matches!(self.output, Output::Table | Output::Wide)
    }

    /// Whether somebody is asked before anything is sent, whatever the policy: then the Rollback is
    /// held back until there is an answer.
    pub const fn asks(&self, screen: Screen) -> bool {
        self.wait && !self.yes && screen.can_ask
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_can_be_asked_is_asked() {
        let terminal = Screen { can_ask: true, ..Screen::SILENT };
        let manner = |yes, wait| {
            let (timeout, output) = (Duration::ZERO, Output::Table);
            Manner { yes, wait, timeout, output }
        };
        assert!(manner(false, true).asks(terminal));
        assert!(!manner(true, true).asks(terminal));
        assert!(!manner(false, false).asks(terminal));
        assert!(!manner(false, true).asks(Screen::SILENT));
    }
}
