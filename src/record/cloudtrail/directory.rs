//! Finding the files of a trail.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::record::files::{ReadError, is_directory, names_in, own_name};

/// Directories beside the events that hold none: digests prove that files are unchanged, insights
/// sum up.
const OTHERS: [&str; 2] = ["CloudTrail-Digest", "CloudTrail-Insight"];
/// How deep a trail lies in its bucket: `AWSLogs/<organization>/<account>/CloudTrail/<region>/…`,
/// with a prefix before it.
const DEEPEST: usize = 20;

/// All files of events in `path`, with the names that reports give them, in a fixed order. A single
/// file is taken whatever its name is.
pub fn find_files(path: &Path) -> Result<Vec<(PathBuf, String)>, ReadError> {
    if fs::metadata(path).map_err(ReadError::at(path))?.is_file() {
        return Ok(vec![(path.to_owned(), own_name(path))]);
    }
    let mut found = Vec::new();
    walk(path, "", &mut Vec::new(), &mut found)?;
    Ok(found)
}

fn walk(
    directory: &Path,
    shown: &str,
    within: &mut Vec<PathBuf>,
    found: &mut Vec<(PathBuf, String)>,
) -> Result<(), ReadError> {
    let fail = ReadError::at(directory);
    let real = fs::canonicalize(directory).map_err(&fail)?;
    if within.contains(&real) {
        return Err(fail(io::Error::other("it is a link to a directory that it lies in")));
    }
    if within.len() > DEEPEST {
        return Err(fail(io::Error::other("it lies too deep for a trail; name a directory below")));
    }
    within.push(real);
    for name in names_in(directory)? {
        let path = directory.join(&name);
        let name = name.to_string_lossy();
        let shown =
            if shown.is_empty() { name.clone().into_owned() } else { format!("{shown}/{name}") };
        if is_directory(&path)? {
            if !OTHERS.contains(&&*name) {
                walk(&path, &shown, within, found)?;
            }
        } else if is_events(&name) {
            found.push((path, shown));
        }
    }
    within.pop();
    Ok(())
}

fn is_events(name: &str) -> bool {
    let name = name.strip_suffix(".gz").unwrap_or(name);
    let kind = Path::new(name).extension();
    kind.is_some_and(|kind| kind == "json" || kind == "jsonl" || kind == "ndjson")
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;

    use super::*;

    #[test]
    fn nothing_in_a_trail_is_passed_over_in_silence() {
        let directory = tempfile::tempdir().unwrap();
        let odd = directory.path().join(OsStr::from_bytes(b"\xff.json"));
        fs::write(&odd, "{}").unwrap();
        let found = find_files(directory.path()).unwrap();
        assert_eq!(found, [(odd, "\u{fffd}.json".to_owned())]);

        let link = directory.path().join("23");
        std::os::unix::fs::symlink(directory.path().join("gone"), &link).unwrap();
        let error = find_files(directory.path()).unwrap_err().to_string();
        assert!(error.contains("/23: it is a link"), "{error}");

        let directory = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(directory.path(), directory.path().join("again")).unwrap();
        let error = find_files(directory.path()).unwrap_err().to_string();
        assert!(error.contains("/again: it is a link to a directory that it lies in"), "{error}");

        let directory = tempfile::tempdir().unwrap();
        let deep: PathBuf = std::iter::repeat_n("d", DEEPEST + 1).collect();
        fs::create_dir_all(directory.path().join(deep)).unwrap();
        let error = find_files(directory.path()).unwrap_err().to_string();
        assert!(error.contains("it lies too deep for a trail"), "{error}");
    }
}
