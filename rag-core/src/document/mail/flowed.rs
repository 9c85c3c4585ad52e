//! Text that mail programs wrapped (format=flowed, RFC 3676), and what is put into text for other
//! programs.

use crate::document::vocabulary::{UnreadKind, unread};

/// Lines put together again that a program wrapped at a blank; `is_blank_cut` says that the blank
/// is not of the text.
pub(super) fn unwrapped(text: &str, is_blank_cut: bool) -> String {
    let mut out = String::with_capacity(text.len());
    let mut open: Option<usize> = None;
    for line in text.lines() {
        let depth = line.bytes().take_while(|&byte| byte == b'>').count();
        let rest = line.get(depth..).unwrap_or_default();
        let rest = rest.strip_prefix(' ').unwrap_or(rest);
        if open != Some(depth) || rest == "-- " {
            if !out.is_empty() {
                out.push('\n');
            }
            if depth > 0 {
                out.push_str(&">".repeat(depth));
                out.push(' ');
            }
        }
        let goes_on = rest.ends_with(' ') && rest != "-- ";
        let shown = if goes_on && is_blank_cut { rest.strip_suffix(' ') } else { Some(rest) };
        out.push_str(shown.unwrap_or(rest));
        open = goes_on.then_some(depth);
        // an empty line is a line of its own
        if line.is_empty() {
            open = None;
        }
    }
    out
}

/// `text` without stretches that are no text: what PGP encrypted or signed, and files in uuencode.
/// Files and what is locked are noted.
pub(super) fn without_armour(text: &str) -> String {
    if !text.contains("-----BEGIN PGP ") && !text.contains("begin ") {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    let mut lines = text.split_inclusive('\n');
    while let Some(line) = lines.next() {
        let bare = line.trim();
        let end = match bare {
            "-----BEGIN PGP MESSAGE-----" => {
                unread::note_named(UnreadKind::LockedPart, "PGP message");
                "-----END PGP MESSAGE-----"
            }
            "-----BEGIN PGP SIGNATURE-----" => "-----END PGP SIGNATURE-----",
            "-----BEGIN PGP PUBLIC KEY BLOCK-----" => "-----END PGP PUBLIC KEY BLOCK-----",
            // the header of what is signed ends with an empty line
            "-----BEGIN PGP SIGNED MESSAGE-----" => "",
            _ => match uuencoded(bare).filter(|_| holds_uuencode(lines.clone())) {
                Some(name) => {
                    unread::note_named(UnreadKind::Attachment, name);
                    "end"
                }
                None => {
                    out.push_str(line);
                    continue;
                }
            },
        };
        for line in lines.by_ref() {
            if line.trim() == end {
                break;
            }
        }
    }
    out
}

/// The name of the file that a line `begin 644 name` begins.
fn uuencoded(line: &str) -> Option<&str> {
    let (mode, name) = line.strip_prefix("begin ")?.split_once(' ')?;
    let is_mode = matches!(mode.len(), 3 | 4) && mode.bytes().all(|b| (b'0'..=b'7').contains(&b));
    (is_mode && !name.trim().is_empty()).then(|| name.trim())
}

/// Whether a first line of data follows, and an end.
fn holds_uuencode<'a>(mut lines: impl Iterator<Item = &'a str>) -> bool {
    let is_data = lines.next().is_some_and(|line| {
        let line = line.trim_end();
        line.len() > 1 && !line.contains(' ') | line.starts_with('M')
    });
    is_data && lines.any(|line| line.trim() == "end")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrapped_lines_are_put_together() {
        let text = "The ferry leaves \nat nine.\n\n> You said \n> at ten?\n-- \nAna\n From here.\n";
        let expected = "The ferry leaves at nine.\n\n> You said at ten?\n-- \nAna\nFrom here.";
        assert_eq!(unwrapped(text, false), expected);
        assert_eq!(unwrapped("\u{6771} \n\u{4eac}", true), "\u{6771}\u{4eac}");
    }

    #[test]
    fn armour_is_no_text_and_is_noted() {
        let text = "Before.\n-----BEGIN PGP MESSAGE-----\n\nhQEMA\n-----END PGP MESSAGE-----\nAfter.\n\
                    begin 644 plan.dwg\nM1234\n`\nend\nbegin here\n";
        let (shown, _) = unread::set_aside(|| without_armour(text));
        assert_eq!(shown, "Before.\nAfter.\nbegin here\n");
        let signed = "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\nWords.\n-----BEGIN PGP SIGNATURE-----\n\
                      iQ\n-----END PGP SIGNATURE-----\n";
        assert_eq!(without_armour(signed), "Words.\n");
    }
}
