//! Formulas as text, for cells whose value was never stored.

use super::column;

/// A formula written at one cell as it reads at another, so many rows and columns on: references
/// that are not held by `$` move along (ECMA-376 part 1, 18.3.1.40).
pub(in crate::document) fn moved(formula: &str, columns: i64, rows: i64) -> String {
    let mut out = String::new();
    let mut rest = formula;
    while let Some(c) = rest.chars().next() {
        let quoted = matches!(c, '"' | '\'');
        let is_word = c.is_alphanumeric() || matches!(c, '$' | '_' | '.' | '\\');
        let end = if quoted {
            rest.get(1..).and_then(|rest| rest.find(c)).map_or(rest.len(), |end| end + 2)
        } else if is_word {
            let inner = |c: char| c.is_alphanumeric() || matches!(c, '$' | '_' | '.' | '\\');
            rest.find(|c| !inner(c)).unwrap_or(rest.len())
        } else {
            c.len_utf8()
        };
        let (word, after) = rest.split_at(end);
        let is_name = quoted || !is_word || after.starts_with(['(', '!']);
        match reference(word, columns, rows).filter(|_| !is_name) {
            Some(reference) => out.push_str(&reference),
            None => out.push_str(word),
        }
        rest = after;
    }
    out
}

/// A reference such as `B$12`, moved; nothing if it is none.
fn reference(word: &str, columns: i64, rows: i64) -> Option<String> {
    let (hold_column, rest) = match word.strip_prefix('$') {
        Some(rest) => ("$", rest),
        None => ("", word),
    };
    let letters_end = rest.find(|c: char| !c.is_ascii_alphabetic())?;
    let (letters, rest) = rest.split_at(letters_end);
    let (hold_row, digits) = match rest.strip_prefix('$') {
        Some(rest) => ("$", rest),
        None => ("", rest),
    };
    if letters.is_empty() || letters.len() > 3 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let row: i64 = digits.parse().ok().filter(|row| *row <= 1_048_576)?;
    let row = if hold_row.is_empty() { row.checked_add(rows)? } else { row };
    let column = i64::try_from(column(letters)?).ok()?;
    let column = if hold_column.is_empty() { column.checked_add(columns)? } else { column };
    Some(format!("{hold_column}{}{hold_row}{}", name(column)?, (row > 0).then_some(row)?))
}

/// The letters of a column counted from 1.
fn name(column: i64) -> Option<String> {
    let mut left = u32::try_from(column).ok().filter(|column| (1..=16_384).contains(column))?;
    let mut letters = Vec::new();
    while left > 0 {
        left -= 1;
        letters.push(char::from(b'A' + u8::try_from(left % 26).ok()?));
        left /= 26;
    }
    Some(letters.into_iter().rev().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_move_along_unless_they_are_held() {
        assert_eq!(moved("D2*E2", 0, 1), "D3*E3");
        assert_eq!(moved("SUM(B2:B5)/$C$1", 1, 2), "SUM(C4:C7)/$C$1");
        assert_eq!(moved("'Q1 A1'!Z9&\"A1\"", 1, 0), "'Q1 A1'!AA9&\"A1\"");
        assert_eq!(moved("LOG10(A1)+Tax2024!B$3", 0, 1), "LOG10(A2)+Tax2024!B$3");
        assert_eq!(moved("A1+\u{e9}\"open", 0, -5), "A1+\u{e9}\"open");
    }
}
