//! White space that says nothing.

/// `text` with every run of white space made one space, and none at the ends.
pub(in crate::document) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
