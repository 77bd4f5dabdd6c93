//! Finding and reading the files of a store.

use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;

use super::StoreFile;

/// The largest file that is read, after decompression. awsideman sets files aside at 50 MB.
const MAX_BYTES: u64 = 1 << 30;

/// Why a directory cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum DirectoryError {
    /// A file or directory cannot be read.
    #[error("cannot read {path}: {source}", path = path.display())]
    Io {
        /// Which one.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file is too large.
    #[error("{path} is larger than 1 GiB; split it first", path = path.display())]
    TooLarge {
        /// Which one.
        path: PathBuf,
    },
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
pub fn read_directory(path: &Path, profiles: &[String]) -> Result<Vec<StoreFile>, DirectoryError> {
    let fail = |path: &Path| {
        let path = path.to_owned();
        move |source| DirectoryError::Io { path, source }
    };
    if fs::metadata(path).map_err(fail(path))?.is_file() {
        let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        return Ok(vec![StoreFile { name, bytes: read_file(path)? }]);
    }
    let mut files = Vec::new();
    for name in store_files(path)? {
        files.push(StoreFile { bytes: read_file(&path.join(&name))?, name });
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
            let bytes = read_file(&directory.join(&name))?;
            files.push(StoreFile { name: format!("profiles/{profile}/{name}"), bytes });
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
fn store_files(directory: &Path) -> Result<Vec<String>, DirectoryError> {
    let mut names = names_in(directory)?;
    names.retain(|name| {
        let stem = name.strip_suffix(".gz").unwrap_or(name).strip_suffix(".json");
        let fits = stem.is_some_and(|stem| stem == "operations" || stem.starts_with("operations_"));
        fits && directory.join(name).is_file()
    });
    Ok(names)
}

fn names_in(directory: &Path) -> Result<Vec<String>, DirectoryError> {
    let fail = |source| DirectoryError::Io { path: directory.to_owned(), source };
    let mut names = Vec::new();
    for entry in fs::read_dir(directory).map_err(fail)? {
        if let Ok(name) = entry.map_err(fail)?.file_name().into_string() {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

fn read_file(path: &Path) -> Result<Vec<u8>, DirectoryError> {
    let fail = |source| DirectoryError::Io { path: path.to_owned(), source };
    let mut bytes = Vec::new();
    let file = fs::File::open(path).map_err(fail)?;
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(fail)?;
    if bytes.starts_with(&[0x1f, 0x8b]) {
        bytes = decompress(&bytes);
    }
    if bytes.len() as u64 > MAX_BYTES {
        return Err(DirectoryError::TooLarge { path: path.to_owned() });
    }
    Ok(bytes)
}

/// As much as can be decompressed: where the rest is lost, the operations end early and say so.
fn decompress(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    // `read_to_end` leaves in `out` what it got before an error.
    let _ = MultiGzDecoder::new(bytes).take(MAX_BYTES + 1).read_to_end(&mut out);
    out
}
