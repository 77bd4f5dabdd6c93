//! Places where a file is damaged, and finding one's way around them.

/// One damaged place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    /// Byte at which the damage shows.
    pub position: usize,
    /// What is lost there.
    pub what: String,
}

/// The next place, from `from` on, that holds no white space.
pub fn skip_space(bytes: &[u8], from: usize) -> usize {
    let rest = bytes.get(from..).unwrap_or_default();
    let space = rest.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
    from.saturating_add(space).min(bytes.len())
}

/// Where some bytes stand, from `from` on.
pub fn find(bytes: &[u8], from: usize, what: &[u8]) -> Option<usize> {
    let rest = bytes.get(from..)?;
    rest.windows(what.len()).position(|window| window == what).map(|at| from + at)
}

/// The byte that a parse error points to: its line and column count bytes from 1.
pub fn position_of(bytes: &[u8], error: &serde_json::Error) -> usize {
    let mut line_start = 0;
    for _ in 1..error.line() {
        let rest = bytes.get(line_start..).unwrap_or_default();
        match rest.iter().position(|byte| *byte == b'\n') {
            Some(end) => line_start += end + 1,
            None => break,
        }
    }
    let at = line_start + error.column();
    if error.is_eof() { bytes.len() } else { at.saturating_sub(1).min(bytes.len()) }
}

/// The parser's words without its line and column, which count from somewhere else.
pub fn message(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.split(" at line ").next().unwrap_or(&text).to_owned()
}
