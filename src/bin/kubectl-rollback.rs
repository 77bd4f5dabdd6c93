//! `kubectl rollback`: the plugin, which also works as a program of its own.

use std::process::ExitCode;

fn main() -> ExitCode {
    rollback_operator::cli::main()
}
