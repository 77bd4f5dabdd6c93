//! `man`: manual pages, made from the same words as `--help`.

use std::path::PathBuf;

use clap::{Args, CommandFactory as _};

use super::Cli;
use super::error::CliError;
use super::exit::Exit;
use super::screen::Screen;

/// Write manual pages into a directory
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  # Read them with man
  kubectl rollback man ~/.local/share/man/man1
  man kubectl-rollback-plan")]
pub(super) struct Man {
    /// The directory; it is made if it does not exist
    #[arg(value_name = "DIRECTORY", value_hint = clap::ValueHint::DirPath)]
    directory: PathBuf,
}

pub(super) fn run(verb: &Man, screen: Screen) -> Result<Exit, CliError> {
    let directory = &verb.directory;
    let cannot = |error: std::io::Error| {
        CliError::failed(format!(
            "cannot write manual pages into {}: {error}; name a directory that you may write",
            directory.display()
        ))
    };
    std::fs::create_dir_all(directory).map_err(cannot)?;
    clap_mangen::generate_to(Cli::command(), directory).map_err(cannot)?;
    screen.note(&format!("Manual pages are in {}", directory.display()));
    Ok(Exit::Done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_verb_has_a_page_with_its_examples() {
        let directory = std::env::temp_dir().join(format!("manual-{}", std::process::id()));
        let verb = Man { directory: directory.clone() };
        assert_eq!(run(&verb, Screen::SILENT), Ok(Exit::Done));
        let mut command = Cli::command();
        command.build();
        for verb in command.get_subcommands() {
            let page = directory.join(format!("kubectl-rollback-{}.1", verb.get_name()));
            let text = std::fs::read_to_string(&page).unwrap_or_default();
            assert!(text.contains(".SH NAME"), "{} is missing", page.display());
            assert!(text.contains("Examples:"), "{} has no examples", page.display());
        }
        std::fs::remove_dir_all(&directory).unwrap();
    }
}
