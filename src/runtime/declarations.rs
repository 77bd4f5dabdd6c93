//! What an installation declares in files: one `NAME.yaml` for each thing, as a mounted volume
//! shows its keys.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io;
use std::path::Path;

/// The text of each `NAME.yaml` in a directory, by name. Other files are none of our business, and
/// neither are the hidden ones by which a mounted volume changes all of its files at once.
///
/// # Errors
/// When the directory or one of the files cannot be read, or a file is not UTF-8.
pub fn read(directory: &Path) -> io::Result<BTreeMap<String, String>> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(directory)? {
        let path = entry?.path();
        let Some(name) = path.file_stem().and_then(OsStr::to_str) else { continue };
        if path.extension() == Some(OsStr::new("yaml")) && !name.starts_with('.') {
            found.insert(name.to_owned(), std::fs::read_to_string(&path)?);
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_yaml_files_that_are_not_hidden_count() {
        let directory = tempfile::tempdir().unwrap();
        for (file, text) in [("main.yaml", "a: 1"), ("..data.yaml", "x"), ("notes.txt", "x")] {
            std::fs::write(directory.path().join(file), text).unwrap();
        }
        let found = read(directory.path()).unwrap();
        assert_eq!(found.into_iter().collect::<Vec<_>>(), [("main".to_owned(), "a: 1".to_owned())]);
        assert!(read(&directory.path().join("missing")).is_err());
    }
}
