//! The plugin with a person before it: on a pseudo terminal that Python opens.

use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

/// Runs a program on a terminal, says so once the question is there, and types the answer when it
/// is told to.
const TYPIST: &str = r"
import os, pty, sys
question, answer, program = sys.argv[1].encode(), sys.argv[2].encode(), sys.argv[3:]
child, terminal = pty.fork()
if child == 0:
    os.execv(program[0], program)
said = b''
while True:
    try:
        part = os.read(terminal, 4096)
    except OSError:
        break
    if not part:
        break
    before, said = said, said + part
    if question in said and question not in before:
        sys.stdout.buffer.write(b'\0')
        sys.stdout.flush()
        sys.stdin.readline()
        os.write(terminal, answer + b'\n')
sys.stdout.buffer.write(said)
sys.stdout.flush()
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
";

/// Answers the plugin's question once `meanwhile` has run, and gives its exit code and all that was
/// on the terminal.
#[track_caller]
pub fn answered(
    kubeconfig: &Path,
    arguments: &[&str],
    question: &str,
    answer: &str,
    meanwhile: impl FnOnce(),
) -> (i32, String) {
    let mut child = Command::new("python3")
        .args(["-c", TYPIST, question, answer, env!("CARGO_BIN_EXE_kubectl-rollback")])
        .args(arguments)
        .env("KUBECONFIG", kubeconfig)
        .env("NO_COLOR", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdout = child.stdout.take().unwrap();
    let mut first = [1];
    stdout.read_exact(&mut first).unwrap();
    let mut said = String::new();
    if first == [0] {
        meanwhile();
        child.stdin.take().unwrap().write_all(b"\n").unwrap();
    }
    stdout.read_to_string(&mut said).unwrap();
    assert_eq!(first, [0], "it ended without its question: {said}");
    (child.wait().unwrap().code().unwrap(), said)
}
