//! Questions and passages to the tokens that late interaction reads: each with its marker, a short
//! question filled up with mask tokens.

use std::collections::HashSet;

use crate::error::{Error, Result};
use crate::model::reranker::late_interaction::{
    Expansion, LateInteractionFolder, SkippedWords, TextMarks, punctuation,
};
use crate::model::tokenizer::text::{TextTokenizer, TokenIds};

/// Makes tokens of both kinds of text.
pub(super) struct MarkedTexts {
    tokenizer: TextTokenizer,
    question: Mark,
    passage: Mark,
    filler: Option<Filler>,
    /// Tokens of a passage that take no part in its score.
    skipped: HashSet<u32>,
}

/// What stands before a text.
struct Mark {
    tokens: Vec<u32>,
    prompt: String,
    max_tokens: usize,
}

/// What fills up a short question.
struct Filler {
    token: u32,
    length: usize,
    is_attended: bool,
}

/// The tokens of a question.
pub(super) struct MarkedQuestion {
    pub(super) tokens: TokenIds,
    /// How many of the first ones are attended to.
    pub(super) key_count: usize,
}

/// The mask token's usual names, where a folder does not name it.
const MASK_TOKENS: [&str; 2] = ["[MASK]", "<mask>"];

impl MarkedTexts {
    /// # Errors
    /// [`ErrorCode::Model`](crate::ErrorCode::Model) if the tokenizer is bad, lacks a marker or the mask token, or a
    /// length leaves no room for text.
    pub(super) fn load(files: &LateInteractionFolder, vocab_size: usize) -> Result<Self> {
        let refused = |reason: String| Error::model(&files.tokenizer_path, reason);
        let tokenizer =
            TextTokenizer::load(&files.tokenizer_path, &files.tokenizer_bytes, vocab_size)?;
        let filler = files.expansion.as_ref().map(|expansion| {
            filler(&tokenizer, expansion, files.mask_token.as_deref()).ok_or_else(|| {
                refused("holds no mask token, with which questions are filled up".to_owned())
            })
        });
        let mark = |marks: &TextMarks| mark(&tokenizer, marks).map_err(refused);
        Ok(Self {
            question: mark(&files.question)?,
            passage: mark(&files.passage)?,
            filler: filler.transpose()?,
            skipped: skipped(&tokenizer, &files.skipped)?,
            tokenizer,
        })
    }

    /// # Errors
    /// [`ErrorCode::Model`](crate::ErrorCode::Model) if the tokenizer refuses the text.
    pub(super) fn question(&self, text: &str) -> Result<MarkedQuestion> {
        let mut tokens = self.ids(&self.question, text)?;
        let mut key_count = tokens.ids.len();
        if let Some(Filler { token, length, is_attended }) = self.filler {
            tokens.ids.resize(length.max(key_count), token);
            key_count = if is_attended { tokens.ids.len() } else { key_count };
        }
        Ok(MarkedQuestion { tokens, key_count })
    }

    /// # Errors
    /// As [`MarkedTexts::question`].
    pub(super) fn passage(&self, text: &str) -> Result<TokenIds> {
        self.ids(&self.passage, text)
    }

    /// Whether a token of a passage takes no part in its score.
    pub(super) fn skips(&self, token: u32) -> bool {
        self.skipped.contains(&token)
    }

    fn ids(&self, mark: &Mark, text: &str) -> Result<TokenIds> {
        let Mark { tokens, prompt, max_tokens } = mark;
        match prompt.is_empty() {
            true => self.tokenizer.ids_after(tokens, text, *max_tokens),
            false => self.tokenizer.ids_after(tokens, &format!("{prompt}{text}"), *max_tokens),
        }
    }
}

/// A prompt that is a token of the vocabulary stands as this token.
fn mark(tokenizer: &TextTokenizer, marks: &TextMarks) -> std::result::Result<Mark, String> {
    let mut tokens = Vec::new();
    if let Some(name) = &marks.token {
        let id = tokenizer.id_of(name).ok_or_else(|| format!("holds no token {name:?}"))?;
        tokens.push(id);
    }
    let prompt = marks.prompt.as_str();
    let whole = tokenizer.id_of(prompt).or_else(|| tokenizer.id_of(prompt.trim()));
    let prompt = match whole.filter(|_| !prompt.trim().is_empty()) {
        Some(id) => {
            tokens.push(id);
            String::new()
        }
        None => prompt.to_owned(),
    };
    let max_tokens = marks.max_tokens;
    if max_tokens <= tokenizer.special_count() + tokens.len() {
        return Err(format!("{max_tokens} tokens leave no room for text"));
    }
    Ok(Mark { tokens, prompt, max_tokens })
}

fn filler(
    tokenizer: &TextTokenizer,
    expansion: &Expansion,
    mask_token: Option<&str>,
) -> Option<Filler> {
    let Expansion { length, is_attended, token } = expansion;
    let token = match token.as_deref().or(mask_token) {
        Some(name) => tokenizer.id_of(name)?,
        None => MASK_TOKENS.into_iter().find_map(|name| tokenizer.id_of(name))?,
    };
    Some(Filler { token, length: *length, is_attended: *is_attended })
}

fn skipped(tokenizer: &TextTokenizer, words: &SkippedWords) -> Result<HashSet<u32>> {
    match words {
        // a name that is no token skips none, rather than all unknown words
        SkippedWords::Tokens(names) => {
            Ok(names.iter().filter_map(|name| tokenizer.id_of(name)).collect())
        }
        SkippedWords::Punctuation => {
            let first = |mark: String| Ok(tokenizer.body(&mark)?.first().copied());
            punctuation().filter_map(|mark| first(mark).transpose()).collect()
        }
    }
}
