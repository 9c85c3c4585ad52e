//! What a line begins with: rules, names of directives and fields, marks of items.

/// A line of one punctuation character, at least three times.
pub(super) fn is_rule(text: &str) -> bool {
    let first = text.chars().next().filter(char::is_ascii_punctuation);
    text.len() >= 3 && first.is_some_and(|first| text.chars().all(|c| c == first))
}

/// The name of a directive: letters, digits and what may stand between.
pub(super) fn is_name(name: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '+' | ':' | '.');
    !name.is_empty() && name.chars().all(is_part)
}

/// The name of a field list's entry, `:name: value`.
pub(super) fn field_name(text: &str) -> Option<&str> {
    let (name, rest) = text.strip_prefix(':')?.split_once(':')?;
    let sound = !name.is_empty() && !name.starts_with(' ') && !name.contains('`');
    (sound && (rest.is_empty() || rest.starts_with(' '))).then_some(name)
}

/// Bytes of the mark that an item of a list begins with, blank included.
pub(super) fn item_mark(text: &str) -> Option<usize> {
    let (mark, _) = text.split_once(' ')?;
    if matches!(mark, "*" | "-" | "+" | "\u{2022}") {
        return Some(mark.len() + 1);
    }
    let label = mark.strip_prefix('(').and_then(|label| label.strip_suffix(')'));
    let label = label.or_else(|| mark.strip_suffix(['.', ')']))?;
    let number = label.len() <= 3 && label.bytes().all(|b| b.is_ascii_digit());
    let letter = label.len() == 1 && label.bytes().all(|b| b.is_ascii_alphabetic());
    (!label.is_empty() && (number || letter || label == "#")).then_some(mark.len() + 1)
}
