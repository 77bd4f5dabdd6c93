//! The assignments that an operation made or removed.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;

use jiff::SignedDuration;

use super::Refused;
use super::fields::{Fields, LINE, TEXT};
use crate::api::record::{Change, FailedChange, NamedPrincipal};
use crate::model::{AccountId, Before, Effect, PermissionSetArn, PrincipalId, PrincipalType};

/// The largest number of accounts in one change.
const MAX_ACCOUNTS: usize = 10_000;
/// The largest number of changes in one record.
const MAX_CHANGES: usize = 1_000;
/// More different error texts than this are summed up.
const MAX_MESSAGES: usize = 100;
/// No operation is taken to have been at work for longer.
const LONGEST: SignedDuration = SignedDuration::from_hours(24);

/// What an operation did, by its own account.
#[derive(Debug, Default)]
pub struct Outcome {
    /// What was done.
    pub changes: Vec<Change>,
    /// What was tried and failed.
    pub failed: Vec<FailedChange>,
    /// How long it was at work at most, where that is known and it made several changes.
    pub duration: Option<SignedDuration>,
    /// What was mended: clauses.
    pub repairs: Vec<String>,
}

/// One principal and one permission set in the accounts whose result says success.
pub fn of_one_principal(fields: Fields<'_>, effect: Effect) -> Result<Outcome, Refused> {
    let principal = NamedPrincipal {
        kind: principal_type(fields, "principal_type")?,
        id: fields.id("principal_id")?,
        name: fields.words("principal_name", LINE),
    };
    let permission_set: PermissionSetArn = fields.id("permission_set_arn")?;
    let mut outcome = Outcome::default();
    let results = Results::read(fields, &mut outcome.repairs)?;
    if results.done.is_empty() {
        let failed = results.failed.len();
        return Err(Refused::NothingChanged(format!("{failed} accounts failed")));
    }
    limit("accounts", results.done.len().max(results.failed.len()), MAX_ACCOUNTS)?;
    outcome.duration = results.duration;
    outcome.failed = results
        .failures()
        .into_iter()
        .map(|(message, accounts)| FailedChange {
            effect,
            principal: principal.clone(),
            permission_set: permission_set.clone(),
            accounts,
            message: Some(message),
        })
        .collect();
    outcome.changes.push(Change {
        effect,
        principal,
        permission_set,
        permission_set_name: fields.words("permission_set_name", LINE),
        accounts: results.done.into_iter().collect(),
        before: Before::Unknown,
        request_id: None,
    });
    Ok(outcome)
}

/// Accounts by what `results` says about each.
struct Results {
    done: BTreeSet<AccountId>,
    failed: BTreeMap<AccountId, String>,
    /// Of all of them one after the other, where there are several; awsideman works on some at a time.
    duration: Option<SignedDuration>,
}

impl Results {
    fn read(fields: Fields<'_>, repairs: &mut Vec<String>) -> Result<Self, Refused> {
        let mut results = Self { done: BTreeSet::new(), failed: BTreeMap::new(), duration: None };
        let list = fields.list("results")?;
        let mut seconds = 0.0;
        for result in list {
            let result = Fields::of(result, "an element of results")?;
            seconds += result.number("duration_ms").unwrap_or_default().max(0.0) / 1000.0;
            let account: AccountId = result.id("account_id")?;
            if result.is_true("success") {
                results.done.insert(account);
            } else {
                let message = result.words("error", TEXT);
                let message = message.unwrap_or_else(|| "awsideman names no reason".to_owned());
                results.failed.insert(account, message);
            }
        }
        if list.len() > 1 && seconds > 0.0 {
            let known = SignedDuration::try_from_secs_f64(seconds)
                .and_then(|known| known.round(jiff::Unit::Millisecond));
            results.duration = Some(known.unwrap_or(LONGEST).min(LONGEST));
        }
        let done = &results.done;
        results.failed.retain(|account, _| !done.contains(account));

        let asked: BTreeSet<AccountId> = fields.ids("account_ids")?;
        let seen = results.done.iter().chain(results.failed.keys());
        belong("results", seen, "account_ids", &asked)?;
        let mut silent = 0;
        for account in asked {
            if !results.done.contains(&account) && !results.failed.contains_key(&account) {
                silent += 1;
                let message = "awsideman kept no result for this account".to_owned();
                results.failed.insert(account, message);
            }
        }
        if silent > 0 {
            repairs.push(format!("{silent} accounts without a result count as failed"));
        }
        Ok(results)
    }

    /// Failed accounts, grouped by the reason.
    fn failures(&self) -> BTreeMap<String, Vec<AccountId>> {
        let mut groups = BTreeMap::<String, Vec<AccountId>>::new();
        for (account, message) in &self.failed {
            groups.entry(message.clone()).or_default().push(account.clone());
        }
        if groups.len() <= MAX_MESSAGES {
            return groups;
        }
        let first = groups.keys().next().cloned().unwrap_or_default();
        let first: String = first.chars().take(LINE).collect();
        let message = format!("{} different reasons, such as: {first}", groups.len());
        BTreeMap::from([(message, self.failed.keys().cloned().collect())])
    }
}

/// Exactly the copied tuples, grouped by principal and permission set.
pub fn of_copied_tuples(fields: Fields<'_>) -> Result<Outcome, Refused> {
    let kind = principal_type(fields, "target_entity_type")?;
    let target: PrincipalId = fields.id("target_entity_id")?;
    let mut groups = BTreeMap::<PermissionSetArn, BTreeSet<AccountId>>::new();
    let mut count = 0;
    for text in fields.texts("assignments_copied")? {
        let text = text?;
        let (permission_set, account, principal) = tuple(text)?;
        if principal != target {
            let reason = format!("the principal is not the target of the copy, {target}");
            return Err(bad_tuple(text, reason));
        }
        count += 1;
        groups.entry(permission_set).or_default().insert(account);
    }
    let sets = fields.ids("permission_sets_involved")?;
    belong("assignments_copied", groups.keys(), "permission_sets_involved", &sets)?;
    let accounts = fields.ids("accounts_affected")?;
    belong("assignments_copied", groups.values().flatten(), "accounts_affected", &accounts)?;
    let different: usize = groups.values().map(BTreeSet::len).sum();
    if different == 0 {
        return Err(Refused::NothingChanged("no assignment was copied".to_owned()));
    }
    limit("permission sets", groups.len(), MAX_CHANGES)?;
    let largest = groups.values().map(BTreeSet::len).max().unwrap_or(0);
    limit("accounts with one permission set", largest, MAX_ACCOUNTS)?;

    let principal =
        NamedPrincipal { kind, id: target, name: fields.words("target_entity_name", LINE) };
    let mut outcome = Outcome::default();
    if different < count {
        outcome.repairs.push(format!("{} assignments are listed twice", count - different));
    }
    outcome.changes = groups
        .into_iter()
        .map(|(permission_set, accounts)| Change {
            effect: Effect::Granted,
            principal: principal.clone(),
            permission_set,
            permission_set_name: None,
            accounts: accounts.into_iter().collect(),
            before: Before::Unknown,
            request_id: None,
        })
        .collect();
    Ok(outcome)
}

/// `permission set ARN:account:principal`. The ARN has colons of its own, so it is read from the end.
fn tuple(text: &str) -> Result<(PermissionSetArn, AccountId, PrincipalId), Refused> {
    let parts = text.rsplit_once(':').and_then(|(rest, principal)| {
        let (arn, account) = rest.rsplit_once(':')?;
        Some((arn, account, principal))
    });
    let (arn, account, principal) =
        parts.ok_or_else(|| bad_tuple(text, "it has fewer than three parts".to_owned()))?;
    let bad = |error: crate::model::InvalidId| bad_tuple(text, error.to_string());
    Ok((arn.parse().map_err(bad)?, account.parse().map_err(bad)?, principal.parse().map_err(bad)?))
}

/// Refuses what is not among the values of another member, where that has any.
fn belong<'a, T: Ord + Display + 'a>(
    field: &'static str,
    mut found: impl Iterator<Item = &'a T>,
    other: &'static str,
    values: &BTreeSet<T>,
) -> Result<(), Refused> {
    match found.find(|value| !values.is_empty() && !values.contains(*value)) {
        Some(value) => Err(Refused::Mixed { field, value: value.to_string(), other }),
        None => Ok(()),
    }
}

fn bad_tuple(text: &str, reason: String) -> Refused {
    Refused::Tuple { text: text.chars().take(200).collect(), reason }
}

fn principal_type(fields: Fields<'_>, field: &'static str) -> Result<PrincipalType, Refused> {
    match fields.text(field)? {
        "USER" => Ok(PrincipalType::User),
        "GROUP" => Ok(PrincipalType::Group),
        _ => Err(Refused::Shape { field, expected: "USER or GROUP" }),
    }
}

fn limit(what: &'static str, count: usize, limit: usize) -> Result<(), Refused> {
    if count > limit { Err(Refused::TooLarge { what, count, limit }) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const SET: &str =
        "arn:aws-us-gov:sso:::permissionSet/ssoins-grrwdwht9b3hswl7/ps-64rrohtnuu77rp8j";
    const USER: &str = "08574c02-bbc3-4aac-841f-0c24ea4bad1f";

    fn read(
        value: &Value,
        by: impl Fn(Fields<'_>) -> Result<Outcome, Refused>,
    ) -> Result<Outcome, Refused> {
        by(Fields::of(value, "operation").unwrap())
    }

    fn assign(results: &Value) -> Value {
        json!({
            "principal_type": "USER", "principal_id": USER, "permission_set_arn": SET,
            "account_ids": ["111111111111", "222222222222"], "results": results.clone(),
        })
    }

    fn copy(tuples: &[String]) -> Value {
        json!({
            "target_entity_type": "USER", "target_entity_id": USER,
            "assignments_copied": tuples,
            "permission_sets_involved": [SET, SET.replace("64rr", "0000")],
            "accounts_affected": ["111111111111", "222222222222"],
        })
    }

    #[test]
    fn a_failed_item_is_no_change() {
        let value = assign(&json!([
            {"account_id": "222222222222", "success": true},
            {"account_id": "111111111111", "success": false, "error": "AccessDenied"},
        ]));
        let outcome = read(&value, |f| of_one_principal(f, Effect::Granted)).unwrap();
        let accounts: Vec<_> = outcome.changes[0].accounts.iter().map(AccountId::as_str).collect();
        assert_eq!(accounts, ["222222222222"]);
        assert_eq!(outcome.failed.len(), 1);
        assert_eq!(outcome.failed[0].message.as_deref(), Some("AccessDenied"));
        assert_eq!(outcome.failed[0].accounts[0].as_str(), "111111111111");
    }

    #[test]
    fn what_two_writers_mixed_is_refused() {
        let value = assign(&json!([{"account_id": "333333333333", "success": true}]));
        let refused = read(&value, |f| of_one_principal(f, Effect::Granted)).unwrap_err();
        assert!(
            refused
                .to_string()
                .starts_with("results has 333333333333, which is not in account_ids")
        );
        for (tuple, words) in [
            (
                format!("{SET}:333333333333:{USER}"),
                "333333333333, which is not in accounts_affected",
            ),
            (
                format!("{}:111111111111:{USER}", SET.replace("64rr", "1111")),
                "which is not in permission_sets_involved",
            ),
        ] {
            let refused = read(&copy(&[tuple]), of_copied_tuples).unwrap_err().to_string();
            assert!(refused.contains(words), "{refused}");
        }
    }

    #[test]
    fn an_account_without_a_result_is_not_taken_for_done() {
        let value = assign(&json!([{"account_id": "222222222222", "success": true}]));
        let outcome = read(&value, |f| of_one_principal(f, Effect::Revoked)).unwrap();
        assert_eq!(outcome.changes[0].accounts.len(), 1);
        assert_eq!(outcome.failed[0].accounts[0].as_str(), "111111111111");
        assert_eq!(outcome.repairs, ["1 accounts without a result count as failed"]);
    }

    #[test]
    fn an_operation_that_failed_everywhere_is_refused() {
        let refused = read(&assign(&json!([])), |f| of_one_principal(f, Effect::Granted));
        assert_eq!(
            refused.unwrap_err().to_string(),
            "it changed nothing (2 accounts failed), so there is nothing to undo"
        );
    }

    #[test]
    fn copied_tuples_are_taken_as_they_are_and_never_multiplied() {
        let other = SET.replace("64rr", "0000");
        let tuples = [
            format!("{SET}:222222222222:{USER}"),
            format!("{other}:111111111111:{USER}"),
            format!("{SET}:222222222222:{USER}"),
        ];
        let outcome = read(&copy(&tuples), of_copied_tuples).unwrap();
        let got: Vec<_> = outcome
            .changes
            .iter()
            .map(|c| {
                (c.permission_set.as_str(), c.accounts.iter().map(AccountId::as_str).collect())
            })
            .collect::<Vec<(&str, Vec<&str>)>>();
        assert_eq!(got, [(other.as_str(), vec!["111111111111"]), (SET, vec!["222222222222"])]);
        assert_eq!(outcome.repairs, ["1 assignments are listed twice"]);
    }

    #[test]
    fn tuples_that_do_not_fit_are_refused_by_name() {
        for (tuple, words) in [
            ("x".to_owned(), "fewer than three parts"),
            (format!("{SET}:22222222222:{USER}"), "not an AWS account id"),
            (format!("arn:aws:iam::1:role/x:222222222222:{USER}"), "not a permission set ARN"),
            (format!("{SET}:222222222222:{}", USER.replace('0', "1")), "not the target"),
            (format!("{SET}:222222222222:me"), "principal id"),
        ] {
            let refused = read(&copy(&[tuple]), of_copied_tuples).unwrap_err().to_string();
            assert!(refused.contains(words), "{refused}");
        }
        assert!(matches!(read(&copy(&[]), of_copied_tuples), Err(Refused::NothingChanged(_))));
    }

    #[test]
    fn several_accounts_took_as_long_as_their_results_say() {
        let of = |durations: &[Value]| {
            let results: Vec<Value> = durations
                .iter()
                .zip(["111111111111", "222222222222"])
                .map(|(ms, id)| json!({"account_id": id, "success": true, "duration_ms": ms}))
                .collect();
            read(&assign(&json!(results)), |f| of_one_principal(f, Effect::Granted))
                .unwrap()
                .duration
        };
        let ms = SignedDuration::from_millis;
        assert_eq!(of(&[json!(1500), json!(2500.0)]), Some(ms(4000)));
        assert_eq!(of(&[json!(1500), json!(null)]), Some(ms(1500)));
        assert_eq!(of(&[json!(1500), json!(-9000)]), Some(ms(1500)));
        assert_eq!(of(&[json!("long"), json!(0)]), None);
        assert_eq!(of(&[json!(1500)]), None, "its one change was made at its time");
        assert_eq!(of(&[json!(1e300), json!(1e300)]), Some(SignedDuration::from_hours(24)));
    }

    #[test]
    fn a_thousand_different_errors_are_summed_up() {
        let results: Vec<_> = (0..1001)
            .map(|n| json!({"account_id": format!("{n:012}"), "success": n == 0, "error": format!("e{n}")}))
            .collect();
        let mut value = assign(&json!(results));
        value["account_ids"] = results.iter().map(|it| it["account_id"].clone()).collect();
        let outcome = read(&value, |f| of_one_principal(f, Effect::Granted)).unwrap();
        assert_eq!(outcome.failed.len(), 1);
        assert_eq!(outcome.failed[0].accounts.len(), 1000);
    }
}
