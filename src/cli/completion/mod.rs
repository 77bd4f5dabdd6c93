//! `completion`: what makes a shell complete commands, options and live names.
//!
//! Two ways lead here. A shell that completes the program itself calls it with `$COMPLETE` set
//! (`clap_complete`'s engine). kubectl completes `kubectl rollback` by calling
//! `kubectl_complete-rollback`, which has to answer as cobra does, and so calls the program with
//! `__complete`.

pub(super) mod names;

use std::ffi::OsString;

use clap::{Args, CommandFactory as _, ValueEnum};
use clap_complete::engine::complete;
use clap_complete::env::{Bash, CompleteEnv, EnvCompleter, Fish, Zsh};

use super::Cli;
use super::error::CliError;
use super::exit::Exit;
use super::screen::Screen;

const PROGRAM: &str = "kubectl-rollback";
const VARIABLE: &str = "COMPLETE";
/// How kubectl's helper calls the program.
const COBRA: &str = "__complete";
/// Cobra's `ShellCompDirectiveNoFileComp`: where nothing fits, files do not either
/// (<https://pkg.go.dev/github.com/spf13/cobra#ShellCompDirective>).
const NO_FILES: &str = ":4";

/// Print what makes a shell complete commands, options and live names
///
/// Names of Rollbacks and operations are asked of the cluster while you type, for at most two
/// seconds. Read it anew in each shell instead of keeping it in a file: it belongs to this version.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  # For kubectl-rollback, in this shell (zsh alike)
  source <(kubectl rollback completion bash)

  # For fish
  kubectl rollback completion fish | source

  # For `kubectl rollback`, in every shell that completes kubectl: a program on the PATH
  kubectl rollback completion kubectl > ~/.local/bin/kubectl_complete-rollback
  chmod +x ~/.local/bin/kubectl_complete-rollback")]
pub(super) struct Completion {
    /// The shell; or kubectl, for the program that kubectl calls
    #[arg(value_name = "SHELL", value_enum)]
    shell: Shell,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Shell {
    /// bash
    Bash,
    /// zsh
    Zsh,
    /// fish
    Fish,
    /// The program `kubectl_complete-rollback`
    Kubectl,
}

pub(super) fn run(verb: &Completion, screen: Screen) -> Result<Exit, CliError> {
    let mut text = Vec::new();
    let shell: &dyn EnvCompleter = match verb.shell {
        Shell::Bash => &Bash,
        Shell::Zsh => &Zsh,
        Shell::Fish => &Fish,
        Shell::Kubectl => {
            let text = format!("#!/bin/sh\nexec {PROGRAM} {COBRA} \"$@\"\n");
            return screen.print(&text).map(|()| Exit::Done);
        }
    };
    shell
        .write_registration(VARIABLE, PROGRAM, PROGRAM, PROGRAM, &mut text)
        .map_err(|error| CliError::failed(format!("cannot write the completion: {error}")))?;
    screen.print(&String::from_utf8_lossy(&text))?;
    Ok(Exit::Done)
}

/// Answers a shell or kubectl that asks for completions, if one does.
///
/// Gives the exit code then, and nothing where this is a usual call.
pub(super) fn answer(screen: Screen) -> Option<Exit> {
    let current = std::env::current_dir().ok();
    let environment = CompleteEnv::with_factory(Cli::command).var(VARIABLE).bin(PROGRAM);
    match environment.try_complete(std::env::args_os(), current.as_deref()) {
        Ok(false) => {}
        Ok(true) => return Some(Exit::Done),
        Err(_) => return Some(Exit::Failed),
    }
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next()? != COBRA {
        return None;
    }
    let printed = screen.print(&as_cobra(arguments.collect()));
    Some(printed.map_or(Exit::Failed, |()| Exit::Done))
}

/// Candidates for the last of these words, one a line with its help after a tab, and the directive.
fn as_cobra(words: Vec<OsString>) -> String {
    let mut words: Vec<OsString> = std::iter::once(PROGRAM.into()).chain(words).collect();
    if words.len() == 1 {
        words.push(OsString::new());
    }
    let last = words.len() - 1;
    let current = std::env::current_dir().ok();
    let found = complete(&mut Cli::command(), words, last, current.as_deref());
    let mut text = String::new();
    for candidate in found.unwrap_or_default() {
        if candidate.is_hide_set() {
            continue;
        }
        text.push_str(&candidate.get_value().to_string_lossy());
        if let Some(help) = candidate.get_help() {
            let help = help.to_string();
            text.push('\t');
            text.push_str(help.lines().next().unwrap_or_default());
        }
        text.push('\n');
    }
    text + NO_FILES + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn completed(line: &[&str]) -> Vec<String> {
        let text = as_cobra(line.iter().map(OsString::from).collect());
        assert!(text.ends_with("\n:4\n") || text == ":4\n", "{text}");
        text.lines().map(|line| line.split('\t').next().unwrap().to_owned()).collect()
    }

    #[test]
    fn verbs_options_and_values_are_completed_as_cobra_answers() {
        assert_eq!(completed(&["wat"]), ["watch", ":4"]);
        assert_eq!(completed(&["res"]), ["resume", ":4"]);
        assert!(completed(&[""]).contains(&"operations".to_owned()));
        assert_eq!(completed(&["status", "-o", "j"]), ["json", ":4"]);
        assert!(completed(&["plan", "--det"]).contains(&"--detailed-exitcode".to_owned()));
        assert_eq!(completed(&["completion", "f"]), ["fish", ":4"]);
        assert!(as_cobra(vec!["watc".into()]).starts_with("watch\tFollow a Rollback to its end\n"));
    }
}
