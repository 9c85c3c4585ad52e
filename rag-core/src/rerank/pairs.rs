//! A question and a passage to one sequence of token ids: joined as the tokenizer says, the passage
//! cut to fit.

use crate::error::{Error, Result};
use crate::model::reranker::cross_encoder::CrossEncoderFolder;
use crate::model::tokenizer::text::{PairFrame, TextTokenizer, TokenIds};

/// The share of the model's tokens that a question leaves to passages is one part in so many.
const PASSAGE_SHARE: usize = 4;

/// Joins texts.
pub(super) struct Pairs {
    tokenizer: TextTokenizer,
    frame: PairFrame,
    /// Whether the network has rows for the types of tokens and is told them.
    has_types: bool,
    /// Most tokens of both texts.
    room: usize,
}

impl Pairs {
    /// # Errors
    /// [`ErrorCode::Model`](crate::ErrorCode::Model) if the tokenizer is bad, does not join two texts, or leaves no
    /// room for them.
    pub(super) fn load(files: &CrossEncoderFolder, vocab_size: usize) -> Result<Self> {
        let path = &files.tokenizer_path;
        let tokenizer = TextTokenizer::load(path, &files.tokenizer_bytes, vocab_size)?;
        let frame = tokenizer.pair_frame()?;
        let special_count = frame.before.len() + frame.between.len() + frame.after.len();
        let room =
            files.max_tokens.checked_sub(special_count).filter(|room| *room >= PASSAGE_SHARE);
        let room = room.ok_or_else(|| {
            Error::model(path, format!("{} tokens leave no room for two texts", files.max_tokens))
        })?;
        Ok(Self { tokenizer, frame, has_types: files.has_types, room })
    }

    /// The ids of a question, cut if it would leave too little to passages.
    ///
    /// # Errors
    /// [`ErrorCode::Model`](crate::ErrorCode::Model) if the tokenizer refuses the text.
    pub(super) fn question(&self, text: &str) -> Result<TokenIds> {
        let mut ids = self.tokenizer.body(text)?;
        let most = self.room - self.room / PASSAGE_SHARE;
        let truncated = ids.len() > most;
        ids.truncate(most);
        Ok(TokenIds { ids, truncated })
    }

    /// The ids of the pair; `truncated` says whether the end of the passage is missing.
    ///
    /// # Errors
    /// As [`Pairs::question`].
    pub(super) fn ids(&self, question: &TokenIds, passage: &str) -> Result<TokenIds> {
        let body = self.tokenizer.body(passage)?;
        let room = self.room - question.ids.len();
        let kept = body.get(..room).unwrap_or(&body);
        let PairFrame { before, between, after, .. } = &self.frame;
        let ids = [&before[..], &question.ids, between, kept, after].concat();
        Ok(TokenIds { ids, truncated: body.len() > room })
    }

    /// The first token that the network is told to be of the passage.
    pub(super) fn second(&self, question: &TokenIds) -> usize {
        match self.frame.first_between {
            Some(first) if self.has_types => self.frame.before.len() + question.ids.len() + first,
            _ => usize::MAX,
        }
    }
}
