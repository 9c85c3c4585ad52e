//! Texts of any origin, made fit to be shown to people: nothing in them steers a terminal, turns
//! what follows around, or hides.
//!
//! Only what is shown goes through here; spans, quotes and JSON stay as the documents have them.

/// `text` to be read: what steers or turns becomes U+FFFD, what does not show is left out, line
/// feeds and tabs stay.
///
/// The joiners that emoji and several scripts are spelled with (U+200C, U+200D) stay beside letters
/// of such scripts.
#[must_use]
pub fn text(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    let mut before = None;
    while let Some(c) = rest.next() {
        match c {
            '\n' | '\t' => shown.push(c),
            '\u{2028}' | '\u{2029}' => shown.push('\n'),
            '\u{200c}' | '\u{200d}' if joins(before) || joins(rest.peek().copied()) => {
                shown.push(c)
            }
            c if steers(c) => shown.push(char::REPLACEMENT_CHARACTER),
            c if hides(c) => {}
            c => shown.push(c),
        }
        before = Some(c);
    }
    shown
}

/// A name, of a file or a model, on one line: every character that steers, turns or hides is
/// written out, as `\u{202e}`, so that two names never look the same for it.
#[must_use]
pub fn name(name: &str) -> String {
    let mut shown = String::with_capacity(name.len());
    for c in name.chars() {
        if steers(c) || hides(c) || matches!(c, '\u{2028}' | '\u{2029}') {
            shown.extend(c.escape_unicode());
        } else {
            shown.push(c);
        }
    }
    shown
}

/// Whether it acts on a terminal, or on the direction of what comes after it.
fn steers(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{206f}')
        || matches!(c, '\u{fff9}'..='\u{fffb}')
}

/// Whether it leaves no trace where it stands: soft hyphens, characters of no width, fillers, tags.
fn hides(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{34f}' | '\u{180e}' | '\u{200b}'..='\u{200d}' | '\u{2060}'..='\u{2065}')
        || matches!(c, '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{e0000}'..='\u{e007f}')
}

/// Whether a joiner beside it may be part of its spelling.
fn joins(c: Option<char>) -> bool {
    c.is_some_and(|c| !c.is_ascii() && !c.is_control() && !hides(c) && !steers(c))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_steers_is_replaced_and_what_hides_is_left_out() {
        assert_eq!(text("a\n\tb\x07\x1b[31m"), "a\n\tb\u{fffd}\u{fffd}[31m");
        assert_eq!(text("gpj.\u{202e}exe \u{2066}x\u{200f}"), "gpj.\u{fffd}exe \u{fffd}x\u{fffd}");
        assert_eq!(text("shut\u{ad}down \u{200b}b\u{2060}c\u{feff}"), "shutdown bc");
        assert_eq!(text("a\u{200d}b"), "ab");
        let family = "\u{1f468}\u{200d}\u{1f469}";
        let persian = "\u{645}\u{6cc}\u{200c}\u{62e}\u{648}\u{627}\u{647}\u{645}";
        assert_eq!((text(family).as_str(), text(persian).as_str()), (family, persian));
    }

    #[test]
    fn names_show_what_hides_in_them() {
        assert_eq!(name("gpj.\u{202e}exe\nb\u{200b}"), "gpj.\\u{202e}exe\\u{a}b\\u{200b}");
        assert_eq!(name("/caf\u{e9}/[1] a.txt"), "/caf\u{e9}/[1] a.txt");
    }

    proptest! {
        #[test]
        fn nothing_that_steers_is_ever_shown(given in any::<String>()) {
            let steering = |c: char| steers(c) && !matches!(c, '\n' | '\t');
            prop_assert!(!text(&given).contains(steering));
            prop_assert!(!name(&given).contains(|c| steers(c) || hides(c)));
        }
    }
}
