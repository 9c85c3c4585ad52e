//! How byte-pair vocabularies cut text into words before they merge: one row per published pattern.
//!
//! A pattern is part of the trained model: guessing one gives other tokens than the model has seen.
//! A name that is not here is refused.

use tokenizers::SplitDelimiterBehavior;
use tokenizers::pre_tokenizers::PreTokenizerWrapper;
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::pre_tokenizers::sequence::Sequence;
use tokenizers::pre_tokenizers::split::{Split, SplitPattern};

use crate::error::{Error, Result};
use crate::model::formats::gguf::Gguf;

const GPT2: &str = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";
const LLAMA3: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
const QWEN2: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
const QWEN35: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
const TEKKEN: &str = r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+";
const GPT4O: &str = r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+";
const DEEPSEEK3: &str = r##"[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"##;

/// One way of cutting text into words before byte pairs are merged.
pub(super) struct Splitting {
    /// Values of `tokenizer.ggml.pre` that mean this.
    names: &'static [&'static str],
    /// Patterns applied in turn, each to what the one before left.
    patterns: &'static [&'static str],
    /// Whether a word that is a token as a whole is taken without merging.
    pub(super) whole_words: bool,
    /// Whether text is composed (NFC) first.
    pub(super) compose: bool,
    /// Whether a prompt opens with the opening token when the file does not say.
    pub(super) opens: bool,
}

const PLAIN: Splitting =
    Splitting { names: &[], patterns: &[], whole_words: false, compose: false, opens: false };

/// The patterns of the models' own tokenizers, under llama.cpp's names for them. Checked on
/// llama.cpp's test strings: llama-bpe, qwen2, qwen35, starcoder, refact, command-r, gpt-2, mpt,
/// falcon, deepseek-coder, deepseek-llm.
const SPLITTINGS: &[Splitting] = &[
    Splitting {
        names: &["llama-bpe", "llama3", "llama-v3", "falcon3", "pixtral", "lfm2"],
        patterns: &[LLAMA3],
        whole_words: true,
        opens: true,
        ..PLAIN
    },
    Splitting { names: &["smaug-bpe", "dbrx"], patterns: &[LLAMA3], ..PLAIN },
    Splitting {
        names: &["qwen2", "deepseek-r1-qwen", "stablelm2"],
        patterns: &[QWEN2],
        compose: true,
        ..PLAIN
    },
    Splitting { names: &["qwen35"], patterns: &[QWEN35], ..PLAIN },
    Splitting {
        names: &["smollm", "starcoder", "refact", "command-r"],
        patterns: &[r"\p{N}", GPT2],
        ..PLAIN
    },
    Splitting { names: &["gpt-2", "gpt2", "mpt", "olmo", "phi-2"], patterns: &[GPT2], ..PLAIN },
    Splitting {
        names: &["falcon"],
        patterns: &[r"[\p{P}\$\+<=>\^~\|`]+", GPT2, "[0-9][0-9][0-9]"],
        ..PLAIN
    },
    Splitting {
        names: &["deepseek-coder"],
        patterns: &[
            r"[\r\n]",
            r"\s?\p{L}+",
            r"\s?\p{P}+",
            r"[\x{4E00}-\x{9FA5}\x{800}-\x{4E00}\x{AC00}-\x{D7FF}]+",
            r"\p{N}",
        ],
        ..PLAIN
    },
    Splitting {
        names: &["deepseek-llm"],
        patterns: &[
            r"[\r\n]",
            r"\s?[\p{Lu}\p{Ll}\p{Lt}]+",
            r"\s?[!-/:-~\x{FF01}-\x{FF0F}\x{FF1A}-\x{FF5E}\x{2018}-\x{201F}\x{3000}-\x{3002}]+",
            r"\s+$",
            r"[\x{4E00}-\x{9FA5}\x{800}-\x{4E00}\x{AC00}-\x{D7FF}]+",
            r"\p{N}+",
        ],
        ..PLAIN
    },
    Splitting {
        names: &["deepseek-v3"],
        patterns: &[
            r"\p{N}{1,3}",
            r"[\x{4E00}-\x{9FA5}\x{3040}-\x{309F}\x{30A0}-\x{30FF}]+",
            DEEPSEEK3,
        ],
        ..PLAIN
    },
    Splitting { names: &["tekken"], patterns: &[TEKKEN], whole_words: true, opens: true, ..PLAIN },
    Splitting { names: &["gpt-4o", "llama4"], patterns: &[GPT4O], ..PLAIN },
];

/// The splitting that `gguf` names.
///
/// # Errors
/// Model if it names none, or one we do not know.
pub(super) fn of(gguf: &Gguf) -> Result<&'static Splitting> {
    let pre = gguf.text("tokenizer.ggml.pre").unwrap_or("default");
    SPLITTINGS.iter().find(|splitting| splitting.names.contains(&pre)).ok_or_else(|| {
        let known: Vec<_> = SPLITTINGS.iter().flat_map(|s| s.names).copied().collect();
        gguf.bad(format!("pre-tokenizer {pre:?} is not supported, known are {}", known.join(", ")))
    })
}

impl Splitting {
    /// The steps that cut text and write each byte as its character.
    ///
    /// # Errors
    /// Internal if a pattern does not compile.
    pub(super) fn pre_tokenizer(&self) -> Result<PreTokenizerWrapper> {
        let mut steps = Vec::new();
        for pattern in self.patterns {
            steps.push(isolate(pattern)?);
        }
        steps.push(ByteLevel::new(false, false, false).into());
        Ok(Sequence::new(steps).into())
    }
}

/// A step that makes each match of `pattern` a word of its own.
pub(super) fn isolate(pattern: &str) -> Result<PreTokenizerWrapper> {
    let pattern = SplitPattern::Regex(pattern.to_owned());
    Split::new(pattern, SplitDelimiterBehavior::Isolated, false)
        .map(PreTokenizerWrapper::from)
        .map_err(|cause| Error::internal_cause("splitting pattern refused", cause))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_compiles_and_no_name_means_two_things() {
        let mut names = std::collections::HashSet::new();
        for splitting in SPLITTINGS {
            splitting.pre_tokenizer().unwrap();
            assert!(splitting.names.iter().all(|name| names.insert(*name)));
        }
    }
}
