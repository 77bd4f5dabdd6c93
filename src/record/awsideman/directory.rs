//! Finding and reading the files of a store.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use crate::record::files::{
    ReadError, SourceFile, is_directory, names_in, own_name, read_file, what_is_at,
};

/// Why a directory cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum DirectoryError {
    /// A file or directory cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// There is no store.
    #[error(
        "{path} holds no awsideman store: neither operations.json nor \
         profiles/<profile>/operations.json; awsideman keeps it in ~/.awsideman/operations",
        path = path.display()
    )]
    NoStore {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// A profile has no store.
    #[error("{path} has no store of the profile {profile:?}", path = path.display())]
    NoProfile {
        /// Where it was looked for.
        path: PathBuf,
        /// The profile.
        profile: String,
    },
}

/// Reads all files of operations in `path` and in its `profiles/*`, in a fixed order.
///
/// With `profiles`, only these are read, and still the files at the top: copies and clones of every
/// profile are recorded there. A single file may be given as well.
pub fn read_directory(path: &Path, profiles: &[String]) -> Result<Vec<SourceFile>, DirectoryError> {
    if fs::metadata(path).map_err(ReadError::at(path))?.is_file() {
        return Ok(vec![read_file(path, own_name(path))?]);
    }
    let mut files = Vec::new();
    for name in store_files(path)? {
        files.push(read_file(&path.join(&name), name.to_string_lossy().into_owned())?);
    }
    let root = path.join("profiles");
    let mut found = if is_directory(&root)? { names_in(&root)? } else { Vec::new() };
    found.retain(|name| profiles.is_empty() || profiles.iter().any(|profile| name == &**profile));
    let mut read = Vec::new();
    for profile in found {
        let directory = root.join(&profile);
        if !is_directory(&directory)? {
            continue;
        }
        let names = store_files(&directory)?;
        if names.is_empty() {
            continue;
        }
        for name in names {
            let (profile, shown) = (profile.to_string_lossy(), name.to_string_lossy());
            let shown = format!("profiles/{profile}/{shown}");
            files.push(read_file(&directory.join(&name), shown)?);
        }
        read.push(profile);
    }
    let inner = path.join("operations");
    if files.is_empty() && is_directory(&inner)? {
        return read_directory(&inner, profiles);
    }
    let missing = profiles.iter().find(|profile| read.iter().all(|name| name != &***profile));
    if let Some(missing) = missing {
        return Err(DirectoryError::NoProfile { path: path.to_owned(), profile: missing.clone() });
    }
    if files.is_empty() {
        return Err(DirectoryError::NoStore { path: path.to_owned() });
    }
    Ok(files)
}

/// `operations.json` and what was set aside or compressed beside it.
fn store_files(directory: &Path) -> Result<Vec<OsString>, ReadError> {
    let mut files = Vec::new();
    for name in names_in(directory)? {
        let shown = name.to_string_lossy();
        let plain = shown.strip_suffix(".gz").unwrap_or(&shown);
        let stem = plain.strip_suffix(".json");
        let fits = stem.is_some_and(|stem| stem == "operations" || stem.starts_with("operations_"))
            // Where the store is compressed, what is set aside keeps the inner ending.
            || (plain != shown && plain.starts_with("operations.json_"));
        if fits && what_is_at(&directory.join(&name))?.is_some_and(|found| found.is_file()) {
            files.push(name);
        }
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStrExt as _;
    use std::os::unix::fs::symlink;

    use super::*;

    /// A store with the profile `a`.
    fn store() -> tempfile::TempDir {
        let directory = tempfile::tempdir().unwrap();
        let profile = directory.path().join("profiles/a");
        fs::create_dir_all(&profile).unwrap();
        fs::write(profile.join("operations.json"), "{}").unwrap();
        directory
    }

    fn names(files: &[SourceFile]) -> Vec<&str> {
        files.iter().map(|file| file.name.as_str()).collect()
    }

    #[test]
    fn a_profile_or_file_that_cannot_be_looked_into_is_an_error() {
        for link in ["profiles/b", "profiles/a/operations_1.json", "operations.json.gz"] {
            let directory = store();
            symlink(directory.path().join("gone"), directory.path().join(link)).unwrap();
            let error = read_directory(directory.path(), &[]).unwrap_err().to_string();
            assert!(error.starts_with("cannot read ") && error.contains(link), "{error}");
        }
        let directory = store();
        symlink(directory.path().join("gone"), directory.path().join("profiles/b")).unwrap();
        let files = read_directory(directory.path(), &["a".to_owned()]).unwrap();
        assert_eq!(names(&files), ["profiles/a/operations.json"], "the other was not asked for");
    }

    #[test]
    fn what_is_set_aside_or_compressed_is_of_the_store() {
        let directory = store();
        let profile = directory.path().join("profiles/a");
        let set_aside = [
            "operations.json.gz",
            "operations.json_20261123_205039.gz",
            "operations_20261123_205039.json",
            "operations_20261123_205039.json.gz",
        ];
        let others =
            ["operations.json_20261123", "operations.json.lock", "operations2.json", "notes.json"];
        for name in set_aside.iter().chain(&others) {
            fs::write(profile.join(name), "{}").unwrap();
        }
        let files = read_directory(directory.path(), &[]).unwrap();
        let mut expected: Vec<String> =
            set_aside.iter().map(|name| format!("profiles/a/{name}")).collect();
        expected.push("profiles/a/operations.json".to_owned());
        expected.sort_unstable();
        let mut found = names(&files);
        found.sort_unstable();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_name_that_is_not_utf_8_hides_nothing() {
        let directory = store();
        let profile = directory.path().join("profiles").join(std::ffi::OsStr::from_bytes(b"b\xff"));
        fs::create_dir_all(&profile).unwrap();
        fs::write(profile.join("operations.json"), "{}").unwrap();
        let files = read_directory(directory.path(), &[]).unwrap();
        let expected = ["profiles/a/operations.json", "profiles/b\u{fffd}/operations.json"];
        assert_eq!(names(&files), expected);
    }
}
