//! `kubectl rollback`: finds recorded operations, shows what undoing them would do, asks, follows.
//!
//! It is a client of the Kubernetes API and of nothing else: what it shows comes from objects, what
//! it does is to write objects, and so all that it does is subject to the cluster's own
//! authorization and admission. Results go to standard output, words about the work to standard
//! error. Rendering is pure, so that tests compare it with plain text.

mod apply;
mod approve;
mod carry_out;
mod completion;
mod criteria;
mod decide;
mod doctor;
mod error;
mod exit;
mod export;
#[cfg(test)]
pub(crate) mod fixtures;
mod follow;
mod hold;
mod import;
mod judgement;
mod lease;
mod manner;
mod manual;
mod narrow;
mod operations;
mod output;
mod plan;
mod progress;
mod quota;
mod redo;
mod reference;
mod release;
mod report;
mod retry;
mod screen;
mod selection;
mod session;
mod shards;
mod stats;
mod status;
mod step;
mod suspend;
mod table;
mod times;
mod watch;
#[cfg(test)]
mod widths;
mod wrap;

use std::process::ExitCode;

use clap::{Command, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

use self::error::CliError;
use self::exit::Exit;
use self::screen::{Screen, Tone};
use self::session::Connection;

/// Finds recorded access changes in AWS IAM Identity Center and undoes them
#[derive(Debug, Parser)]
#[command(
    name = "kubectl-rollback",
    bin_name = "kubectl rollback",
    version,
    after_help = exit::HELP,
    disable_help_subcommand = true,
    arg_required_else_help = true
)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
    #[command(flatten)]
    connection: Connection,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Import(import::Import),
    Export(export::Export),
    Operations(operations::Operations),
    Plan(plan::Plan),
    Apply(apply::Apply),
    Approve(approve::Approve),
    Reject(approve::Reject),
    Cancel(approve::Cancel),
    Suspend(suspend::Suspend),
    Resume(suspend::Resume),
    Retry(retry::Retry),
    Redo(redo::Redo),
    Release(release::Release),
    Status(status::Status),
    Watch(watch::Watch),
    Stats(stats::Stats),
    Report(report::Write),
    Doctor(doctor::Doctor),
    Completion(completion::Completion),
    Man(manual::Man),
}

/// Runs the command line of this process.
#[must_use]
pub fn main() -> ExitCode {
    let screen = Screen::detect();
    if let Some(exit) = completion::answer(screen) {
        return exit.into();
    }
    let matches = command(screen.can_ask).get_matches();
    let cli = Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            screen.note_in(Tone::Bad, &format!("error: cannot start: {error}"));
            return Exit::Failed.into();
        }
    };
    let outcome = runtime.block_on(run(cli, screen));
    // A question that nobody answered must not keep the process.
    runtime.shutdown_background();
    match outcome {
        Ok(exit) => exit.into(),
        Err(error) => {
            screen.note_in(Tone::Bad, &format!("error: {error}"));
            error.exit.into()
        }
    }
}

/// The command line. Where a person can be asked, what to undo need not be given.
fn command(can_ask: bool) -> Command {
    let relaxed = |verb: Command| verb.mut_group("what", |group| group.required(!can_ask));
    Cli::command().mut_subcommand("plan", relaxed).mut_subcommand("apply", relaxed)
}

async fn run(cli: Cli, screen: Screen) -> Result<Exit, CliError> {
    let Cli { verb, connection } = cli;
    if connection.all_namespaces
        && !matches!(verb, Verb::Operations(_) | Verb::Export(_) | Verb::Status(_) | Verb::Stats(_))
    {
        return Err(CliError::usage("-A is for commands that list; name the namespace with -n"));
    }
    match verb {
        Verb::Import(verb) => import::run(verb, &connection, screen).await,
        Verb::Export(verb) => export::run(&verb, &connection, screen).await,
        Verb::Operations(verb) => operations::run(&verb, &connection, screen).await,
        Verb::Plan(verb) => plan::run(verb, &connection, screen).await,
        Verb::Apply(verb) => apply::run(verb, &connection, screen).await,
        Verb::Approve(verb) => approve::approve(&verb, &connection, screen).await,
        Verb::Reject(verb) => approve::reject(&verb, &connection, screen).await,
        Verb::Cancel(verb) => approve::cancel(&verb, &connection, screen).await,
        Verb::Suspend(verb) => suspend::suspend(&verb, &connection, screen).await,
        Verb::Resume(verb) => suspend::resume(&verb, &connection, screen).await,
        Verb::Retry(verb) => retry::run(verb, &connection, screen).await,
        Verb::Redo(verb) => redo::run(verb, &connection, screen).await,
        Verb::Release(verb) => release::run(&verb, &connection, screen).await,
        Verb::Watch(verb) => watch::run(&verb, &connection, screen).await,
        Verb::Stats(verb) => stats::run(&verb, &connection, screen).await,
        Verb::Report(verb) => report::run(&verb, &connection, screen).await,
        Verb::Completion(verb) => completion::run(&verb, screen),
        Verb::Man(verb) => manual::run(&verb, screen),
        Verb::Doctor(verb) => doctor::run(&verb, &connection, screen).await,
        Verb::Status(verb) => status::run(&verb, &connection, screen).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent_and_every_verb_has_examples() {
        let mut command = Cli::command();
        command.clone().debug_assert();
        command.build();
        for verb in command.get_subcommands_mut() {
            let help = verb.render_long_help().to_string();
            assert!(help.contains("Examples:"), "{} has no examples:\n{help}", verb.get_name());
            assert!(help.contains("kubectl rollback "), "{help}");
        }
    }

    #[test]
    fn operations_are_given_by_name_or_by_criteria() {
        for line in [
            "kubectl-rollback plan x y",
            "kubectl-rollback plan --actor alice --from 2h",
            "kubectl-rollback plan --rollback y",
            "kubectl-rollback apply -t Assign -t copy --account 061836611202 --last 3",
            "kubectl-rollback apply -l team=a",
            "kubectl-rollback status",
            "kubectl-rollback status -A -o csv",
            "kubectl-rollback redo undo --name put-back --wait=false",
            "kubectl-rollback release undo --lease a/b --yes",
            "kubectl-rollback approve rollback.identitycenter.dev/undo",
            "kubectl-rollback plan --rollback rollback.identitycenter.dev/undo",
            "kubectl-rollback operations --type CopyAssignments --since 2h --limit 3",
        ] {
            let parsed = Cli::try_parse_from(line.split(' '));
            assert!(parsed.is_ok(), "{line}: {}", parsed.unwrap_err());
        }
    }

    #[test]
    fn without_anything_to_undo_the_criteria_are_named() {
        for verb in ["plan", "apply"] {
            let line = ["kubectl-rollback", verb];
            let error = command(false).try_get_matches_from(line).unwrap_err().to_string();
            for way in ["OPERATION", "--actor <TEXT>", "--from <TIME>", "--last <COUNT>"] {
                assert!(error.contains(way), "{verb} does not name {way}: {error}");
            }
            assert!(command(true).try_get_matches_from(line).is_ok(), "they can be picked");
            let line = ["kubectl-rollback", verb, "x", "--actor", "alice"];
            assert!(command(true).try_get_matches_from(line).is_err());
        }
    }

    #[test]
    fn wrong_command_lines_are_usage_errors() {
        for line in [
            "kubectl-rollback explode",
            "kubectl-rollback plan",
            "kubectl-rollback operations --since yesterday",
            "kubectl-rollback operations --account 12",
            "kubectl-rollback operations -n a -A",
            "kubectl-rollback operations --open --rolled-back",
            "kubectl-rollback plan x --rollback y",
            "kubectl-rollback plan x --actor alice",
            "kubectl-rollback plan --actor alice --rollback y",
            "kubectl-rollback apply --from 2h x",
            "kubectl-rollback apply --last 0",
            "kubectl-rollback apply --type grant",
            "kubectl-rollback apply",
            "kubectl-rollback apply x --timeout soon",
            "kubectl-rollback status --watch",
            "kubectl-rollback watch",
            "kubectl-rollback watch operationrecord.identitycenter.dev/undo",
            "kubectl-rollback release undo --lease a",
            "kubectl-rollback import awsideman . --timezone Mars/Olympus",
            "kubectl-rollback import awsideman . --instance-arn arn:aws:sso:::instance/ssoins-grrwdwht9b3hswl7",
        ] {
            let error = Cli::try_parse_from(line.split(' ')).unwrap_err();
            assert_eq!(error.exit_code(), 2, "{line}: {error}");
        }
    }
}
