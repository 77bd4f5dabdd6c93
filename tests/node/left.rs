//! What a node may leave on its machine.

use std::fs;
use std::path::Path;

/// Mounts, processes, network devices and control groups that bear the name of a node of these tests.
pub fn found() -> Vec<String> {
    const NAME: &str = "rollback-operator-node-";
    let mut found = Vec::new();
    let mounts = fs::read_to_string("/proc/mounts").unwrap();
    found.extend(mounts.lines().filter(|line| line.contains(NAME)).map(str::to_owned));
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let words = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let words = String::from_utf8_lossy(&words).replace('\0', " ");
        if words.contains(NAME) {
            found.push(words);
        }
    }
    let groups = Path::new("/sys/fs/cgroup");
    let controllers = fs::read_dir(groups).unwrap().flatten().map(|entry| entry.path());
    for controller in std::iter::once(groups.to_owned()).chain(controllers) {
        for entry in fs::read_dir(controller).into_iter().flatten().flatten() {
            if entry.file_name().to_string_lossy().starts_with(NAME) {
                found.push(entry.path().display().to_string());
            }
        }
    }
    found.extend(Path::new("/sys/class/net/cni0").exists().then(|| "cni0".to_owned()));
    found.sort();
    found
}
