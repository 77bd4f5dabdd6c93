//! Lines that fit a terminal, broken between words.

use super::screen::columns;

/// How far the rest of a broken line is set in, from where the line begins.
const HANG: usize = 4;
/// Labels that stand in columns are at most so wide together; the rest goes below what they label.
const LABELS: usize = 24;
/// What is to be pasted as a whole, which a line break in it would prevent. The terminal breaks it.
const PASTED: &str = "kubectl ";

/// The text with lines of at most so many columns. Words are never cut, because many are ids;
/// without a width nothing changes.
#[must_use]
pub fn wrap(text: &str, width: Option<usize>) -> String {
    let Some(width) = width else { return text.to_owned() };
    let mut wrapped = String::with_capacity(text.len());
    for line in text.lines() {
        if columns(line) <= width || line.contains(PASTED) {
            wrapped.push_str(line);
        } else {
            broken(line, width, &mut wrapped);
        }
        wrapped.push('\n');
    }
    wrapped
}

fn broken(line: &str, width: usize, wrapped: &mut String) {
    let hang = " ".repeat(hang(line));
    let mut used = 0;
    // The spaces before a word belong to it: they align columns.
    let mut rest = line;
    while !rest.is_empty() {
        let spaces = rest.len() - rest.trim_start_matches(' ').len();
        let end = rest.get(spaces..).and_then(|word| word.find(' '));
        let (word, after) = rest.split_at(end.map_or(rest.len(), |end| spaces + end));
        rest = after;
        let bare = word.trim_start_matches(' ');
        if used > hang.len() && !bare.is_empty() && used + columns(word) > width {
            wrapped.push('\n');
            wrapped.push_str(&hang);
            wrapped.push_str(bare);
            used = hang.len() + columns(bare);
        } else {
            wrapped.push_str(word);
            used += columns(word);
        }
    }
}

fn hang(line: &str) -> usize {
    let indent = line.len() - line.trim_start().len();
    let mut hang = indent + HANG;
    for (index, character) in line.char_indices().filter(|(index, _)| *index > indent) {
        let before = line.get(..index).unwrap_or_default();
        if character != ' ' && before.ends_with("  ") && columns(before) <= LABELS {
            hang = columns(before);
        }
    }
    hang
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_broken_between_words_and_set_in() {
        let text = "Warnings\n  - sessions that are open now\n";
        assert_eq!(wrap(text, None), text);
        assert_eq!(wrap(text, Some(30)), text);
        assert_eq!(wrap(text, Some(20)), "Warnings\n  - sessions that\n      are open now\n");
        assert_eq!(wrap("  an-id-that-is-long x\n", Some(8)), "  an-id-that-is-long\n      x\n");
    }

    #[test]
    fn the_rest_goes_below_what_is_labelled_and_a_long_word_keeps_its_label() {
        assert_eq!(
            wrap("good     cluster   Kubernetes answers slowly\n", Some(34)),
            format!("good     cluster   Kubernetes\n{:19}answers slowly\n", "")
        );
        assert_eq!(wrap("  digest       sha256:7f83\n", Some(20)), "  digest       sha256:7f83\n");
    }

    #[test]
    fn colours_take_no_room_and_commands_stay_whole() {
        let painted = "\u{1b}[31mno\u{1b}[0m access\n";
        assert_eq!(wrap(painted, Some(9)), painted);
        let command = "  kubectl rollback approve undo -n access\n";
        assert_eq!(wrap(command, Some(10)), command);
    }
}
