//! A terminal with the plugin in it, and what stands on its screen.

use std::io::{Read as _, Write as _};
use std::num::NonZeroU16;
use std::path::Path;
use std::process::Child;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use pty_process::Size;
use pty_process::blocking::{Command, Pty, open};
use regex_lite::Regex;
use rustix::termios::{LocalModes, tcgetattr};

use super::support::place::{PATIENCE, Place};
use super::support::wait_for;

const ROWS: u16 = 40;
const COLUMNS: u16 = 120;

/// What the program wrote, as it came and as it stands on the screen.
struct Seen {
    written: Vec<u8>,
    emulator: vt100::Parser,
}

/// A running plugin whose standard input, output and error are one terminal.
pub struct Terminal {
    pty: Arc<Pty>,
    child: Child,
    seen: Arc<Mutex<Seen>>,
    reader: Option<JoinHandle<()>>,
}

/// How the program left the terminal.
pub struct Left {
    /// The exit code.
    pub code: Option<i32>,
    /// What stands on the screen.
    pub screen: String,
    /// Whether a line is echoed and read as a whole, the cursor is to be seen, and nothing is marked
    /// as pasted: as a shell expects it.
    pub is_clean: bool,
    /// The sequences that set colours and the like.
    pub styles: Vec<String>,
}

impl Terminal {
    /// Starts the plugin in the namespace of a place.
    pub fn start(place: &Place, arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        let arguments = [arguments, &["-n", &place.namespace]].concat();
        Self::open(place.cluster.control_plane.kubeconfig(), &arguments, environment)
    }

    fn open(kubeconfig: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        let (pty, pts) = open().unwrap();
        pty.resize(Size::new(ROWS, COLUMNS)).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_kubectl-rollback"))
            .args(arguments)
            .env("KUBECONFIG", kubeconfig)
            .env("TERM", "xterm-256color");
        for name in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "CI"] {
            command = command.env_remove(name);
        }
        let child = command.envs(environment.iter().copied()).spawn(pts).unwrap();
        let size = |cells| NonZeroU16::new(cells).unwrap();
        let emulator = vt100::Parser::new(size(ROWS), size(COLUMNS), 0);
        let seen = Arc::new(Mutex::new(Seen { written: Vec::new(), emulator }));
        let pty = Arc::new(pty);
        let reader = thread::spawn({
            let (pty, seen) = (Arc::clone(&pty), Arc::clone(&seen));
            move || read(&pty, &seen)
        });
        Self { pty, child, seen, reader: Some(reader) }
    }

    /// What stands on the screen.
    pub fn screen(&self) -> String {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.emulator.screen().contents()
    }

    /// Waits until the screen shows something.
    #[track_caller]
    pub fn wait(&self, what: &str, shown: impl Fn(&str) -> bool) {
        let found = wait_for(&format!("{what} on the screen"), PATIENCE, || {
            let screen = self.screen();
            (shown(&screen) || self.is_over()).then_some(screen)
        });
        assert!(shown(&found), "it ended without {what}:\n{found}");
    }

    /// Waits until the screen shows a text.
    #[track_caller]
    pub fn wait_text(&self, text: &str) {
        self.wait(&format!("`{text}`"), |screen| screen.contains(text));
    }

    fn is_over(&self) -> bool {
        self.reader.as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// Presses keys.
    pub fn press(&self, keys: &str) {
        (&*self.pty).write_all(keys.as_bytes()).unwrap();
    }

    /// Waits for the end.
    #[track_caller]
    pub fn end(mut self) -> Left {
        let code = wait_for("the plugin to end", PATIENCE, || {
            self.child.try_wait().unwrap().map(|status| status.code())
        });
        self.reader.take().unwrap().join().unwrap();
        let modes = tcgetattr(&*self.pty).unwrap().local_modes;
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let screen = seen.emulator.screen();
        let written = String::from_utf8_lossy(&seen.written);
        let style = Regex::new("\u{1b}\\[[0-9;:]*m").unwrap();
        Left {
            code,
            screen: screen.contents(),
            is_clean: modes.contains(LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG)
                && !screen.hide_cursor()
                && !screen.bracketed_paste()
                && !screen.alternate_screen()
                && screen.cursor_position().1 == 0,
            styles: style.find_iter(&written).map(|found| found.as_str().to_owned()).collect(),
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("--- the screen\n{}", self.screen());
        }
        // Of a program that is over already there is nothing left to end.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Answers the plugin's question once `meanwhile` has run, and gives its exit code and what stands on
/// the screen in the end.
#[track_caller]
pub fn answered(
    kubeconfig: &Path,
    arguments: &[&str],
    question: &str,
    answer: &str,
    meanwhile: impl FnOnce(),
) -> (i32, String) {
    let terminal = Terminal::open(kubeconfig, arguments, &[("NO_COLOR", "1")]);
    terminal.wait_text(question);
    meanwhile();
    terminal.press(&format!("{answer}\r"));
    let left = terminal.end();
    (left.code.unwrap(), left.screen)
}

/// Reads until the program, the only holder of the other end, is over.
fn read(pty: &Pty, seen: &Mutex<Seen>) {
    let mut buffer = [0; 4096];
    while let Ok(length @ 1..) = (&*pty).read(&mut buffer) {
        let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.written.extend_from_slice(&buffer[..length]);
        seen.emulator.process(&buffer[..length]);
    }
}
