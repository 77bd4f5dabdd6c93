//! Reading files, compressed or not.

use std::ffi::OsString;
use std::fs::{self, Metadata};
use std::io::{self, ErrorKind, Read as _};
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;

use super::damage::Damage;
use super::report::Tear;

/// The largest file that is read, after decompression. awsideman sets files aside at 50 MB, and
/// `CloudTrail` begins another one every few minutes.
const MAX_BYTES: u64 = 1 << 30;

/// How a compressed file begins.
const GZIP: [u8; 2] = [0x1f, 0x8b];
/// What some programs write before a text in UTF-8.
const BYTE_ORDER_MARK: [u8; 3] = [0xef, 0xbb, 0xbf];

/// One file of a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFile {
    /// Path relative to the directory that was read.
    pub name: String,
    /// Its content, decompressed.
    pub bytes: Vec<u8>,
    /// Why nothing could be decompressed behind `bytes`, where that is so.
    pub torn: Option<String>,
}

impl SourceFile {
    /// A file that was read whole.
    #[must_use]
    pub fn new(name: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Self {
        Self { name: name.into(), bytes: bytes.into(), torn: None }
    }

    /// Where the file is damaged: what its scan found, and where decompressing it ended.
    pub(in crate::record) fn tears(&self, damages: Vec<Damage>) -> impl Iterator<Item = Tear> {
        let torn = self.torn.iter().map(|why| Damage {
            position: self.bytes.len(),
            what: format!("the file cannot be decompressed from here on: {why}"),
        });
        damages.into_iter().chain(torn).map(|Damage { position, what }| Tear {
            file: self.name.clone(),
            position,
            what,
        })
    }
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
    let mut file = SourceFile::new(name, Vec::new());
    let open = fs::File::open(path).map_err(&fail)?;
    open.take(MAX_BYTES + 1).read_to_end(&mut file.bytes).map_err(&fail)?;
    if file.bytes.starts_with(&GZIP) {
        (file.bytes, file.torn) = decompress(&file.bytes);
    }
    if file.bytes.len() as u64 > MAX_BYTES {
        return Err(ReadError::TooLarge { path: path.to_owned() });
    }
    if file.bytes.starts_with(&BYTE_ORDER_MARK) {
        // Space in its place, so that every byte keeps its number.
        file.bytes.iter_mut().take(BYTE_ORDER_MARK.len()).for_each(|byte| *byte = b' ');
    }
    Ok(file)
}

/// The last part of a path, for a file that is given by itself.
#[must_use]
pub fn own_name(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

/// The names in a directory, in order.
pub(in crate::record) fn names_in(directory: &Path) -> Result<Vec<OsString>, ReadError> {
    let fail = ReadError::at(directory);
    let entries = fs::read_dir(directory).map_err(&fail)?;
    let mut names = entries
        .map(|entry| Ok(entry.map_err(&fail)?.file_name()))
        .collect::<Result<Vec<_>, ReadError>>()?;
    names.sort();
    Ok(names)
}

/// What stands at a path, links followed, or that nothing stands there. What may not be looked at,
/// and a link to nothing, is an error: it may hide operations.
pub(in crate::record) fn what_is_at(path: &Path) -> Result<Option<Metadata>, ReadError> {
    let fail = ReadError::at(path);
    match fs::metadata(path) {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind() == ErrorKind::NotFound => match fs::symlink_metadata(path) {
            Ok(_) => Err(fail(io::Error::new(error.kind(), "it is a link to what is not there"))),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(fail(error)),
        },
        Err(error) => Err(fail(error)),
    }
}

/// Whether there is a directory at the path.
pub(in crate::record) fn is_directory(path: &Path) -> Result<bool, ReadError> {
    Ok(what_is_at(path)?.is_some_and(|found| found.is_dir()))
}

/// As much as can be decompressed, and why the rest cannot.
fn decompress(bytes: &[u8]) -> (Vec<u8>, Option<String>) {
    let mut out = Vec::new();
    // `read_to_end` leaves in `out` what it got before an error.
    let read = MultiGzDecoder::new(bytes).take(MAX_BYTES + 1).read_to_end(&mut out);
    (out, read.err().map(|error| error.to_string()))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::write::GzEncoder;

    use super::*;

    fn compressed(text: &str) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(text.as_bytes()).unwrap();
        encoder.finish().unwrap()
    }

    fn read(bytes: &[u8]) -> SourceFile {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a");
        fs::write(&path, bytes).unwrap();
        read_file(&path, "a".to_owned()).unwrap()
    }

    #[test]
    fn what_cannot_be_decompressed_is_said_at_the_byte_where_it_is_missing() {
        let (one, two) = (compressed("one\n"), compressed("two\n"));
        let whole = read(&[one.clone(), two.clone()].concat());
        assert_eq!((whole.bytes.as_slice(), &whole.torn), (&b"one\ntwo\n"[..], &None));
        assert_eq!(whole.tears(Vec::new()).count(), 0);

        let mut wrong_sum = two.clone();
        let sum = wrong_sum.len() - 8;
        wrong_sum[sum] ^= 1;
        for (name, rest, expected) in [
            ("a header alone", &two[..9], "one\n"),
            ("no sum", &two[..two.len() - 8], "one\ntwo\n"),
            ("a wrong sum", &wrong_sum, "one\ntwo\n"),
            ("something else", b"garbage", "one\n"),
        ] {
            let file = read(&[&one, rest].concat());
            assert_eq!(String::from_utf8_lossy(&file.bytes), expected, "{name}");
            let tears: Vec<_> = file.tears(Vec::new()).collect();
            assert_eq!((tears.len(), tears[0].position), (1, expected.len()), "{name}");
            assert!(tears[0].what.contains("cannot be decompressed from here on: "), "{name}");
        }
    }

    #[test]
    fn a_byte_order_mark_is_space() {
        assert_eq!(read(b"\xef\xbb\xbf{}").bytes, b"   {}");
        assert_eq!(read(&compressed("\u{feff}{}")).bytes, b"   {}");
    }

    #[test]
    fn a_link_to_nothing_is_not_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        std::os::unix::fs::symlink(at("gone"), at("dangling")).unwrap();
        std::os::unix::fs::symlink(at("round"), at("round")).unwrap();
        assert!(what_is_at(&at("gone")).unwrap().is_none());
        assert!(is_directory(directory.path()).unwrap());
        let error = is_directory(&at("dangling")).unwrap_err().to_string();
        assert!(error.ends_with("dangling: it is a link to what is not there"), "{error}");
        assert!(is_directory(&at("round")).is_err());
    }
}
