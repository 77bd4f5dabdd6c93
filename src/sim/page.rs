//! Paging: opaque tokens that hold the place of the last row, so that no row that was there all
//! along is skipped whatever changes meanwhile.

use serde_json::Value;

use super::error::AwsError;
use super::hex;
use super::input::Input;
use super::operation::Operation;
use super::random::Random;
use super::settings::Paging;

/// Rows of one page, and the token of the next.
#[derive(Debug)]
pub(super) struct Page<T> {
    pub rows: Vec<T>,
    pub next: Option<String>,
}

impl<T> Page<T> {
    /// The reply: the rows under their member's name.
    pub fn reply(self, member: &str, row: impl Fn(T) -> Value) -> Value {
        let mut reply = serde_json::Map::new();
        reply.insert(member.to_owned(), self.rows.into_iter().map(row).collect());
        if let Some(next) = self.next {
            reply.insert("NextToken".to_owned(), next.into());
        }
        reply.into()
    }
}

/// What decides about a page.
pub(super) struct Pager<'a> {
    pub operation: &'static Operation,
    pub input: Input<'a>,
    pub paging: &'a Paging,
    pub random: &'a mut Random,
    /// The greatest `MaxResults`.
    pub limit: usize,
}

impl Pager<'_> {
    /// Cuts the page that the request asks for out of the rows, each with its sort key.
    pub fn page<T>(self, rows: impl IntoIterator<Item = (String, T)>) -> Result<Page<T>, AwsError> {
        let size = self.input.max_results(self.limit)?;
        let size = size.unwrap_or(self.paging.default_size.clamp(1, self.limit));
        let request = fingerprint(self.operation, self.input);
        let after = match self.input.text("NextToken")? {
            None | Some("") => None,
            Some(token) => Some(open(token, &request)?),
        };
        let mut rows: Vec<(String, T)> = rows
            .into_iter()
            .filter(|(key, _)| after.as_ref().is_none_or(|after| key > after))
            .collect();
        rows.sort_by(|(left, _), (right, _)| left.cmp(right));
        let more_than_one = rows.len() > 1;
        let mut taken = size;
        if !rows.is_empty() && self.random.chance(self.paging.empty_pages) {
            taken = 0;
        } else if more_than_one && self.random.chance(self.paging.short_pages) {
            taken = 1 + self.random.below(size.min(rows.len()).saturating_sub(1).max(1));
        }
        let last = taken >= rows.len();
        rows.truncate(taken);
        let cursor = rows.last().map(|(key, _)| key.clone()).or(after).unwrap_or_default();
        let next = (!last).then(|| seal(&cursor, &request));
        Ok(Page { rows: rows.into_iter().map(|(_, row)| row).collect(), next })
    }
}

/// What a token belongs to: the operation and all members but those of paging.
fn fingerprint(operation: &Operation, input: Input<'_>) -> String {
    let members =
        input.0.iter().filter(|(name, _)| !["NextToken", "MaxResults"].contains(&name.as_str()));
    let members: Vec<String> = members.map(|(name, value)| format!("{name}={value}")).collect();
    let digest = hex::digest(&[operation.name, &members.join("&")]);
    digest.chars().take(16).collect()
}

fn seal(cursor: &str, request: &str) -> String {
    format!("{request}{}", hex::encode(cursor.as_bytes()))
}

fn open(token: &str, request: &str) -> Result<String, AwsError> {
    let invalid =
        || AwsError::validation("The NextToken is invalid or belongs to another request.");
    let cursor = token.strip_prefix(request).ok_or_else(invalid)?;
    let bytes = hex::decode(cursor).ok_or_else(invalid)?;
    String::from_utf8(bytes).map_err(|_| invalid())
}
