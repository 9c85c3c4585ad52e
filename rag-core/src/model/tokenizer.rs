//! The vocabulary of a generator: text to tokens and back, from the tables in a GGUF file.
//!
//! Control and user-defined tokens are kept out of the byte-pair model, so encoding plain text cannot yield
//! one: only [`Vocabulary::encode_scaffold`], which reads template text, looks for them.

use std::collections::HashMap;

use tokenizers::models::bpe::{BPE, Vocab};
use tokenizers::normalizers::unicode::NFC;
use tokenizers::pre_tokenizers::PreTokenizerWrapper;
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::pre_tokenizers::sequence::Sequence;
use tokenizers::pre_tokenizers::split::{Split, SplitPattern};
use tokenizers::{SplitDelimiterBehavior, Tokenizer};

use super::gguf::Gguf;
use crate::error::{Error, Result};

const GPT2: &str = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";
const LLAMA3: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
const QWEN2: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

/// One way of cutting text into words before byte pairs are merged.
struct Splitting {
    /// Values of `tokenizer.ggml.pre` that mean this.
    names: &'static [&'static str],
    /// Patterns applied in turn, each to what the one before left.
    patterns: &'static [&'static str],
    /// Whether a word that is a token as a whole is taken without merging.
    whole_words: bool,
    /// Whether text is composed (NFC) first.
    compose: bool,
}

/// What we know to split as the model was trained (patterns as in llama.cpp, `llama-vocab.cpp`). The first of
/// each, and `starcoder`, `refact` and `command-r`, are checked on llama.cpp's test strings.
const SPLITTINGS: &[Splitting] = &[
    Splitting {
        names: &["llama-bpe", "llama3", "llama-v3", "falcon3"],
        patterns: &[LLAMA3],
        whole_words: true,
        compose: false,
    },
    Splitting {
        names: &["qwen2", "deepseek-r1-qwen"],
        patterns: &[QWEN2],
        whole_words: false,
        compose: true,
    },
    Splitting {
        names: &["smollm", "starcoder", "refact", "command-r"],
        patterns: &[r"\p{N}", GPT2],
        whole_words: false,
        compose: false,
    },
    Splitting { names: &["gpt-2", "gpt2"], patterns: &[GPT2], whole_words: false, compose: false },
];

/// Names of control tokens that end a turn, beyond those the file declares.
const END_NAMES: &[&str] = &[
    "<|im_end|>",
    "<|endoftext|>",
    "<|end_of_text|>",
    "<|eot_id|>",
    "<|eom_id|>",
    "<|end|>",
    "</s>",
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Ordinary text.
    Text,
    /// Structure: never text, never from text.
    Control,
    /// Text of its own that only the template may use as one token.
    Literal,
}

/// Token strings, the splitting and merging that produce them, and which of them are structure.
pub(crate) struct Vocabulary {
    tokenizer: Tokenizer,
    kinds: Vec<Kind>,
    /// The bytes of all tokens, one after the other.
    bytes: Vec<u8>,
    /// Where each token ends in `bytes`.
    ends: Vec<usize>,
    /// Control and literal tokens, longest first.
    special: Vec<(String, u32)>,
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
        let splitting = splitting(gguf)?;
        let tokens = gguf
            .texts("tokenizer.ggml.tokens")
            .ok_or_else(|| gguf.bad("tokenizer.ggml.tokens is missing"))?;
        let bos = token_id(gguf, "tokenizer.ggml.bos_token_id", tokens.len())?;
        let mut kinds = kinds(gguf, tokens.len())?;
        let eos = token_id(gguf, "tokenizer.ggml.eos_token_id", tokens.len())?;
        let mut end_ids = Vec::from_iter(eos);
        end_ids.extend(token_id(gguf, "tokenizer.ggml.eot_token_id", tokens.len())?);
        end_ids.extend(token_id(gguf, "tokenizer.ggml.eom_token_id", tokens.len())?);
        for id in end_ids.iter().chain(&bos) {
            kinds[*id as usize] = Kind::Control;
        }
        let tokenizer = tokenizer(gguf, splitting, tokens, &kinds)?;
        let (bytes, ends) = token_bytes(tokens, &kinds);
        let special = special(tokens, &kinds);
        end_ids
            .extend(special.iter().filter(|(name, id)| ends_turn(name, *id, &kinds)).map(|t| t.1));
        end_ids.sort_unstable();
        end_ids.dedup();
        let add_bos = gguf
            .flag("tokenizer.ggml.add_bos_token")
            .unwrap_or(splitting.names.contains(&"llama-bpe"));
        Ok(Self { tokenizer, kinds, bytes, ends, special, bos, eos, add_bos, end_ids })
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
        self.kinds.get(id as usize).is_some_and(|kind| *kind != Kind::Text)
    }

    /// Tokens of plain text: no text, whatever it says, becomes a control token.
    ///
    /// # Errors
    /// Internal if the tokenizer fails, which it does not on valid text.
    pub(crate) fn encode(&self, text: &str) -> Result<Vec<u32>> {
        let encoding = self
            .tokenizer
            .encode_fast(text, false)
            .map_err(|cause| Error::internal_cause("tokenizer failed", cause))?;
        Ok(encoding.get_ids().to_vec())
    }

    /// Tokens of template text, in which the names of control tokens stand for them.
    ///
    /// # Errors
    /// As [`Vocabulary::encode`].
    pub(crate) fn encode_scaffold(&self, text: &str) -> Result<Vec<u32>> {
        let mut ids = Vec::new();
        let mut plain = 0;
        let mut at = 0;
        while at < text.len() {
            let rest = &text[at..];
            match self.special.iter().find(|(name, _)| rest.starts_with(name.as_str())) {
                Some((name, id)) => {
                    ids.extend(self.encode(&text[plain..at])?);
                    ids.push(*id);
                    at += name.len();
                    plain = at;
                }
                None => at += rest.chars().next().map_or(1, char::len_utf8),
            }
        }
        ids.extend(self.encode(&text[plain..])?);
        Ok(ids)
    }

    /// The bytes a token adds to the text; control tokens and ids out of range add none.
    pub(crate) fn token_bytes(&self, id: u32) -> &[u8] {
        let index = id as usize;
        if self.kinds.get(index).is_none_or(|kind| *kind == Kind::Control) {
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

fn ends_turn(name: &str, id: u32, kinds: &[Kind]) -> bool {
    kinds[id as usize] == Kind::Control && END_NAMES.contains(&name)
}

fn splitting(gguf: &Gguf) -> Result<&'static Splitting> {
    match gguf.text("tokenizer.ggml.model") {
        Some("gpt2") => {}
        Some(kind) => {
            return Err(gguf.bad(format!(
                "tokenizer kind {kind:?} is not supported, only byte-level BPE (\"gpt2\") is"
            )));
        }
        None => return Err(gguf.bad("tokenizer.ggml.model is missing")),
    }
    let pre = gguf.text("tokenizer.ggml.pre").unwrap_or("default");
    SPLITTINGS.iter().find(|splitting| splitting.names.contains(&pre)).ok_or_else(|| {
        let known: Vec<_> = SPLITTINGS.iter().flat_map(|s| s.names).copied().collect();
        gguf.bad(format!("pre-tokenizer {pre:?} is not supported, known are {}", known.join(", ")))
    })
}

fn token_id(gguf: &Gguf, key: &str, len: usize) -> Result<Option<u32>> {
    match gguf.count(key)? {
        None => Ok(None),
        Some(id) if id < len => Ok(Some(id as u32)),
        Some(id) => Err(gguf.bad(format!("{key} is {id}, the vocabulary has {len} tokens"))),
    }
}

/// Token kinds as llama.cpp numbers them: 1 normal, 2 unknown, 3 control, 4 user defined, 5 unused, 6 byte.
fn kinds(gguf: &Gguf, len: usize) -> Result<Vec<Kind>> {
    let Some(types) = gguf.integers("tokenizer.ggml.token_type") else {
        return Ok(vec![Kind::Text; len]);
    };
    if types.len() != len {
        return Err(gguf.bad(format!("{} token types for {len} tokens", types.len())));
    }
    let kind = |number: &i64| match number {
        1 | 6 => Kind::Text,
        4 => Kind::Literal,
        _ => Kind::Control,
    };
    Ok(types.iter().map(kind).collect())
}

fn tokenizer(
    gguf: &Gguf,
    splitting: &Splitting,
    tokens: &[String],
    kinds: &[Kind],
) -> Result<Tokenizer> {
    let vocab: HashMap<&str, u32> = (0u32..)
        .zip(tokens)
        .filter(|(id, _)| kinds[*id as usize] == Kind::Text)
        .map(|(id, token)| (token.as_str(), id))
        .collect();
    for (byte, character) in (0u8..).zip(byte_characters()) {
        let mut buffer = [0; 4];
        if is_common(byte) && !vocab.contains_key(&*character.encode_utf8(&mut buffer)) {
            return Err(gguf.bad(format!("the vocabulary has no token for byte {byte:#04x}")));
        }
    }
    let merges = merges(gguf, &vocab)?;
    let bpe = BPE::builder()
        .vocab_and_merges(
            vocab.iter().map(|(token, id)| ((*token).to_owned(), *id)).collect::<Vocab>(),
            merges,
        )
        .ignore_merges(splitting.whole_words)
        .build()
        .map_err(|cause| {
            Error::model_cause(gguf.path(), "the tokenizer tables do not fit together", cause)
        })?;
    let mut tokenizer = Tokenizer::new(bpe);
    tokenizer.with_pre_tokenizer(Some(pre_tokenizer(splitting)?));
    if splitting.compose {
        tokenizer
            .with_normalizer(Some(NFC))
            .map_err(|cause| Error::internal_cause("normalizer refused", cause))?;
    }
    Ok(tokenizer)
}

/// The merge rules between tokens that text may become; rules that make a control token are left out.
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

fn pre_tokenizer(splitting: &Splitting) -> Result<PreTokenizerWrapper> {
    let mut steps: Vec<PreTokenizerWrapper> = Vec::new();
    for pattern in splitting.patterns {
        let pattern = SplitPattern::Regex((*pattern).to_owned());
        let split = Split::new(pattern, SplitDelimiterBehavior::Isolated, false)
            .map_err(|cause| Error::internal_cause("splitting pattern refused", cause))?;
        steps.push(split.into());
    }
    steps.push(ByteLevel::new(false, false, false).into());
    Ok(Sequence::new(steps).into())
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

/// Bytes a vocabulary must hold. The others, controls and the leads of rare scripts, are missing from some
/// (SmolLM2, Falcon); such characters are left out of what is encoded.
fn is_common(byte: u8) -> bool {
    matches!(byte, b'\n' | b' '..=b'~' | 0x80..=0xBF | 0xC2..=0xEF)
}

fn token_bytes(tokens: &[String], kinds: &[Kind]) -> (Vec<u8>, Vec<usize>) {
    let by_character: HashMap<char, u8> = byte_characters().into_iter().zip(0u8..).collect();
    let mut bytes = Vec::new();
    let mut ends = Vec::with_capacity(tokens.len());
    for (token, kind) in tokens.iter().zip(kinds) {
        let start = bytes.len();
        let mapped = token.chars().map_while(|character| by_character.get(&character));
        bytes.extend(mapped);
        if *kind == Kind::Literal || bytes.len() - start != token.chars().count() {
            bytes.truncate(start);
            bytes.extend_from_slice(token.as_bytes());
        }
        ends.push(bytes.len());
    }
    (bytes, ends)
}

fn special(tokens: &[String], kinds: &[Kind]) -> Vec<(String, u32)> {
    let mut special: Vec<(String, u32)> = (0u32..)
        .zip(tokens)
        .filter(|(id, token)| kinds[*id as usize] != Kind::Text && !token.is_empty())
        .map(|(id, token)| (token.clone(), id))
        .collect();
    special.sort_by(|a, b| b.0.len().cmp(&a.0.len()).then(a.1.cmp(&b.1)));
    special
}

#[cfg(test)]
pub(crate) mod tests;
