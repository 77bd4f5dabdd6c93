//! Requests of the Kubernetes API, read from their paths.

use http::{Method, header};
use serde_json::{Value, json};

use super::kinds::Kind;
use super::refusal::Refusal;

/// One request.
#[derive(Debug, Clone)]
pub struct ApiRequest {
    pub method: Method,
    pub kind: Kind,
    pub namespace: String,
    pub name: Option<String>,
    pub status: bool,
    pub query: Vec<(String, String)>,
    /// Only the metadata is wanted.
    pub metadata_only: bool,
    pub apply: bool,
    pub body: Value,
}

impl ApiRequest {
    pub fn read(head: &http::request::Parts, body: &[u8]) -> Result<Self, Refusal> {
        let unknown = Refusal::unknown_path;
        let parts: Vec<&str> = head.uri.path().trim_matches('/').split('/').collect();
        let (group, version, rest) = match parts.as_slice() {
            ["apis", group, version, rest @ ..] => (*group, *version, rest),
            _ => return Err(unknown()),
        };
        let (namespace, rest) = match rest {
            ["namespaces", namespace, rest @ ..] => (*namespace, rest),
            _ => ("", rest),
        };
        let (plural, name, status) = match rest {
            [plural] => (*plural, None, false),
            [plural, name] => (*plural, Some(*name), false),
            [plural, name, "status"] => (*plural, Some(*name), true),
            _ => return Err(unknown()),
        };
        let kind = Kind::named(group, version, plural).ok_or_else(unknown)?;
        let header =
            |name| head.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let query = head.uri.query().unwrap_or_default();
        let query = query
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .map(|(name, value)| (name.to_owned(), decode(value)))
            .collect();
        let body = match body {
            [] => Value::Null,
            body => serde_json::from_slice(body).map_err(|error| {
                Refusal::new(400, "BadRequest", &error.to_string(), &Value::Null)
            })?,
        };
        Ok(Self {
            method: head.method.clone(),
            kind,
            namespace: namespace.to_owned(),
            name: name.map(str::to_owned),
            status,
            query,
            metadata_only: header(header::ACCEPT).contains("PartialObjectMetadata"),
            apply: header(header::CONTENT_TYPE).contains("apply-patch"),
            body,
        })
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(at, _)| at == name).map(|(_, value)| value.as_str())
    }

    pub fn is_watch(&self) -> bool {
        matches!(self.get("watch"), Some("true" | "1"))
    }

    /// Whether the selectors want an object.
    pub fn selects(&self, object: &Value) -> bool {
        let pairs = self.get("fieldSelector").unwrap_or_default().split(',');
        pairs.filter_map(|pair| pair.split_once('=')).all(|(path, value)| {
            let pointer = format!("/{}", path.replace('.', "/"));
            object.pointer(&pointer).and_then(Value::as_str) == Some(value.trim_start_matches('='))
        })
    }

    /// What is shown of an object.
    pub fn show(&self, object: &Value) -> Value {
        if !self.metadata_only {
            return object.clone();
        }
        let (version, name) = self.shown_kind();
        json!({"kind": name, "apiVersion": version, "metadata": object["metadata"]})
    }

    /// The version and kind of what is shown.
    pub fn shown_kind(&self) -> (String, &'static str) {
        if self.metadata_only {
            return ("meta.k8s.io/v1".to_owned(), "PartialObjectMetadata");
        }
        (self.kind.api_version(), self.kind.name())
    }
}

fn decode(text: &str) -> String {
    let mut decoded = Vec::new();
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'+' => decoded.push(b' '),
            b'%' => {
                let hex: String = bytes.by_ref().take(2).map(char::from).collect();
                decoded.push(u8::from_str_radix(&hex, 16).unwrap_or(b'?'));
            }
            other => decoded.push(other),
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}
