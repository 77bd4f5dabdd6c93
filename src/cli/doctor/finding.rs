//! What was found, and what to do about it.

use std::fmt::Write as _;

use serde::Serialize;

use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::output::{Output, document};
use crate::cli::screen::{Paint, Tone, one_line};
use crate::cli::table::{Cell, csv};
use crate::cli::wrap::wrap;

/// How much it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// As it should be.
    Good,
    /// Worth knowing; nothing is wrong.
    Note,
    /// It could not be looked at.
    Unknown,
    /// Undos will not work, or not as they should.
    Wrong,
}

impl Level {
    const fn word(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Note => "note",
            Self::Unknown => "unknown",
            Self::Wrong => "wrong",
        }
    }

    const fn tone(self) -> Tone {
        match self {
            Self::Good => Tone::Good,
            Self::Note => Tone::Plain,
            Self::Unknown => Tone::Warning,
            Self::Wrong => Tone::Bad,
        }
    }
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What was looked at: a stable word.
    pub check: &'static str,
    /// How much it matters.
    pub level: Level,
    /// What was found.
    #[serde(rename = "finding")]
    pub what: String,
    /// What to do about it; empty where nothing is to be done.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub remedy: String,
}

impl Finding {
    /// As it should be.
    pub fn good(check: &'static str, what: impl Into<String>) -> Self {
        Self::of(Level::Good, check, what, "")
    }

    /// Something else, with what to do.
    pub fn of(
        level: Level,
        check: &'static str,
        what: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self { check, level, what: what.into(), remedy: remedy.into() }
    }

    /// It could not be looked at, because of an error.
    pub fn unknown(check: &'static str, error: &CliError) -> Self {
        let remedy = "ask somebody whose role allows it to look";
        Self::of(Level::Unknown, check, error.message.clone(), remedy)
    }
}

/// Whether all is well, for scripts: not if something is wrong.
#[must_use]
pub fn exit(findings: &[Finding]) -> Exit {
    let wrong = findings.iter().any(|finding| finding.level == Level::Wrong);
    if wrong { Exit::Failed } else { Exit::Done }
}

/// All findings in a form.
pub fn render(findings: &[Finding], output: Output, paint: Paint) -> Result<String, CliError> {
    match output {
        Output::Json | Output::Yaml => {
            let unknown = findings.iter().filter(|finding| finding.level == Level::Unknown).count();
            let healthy = exit(findings) == Exit::Done;
            let said =
                serde_json::json!({"healthy": healthy, "unknown": unknown, "findings": findings});
            document(&said, output)
        }
        Output::Csv => {
            let row = |it: &Finding| {
                vec![
                    Cell::from(it.check),
                    Cell::from(it.level.word()),
                    Cell::from(it.what.clone()),
                    Cell::from(it.remedy.clone()),
                ]
            };
            let rows: Vec<Vec<Cell>> = findings.iter().map(row).collect();
            Ok(csv(&["CHECK", "LEVEL", "FINDING", "REMEDY"], &rows))
        }
        Output::Wide => Ok(text(findings, paint)),
        _ => Ok(wrap(&text(findings, paint), paint.width)),
    }
}

fn text(findings: &[Finding], paint: Paint) -> String {
    let mut text = String::new();
    for finding in findings {
        let level = paint.text(finding.level.tone(), &format!("{:<8}", finding.level.word()));
        let _ = writeln!(text, "{level} {:<9} {}", finding.check, one_line(&finding.what));
        if !finding.remedy.is_empty() {
            let _ = writeln!(text, "{:19}do: {}", "", one_line(&finding.remedy));
        }
    }
    let count = |level| findings.iter().filter(|finding| finding.level == level).count();
    let (wrong, unknown) = (count(Level::Wrong), count(Level::Unknown));
    let said = match (wrong, unknown) {
        (0, 0) => "Nothing is wrong.".to_owned(),
        (0, unknown) => format!("Nothing is known to be wrong; {unknown} could not be looked at."),
        (wrong, _) => format!("{wrong} of {} findings are wrong.", findings.len()),
    };
    let _ = writeln!(text, "{said}");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn findings_read_as_text_and_say_whether_all_is_well() {
        let mut findings = vec![
            Finding::good("cluster", "Kubernetes v1.36.0 answers"),
            Finding::of(Level::Note, "access", "you may not approve", "ask for the role"),
        ];
        assert_eq!(
            render(&findings, Output::Table, Paint::PLAIN).unwrap(),
            "\
good     cluster   Kubernetes v1.36.0 answers
note     access    you may not approve
                   do: ask for the role
Nothing is wrong.
"
        );
        assert_eq!(exit(&findings), Exit::Done);
        findings.push(Finding::of(Level::Wrong, "operator", "no operator leads", "start it"));
        assert_eq!(exit(&findings), Exit::Failed);
        let said = render(&findings, Output::Table, Paint::PLAIN).unwrap();
        assert!(said.ends_with("1 of 3 findings are wrong.\n"), "{said}");
        let json = render(&findings, Output::Json, Paint::PLAIN).unwrap();
        let json: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(json["healthy"], false);
        assert_eq!(json["findings"][2]["level"], "wrong");
        assert_eq!(json["findings"][0].get("remedy"), None);
        let csv = render(&findings, Output::Csv, Paint::PLAIN).unwrap();
        assert!(csv.contains("operator,wrong,no operator leads,start it\r\n"), "{csv}");
    }
}
