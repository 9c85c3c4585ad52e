//! The vocabulary of a generator: text to tokens and back, from the tables in a GGUF file or a
//! `tokenizer.json`.
//!
//! Control and user-defined tokens are kept out of the byte-pair model, so encoding plain text
//! cannot yield one: only [`Vocabulary::encode_scaffold`], which reads template text, looks for
//! them.

mod json;
mod sentence_piece;
mod splitting;

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use tokenizers::Tokenizer;
use tokenizers::models::bpe::{BPE, Vocab};
use tokenizers::normalizers::replace::Replace;
use tokenizers::normalizers::unicode::NFC;

use self::sentence_piece::{SPACE, SentencePiece};
use self::splitting::Splitting;
use crate::error::{Error, Result};
use crate::model::formats::gguf::Gguf;

/// Names of control tokens that end a turn, beyond those the file declares.
const END_NAMES: &[&str] = &[
    "<|im_end|>",
    "<|endoftext|>",
    "<|end_of_text|>",
    "<|eot_id|>",
    "<|eom_id|>",
    "<|end|>",
    "<end_of_turn>",
    "<eos>",
    "</s>",
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TokenKind {
    /// Ordinary text.
    Text,
    /// Structure: never text, never from text.
    Control,
    /// A single byte, for characters that are no piece.
    Byte,
    /// A run of white space.
    Run,
    /// Text of its own that only the template may use as one token.
    Literal,
}

/// How text becomes tokens.
enum Pieces {
    /// Pairs merged in the order the file lists (Sennrich et al. 2016).
    Merges(Box<Tokenizer>),
    /// The same, with one tokenizer for text that opens the prompt or a turn, where a space is put
    /// before it, and one for text that goes on.
    Spaced { opening: Box<Tokenizer>, going_on: Box<Tokenizer> },
    /// Pieces merged by score.
    Scores(Box<SentencePiece>),
}

/// How a token string spells bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Alphabet {
    /// One character per byte.
    Bytes,
    /// As it is, with U+2581 for a space, and tokens `<0x00>` to `<0xFF>` for single bytes.
    Text,
}

/// What `tokenizer.ggml.model` names.
#[derive(Clone, Copy)]
enum TokenizerFamily {
    /// Byte-level byte pairs, cut into words first.
    ByteLevel(&'static Splitting),
    /// Byte pairs over characters, whole lines at a time.
    Lines,
    /// Pieces with scores.
    Scores,
}

impl TokenKind {
    /// Whether only the template may write it.
    fn is_structure(self) -> bool {
        matches!(self, TokenKind::Control | TokenKind::Literal)
    }
}

/// Token strings, the splitting and merging that produce them, and which of them are structure.
pub(crate) struct Vocabulary {
    pieces: Pieces,
    kinds: Vec<TokenKind>,
    /// The bytes of all tokens, one after the other.
    bytes: Vec<u8>,
    /// Where each token ends in `bytes`.
    ends: Vec<usize>,
    /// Control and literal tokens, longest first.
    special: Vec<(String, u32)>,
    /// Runs of white space that are tokens of their own, longest first.
    runs: Vec<(String, u32)>,
    bos: Option<u32>,
    eos: Option<u32>,
    add_bos: bool,
    /// Whether only text at the very start of the prompt opens, and none after a control token.
    opens_once: bool,
    end_ids: Vec<u32>,
}

/// What a file says of its tokens.
struct Tables<'a> {
    tokens: &'a [String],
    kinds: Vec<TokenKind>,
    alphabet: Alphabet,
    bos: Option<u32>,
    eos: Option<u32>,
    add_bos: bool,
    end_ids: Vec<u32>,
}

impl std::fmt::Debug for Vocabulary {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Vocabulary").field("len", &self.ends.len()).finish_non_exhaustive()
    }
}

impl Vocabulary {
    /// Builds the vocabulary that `gguf` describes.
    ///
    /// # Errors
    /// Model if the tables are missing, disagree, or ask for a tokenizer we do not know.
    pub(crate) fn from_gguf(gguf: &Gguf) -> Result<Self> {
        let family = family(gguf)?;
        let tokens = gguf
            .texts("tokenizer.ggml.tokens")
            .ok_or_else(|| gguf.bad("tokenizer.ggml.tokens is missing"))?;
        let bos = token_id(gguf, "tokenizer.ggml.bos_token_id", tokens.len())?;
        let mut kinds = kinds(gguf, tokens, family.alphabet())?;
        let eos = token_id(gguf, "tokenizer.ggml.eos_token_id", tokens.len())?;
        let mut end_ids = Vec::from_iter(eos);
        end_ids.extend(token_id(gguf, "tokenizer.ggml.eot_token_id", tokens.len())?);
        end_ids.extend(token_id(gguf, "tokenizer.ggml.eom_token_id", tokens.len())?);
        for id in end_ids.iter().chain(&bos) {
            kinds[*id as usize] = TokenKind::Control;
        }
        let pieces = match family {
            TokenizerFamily::ByteLevel(splitting) => byte_level(gguf, splitting, tokens, &kinds)?,
            TokenizerFamily::Lines => lines(gguf, tokens, &kinds)?,
            TokenizerFamily::Scores => Pieces::Scores(Box::new(scored(gguf, tokens, &kinds)?)),
        };
        let add_bos = gguf.flag("tokenizer.ggml.add_bos_token").unwrap_or(family.opens());
        let alphabet = family.alphabet();
        Ok(Self::new(pieces, Tables { tokens, kinds, alphabet, bos, eos, add_bos, end_ids }))
    }

    fn new(pieces: Pieces, tables: Tables<'_>) -> Self {
        let Tables { tokens, kinds, alphabet, bos, eos, add_bos, mut end_ids } = tables;
        let (bytes, ends) = token_bytes(tokens, &kinds, alphabet);
        let special = named(tokens, &kinds, TokenKind::is_structure);
        let runs = named(tokens, &kinds, |kind| kind == TokenKind::Run);
        end_ids
            .extend(special.iter().filter(|(name, id)| ends_turn(name, *id, &kinds)).map(|t| t.1));
        end_ids.sort_unstable();
        end_ids.dedup();
        let opens_once = false;
        Self { pieces, kinds, bytes, ends, special, runs, bos, eos, add_bos, opens_once, end_ids }
    }

    /// Number of tokens.
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// The token that opens every prompt, if this model wants one.
    pub(crate) fn opening_id(&self) -> Option<u32> {
        self.bos.filter(|_| self.add_bos)
    }

    /// The text of the opening token, for templates that write it themselves.
    pub(crate) fn bos_text(&self) -> &str {
        self.bos.and_then(|id| self.special_text(id)).unwrap_or("")
    }

    /// The text of the first end token, for templates that write it themselves.
    pub(crate) fn eos_text(&self) -> &str {
        self.eos.and_then(|id| self.special_text(id)).unwrap_or("")
    }

    /// Tokens that end a turn, in ascending order.
    pub(crate) fn end_ids(&self) -> &[u32] {
        &self.end_ids
    }

    /// Whether a control token has this text.
    pub(crate) fn has_special(&self, text: &str) -> bool {
        self.special.iter().any(|(name, _)| name == text)
    }

    /// Control and literal tokens, longest text first.
    pub(crate) fn special(&self) -> &[(String, u32)] {
        &self.special
    }

    /// Whether `id` is a control or literal token.
    pub(crate) fn is_special(&self, id: u32) -> bool {
        self.kinds.get(id as usize).is_some_and(|kind| kind.is_structure())
    }

    /// Tokens of plain text after `before`, none if it opens the prompt: no text, whatever it says,
    /// becomes a control token.
    ///
    /// # Errors
    /// Internal if the tokenizer fails, which it does not on valid text.
    pub(crate) fn encode(&self, text: &str, before: Option<u32>) -> Result<Vec<u32>> {
        let opens = before.is_none_or(|id| self.is_special(id) && !self.opens_once);
        if self.runs.is_empty() {
            return self.encode_plain(text, opens);
        }
        let mut ids = Vec::new();
        let mut plain = 0;
        let mut at = 0;
        while let Some(character) = text[at..].chars().next() {
            let run = character.is_whitespace().then(|| self.run_at(&text[at..])).flatten();
            if let Some((run, id)) = run {
                ids.extend(self.encode_plain(&text[plain..at], opens && plain == 0)?);
                ids.push(*id);
                at += run.len();
                plain = at;
            } else {
                at += character.len_utf8();
            }
        }
        ids.extend(self.encode_plain(&text[plain..], opens && plain == 0)?);
        Ok(ids)
    }

    fn run_at(&self, text: &str) -> Option<&(String, u32)> {
        self.runs.iter().find(|(run, _)| text.starts_with(run.as_str()))
    }

    fn encode_plain(&self, text: &str, opens: bool) -> Result<Vec<u32>> {
        match &self.pieces {
            Pieces::Merges(tokenizer) => merge(tokenizer, text),
            Pieces::Spaced { opening, going_on } => {
                merge(if opens { opening } else { going_on }, text)
            }
            Pieces::Scores(pieces) => Ok(pieces.encode(text, opens)),
        }
    }

    /// Tokens of template text after `before`, in which the names of control tokens stand for them.
    ///
    /// # Errors
    /// As [`Vocabulary::encode`].
    pub(crate) fn encode_scaffold(&self, text: &str, before: Option<u32>) -> Result<Vec<u32>> {
        let mut ids = Vec::new();
        let mut plain = 0;
        let mut at = 0;
        while at < text.len() {
            let rest = &text[at..];
            match self.special.iter().find(|(name, _)| rest.starts_with(name.as_str())) {
                Some((name, id)) => {
                    ids.extend(self.encode(&text[plain..at], ids.last().copied().or(before))?);
                    ids.push(*id);
                    at += name.len();
                    plain = at;
                }
                None => at += rest.chars().next().map_or(1, char::len_utf8),
            }
        }
        ids.extend(self.encode(&text[plain..], ids.last().copied().or(before))?);
        Ok(ids)
    }

    /// The bytes a token adds to the text; control tokens and ids out of range add none.
    pub(crate) fn token_bytes(&self, id: u32) -> &[u8] {
        let index = id as usize;
        if self.kinds.get(index).is_none_or(|kind| *kind == TokenKind::Control) {
            return &[];
        }
        let start = if index == 0 { 0 } else { self.ends[index - 1] };
        &self.bytes[start..self.ends[index]]
    }

    /// The text of tokens; bytes that are not UTF-8 become U+FFFD.
    pub(crate) fn decode(&self, ids: &[u32]) -> String {
        let bytes: Vec<u8> = ids.iter().flat_map(|id| self.token_bytes(*id)).copied().collect();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    fn special_text(&self, id: u32) -> Option<&str> {
        self.special.iter().find(|(_, other)| *other == id).map(|(name, _)| name.as_str())
    }
}

fn merge(tokenizer: &Tokenizer, text: &str) -> Result<Vec<u32>> {
    // a tokenizer.json can ask for steps that panic
    let encoding = catch_unwind(AssertUnwindSafe(|| tokenizer.encode_fast(text, false)))
        .map_err(|_| {
            Error::internal("the tokenizer gave up on a text, its file is probably damaged")
        })?
        .map_err(|cause| Error::internal_cause("tokenizer failed", cause))?;
    Ok(encoding.get_ids().to_vec())
}

fn ends_turn(name: &str, id: u32, kinds: &[TokenKind]) -> bool {
    kinds[id as usize] == TokenKind::Control && END_NAMES.contains(&name)
}

impl TokenizerFamily {
    fn alphabet(self) -> Alphabet {
        match self {
            TokenizerFamily::ByteLevel(_) => Alphabet::Bytes,
            TokenizerFamily::Lines | TokenizerFamily::Scores => Alphabet::Text,
        }
    }

    /// Whether a prompt opens with the opening token when the file does not say.
    fn opens(self) -> bool {
        match self {
            TokenizerFamily::ByteLevel(splitting) => splitting.opens,
            TokenizerFamily::Lines | TokenizerFamily::Scores => true,
        }
    }
}

fn family(gguf: &Gguf) -> Result<TokenizerFamily> {
    match gguf.text("tokenizer.ggml.model") {
        Some("gpt2") => splitting::of(gguf).map(TokenizerFamily::ByteLevel),
        Some("llama") => Ok(TokenizerFamily::Scores),
        Some("gemma4") => Ok(TokenizerFamily::Lines),
        Some(kind) => Err(gguf.bad(format!(
            "tokenizer kind {kind:?} is not supported, known are \"gpt2\", \"llama\", \"gemma4\""
        ))),
        None => Err(gguf.bad("tokenizer.ggml.model is missing")),
    }
}

fn token_id(gguf: &Gguf, key: &str, len: usize) -> Result<Option<u32>> {
    match gguf.count(key)? {
        None => Ok(None),
        Some(id) if id < len => Ok(Some(id as u32)),
        Some(id) => Err(gguf.bad(format!("{key} is {id}, the vocabulary has {len} tokens"))),
    }
}

/// Token kinds as llama.cpp numbers them: 1 normal, 2 unknown, 3 control, 4 user defined, 5 unused,
/// 6 byte.
fn kinds(gguf: &Gguf, tokens: &[String], alphabet: Alphabet) -> Result<Vec<TokenKind>> {
    let Some(types) = gguf.integers("tokenizer.ggml.token_type") else {
        return Ok(vec![TokenKind::Text; tokens.len()]);
    };
    if types.len() != tokens.len() {
        return Err(gguf.bad(format!("{} token types for {} tokens", types.len(), tokens.len())));
    }
    let kind = |(number, token): (&i64, &String)| match (number, alphabet) {
        (1, _) | (6, Alphabet::Bytes) => TokenKind::Text,
        (6, Alphabet::Text) => TokenKind::Byte,
        // Declared runs of white space (Gemma, MPT) are no structure.
        (4, _) if is_run(token) => TokenKind::Run,
        (4, _) => TokenKind::Literal,
        _ => TokenKind::Control,
    };
    Ok(types.iter().zip(tokens).map(kind).collect())
}

fn is_run(token: &str) -> bool {
    !token.is_empty() && token.chars().all(|c| c.is_whitespace() || c == SPACE)
}

fn byte_level(
    gguf: &Gguf,
    splitting: &Splitting,
    tokens: &[String],
    kinds: &[TokenKind],
) -> Result<Pieces> {
    let vocab = text_ids(tokens, kinds);
    for (byte, character) in (0u8..).zip(byte_characters()) {
        let mut buffer = [0; 4];
        if is_common(byte) && !vocab.contains_key(&*character.encode_utf8(&mut buffer)) {
            return Err(gguf.bad(format!("the vocabulary has no token for byte {byte:#04x}")));
        }
    }
    let mut tokenizer = merging(gguf, &vocab, splitting.whole_words)?;
    tokenizer.with_pre_tokenizer(Some(splitting.pre_tokenizer()?));
    if splitting.compose {
        tokenizer.with_normalizer(Some(NFC)).map_err(refused)?;
    }
    Ok(Pieces::Merges(Box::new(tokenizer)))
}

/// Line ends apart from lines, spaces written as U+2581, unknown characters as bytes.
fn lines(gguf: &Gguf, tokens: &[String], kinds: &[TokenKind]) -> Result<Pieces> {
    let mut vocab = text_ids(tokens, kinds);
    let bytes = (0u32..).zip(tokens).filter(|(id, _)| kinds[*id as usize] == TokenKind::Byte);
    vocab.extend(bytes.map(|(id, token)| (token.as_str(), id)));
    let mut tokenizer = merging(gguf, &vocab, false)?;
    tokenizer.with_pre_tokenizer(Some(splitting::isolate(r"\n+")?));
    let spaces = Replace::new(" ", SPACE.to_string()).map_err(refused)?;
    tokenizer.with_normalizer(Some(spaces)).map_err(refused)?;
    Ok(Pieces::Merges(Box::new(tokenizer)))
}

fn refused(cause: tokenizers::Error) -> Error {
    Error::internal_cause("normalizer refused", cause)
}

fn text_ids<'a>(tokens: &'a [String], kinds: &[TokenKind]) -> HashMap<&'a str, u32> {
    (0u32..)
        .zip(tokens)
        .filter(|(id, _)| kinds[*id as usize] == TokenKind::Text)
        .map(|(id, token)| (token.as_str(), id))
        .collect()
}

fn merging(gguf: &Gguf, vocab: &HashMap<&str, u32>, whole_words: bool) -> Result<Tokenizer> {
    let merges = merges(gguf, vocab)?;
    let owned: Vocab = vocab.iter().map(|(token, id)| ((*token).to_owned(), *id)).collect();
    let bpe = BPE::builder()
        .byte_fallback(owned.contains_key("<0x0A>"))
        .vocab_and_merges(owned, merges)
        .ignore_merges(whole_words)
        .build()
        .map_err(|cause| {
            Error::model_cause(gguf.path(), "the tokenizer tables do not fit together", cause)
        })?;
    Ok(Tokenizer::new(bpe))
}

fn scored(gguf: &Gguf, tokens: &[String], kinds: &[TokenKind]) -> Result<SentencePiece> {
    let scores = gguf
        .numbers("tokenizer.ggml.scores")
        .ok_or_else(|| gguf.bad("tokenizer.ggml.scores is missing"))?;
    if scores.len() != tokens.len() || scores.iter().any(|score| score.is_nan()) {
        let reason =
            format!("{} scores for {} tokens, or one is not a number", scores.len(), tokens.len());
        return Err(gguf.bad(reason));
    }
    let mut bytes = [None; 256];
    for (id, (token, kind)) in (0u32..).zip(tokens.iter().zip(kinds)) {
        if let (TokenKind::Byte, Some(byte)) = (kind, byte_of(token)) {
            bytes[usize::from(byte)] = Some(id);
        }
    }
    let pieces = text_ids(tokens, kinds).into_iter().map(|(token, id)| (token.to_owned(), id));
    Ok(SentencePiece {
        ids: pieces.collect(),
        scores: scores.iter().map(|score| *score as f32).collect(),
        bytes,
        unknown: token_id(gguf, "tokenizer.ggml.unknown_token_id", tokens.len())?,
        opens_with_space: gguf.flag("tokenizer.ggml.add_space_prefix").unwrap_or(true),
    })
}

/// The byte that a token such as `<0x0A>` stands for.
fn byte_of(token: &str) -> Option<u8> {
    let digits = token.strip_prefix("<0x")?.strip_suffix('>')?;
    u8::from_str_radix(digits, 16).ok()
}

/// The merge rules between tokens that text may become; rules that make a control token are left
/// out.
fn merges(gguf: &Gguf, vocab: &HashMap<&str, u32>) -> Result<Vec<(String, String)>> {
    let lines = gguf
        .texts("tokenizer.ggml.merges")
        .ok_or_else(|| gguf.bad("tokenizer.ggml.merges is missing"))?;
    let mut merges = Vec::with_capacity(lines.len());
    let mut joined = String::new();
    for line in lines {
        let (left, right) = line
            .split_once(' ')
            .ok_or_else(|| gguf.bad(format!("merge {line:?} is not a pair")))?;
        joined.clear();
        joined.push_str(left);
        joined.push_str(right);
        if [left, right, &joined].into_iter().all(|token| vocab.contains_key(token)) {
            merges.push((left.to_owned(), right.to_owned()));
        }
    }
    Ok(merges)
}

/// The character that stands for each byte in a byte-level vocabulary (Radford et al. 2019, GPT-2).
fn byte_characters() -> [char; 256] {
    let mut characters = ['\0'; 256];
    let mut next = 256u32;
    for (byte, character) in (0u8..).zip(&mut characters) {
        let printable = matches!(byte, b'!'..=b'~' | 0xA1..=0xAC | 0xAE..);
        let code = if printable { u32::from(byte) } else { next };
        next += u32::from(!printable);
        *character = char::from_u32(code).expect("codes below 0x200 are characters");
    }
    characters
}

/// Bytes a vocabulary must hold. The others, controls and the leads of rare scripts, are missing
/// from some (SmolLM2, Falcon); such characters are left out of what is encoded.
fn is_common(byte: u8) -> bool {
    matches!(byte, b'\n' | b' '..=b'~' | 0x80..=0xBF | 0xC2..=0xEF)
}

/// The bytes of every token one after the other, and where each ends.
fn token_bytes(
    tokens: &[String],
    kinds: &[TokenKind],
    alphabet: Alphabet,
) -> (Vec<u8>, Vec<usize>) {
    let by_character: HashMap<char, u8> = byte_characters().into_iter().zip(0u8..).collect();
    let mut bytes = Vec::new();
    let mut ends = Vec::with_capacity(tokens.len());
    for (token, kind) in tokens.iter().zip(kinds) {
        match (kind, alphabet) {
            (TokenKind::Literal, _) => bytes.extend_from_slice(token.as_bytes()),
            (TokenKind::Byte, _) => bytes.extend(byte_of(token)),
            (_, Alphabet::Text) => bytes.extend_from_slice(token.replace(SPACE, " ").as_bytes()),
            (_, Alphabet::Bytes) => match token.chars().map(|c| by_character.get(&c)).collect() {
                Some(spelled) => bytes.extend::<Vec<&u8>>(spelled),
                // Not spelled byte by byte after all.
                None => bytes.extend_from_slice(token.as_bytes()),
            },
        }
        ends.push(bytes.len());
    }
    (bytes, ends)
}

/// The tokens of some kinds, longest text first.
fn named(
    tokens: &[String],
    kinds: &[TokenKind],
    wanted: fn(TokenKind) -> bool,
) -> Vec<(String, u32)> {
    let mut named: Vec<(String, u32)> = (0u32..)
        .zip(tokens)
        .filter(|(id, token)| wanted(kinds[*id as usize]) && !token.is_empty())
        .map(|(id, token)| (token.clone(), id))
        .collect();
    named.sort_by(|a, b| b.0.len().cmp(&a.0.len()).then(a.1.cmp(&b.1)));
    named
}

#[cfg(test)]
pub(crate) mod tests;
