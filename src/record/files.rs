//! Reading files, compressed or not.

use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;

/// The largest file that is read, after decompression. awsideman sets files aside at 50 MB, and
/// `CloudTrail` begins another one every few minutes.
const MAX_BYTES: u64 = 1 << 30;

/// One file of a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFile {
    /// Path relative to the directory that was read.
    pub name: String,
    /// Its content, decompressed.
    pub bytes: Vec<u8>,
}

/// Why a file cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
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
}

impl ReadError {
    /// What turns an error of the system into one about this path.
    pub(in crate::record) fn at(path: &Path) -> impl Fn(io::Error) -> Self + use<> {
        let path = path.to_owned();
        move |source| Self::Io { path: path.clone(), source }
    }
}

/// Reads one file under the name that reports give it.
pub fn read_file(path: &Path, name: String) -> Result<SourceFile, ReadError> {
    let fail = ReadError::at(path);
    let mut bytes = Vec::new();
    let file = fs::File::open(path).map_err(&fail)?;
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(&fail)?;
    if bytes.starts_with(&[0x1f, 0x8b]) {
        bytes = decompress(&bytes);
    }
    if bytes.len() as u64 > MAX_BYTES {
        return Err(ReadError::TooLarge { path: path.to_owned() });
    }
    Ok(SourceFile { name, bytes })
}

/// The last part of a path, for a file that is given by itself.
#[must_use]
pub fn own_name(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

/// The names in a directory that can be written, in order.
pub(in crate::record) fn names_in(directory: &Path) -> Result<Vec<String>, ReadError> {
    let fail = ReadError::at(directory);
    let mut names = Vec::new();
    for entry in fs::read_dir(directory).map_err(&fail)? {
        if let Ok(name) = entry.map_err(&fail)?.file_name().into_string() {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

/// As much as can be decompressed: where the rest is lost, the operations end early and say so.
fn decompress(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    // `read_to_end` leaves in `out` what it got before an error.
    let _ = MultiGzDecoder::new(bytes).take(MAX_BYTES + 1).read_to_end(&mut out);
    out
}
