//! Finding the files of a trail.

use std::fs;
use std::path::{Path, PathBuf};

use crate::record::files::{ReadError, names_in, own_name};

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
    walk(path, "", 0, &mut found)?;
    Ok(found)
}

fn walk(
    directory: &Path,
    shown: &str,
    depth: usize,
    found: &mut Vec<(PathBuf, String)>,
) -> Result<(), ReadError> {
    for name in names_in(directory)? {
        let path = directory.join(&name);
        let shown = if shown.is_empty() { name.clone() } else { format!("{shown}/{name}") };
        if path.is_dir() {
            if depth < DEEPEST && !OTHERS.contains(&name.as_str()) {
                walk(&path, &shown, depth + 1, found)?;
            }
        } else if is_events(&name) {
            found.push((path, shown));
        }
    }
    Ok(())
}

fn is_events(name: &str) -> bool {
    let name = name.strip_suffix(".gz").unwrap_or(name);
    let kind = Path::new(name).extension();
    kind.is_some_and(|kind| kind == "json" || kind == "jsonl" || kind == "ndjson")
}
