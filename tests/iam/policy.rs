//! A policy document, and what it says about an action of a resource. Conditions are for AWS.

use std::collections::BTreeSet;

use serde_json::Value;

use super::support::checkout;

/// A policy of `docs/iam`.
pub struct Policy {
    pub name: &'static str,
    pub statements: Vec<Value>,
}

impl Policy {
    #[track_caller]
    pub fn read(name: &'static str) -> Self {
        let path = checkout().join("docs/iam").join(format!("{name}.json"));
        let text = std::fs::read_to_string(&path)
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let document: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(document["Version"], "2012-10-17", "{name}");
        Self { name, statements: document["Statement"].as_array().unwrap().clone() }
    }

    /// Every action that a statement names, as it is written.
    pub fn actions(&self) -> BTreeSet<String> {
        self.statements.iter().flat_map(|it| texts(&it["Action"])).collect()
    }

    /// Whether a statement with this effect covers an action, of some resource.
    pub fn says(&self, effect: &str, action: &str) -> bool {
        self.about(effect, action).next().is_some()
    }

    /// Whether a statement with this effect covers an action of a resource.
    pub fn says_of(&self, effect: &str, action: &str, resource: &str) -> bool {
        self.about(effect, action).any(|it| covers(it, "Resource", resource))
    }

    fn about<'a>(&'a self, effect: &'a str, action: &'a str) -> impl Iterator<Item = &'a Value> {
        let of_effect = self.statements.iter().filter(move |it| it["Effect"] == effect);
        of_effect.filter(move |it| covers(it, "Action", action))
    }
}

/// Whether the member of a statement fits, or the one that lists what does not.
fn covers(statement: &Value, member: &str, found: &str) -> bool {
    let listed = |member: &str| texts(&statement[member]).any(|it| matches(&it, found));
    let not = format!("Not{member}");
    if statement[&not].is_null() { listed(member) } else { !listed(&not) }
}

/// One text or a list of texts, as IAM takes both.
pub fn texts(value: &Value) -> impl Iterator<Item = String> {
    let one = value.as_str().map(str::to_owned);
    let many = value.as_array().into_iter().flatten().map(|it| it.as_str().unwrap().to_owned());
    one.into_iter().chain(many.collect::<Vec<_>>())
}

/// Whether a pattern with `*` fits an action; case does not count.
fn matches(pattern: &str, action: &str) -> bool {
    let pattern = regex_lite::escape(&pattern.to_lowercase()).replace(r"\*", ".*");
    regex_lite::Regex::new(&format!("^{pattern}$")).unwrap().is_match(&action.to_lowercase())
}

#[test]
fn patterns_match_as_iams_do() {
    for (pattern, action, fits) in [
        ("sso:ListInstances", "sso:listinstances", true),
        ("sso:List*", "sso:ListInstances", true),
        ("*", "iam:CreateUser", true),
        ("sso:List", "sso:ListInstances", false),
        ("identitystore:*", "sso:ListInstances", false),
    ] {
        assert_eq!(matches(pattern, action), fits, "{pattern} {action}");
    }
}
