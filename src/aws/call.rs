//! What all calls have in common: one way to send, to page, and to read an answer.

use std::str::FromStr;
use std::sync::atomic::Ordering;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::DateTime;
use jiff::{Timestamp, Unit};

use super::client::Client;
use super::connector::Call;
use super::error::Error;
use crate::model::{InvalidId, Rule};

/// Rows that are asked for in one page: the most that AWS gives.
pub(super) const PAGE: i32 = 100;

impl Client {
    /// Sends one call of the SDK under this client's priority.
    ///
    /// The SDK's futures take some ten kilobytes each. They go to the heap before the first await,
    /// so that those of the callers stay small.
    pub(super) fn send<T, E>(
        &self,
        operation: &'static str,
        call: impl Future<Output = Result<T, SdkError<E, HttpResponse>>>,
    ) -> impl Future<Output = Result<T, Error>>
    where
        E: std::error::Error + 'static,
    {
        let (context, call) = (Call::new(self.priority()), Box::pin(call));
        async move {
            let outcome = context.scope(call).await;
            let sent = context.sent.load(Ordering::Acquire);
            outcome.map_err(|error| Error::from_sdk(operation, &error, sent))
        }
    }
}

/// None where AWS says that what was asked about is not there.
pub(super) fn found<T>(outcome: Result<T, Error>) -> Result<Option<T>, Error> {
    match outcome {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error),
    }
}

/// How often an empty page may lead to itself before the list is given up.
const MOST_REPEATS: u32 = 20;

/// The pages of one list. A page may be short or empty and still not be the last; the list ends
/// where the token is absent or empty.
#[derive(Debug)]
pub(super) struct Pages {
    operation: &'static str,
    token: Option<String>,
    repeats: u32,
}

impl Pages {
    pub const fn of(operation: &'static str) -> Self {
        Self { operation, token: None, repeats: 0 }
    }

    /// The token to send for the next page.
    pub fn token(&self) -> Option<String> {
        self.token.clone()
    }

    /// Takes in a page's token and number of rows, and says whether there is another page.
    ///
    /// The token that was just sent leads to the same page again. To stop there would pass a part
    /// for the whole, and to go on would give its rows twice; only an empty page is asked for
    /// again, and not for ever.
    pub fn has_next(&mut self, token: Option<String>, rows: usize) -> Result<bool, Error> {
        let token = token.filter(|token| !token.is_empty());
        let repeated = token.is_some() && token == self.token;
        self.repeats = if repeated { self.repeats + 1 } else { 0 };
        if repeated && (rows > 0 || self.repeats >= MOST_REPEATS) {
            return Err(Error::BadMember {
                operation: self.operation,
                member: "NextToken",
                problem: "it leads to the same page again".to_owned(),
            });
        }
        self.token = token;
        Ok(self.token.is_some() && Rule::EveryPage.holds())
    }
}

/// The members of one operation's answer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Answer(pub &'static str);

impl Answer {
    /// A member without which the answer makes no sense.
    pub fn required<T>(self, member: &'static str, value: Option<T>) -> Result<T, Error> {
        value.ok_or(Error::MissingMember { operation: self.0, member })
    }

    /// The same, of a text that the SDK makes empty where AWS leaves it out.
    pub fn text(self, member: &'static str, value: String) -> Result<String, Error> {
        self.required(member, Some(value).filter(|value| !value.is_empty()))
    }

    /// The same, of a type that checks its shape.
    pub fn id<T: FromStr<Err = InvalidId>>(
        self,
        member: &'static str,
        value: Option<impl AsRef<str>>,
    ) -> Result<T, Error> {
        self.required(member, value)?.as_ref().parse().map_err(|problem: InvalidId| {
            Error::BadMember { operation: self.0, member, problem: problem.to_string() }
        })
    }

    /// A member with a value that this version does not know.
    pub fn unknown(self, member: &'static str, value: &str) -> Error {
        let problem = format!("{value:?} is not known to this version");
        Error::BadMember { operation: self.0, member, problem }
    }
}

/// AWS writes times as seconds with a fraction, which holds no more than microseconds.
pub(super) fn timestamp(time: DateTime) -> Option<Timestamp> {
    let nanoseconds = i32::try_from(time.subsec_nanos()).ok()?;
    Timestamp::new(time.secs(), nanoseconds).ok()?.round(Unit::Microsecond).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_ends_with_an_absent_or_empty_token_and_never_goes_in_circles() {
        let a = || Some("a".to_owned());
        for last in [None, Some(String::new())] {
            let mut pages = Pages::of("ListInstances");
            assert_eq!(pages.token(), None);
            assert_eq!(pages.has_next(a(), 3), Ok(true));
            assert_eq!(pages.token(), a());
            assert_eq!(pages.has_next(last, 3), Ok(false));
        }
        let mut pages = Pages::of("ListInstances");
        assert_eq!(pages.has_next(a(), 3), Ok(true));
        assert_eq!(pages.has_next(a(), 0), Ok(true), "an empty page may lead to itself");
        assert!(pages.has_next(a(), 3).is_err(), "but not one with rows");
        let mut pages = Pages::of("ListInstances");
        let turns = (0..100).take_while(|_| pages.has_next(a(), 0) == Ok(true)).count();
        assert_eq!(turns, 20, "nor for ever");
    }

    #[test]
    fn times_have_fractions() {
        let time = timestamp(DateTime::from_secs_f64(1_650_989_104.461)).unwrap();
        assert_eq!(time.as_millisecond(), 1_650_989_104_461);
        assert_eq!(timestamp(DateTime::from_secs(i64::MAX)), None);
    }
}
