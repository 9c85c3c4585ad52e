//! What spreadsheets of all makers share: references, number formats, formulas, rows with gaps.

mod format;
mod formula;
mod locale;

pub(in crate::document) use format::{CellFormat, lost};
pub(in crate::document) use formula::moved;

/// Columns between two cells that are kept empty; a cell far off makes one gap only.
const MAX_GAP: usize = 50;

/// The column of a reference such as `AB12`, counted from 1.
pub(in crate::document) fn column(reference: &str) -> Option<usize> {
    let letters = reference.bytes().take_while(u8::is_ascii_alphabetic);
    let column = letters.take(4).fold(0_usize, |sum, letter| {
        sum * 26 + usize::from(letter.to_ascii_uppercase() - b'A') + 1
    });
    (column > 0).then_some(column)
}

/// The row of a reference such as `AB12`.
pub(in crate::document) fn row(reference: &str) -> Option<usize> {
    reference.trim_start_matches(|c: char| c.is_ascii_alphabetic()).parse().ok()
}

/// A text without the escapes `_xHHHH_` of characters that XML cannot hold (ECMA-376 part 1,
/// 22.4.2.4).
pub(in crate::document) fn unescaped(text: String) -> String {
    if !text.contains("_x") {
        return text;
    }
    let (mut out, mut rest) = (String::new(), text.as_str());
    while let Some(at) = rest.find("_x") {
        let (before, escape) = rest.split_at(at);
        out.push_str(before);
        let code = escape.get(2..6).filter(|_| escape.get(6..7) == Some("_"));
        let is_hex = |code: &&str| code.bytes().all(|byte| byte.is_ascii_hexdigit());
        let code = code.filter(is_hex).and_then(|code| u32::from_str_radix(code, 16).ok());
        let length = match code {
            Some(code) => {
                out.extend(char::from_u32(code).filter(|c| *c >= ' ' || c.is_ascii_whitespace()));
                7
            }
            None => {
                out.push_str("_x");
                2
            }
        };
        rest = escape.get(length..).unwrap_or_default();
    }
    out + rest
}

/// Cells by column as a row with empty cells between; nothing if all are empty.
pub(in crate::document) fn spread(cells: Vec<(usize, String)>) -> Vec<String> {
    let mut row: Vec<String> = Vec::new();
    let mut last = 0;
    for (column, text) in cells {
        if text.trim().is_empty() {
            continue;
        }
        let gap = column.saturating_sub(last + 1).min(MAX_GAP);
        row.extend(std::iter::repeat_n(String::new(), gap));
        row.push(text);
        last = column;
    }
    row
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_of_characters_are_undone() {
        let undone = |text: &str| unescaped(text.to_owned());
        assert_eq!(undone("Dresden_x000D_\nHall 2"), "Dresden\r\nHall 2");
        assert_eq!(undone("_x005F_x000D_"), "_x000D_");
        assert_eq!(undone("max_xyz_ _x00"), "max_xyz_ _x00");
        assert_eq!(undone("a_x0000_b_x0009_"), "ab\t");
    }

    #[test]
    fn a_far_cell_makes_one_gap() {
        assert_eq!(column("XFD1"), Some(16_384));
        assert_eq!(row("XFD12"), Some(12));
        let cells = vec![(2, "a".to_owned()), (3, " ".to_owned()), (16_384, "b".to_owned())];
        let row = spread(cells);
        assert_eq!((row.len(), row[0].as_str(), row[1].as_str()), (MAX_GAP + 3, "", "a"));
    }
}
