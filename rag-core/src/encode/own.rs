//! Encoders of the caller's own: anything that turns texts into vectors, behind the same
//! [`Encoder`].
//!
//! What they give is checked and scaled here; where their texts end is counted in words.

use std::ops::Range;
use std::path::Path;

use unicode_segmentation::UnicodeSegmentation;

use crate::error::{Error, Result};
use crate::kernels::elementwise::norm::normalize;
use crate::model::fingerprint::Fingerprint;
use crate::progress::CancelToken;

use super::{Embeddings, Encoder, EncoderIdentity, Source, TextRole};

/// Texts of one call of [`TextEncoder::encode`].
const TEXTS: usize = 64;
/// Passages need room for headings too.
const MIN_TOKENS: usize = 64;

/// Turns texts into vectors. Several threads may call it at once.
pub trait TextEncoder: Send + Sync {
    /// Row after row of [`OwnEncoder::dim`] numbers, one row for each text, of any length: they are
    /// scaled to 1.
    ///
    /// At most 64 texts a call. Longer texts than it takes are its own affair; passages have at
    /// most
    /// [`OwnEncoder::max_tokens`] of its tokens.
    ///
    /// # Errors
    /// Any; the call that needed the vectors fails with it.
    fn encode(&self, role: TextRole, texts: &[&str]) -> Result<Vec<f32>>;

    /// The byte range of each token of a text, in order, by which passages are cut to length.
    /// Default: Unicode's words (UAX 29), of which most models make one to two tokens.
    ///
    /// # Errors
    /// Any.
    fn token_ranges(&self, text: &str) -> Result<Vec<Range<usize>>> {
        Ok(text.unicode_word_indices().map(|(start, word)| start..start + word.len()).collect())
    }
}

/// What a knowledge base must know of an encoder of the caller's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnEncoder {
    /// Stands for the vectors: a knowledge base is only searched by an encoder of the name, `dim`
    /// and `max_tokens` it was built with. Give another when the vectors change.
    pub name: String,
    /// Length of a vector, 1 to 4,096.
    pub dim: usize,
    /// Most tokens of a passage, as [`TextEncoder::token_ranges`] counts them; 64 or more.
    pub max_tokens: usize,
}

/// A caller's encoder.
pub(super) struct Own(Box<dyn TextEncoder>);

impl Encoder {
    /// An encoder of the caller's own.
    ///
    /// Give it to [`OpenOptions::loaded_encoder`](crate::OpenOptions::loaded_encoder), each time
    /// the file is opened: the file keeps its name alone, as `own:NAME`.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidArgument`](crate::ErrorCode::InvalidArgument) if the name is empty or a number out of range.
    pub fn own(about: OwnEncoder, encoder: Box<dyn TextEncoder>) -> Result<Self> {
        let OwnEncoder { name, dim, max_tokens } = about;
        if name.trim().is_empty() {
            return Err(Error::invalid("name", "it is empty"));
        }
        if !(1..=4096).contains(&dim) {
            return Err(Error::invalid("dim", format!("{dim} is not in 1 to 4096")));
        }
        if max_tokens < MIN_TOKENS {
            let reason = format!("{max_tokens} is below {MIN_TOKENS}");
            return Err(Error::invalid("max_tokens", reason));
        }
        let mut fingerprint = Fingerprint::new("own encoder 1");
        fingerprint.part("name", name.as_bytes());
        fingerprint.part("dim", &(dim as u64).to_le_bytes());
        fingerprint.part("max tokens", &(max_tokens as u64).to_le_bytes());
        let fingerprint = fingerprint.finish();
        let identity = EncoderIdentity { fingerprint, name: own_name(&name), dim, max_tokens };
        Ok(Self { identity, source: Source::Own(Own(encoder)) })
    }
}

/// What a file calls it.
fn own_name(name: &str) -> String {
    format!("{OWN_PREFIX}{name}")
}

/// Begins the names of encoders that no folder holds.
pub(crate) const OWN_PREFIX: &str = "own:";

impl Own {
    pub(super) fn ranges(&self, about: &EncoderIdentity, text: &str) -> Result<Vec<Range<usize>>> {
        let ranges = self.0.token_ranges(text)?;
        let mut end = 0;
        for range in &ranges {
            let is_next = range.start >= end && range.start < range.end;
            if !is_next || text.get(range.clone()).is_none() {
                return Err(fault(about, format!("{range:?} is no token of this text")));
            }
            end = range.end;
        }
        Ok(ranges)
    }

    pub(super) fn encode(
        &self,
        about: &EncoderIdentity,
        role: TextRole,
        texts: &[&str],
        cancel: &CancelToken,
    ) -> Result<Embeddings> {
        let dim = about.dim;
        let mut data = Vec::with_capacity(texts.len() * dim);
        for texts in texts.chunks(TEXTS) {
            cancel.check()?;
            let rows = self.0.encode(role, texts)?;
            if rows.len() != texts.len() * dim {
                let (found, wanted) = (rows.len(), texts.len());
                return Err(fault(about, format!("{found} numbers for {wanted} texts of {dim}")));
            }
            data.extend(rows);
        }
        for (row, vector) in data.chunks_exact_mut(dim).enumerate() {
            if vector.iter().any(|value| !value.is_finite()) {
                return Err(fault(about, format!("the vector of text {row} is not finite")));
            }
            if vector.iter().all(|value| *value == 0.0) {
                return Err(fault(about, format!("the vector of text {row} is zero")));
            }
            normalize(vector);
        }
        Ok(Embeddings { dim, data, truncated: Vec::new() })
    }
}

fn fault(about: &EncoderIdentity, reason: String) -> Error {
    Error::model(Path::new(&about.name), reason)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;
    use crate::ErrorCode;
    use crate::passage::TokenRanges;
    use crate::progress::Call;

    /// Counts letters: near enough to meaning for these texts.
    struct Letters(usize);

    impl TextEncoder for Letters {
        fn encode(&self, _: TextRole, texts: &[&str]) -> Result<Vec<f32>> {
            assert!(texts.len() <= TEXTS);
            let count = |text: &str, letter: u8| {
                text.bytes().filter(|byte| byte.eq_ignore_ascii_case(&letter)).count() as f32
            };
            let row =
                |text: &&str| (b'a'..=b'z').map(|letter| count(text, letter)).collect::<Vec<_>>();
            Ok(texts.iter().flat_map(row).skip(self.0).collect())
        }
    }

    fn letters(name: &str, missing: usize) -> Encoder {
        let about = OwnEncoder { name: name.to_owned(), dim: 26, max_tokens: 64 };
        Encoder::own(about, Box::new(Letters(missing))).unwrap()
    }

    #[test]
    fn what_it_gives_is_checked() {
        let cancel = CancelToken::new();
        let refused = |encoder: &Encoder, text: &str| {
            encoder.encode_queries_with(&[text], Call::new().cancel(&cancel)).unwrap_err().line()
        };
        assert!(refused(&letters("short", 1), "a").contains("25 numbers for 1 texts of 26"));
        assert!(refused(&letters("zero", 0), "123").contains("text 0 is zero"));
        let many = vec!["abc"; 2 * TEXTS + 1];
        let rows =
            letters("many", 0).encode_passages_with(&many, Call::new().cancel(&cancel)).unwrap();
        assert_eq!(rows.len(), many.len());
        cancel.cancel();
        let stopped = letters("stopped", 0)
            .encode_passages_with(&many, Call::new().cancel(&cancel))
            .unwrap_err();
        assert_eq!(stopped.code(), ErrorCode::Cancelled);
        for (name, dim, max_tokens) in [(" ", 26, 64), ("a", 0, 64), ("a", 4097, 64), ("a", 1, 63)]
        {
            let about = OwnEncoder { name: name.to_owned(), dim, max_tokens };
            let made = Encoder::own(about, Box::new(Letters(0)));
            assert_eq!(made.unwrap_err().code(), ErrorCode::InvalidArgument);
        }
    }

    #[test]
    fn ranges_must_be_tokens_of_the_text() {
        struct Odd(Range<usize>);
        impl TextEncoder for Odd {
            fn encode(&self, _: TextRole, _: &[&str]) -> Result<Vec<f32>> {
                Ok(Vec::new())
            }
            fn token_ranges(&self, _: &str) -> Result<Vec<Range<usize>>> {
                Ok(vec![0..1, self.0.clone()])
            }
        }
        for (range, is_good) in
            [(1..3, true), (0..1, false), (2..2, false), (1..2, false), (3..9, false)]
        {
            let about = OwnEncoder { name: "odd".to_owned(), dim: 1, max_tokens: 64 };
            let encoder = Encoder::own(about, Box::new(Odd(range.clone()))).unwrap();
            assert_eq!(encoder.token_ranges("a\u{e9}b").is_ok(), is_good, "{range:?}");
        }
    }
}
