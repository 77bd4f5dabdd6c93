//! Which operations the code can call, read from the tokens of `src/aws`, and which the policies name.

use std::collections::BTreeSet;
use std::path::PathBuf;

use proc_macro2::{Delimiter, TokenStream, TokenTree};

use super::policy::Policy;
use super::support::checkout;

/// What the methods of the SDKs begin with.
const VERBS: [&str; 21] = [
    "assume",
    "attach",
    "batch",
    "create",
    "decode",
    "delete",
    "deregister",
    "describe",
    "detach",
    "disassociate",
    "get",
    "invite",
    "list",
    "move",
    "provision",
    "put",
    "register",
    "remove",
    "tag",
    "untag",
    "update",
];

/// Actions of the policies that are no call of the code's own, and why.
const NOT_CALLED: [(&str, &str); 3] = [
    ("sso:TagResource", "AWS may ask for it where a permission set is created with tags"),
    ("sts:AssumeRole", "called by the SDK's provider of credentials"),
    ("sts:TagSession", "EKS Pod Identity tags its session, and the tags are passed on"),
];

/// AWS answers it without any permission.
const NEEDS_NOTHING: &str = "sts:GetCallerIdentity";

/// What a file calls: operations, and how many calls are sent.
#[derive(Debug, Default, PartialEq)]
struct Calls {
    operations: BTreeSet<String>,
    built: usize,
    sent: usize,
}

/// Finds `.list_instances()` and `.send()`: methods without arguments.
fn scan(tokens: TokenStream, calls: &mut Calls) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let mut test = false;
    for (at, token) in tokens.iter().enumerate() {
        if matches!(token, TokenTree::Punct(mark) if mark.as_char() == ';') {
            test = false;
        }
        if let TokenTree::Group(group) = token {
            let attribute = group.delimiter() == Delimiter::Bracket;
            let words = group.to_string();
            if attribute && words.contains("cfg") && words.contains("test") {
                test = true;
            } else if test && group.delimiter() == Delimiter::Brace {
                test = false;
            } else {
                scan(group.stream(), calls);
            }
        }
        let [TokenTree::Punct(dot), TokenTree::Ident(name), TokenTree::Group(arguments)] =
            &tokens[at..(at + 3).min(tokens.len())]
        else {
            continue;
        };
        if dot.as_char() != '.' || !arguments.stream().is_empty() {
            continue;
        }
        let name = name.to_string();
        if name == "send" {
            calls.sent += 1;
        } else if name.split_once('_').is_some_and(|(verb, _)| VERBS.contains(&verb)) {
            calls.built += 1;
            calls.operations.insert(name.split('_').map(capitalized).collect());
        }
    }
}

fn capitalized(word: &str) -> String {
    let (first, rest) = word.split_at(1);
    format!("{}{rest}", first.to_uppercase())
}

/// The names that the metrics and the gate know.
fn known_names() -> BTreeSet<String> {
    let text = std::fs::read_to_string(checkout().join("src/aws/operation.rs")).unwrap();
    let list = text.split_once("const NAMES").unwrap().1.split_once("];").unwrap().0;
    list.split('"').skip(1).step_by(2).map(str::to_owned).collect()
}

fn calls_of_the_code() -> Calls {
    let files: Vec<PathBuf> = std::fs::read_dir(checkout().join("src/aws"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|it| it == "rs"))
        .collect();
    assert!(files.len() > 10, "{files:?}");
    let mut calls = Calls::default();
    for file in files {
        scan(std::fs::read_to_string(file).unwrap().parse().unwrap(), &mut calls);
    }
    calls
}

#[test]
fn the_policies_name_exactly_what_the_code_can_call() {
    let calls = calls_of_the_code();
    assert_eq!(
        calls.built, calls.sent,
        "a call whose verb is not in VERBS, or one that is not sent"
    );
    let mut named = Policy::read("full").actions();
    named.extend(Policy::read("assume-role").actions());
    for (action, why) in NOT_CALLED {
        assert!(named.remove(action), "{action}: {why}");
    }
    named.insert(NEEDS_NOTHING.to_owned());
    let named: BTreeSet<String> =
        named.iter().map(|action| action.split_once(':').unwrap().1.to_owned()).collect();
    assert_eq!(named, calls.operations);
    let mut of_quota = calls.operations;
    of_quota.remove("GetCallerIdentity");
    assert_eq!(known_names(), of_quota, "operations without a name in the metrics");
}

#[test]
fn a_call_in_the_sources_is_seen() {
    let source = "fn f() { let call = c.sso_admin().update_instance().arn(a); send(call.send()); }
        #[cfg(test)] mod tests { fn g() { c.delete_user().send(); } }";
    let mut calls = Calls::default();
    scan(source.parse().unwrap(), &mut calls);
    let operations = ["UpdateInstance".to_owned()].into();
    assert_eq!(calls, Calls { operations, built: 1, sent: 1 });
}
