//! The forms in which results are printed.

use clap::builder::{PossibleValuesParser, TypedValueParser};
use serde::Serialize;

use super::error::CliError;

/// A form of output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Output {
    /// For people.
    Table,
    /// For people with a wide screen: everything.
    Wide,
    /// JSON.
    Json,
    /// YAML.
    Yaml,
    /// Comma-separated values.
    Csv,
    /// Names alone, as kubectl takes them.
    Name,
}

impl Output {
    const ALL: [(&'static str, Self); 6] = [
        ("table", Self::Table),
        ("wide", Self::Wide),
        ("json", Self::Json),
        ("yaml", Self::Yaml),
        ("csv", Self::Csv),
        ("name", Self::Name),
    ];

    /// Takes only these forms on the command line.
    pub fn among(forms: &'static [&'static str]) -> impl TypedValueParser<Value = Self> {
        PossibleValuesParser::new(forms).map(|text| {
            let found = Self::ALL.into_iter().find(|(name, _)| *name == text);
            found.map_or(Self::Table, |(_, form)| form)
        })
    }
}

/// One document as JSON or YAML.
pub fn document<T: Serialize>(value: &T, output: Output) -> Result<String, CliError> {
    let text = match output {
        Output::Yaml => serde_saphyr::to_string(value).map_err(|error| error.to_string()),
        _ => serde_json::to_string_pretty(value)
            .map(|text| text + "\n")
            .map_err(|error| error.to_string()),
    };
    text.map_err(|error| CliError::failed(format!("cannot write the output: {error}")))
}

/// Several objects: one JSON list, or a stream of YAML documents.
pub fn documents<T: Serialize>(values: &[T], output: Output) -> Result<String, CliError> {
    if output != Output::Yaml {
        return document(&List { api_version: "v1", items: values, kind: "List" }, output);
    }
    let documents: Vec<_> =
        values.iter().map(|value| document(value, output)).collect::<Result<_, _>>()?;
    Ok(documents.join("---\n"))
}

/// As kubectl prints several objects.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct List<'a, T> {
    api_version: &'static str,
    items: &'a [T],
    kind: &'static str,
}
