//! Finding and reading the files of a store.

use std::fs;
use std::path::{Path, PathBuf};

use crate::record::files::{ReadError, SourceFile, names_in, own_name, read_file};

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
        files.push(read_file(&path.join(&name), name)?);
    }
    let root = path.join("profiles");
    let mut found = if root.is_dir() { names_in(&root)? } else { Vec::new() };
    found.retain(|profile| root.join(profile).is_dir());
    if let Some(missing) = profiles.iter().find(|profile| !found.contains(profile)) {
        return Err(DirectoryError::NoProfile { path: path.to_owned(), profile: missing.clone() });
    }
    found.retain(|profile| profiles.is_empty() || profiles.contains(profile));
    for profile in found {
        let directory = root.join(&profile);
        for name in store_files(&directory)? {
            let shown = format!("profiles/{profile}/{name}");
            files.push(read_file(&directory.join(&name), shown)?);
        }
    }
    if files.is_empty() {
        let inner = path.join("operations");
        if inner.is_dir() {
            return read_directory(&inner, profiles);
        }
        return Err(DirectoryError::NoStore { path: path.to_owned() });
    }
    Ok(files)
}

/// `operations.json` and what was set aside or compressed beside it.
fn store_files(directory: &Path) -> Result<Vec<String>, ReadError> {
    let mut names = names_in(directory)?;
    names.retain(|name| {
        let stem = name.strip_suffix(".gz").unwrap_or(name).strip_suffix(".json");
        let fits = stem.is_some_and(|stem| stem == "operations" || stem.starts_with("operations_"));
        fits && directory.join(name).is_file()
    });
    Ok(names)
}
