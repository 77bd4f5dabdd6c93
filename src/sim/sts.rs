//! STS as far as role assumption needs it: `AssumeRole` and `GetCallerIdentity` in the query
//! protocol, which answers in XML.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::organization::{AssumableRole, Caller};
use super::time::later;
use super::world::{Response, World};
use crate::model::AccountId;

/// The members of a query request.
struct Query<'a>(Vec<(&'a str, String)>);

impl<'a> Query<'a> {
    fn parse(form: &'a str) -> Self {
        let pair = |pair: &'a str| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (name, decode(value))
        };
        Self(form.split('&').map(pair).collect())
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(at, _)| *at == name).map(|(_, value)| value.as_str())
    }
}

/// Undoes the percent encoding of a form.
fn decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let hex = text.get(at + 1..at + 3).and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match (byte, hex) {
            (b'%', Some(value)) => {
                decoded.push(value);
                at += 2;
            }
            (b'+', _) => decoded.push(b' '),
            (byte, _) => decoded.push(*byte),
        }
        at += 1;
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

impl World {
    /// Answers a form-encoded request of STS.
    pub fn handle_query(
        &mut self,
        now: Timestamp,
        form: &str,
        access_key: Option<&str>,
    ) -> Response {
        self.advance(now);
        let request_id = self.random.uuid();
        let query = Query::parse(form);
        let action = query.get("Action").unwrap_or_default().to_owned();
        let caller = self.caller(access_key);
        let answer = match action.as_str() {
            "GetCallerIdentity" => Ok(identity(&caller)),
            "AssumeRole" => self.assume_role(now, &caller, &query),
            _ => Err(("InvalidAction", format!("Could not find operation {action}"))),
        };
        self.counters.call(&action, answer.as_ref().err().map(|(code, _)| *code));
        let (status, error, body) = match answer {
            Ok(result) => (
                200,
                None,
                format!(
                    "<{action}Response xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\
                     <{action}Result>{result}</{action}Result>\
                     <ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata>\
                     </{action}Response>"
                ),
            ),
            Err((code, message)) => (
                if code == "AccessDenied" { 403 } else { 400 },
                Some(code.to_owned()),
                format!(
                    "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error>\
                     <Type>Sender</Type><Code>{code}</Code><Message>{}</Message></Error>\
                     <RequestId>{request_id}</RequestId></ErrorResponse>",
                    escape(&message)
                ),
            ),
        };
        let delay = self.random.latency(&self.settings.latency.call);
        Response { status, body, request_id, error, delay, dropped: false }
    }

    fn assume_role(
        &mut self,
        now: Timestamp,
        caller: &Caller,
        query: &Query<'_>,
    ) -> Result<String, (&'static str, String)> {
        let invalid = |member: &str| {
            let text = format!("1 validation error detected: Value at '{member}' is not valid");
            ("ValidationError", text)
        };
        let arn = query.get("RoleArn").unwrap_or_default();
        let session = query.get("RoleSessionName").filter(|name| (2..=64).contains(&name.len()));
        let session = session.ok_or_else(|| invalid("roleSessionName"))?;
        let seconds: u64 = match query.get("DurationSeconds") {
            None => 3600,
            Some(text) => text.parse().map_err(|_| invalid("durationSeconds"))?,
        };
        if !(900..=43_200).contains(&seconds) {
            return Err(invalid("durationSeconds"));
        }
        let parts: Vec<&str> = arn.splitn(6, ':').collect();
        let ["arn", partition, "iam", "", account, role] = parts.as_slice() else {
            return Err(invalid("roleArn"));
        };
        let name = role.strip_prefix("role/").and_then(|path| path.rsplit('/').next());
        let name = name.ok_or_else(|| invalid("roleArn"))?;
        let account = account.parse().map_err(|_| invalid("roleArn"))?;
        let trusted = self.assumable(arn, &account, query.get("ExternalId")).ok_or_else(|| {
            let text = format!(
                "User: {} is not authorized to perform: sts:AssumeRole on resource: {arn}",
                caller.arn
            );
            ("AccessDenied", text)
        })?;
        let key = format!("ASIA{}", self.random.hex(16).to_uppercase());
        let assumed = format!("arn:{partition}:sts::{account}:assumed-role/{name}/{session}");
        let assumed_by = Caller {
            account,
            arn: assumed.clone(),
            denied: trusted.denied,
            iam_in_management_account: trusted.iam_in_management_account,
        };
        self.callers.insert(key.clone(), assumed_by);
        let expiration = later(now, std::time::Duration::from_secs(seconds));
        Ok(format!(
            "<AssumedRoleUser><AssumedRoleId>AROA{}:{session}</AssumedRoleId><Arn>{assumed}</Arn></AssumedRoleUser>\
             <Credentials><AccessKeyId>{key}</AccessKeyId><SecretAccessKey>{}</SecretAccessKey>\
             <SessionToken>{}</SessionToken><Expiration>{expiration:.0}</Expiration></Credentials>",
            self.random.hex(16).to_uppercase(),
            self.random.hex(40),
            self.random.hex(64),
        ))
    }

    /// The role if this caller may assume it. A seed without roles trusts everybody.
    fn assumable(
        &self,
        arn: &str,
        account: &AccountId,
        external_id: Option<&str>,
    ) -> Option<AssumableRole> {
        if self.roles.is_empty() {
            return self.organization.accounts.contains_key(account).then(|| AssumableRole {
                external_id: None,
                denied: BTreeSet::new(),
                iam_in_management_account: true,
            });
        }
        let role = self.roles.get(arn)?;
        let matches = role.external_id.is_none() || role.external_id.as_deref() == external_id;
        matches.then(|| role.clone())
    }
}

fn identity(caller: &Caller) -> String {
    let Caller { account, arn, .. } = caller;
    format!("<Arn>{}</Arn><UserId>AIDA{account}</UserId><Account>{account}</Account>", escape(arn))
}
