//! Which script a text is written in: words of two scripts cannot be compared.

/// Letters looked at.
const MAX_LETTERS: usize = 400;

/// A script by its block of characters; one number for all blocks of a script, and one for Chinese
/// and Japanese, which share most of their letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct WritingSystem(u32);

/// The script of most letters of a text; `None` without letters.
pub(crate) fn script(text: &str) -> Option<WritingSystem> {
    let mut scripts: Vec<WritingSystem> =
        text.chars().filter_map(of_letter).take(MAX_LETTERS).collect();
    scripts.sort_unstable();
    scripts.chunk_by(|a, b| a == b).max_by_key(|same| same.len()).map(|same| same[0])
}

fn of_letter(c: char) -> Option<WritingSystem> {
    if !c.is_alphabetic() {
        return None;
    }
    let block = match u32::from(c) {
        0..=0x24f | 0x1e00..=0x1eff | 0xff21..=0xff5a => 0,
        0x370..=0x3ff | 0x1f00..=0x1fff => 0x370,
        0x400..=0x52f => 0x400,
        0x590..=0x5ff => 0x590,
        0x600..=0x77f | 0xfb50..=0xfdff | 0xfe70..=0xfeff => 0x600,
        0x1100..=0x11ff | 0x3130..=0x318f | 0xac00..=0xd7af => 0x1100,
        0x3005..=0x30ff | 0x3400..=0x9fff | 0xf900..=0xfaff | 0x20000..=0x3ffff => 0x3400,
        other => other & !0x7f,
    };
    Some(WritingSystem(block))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn most_letters_tell_the_script() {
        assert_eq!(
            script("NASA 2024 \u{43d}\u{430}\u{443}\u{43a}\u{430}"),
            script("\u{431}\u{44b}\u{43b}")
        );
        assert_eq!(script("caf\u{e9}"), script("House"));
        assert_ne!(script("\u{3b1}\u{3b2}"), script("ab"));
        assert_eq!(script("\u{6771}\u{4eac}"), script("\u{3068}\u{3046}\u{304d}\u{3087}\u{3046}"));
        assert_eq!(script("12 ?"), None);
    }
}
