//! `doctor`: looks whether all is there that an undo needs, and says what to do where it is not.

mod access;
mod clock;
pub(super) mod finding;
mod instances;
mod kinds;
mod operator;

use clap::Args;
use jiff::Timestamp;
use kube::api::ListParams;
use kube::client::Body;

use self::finding::{Finding, Level, exit, render};
use super::error::CliError;
use super::exit::Exit;
use super::lease::{self, Place};
use super::output::Output;
use super::screen::Screen;
use super::session::{Connection, Session};

/// Look whether all is there that an undo needs
///
/// Asks the API server only: for itself and its clock, the kinds, the operator's lease, what you may
/// do, and what the operator says of the instances and their AWS permissions. Each finding comes
/// with its remedy. Ends with 1 if something is wrong.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  # Before an undo, or when one does not move
  kubectl rollback doctor -n access

  # What is wrong, for a script
  kubectl rollback doctor -o json | jq -r '.findings[] | select(.level == \"wrong\") | .finding'")]
pub(super) struct Doctor {
    /// The operator's lease; without it every lease that is named as the chart names it
    #[arg(long, value_name = "NAMESPACE/NAME")]
    lease: Option<Place>,
    /// Form of the output
    #[arg(short, long, value_name = "FORM", default_value = "table",
          value_parser = Output::among(&["table", "wide", "json", "yaml", "csv"]))]
    output: Output,
}

pub(super) async fn run(
    verb: &Doctor,
    connection: &Connection,
    screen: Screen,
) -> Result<Exit, CliError> {
    let findings = match Session::connect(connection).await {
        Ok(session) => look(verb, &session).await,
        Err(error) => vec![unreachable(error)],
    };
    screen.print_in(verb.output, &render(&findings, verb.output, screen.out)?)?;
    Ok(exit(&findings))
}

async fn look(verb: &Doctor, session: &Session) -> Vec<Finding> {
    let (version, date) = match cluster(session).await {
        Ok(found) => found,
        Err(error) => return vec![unreachable(error)],
    };
    let mut found = vec![Finding::good("cluster", format!("Kubernetes {version} answers"))];
    let now = session.clock.now();
    // By the API server's clock, because ours may be wrong.
    let server_now = date.map_or(now, |(server, ahead)| {
        found.push(clock::finding(ahead));
        if ahead.is_zero() { now } else { server }
    });
    let kinds = kinds::findings(session).await;
    found.extend(or_unknown("kinds", kinds));
    match lease::find(session, verb.lease.as_ref()).await {
        Ok(leases) => found.extend(operator::findings(&leases, server_now)),
        Err(error) => found.push(Finding::unknown("operator", &error)),
    }
    let instances = session
        .call("list the instances", session.instances().list(&ListParams::default()))
        .await
        .map(|list| instances::findings(&list.items, &session.namespace, server_now));
    found.extend(or_unknown("instance", instances));
    found.extend(or_unknown("access", access::findings(session).await));
    found
}

fn unreachable(error: CliError) -> Finding {
    let remedy = "check the network, $KUBECONFIG, --kubeconfig and --context";
    Finding::of(Level::Wrong, "cluster", error.message, remedy)
}

fn or_unknown(check: &'static str, outcome: Result<Vec<Finding>, CliError>) -> Vec<Finding> {
    outcome.unwrap_or_else(|error| vec![Finding::unknown(check, &error)])
}

type Skew = (Timestamp, jiff::SignedDuration);

/// The version of the API server, its time, and how far ours is ahead.
async fn cluster(session: &Session) -> Result<(String, Option<Skew>), CliError> {
    let doing = "ask the API server for its version";
    let request = http::Request::get("/version")
        .body(Body::empty())
        .map_err(|error| CliError::failed(format!("cannot {doing}: {error}; report this")))?;
    let sent = session.clock.now();
    let answer = session.call(doing, session.client.send(request)).await?;
    let received = session.clock.now();
    let date = answer.headers().get(http::header::DATE).and_then(|date| date.to_str().ok());
    let server = date.and_then(clock::parse);
    let version = session.call(doing, session.client.apiserver_version()).await?.git_version;
    Ok((version, server.map(|server| (server, clock::ahead(sent, received, server)))))
}
