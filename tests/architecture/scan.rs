//! Finds the paths that a source file uses.
//!
//! It reads tokens rather than a syntax tree, because a tree has no view into macros: `vec![...]`,
//! `macro_rules!` bodies and the strings of `#[serde(with = "...")]` are searched like all else.

use std::collections::{BTreeMap, BTreeSet};
use std::iter::Peekable;
use std::slice::Iter;

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

/// One path as it was found, made absolute: `crate::room::…` or `some_crate::…`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Used {
    pub path: Vec<String>,
    /// `path::*`.
    pub glob: bool,
    /// Compiled for tests only.
    pub in_test: bool,
    pub line: usize,
}

/// What is found in one file.
#[derive(Debug, Default)]
pub struct Findings {
    pub used: Vec<Used>,
    /// What makes a file unreadable for this scan, or unfinished: a sentence and a line.
    pub oddities: Vec<(String, usize)>,
    /// Modules that are declared here, under `#[cfg(test)]`, with a file of their own.
    pub test_modules: Vec<Vec<String>>,
}

/// Scans one file. `module` is its path within the crate, without `crate`; `crates` are the names
/// of all dependencies; `in_test` says that the file as a whole is compiled for tests only.
pub fn scan(
    source: &str,
    module: &[String],
    crates: &BTreeSet<String>,
    in_test: bool,
) -> Result<Findings, String> {
    let tokens: TokenStream = source.parse().map_err(|error| format!("is not Rust: {error}"))?;
    let mut scan =
        Scan { crates, raw: Vec::new(), bound: BTreeMap::new(), out: Findings::default() };
    scan.items(tokens, &Place { module: module.to_vec(), in_test, in_attribute: false });
    Ok(scan.finish())
}

#[derive(Clone)]
struct Place {
    module: Vec<String>,
    in_test: bool,
    in_attribute: bool,
}

/// A path as it is written, and where.
struct Raw {
    path: Vec<String>,
    glob: bool,
    imported: bool,
    place: Place,
    line: usize,
}

struct Scan<'a> {
    crates: &'a BTreeSet<String>,
    raw: Vec<Raw>,
    /// Names that `use` or `mod` binds in this file, with what they stand for.
    bound: BTreeMap<String, Vec<Vec<String>>>,
    out: Findings,
}

type Tokens<'t> = Peekable<Iter<'t, TokenTree>>;

impl Scan<'_> {
    fn items(&mut self, tokens: TokenStream, place: &Place) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let mut rest = tokens.iter().peekable();
        let mut place = place.clone();
        let outside_item = place.in_test;
        // The item that `#[cfg(test)]` stands before ends at `;`, or at a block unless it holds a value.
        let mut until_semicolon = false;
        while let Some(token) = rest.next() {
            match token {
                TokenTree::Punct(mark) if mark.as_char() == '#' => {
                    let inner =
                        matches!(rest.peek(), Some(TokenTree::Punct(p)) if p.as_char() == '!');
                    if inner {
                        rest.next();
                    }
                    if let Some(TokenTree::Group(group)) = rest.peek()
                        && group.delimiter() == Delimiter::Bracket
                    {
                        rest.next();
                        if self.attribute(group, &place) {
                            place.in_test = true;
                            until_semicolon = starts_value(&rest);
                        }
                    }
                }
                TokenTree::Punct(mark) if mark.as_char() == ';' => place.in_test = outside_item,
                TokenTree::Group(group) => {
                    self.items(group.stream(), &place);
                    if group.delimiter() == Delimiter::Brace && !until_semicolon {
                        place.in_test = outside_item;
                    }
                }
                TokenTree::Ident(name) if name == "mod" => {
                    self.module(&mut rest, &place);
                    if let Some(TokenTree::Group(_)) = rest.peek() {
                        rest.next();
                        place.in_test = outside_item;
                    }
                }
                TokenTree::Ident(name) if name == "use" => {
                    let mut tree = Vec::new();
                    for token in rest.by_ref() {
                        if matches!(token, TokenTree::Punct(p) if p.as_char() == ';') {
                            break;
                        }
                        tree.push(token.clone());
                    }
                    self.import(&tree, &[], &place);
                    place.in_test = outside_item;
                }
                TokenTree::Ident(name) if name == "pub" => {
                    // `pub(in path)` gives nothing in: it only says who may look.
                    if matches!(rest.peek(), Some(TokenTree::Group(g)) if g.delimiter() == Delimiter::Parenthesis && restricts(g))
                    {
                        rest.next();
                    }
                }
                TokenTree::Ident(name) => {
                    let name = name.to_string();
                    let line = token.span().start().line;
                    if is_mark(&rest, '!')
                        && ["todo", "unimplemented", "include"].contains(&name.as_str())
                    {
                        self.out.oddities.push((format!("`{name}!` is used"), line));
                    }
                    if name == "extern"
                        && matches!(rest.peek(), Some(TokenTree::Ident(i)) if *i == "crate")
                    {
                        self.out.oddities.push((
                            "`extern crate` is used; name the crate in a path".to_owned(),
                            line,
                        ));
                    }
                    self.path(name, line, &mut rest, &place);
                }
                TokenTree::Literal(literal) if place.in_attribute => {
                    let text = literal.to_string();
                    let text = text.trim_matches('"');
                    if text.contains("::")
                        && text.chars().all(|c| c.is_alphanumeric() || c == '_' || c == ':')
                    {
                        let path = text.split("::").map(str::to_owned).collect();
                        self.found(path, false, false, &place, literal.span().start().line);
                    }
                }
                TokenTree::Punct(_) | TokenTree::Literal(_) => {}
            }
        }
    }

    /// Reads an attribute; whether it is `cfg(test)`.
    fn attribute(&mut self, group: &Group, place: &Place) -> bool {
        let text: String = group.stream().to_string().split_whitespace().collect();
        let line = group.span_open().start().line;
        if text.starts_with("path=") {
            self.out.oddities.push(("`#[path]` hides where a module belongs".to_owned(), line));
        }
        if text == "ignore" || text.starts_with("ignore=") {
            self.out.oddities.push(("a test is ignored".to_owned(), line));
        }
        self.items(group.stream(), &Place { in_attribute: true, ..place.clone() });
        text == "cfg(test)" || text.starts_with("cfg(all(test,")
    }

    /// Reads what follows `mod`.
    fn module(&mut self, rest: &mut Tokens, place: &Place) {
        let Some(TokenTree::Ident(name)) = rest.peek() else { return };
        let name = name.to_string();
        let mut inner = place.clone();
        inner.module.push(name.clone());
        let absolute = std::iter::once("crate".to_owned()).chain(inner.module.clone()).collect();
        self.bound.entry(name).or_default().push(absolute);
        rest.next();
        match rest.peek() {
            Some(TokenTree::Group(body)) => self.items(body.stream(), &inner),
            Some(_) if place.in_test => self.out.test_modules.push(inner.module),
            _ => {}
        }
    }

    /// Reads one `use` tree, or one branch of it below `prefix`.
    fn import(&mut self, tree: &[TokenTree], prefix: &[String], place: &Place) {
        let mut path = prefix.to_vec();
        let mut rest = tree.iter().peekable();
        let mut line = 0;
        while let Some(token) = rest.next() {
            match token {
                TokenTree::Ident(name) if name == "as" => {
                    let name = rest.next().map(ToString::to_string).unwrap_or_default();
                    return self.bind(name, path, place, line);
                }
                TokenTree::Ident(name) => {
                    line = name.span().start().line;
                    if name != "self" || path.is_empty() {
                        path.push(name.to_string());
                    }
                }
                TokenTree::Punct(mark) if mark.as_char() == '*' => {
                    return self.found(path, true, true, place, mark.span().start().line);
                }
                TokenTree::Group(group) => {
                    let branches: Vec<TokenTree> = group.stream().into_iter().collect();
                    for branch in branches
                        .split(|t| matches!(t, TokenTree::Punct(p) if p.as_char() == ','))
                        .filter(|branch| !branch.is_empty())
                    {
                        self.import(branch, &path, place);
                    }
                    return;
                }
                TokenTree::Punct(_) | TokenTree::Literal(_) => {}
            }
        }
        if let Some(last) = path.last() {
            self.bind(last.clone(), path, place, line);
        }
    }

    fn bind(&mut self, name: String, path: Vec<String>, place: &Place, line: usize) {
        let absolute = absolute(&path, &place.module);
        // `use tokio;` binds a name to itself; kept out, or it would be followed for ever.
        if absolute.first() != Some(&name) {
            self.bound.entry(name).or_default().push(absolute);
        }
        self.found(path, false, true, place, line);
    }

    /// Reads a path outside `use`. A lone name is a variable or something that was imported.
    fn path(&mut self, first: String, line: usize, rest: &mut Tokens, place: &Place) {
        let mut path = vec![first];
        while is_mark(rest, ':') {
            let mut ahead = rest.clone();
            ahead.next();
            if !is_mark(&ahead, ':') {
                break;
            }
            ahead.next();
            match ahead.peek() {
                Some(TokenTree::Ident(name)) => path.push(name.to_string()),
                // `crate::{…}` in the body of a macro.
                Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace => {
                    let tree: Vec<TokenTree> = group.stream().into_iter().collect();
                    for branch in
                        tree.split(|t| matches!(t, TokenTree::Punct(p) if p.as_char() == ','))
                    {
                        self.import(branch, &path, place);
                    }
                    break;
                }
                _ => break,
            }
            ahead.next();
            *rest = ahead;
        }
        if path.len() > 1 {
            self.found(path, false, false, place, line);
        }
    }

    fn found(&mut self, path: Vec<String>, glob: bool, imported: bool, place: &Place, line: usize) {
        self.raw.push(Raw { path, glob, imported, place: place.clone(), line });
    }

    /// Makes every path absolute, through the names that the file itself binds.
    fn finish(mut self) -> Findings {
        for raw in &self.raw {
            let first = &raw.path[0];
            let mut readings = vec![];
            let itself_bound = raw.imported && raw.path.len() == 1;
            if let Some(bound) = self.bound.get(first).filter(|_| !itself_bound) {
                for start in bound {
                    readings.push(start.iter().chain(&raw.path[1..]).cloned().collect());
                }
            } else {
                readings.push(absolute(&raw.path, &raw.place.module));
            }
            for path in readings {
                let path = self.through_names(path);
                if path[0] == "crate" || self.crates.contains(&path[0]) {
                    self.out.used.push(Used {
                        path,
                        glob: raw.glob,
                        in_test: raw.place.in_test,
                        line: raw.line,
                    });
                }
            }
        }
        self.out.used.sort();
        self.out.used.dedup();
        self.out
    }

    /// Follows names that were bound to names: `use std::time; use time::Instant;`.
    fn through_names(&self, mut path: Vec<String>) -> Vec<String> {
        for _ in 0..8 {
            if path[0] == "crate" || self.crates.contains(&path[0]) {
                break;
            }
            let Some(start) = self.bound.get(&path[0]).and_then(|b| b.first()) else { break };
            path = start.iter().chain(&path[1..]).cloned().collect();
        }
        path
    }
}

/// Resolves `crate`, `self` and `super` at the head of a path.
fn absolute(path: &[String], module: &[String]) -> Vec<String> {
    let mut base: Vec<String> = module.to_vec();
    let mut rest = path;
    match path[0].as_str() {
        // The second is the library, as the programs name it.
        "crate" | "rollback_operator" => base.clear(),
        "self" => {}
        "super" => {
            base.pop();
        }
        _ => return path.to_vec(),
    }
    rest = &rest[1..];
    while rest.first().is_some_and(|s| s == "super") {
        base.pop();
        rest = &rest[1..];
    }
    std::iter::once("crate".to_owned()).chain(base).chain(rest.iter().cloned()).collect()
}

fn is_mark(rest: &Tokens, mark: char) -> bool {
    matches!(rest.clone().peek(), Some(TokenTree::Punct(p)) if p.as_char() == mark)
}

fn restricts(group: &Group) -> bool {
    let first = group.stream().into_iter().next();
    matches!(first, Some(TokenTree::Ident(i)) if i == "crate" || i == "super" || i == "self" || i == "in")
}

/// Whether the item ahead ends at `;` even though it may hold a block.
fn starts_value(rest: &Tokens) -> bool {
    let mut words = rest.clone().filter_map(|t| match t {
        TokenTree::Ident(name) => Some(name.to_string()),
        _ => None,
    });
    let first = words.find(|w| w != "pub");
    match first.as_deref() {
        Some("static" | "type" | "let") => true,
        Some("const") => {
            words.next().is_some_and(|w| !["fn", "unsafe", "async", "extern"].contains(&w.as_str()))
        }
        _ => false,
    }
}
