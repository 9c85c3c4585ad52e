//! Text to token ids: the folder's tokenizer without its own truncation and padding.
//!
//! Text is data: no stretch of it can become a special token. Those are put around it here.

use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use tokenizers::{
    DecoderWrapper, NormalizerWrapper, PostProcessorWrapper, PreTokenizerWrapper, TokenizerImpl,
};

use crate::error::{Error, Result};
use crate::model::tokenizer::patterns;

use super::unigram::TokenizerModel;

/// The tokenizers crate around a vocabulary that loads fast.
type Tokenizer = TokenizerImpl<
    TokenizerModel,
    NormalizerWrapper,
    PreTokenizerWrapper,
    PostProcessorWrapper,
    DecoderWrapper,
>;

/// The ids of one text, special tokens included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TokenIds {
    pub(crate) ids: Vec<u32>,
    /// Whether the text was longer than the limit, so that its end is missing.
    pub(crate) truncated: bool,
}

impl TokenIds {
    /// # Errors
    /// [`ErrorCode::Model`](crate::ErrorCode::Model) if an id has no row among `vocab_size`.
    pub(crate) fn check(self, model: &Path, vocab_size: usize) -> Result<Self> {
        match self.ids.iter().find(|&&id| id as usize >= vocab_size) {
            Some(id) => {
                Err(Error::model(model, format!("token {id} has no row among {vocab_size}")))
            }
            None => Ok(self),
        }
    }
}

/// What a tokenizer puts around and between two texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PairFrame {
    pub(crate) before: Vec<u32>,
    pub(crate) between: Vec<u32>,
    pub(crate) after: Vec<u32>,
    /// How many tokens of `between` are of type 0, where the second text is of type 1.
    pub(crate) first_between: Option<usize>,
}

/// A loaded `tokenizer.json`.
pub(crate) struct TextTokenizer {
    path: PathBuf,
    tokenizer: Tokenizer,
    /// Special tokens before and after every text.
    before: Vec<u32>,
    after: Vec<u32>,
}

impl TextTokenizer {
    /// Reads a tokenizer, and refuses one whose ids do not fit `vocab_size` rows of weights.
    ///
    /// # Errors
    /// [`ErrorCode::Model`](crate::ErrorCode::Model).
    pub(crate) fn load(path: &Path, bytes: &[u8], vocab_size: usize) -> Result<Self> {
        let runs_away = |reason: String| Error::model(path, reason);
        patterns::check_bytes(bytes).map_err(runs_away)?;
        let loaded = catch_unwind(|| serde_json::from_slice::<Tokenizer>(bytes));
        let loaded = loaded
            .map_err(|_| Error::model(path, "the tokenizer's parts contradict each other"))?;
        let mut tokenizer = loaded.map_err(|e| Error::model_cause(path, "not a tokenizer", e))?;
        // whatever way they were spelled in the file
        patterns::check_loaded(&tokenizer.get_normalizer()).map_err(runs_away)?;
        patterns::check_loaded(&tokenizer.get_pre_tokenizer()).map_err(runs_away)?;
        tokenizer.with_padding(None);
        tokenizer
            .with_truncation(None)
            .map_err(|e| Error::model_cause(path, "cannot reset truncation", e))?;
        tokenizer.set_encode_special_tokens(true);
        let size = tokenizer.get_vocab_size(true);
        if size > vocab_size {
            let reason = format!("the tokenizer has {size} tokens, the weights have {vocab_size}");
            return Err(Error::model(path, reason));
        }
        let mut loaded =
            Self { path: path.to_owned(), tokenizer, before: Vec::new(), after: Vec::new() };
        (loaded.before, loaded.after) = loaded.specials()?;
        Ok(loaded)
    }

    /// What the tokenizer puts before and after a text.
    fn specials(&self) -> Result<(Vec<u32>, Vec<u32>)> {
        let framed = self.run("a", true)?;
        let (ids, mask) = (framed.get_ids(), framed.get_special_tokens_mask());
        let before = mask.iter().take_while(|&&special| special == 1).count();
        let after = mask[before..].iter().rev().take_while(|&&special| special == 1).count();
        Ok((ids[..before].to_vec(), ids[ids.len() - after..].to_vec()))
    }

    /// Special tokens added to every text.
    pub(crate) fn special_count(&self) -> usize {
        self.before.len() + self.after.len()
    }

    /// What the tokenizer puts around and between two texts, from its post-processor.
    ///
    /// # Errors
    /// [`ErrorCode::Model`](crate::ErrorCode::Model) if it does not join two texts in their order.
    pub(crate) fn pair_frame(&self) -> Result<PairFrame> {
        let refused = || Error::model(&self.path, "the tokenizer does not join two texts");
        let joined = catch_unwind(AssertUnwindSafe(|| self.tokenizer.encode(("a", "a"), true)));
        let joined = joined.map_err(|_| refused())?;
        let joined = joined
            .map_err(|e| Error::model_cause(&self.path, "the tokenizer refused two texts", e))?;
        let (ids, owners) = (joined.get_ids(), joined.get_sequence_ids());
        let range = |owner: usize| {
            let start = owners.iter().position(|&found| found == Some(owner))?;
            let len = owners[start..].iter().take_while(|&&found| found == Some(owner)).count();
            Some(start..start + len)
        };
        let (first, second) = range(0).zip(range(1)).ok_or_else(refused)?;
        if first.end > second.start {
            return Err(refused());
        }
        let types = joined.get_type_ids();
        let first_between = (types.get(second.start) == Some(&1))
            .then(|| types[first.end..second.start].iter().take_while(|&&kind| kind == 0).count());
        Ok(PairFrame {
            before: ids[..first.start].to_vec(),
            between: ids[first.end..second.start].to_vec(),
            after: ids[second.end..].to_vec(),
            first_between,
        })
    }

    /// The ids of `text` without special tokens.
    ///
    /// # Errors
    /// As [`TextTokenizer::ids`].
    pub(crate) fn body(&self, text: &str) -> Result<Vec<u32>> {
        Ok(self.run(text, false)?.get_ids().to_vec())
    }

    fn run(&self, text: &str, specials: bool) -> Result<tokenizers::Encoding> {
        let encoded = catch_unwind(AssertUnwindSafe(|| self.tokenizer.encode_fast(text, specials)));
        let encoded =
            encoded.map_err(|_| Error::model(&self.path, "the tokenizer failed on a text"))?;
        encoded.map_err(|e| Error::model_cause(&self.path, "the tokenizer refused a text", e))
    }

    /// The ids of `text`, cut to `max_tokens` with its special tokens kept.
    ///
    /// # Errors
    /// [`ErrorCode::Model`](crate::ErrorCode::Model) if the tokenizer refuses the text.
    pub(crate) fn ids(&self, text: &str, max_tokens: usize) -> Result<TokenIds> {
        self.ids_after(&[], text, max_tokens)
    }

    /// As [`TextTokenizer::ids`], with `marks` before the text, after the special tokens that stand
    /// there.
    ///
    /// # Errors
    /// As [`TextTokenizer::ids`].
    pub(crate) fn ids_after(
        &self,
        marks: &[u32],
        text: &str,
        max_tokens: usize,
    ) -> Result<TokenIds> {
        let encoding = self.run(text, false)?;
        let body = encoding.get_ids();
        let room = max_tokens.saturating_sub(self.special_count() + marks.len());
        let kept = body.get(..room).unwrap_or(body);
        let ids = [&self.before[..], marks, kept, &self.after[..]].concat();
        Ok(TokenIds { ids, truncated: body.len() > room })
    }

    /// The id of a token by its name, special ones and those added later included.
    pub(crate) fn id_of(&self, token: &str) -> Option<u32> {
        self.tokenizer.token_to_id(token)
    }

    /// The byte range of each token of `text`, without special tokens.
    ///
    /// # Errors
    /// As [`TextTokenizer::ids`].
    pub(crate) fn ranges(&self, text: &str) -> Result<Vec<Range<usize>>> {
        let encoded = catch_unwind(AssertUnwindSafe(|| self.tokenizer.encode(text, false)));
        let encoded =
            encoded.map_err(|_| Error::model(&self.path, "the tokenizer failed on a text"))?;
        let encoded = encoded
            .map_err(|e| Error::model_cause(&self.path, "the tokenizer refused a text", e))?;
        let whole = |&(start, end): &(usize, usize)| {
            let start = text.floor_char_boundary(start);
            start..text.ceil_char_boundary(end).max(start)
        };
        Ok(encoded.get_offsets().iter().map(whole).collect())
    }
}
