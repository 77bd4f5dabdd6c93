//! A Git repository that a test commits to, and a server that Flux clones it from.

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use super::support::{Finished, guard};
use super::tools;

/// Serves every repository below a directory.
pub struct Server {
    child: Child,
    root: PathBuf,
    url: String,
}

impl Server {
    /// The one of all tests.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Server> = OnceLock::new();
        SHARED.get_or_init(|| {
            let root = guard::directory("git");
            let mut child = Command::new(tools::directory().join("git-server"))
                .arg(&root)
                .stdin(Stdio::null())
                .stdout(Stdio::piped())
                .spawn()
                .unwrap();
            guard::process(child.id());
            let mut url = String::new();
            BufReader::new(child.stdout.take().unwrap()).read_line(&mut url).unwrap();
            Self { child, root, url: url.trim().to_owned() }
        })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        guard::done(self.child.id());
    }
}

/// A repository with a work tree.
pub struct Repository {
    work_tree: PathBuf,
    pub url: String,
}

impl Repository {
    /// An empty one on the server.
    pub fn new(name: &str) -> Self {
        let server = Server::shared();
        let bare = server.root.join(format!("{name}.git"));
        let work_tree = guard::directory("work-tree");
        let repository = Self { work_tree, url: format!("{}/{name}.git", server.url) };
        let bare = bare.to_str().unwrap();
        repository.git(&["init", "--quiet", "--bare", "--initial-branch=main", bare]);
        repository.git(&["init", "--quiet", "--initial-branch=main", "."]);
        repository.git(&["remote", "add", "origin", bare]);
        repository
    }

    /// Writes a file.
    pub fn write(&self, path: &str, text: &str) {
        let file = self.work_tree.join(path);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, text).unwrap();
    }

    /// Removes a file.
    pub fn remove(&self, path: &str) {
        std::fs::remove_file(self.work_tree.join(path)).unwrap();
    }

    /// Commits all that was changed and pushes it; gives the revision as Flux writes it.
    #[track_caller]
    pub fn commit(&self, message: &str) -> String {
        self.git(&["add", "--all"]);
        let author = ["-c", "user.name=test", "-c", "user.email=test@example.com"];
        let commit = ["commit", "--quiet", "--allow-empty", "--message", message];
        self.git(&[author.as_slice(), &commit].concat());
        self.git(&["push", "--quiet", "origin", "main"]);
        format!("main@sha1:{}", self.git(&["rev-parse", "HEAD"]).trim())
    }

    #[track_caller]
    fn git(&self, arguments: &[&str]) -> String {
        let mut command = Command::new("git");
        command.current_dir(&self.work_tree).args(arguments);
        command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
        Finished::run(&mut command, "").succeeded().stdout
    }
}
