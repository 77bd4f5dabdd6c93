//! Figures for people.

/// One count over another.
#[allow(clippy::cast_precision_loss, reason = "counts of calls are far below 2^52")]
pub fn ratio(count: u64, of: u64) -> f64 {
    count as f64 / of as f64
}

/// A value, or that nobody knows it.
pub fn known(value: Option<String>) -> String {
    value.unwrap_or_else(|| "unknown".to_owned())
}

/// Bytes for people.
pub fn mebibytes(bytes: u64) -> String {
    format!("{:.1} MiB", as_mebibytes(bytes))
}

/// Bytes in mebibytes.
#[allow(clippy::cast_precision_loss, reason = "bytes of memory are far below 2^52")]
pub fn as_mebibytes(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

/// Seconds for people.
pub fn seconds(value: Option<f64>) -> String {
    value.map_or_else(|| "unknown".to_owned(), |value| format!("{value:.1} s"))
}
