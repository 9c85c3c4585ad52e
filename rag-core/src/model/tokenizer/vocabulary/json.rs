//! A vocabulary from a `tokenizer.json` (Hugging Face tokenizers): its own splitting and merging,
//! with every token that only a template may write taken out of them.

use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};

use serde_json::{Map, Value, json};
use tokenizers::Tokenizer;

use super::{Alphabet, Pieces, Tables, TokenKind, Vocabulary, byte_of};
use crate::error::{Error, Result};
use crate::model::generator::folder::GeneratorFolder;
use crate::model::tokenizer::patterns::check_steps;

/// When a space is put before a text.
#[derive(Clone, Copy, PartialEq)]
enum Space {
    Never,
    /// At the start of the prompt.
    Once,
    /// There and after every control token.
    Always,
}

impl Vocabulary {
    /// Builds the vocabulary of a `transformers` folder; rows of the embedding that no token names
    /// are control tokens without a name.
    ///
    /// # Errors
    /// Model if the tables are missing, disagree, or ask for a tokenizer we do not know; Io if a
    /// file cannot be read.
    pub(crate) fn from_folder(folder: &GeneratorFolder) -> Result<Self> {
        let file = File { folder, json: folder.tokenizer()? };
        let (tokens, mut kinds) = file.tokens()?;
        let special = file.special_names()?;
        let id_of = |name: &str| tokens.iter().position(|token| token == name).map(|at| at as u32);
        let bos = special.bos.as_deref().and_then(id_of);
        let eos = special.eos.as_deref().and_then(id_of);
        let mut end_ids = Vec::from_iter(eos);
        end_ids.extend(folder.end_ids()?.into_iter().filter(|id| (*id as usize) < tokens.len()));
        for id in end_ids.iter().chain(&bos) {
            kinds[*id as usize] = TokenKind::Control;
        }
        let alphabet = file.alphabet();
        let add_bos = special.add_bos;
        let (pieces, space) = file.pieces(&tokens, &kinds)?;
        let tables = Tables { tokens: &tokens, kinds, alphabet, bos, eos, add_bos, end_ids };
        Ok(Self { opens_once: space == Space::Once, ..Self::new(pieces, tables) })
    }
}

struct File<'a> {
    folder: &'a GeneratorFolder,
    json: Map<String, Value>,
}

/// Tokens that the configuration names.
struct SpecialNames {
    bos: Option<String>,
    eos: Option<String>,
    add_bos: bool,
}

impl File<'_> {
    fn bad(&self, reason: impl Into<String>) -> Error {
        self.folder.bad(format!("tokenizer.json: {}", reason.into()))
    }

    fn model(&self) -> Result<&Map<String, Value>> {
        let model = self.json.get("model").and_then(Value::as_object);
        let model = model.ok_or_else(|| self.bad("model is missing"))?;
        match model.get("type").and_then(Value::as_str).unwrap_or("BPE") {
            "BPE" | "Unigram" => Ok(model),
            kind => {
                let reason = "are not supported, \"BPE\" and \"Unigram\" are";
                Err(self.bad(format!("models of type {kind:?} {reason}")))
            }
        }
    }

    /// The text and kind of every id.
    fn tokens(&self) -> Result<(Vec<String>, Vec<TokenKind>)> {
        let model = self.model()?;
        // pieces with scores are a list, byte pairs are not
        let is_list = model.get("type").and_then(Value::as_str) == Some("Unigram");
        let vocab = model.get("vocab").filter(|vocab| vocab.is_array() == is_list);
        let vocab = vocab.and_then(entries);
        let vocab = vocab.ok_or_else(|| self.bad("model.vocab is missing or malformed"))?;
        let len = self.folder.vocabulary_len()?;
        let (mut tokens, mut kinds) = (vec![String::new(); len], vec![TokenKind::Control; len]);
        let has_bytes = model.get("byte_fallback") == Some(&Value::Bool(true));
        for (token, at) in vocab {
            if at >= len {
                let reason = format!("token {token:?} has id {at}, the weights have {len} rows");
                return Err(self.bad(reason));
            }
            let is_byte = has_bytes && byte_of(token).is_some();
            kinds[at] = if is_byte { TokenKind::Byte } else { TokenKind::Text };
            token.clone_into(&mut tokens[at]);
        }
        for (token, id, is_special) in self.added()? {
            // Gemma 3 names an image token beyond the rows of its text models
            if id >= len || (!is_special && token.chars().all(|c| c == super::SPACE)) {
                continue;
            }
            kinds[id] = match is_special {
                true => TokenKind::Control,
                false if token.chars().all(char::is_whitespace) => TokenKind::Run,
                false => TokenKind::Literal,
            };
            token.clone_into(&mut tokens[id]);
        }
        Ok((tokens, kinds))
    }

    /// Text, id and whether it is special, of each added token.
    fn added(&self) -> Result<Vec<(&str, usize, bool)>> {
        let Some(added) = self.json.get("added_tokens").and_then(Value::as_array) else {
            return Ok(Vec::new());
        };
        added.iter().map(added_token).collect::<Option<_>>().ok_or_else(|| {
            self.bad("an added token lacks its content, its id, or whether it is special")
        })
    }

    /// Names in `tokenizer_config.json`; what the post-processor puts before a text opens prompts
    /// unless that says no.
    fn special_names(&self) -> Result<SpecialNames> {
        let config = self.folder.tokenizer_config()?;
        let name = |key: &str| match config.get(key) {
            Some(Value::String(name)) => Some(name.clone()),
            Some(Value::Object(token)) => token.get("content")?.as_str().map(str::to_owned),
            _ => None,
        };
        let first = self.json.get("post_processor").and_then(first_special);
        let flag = config.get("add_bos_token").and_then(Value::as_bool);
        Ok(SpecialNames {
            add_bos: flag.unwrap_or(first.is_some()),
            bos: name("bos_token").or(first),
            eos: name("eos_token"),
        })
    }

    fn alphabet(&self) -> Alphabet {
        let steps = self.json.get("pre_tokenizer");
        match steps.is_some_and(|steps| any_step(steps, &|step| kind_of(step) == "ByteLevel")) {
            true => Alphabet::Bytes,
            false => Alphabet::Text,
        }
    }

    /// The tokenizer without added tokens and without the words of structure, so that text cannot
    /// become one.
    fn pieces(self, tokens: &[String], kinds: &[TokenKind]) -> Result<(Pieces, Space)> {
        let structure: HashSet<&str> = tokens
            .iter()
            .zip(kinds)
            .filter(|(token, kind)| kind.is_structure() && !token.is_empty())
            .map(|(token, _)| token.as_str())
            .collect();
        let Self { folder, json: mut opening } = self;
        for part in ["truncation", "padding", "post_processor", "decoder"] {
            opening.insert(part.to_owned(), Value::Null);
        }
        opening.insert("added_tokens".to_owned(), json!([]));
        if let Some(Value::Object(model)) = opening.get_mut("model") {
            without_structure(model, &structure);
        }
        let mut space = Space::Never;
        let mut steps = Map::new();
        for part in ["normalizer", "pre_tokenizer"] {
            let mut step = opening.get(part).cloned().unwrap_or_default();
            remove_space(&mut step, &mut space);
            steps.insert(part.to_owned(), step);
        }
        if space == Space::Never {
            return Ok((Pieces::Merges(build(folder, opening)?), space));
        }
        let mut going_on = opening.clone();
        going_on.extend(steps);
        let (opening, going_on) = (build(folder, opening)?, build(folder, going_on)?);
        Ok((Pieces::Spaced { opening, going_on }, space))
    }
}

fn build(folder: &GeneratorFolder, json: Map<String, Value>) -> Result<Box<Tokenizer>> {
    let path = folder.path().join("tokenizer.json");
    let mut steps = ["normalizer", "pre_tokenizer"].into_iter().filter_map(|part| json.get(part));
    steps.try_for_each(check_steps).map_err(|reason| Error::model(&path, reason))?;
    let built = catch_unwind(AssertUnwindSafe(|| serde_json::from_value(Value::Object(json))));
    built
        .map_err(|_| Error::model(&path, "the tokenizer's parts contradict each other"))?
        .map(Box::new)
        .map_err(|cause| Error::model_cause(&path, "not a tokenizer this engine runs", cause))
}

/// The tokens of a vocabulary with their ids: an object, or for pieces with scores a list in the
/// order of the ids.
fn entries(vocab: &Value) -> Option<Vec<(&str, usize)>> {
    match vocab {
        Value::Object(ids) => ids
            .iter()
            .map(|(token, id)| Some((token.as_str(), usize::try_from(id.as_u64()?).ok()?)))
            .collect(),
        Value::Array(pieces) => pieces
            .iter()
            .enumerate()
            .map(|(id, piece)| Some((piece.get(0)?.as_str()?, id)))
            .collect(),
        _ => None,
    }
}

/// Takes words out of a model: out of byte pairs with the merges that make or use them, where what
/// is unknown is left out, not marked; out of pieces with scores, whose places are their ids, by
/// making them empty, which no text is.
fn without_structure(model: &mut Map<String, Value>, structure: &HashSet<&str>) {
    if let Some(Value::Array(pieces)) = model.get_mut("vocab") {
        for piece in pieces.iter_mut().filter_map(|piece| piece.get_mut(0)) {
            if piece.as_str().is_some_and(|text| structure.contains(text)) {
                *piece = json!("");
            }
        }
        return;
    }
    model.insert("unk_token".to_owned(), Value::Null);
    model.insert("dropout".to_owned(), Value::Null);
    if let Some(Value::Object(vocab)) = model.get_mut("vocab") {
        vocab.retain(|token, _| !structure.contains(token.as_str()));
    }
    let allowed = |merge: &Value| {
        let pair = match merge {
            Value::String(line) => line.split_once(' '),
            Value::Array(pair) => match pair.as_slice() {
                [Value::String(left), Value::String(right)] => {
                    Some((left.as_str(), right.as_str()))
                }
                _ => None,
            },
            _ => None,
        };
        // what is not a pair is the tokenizer's to refuse
        pair.is_none_or(|(left, right)| {
            let joined = format!("{left}{right}");
            [left, right, &joined].iter().all(|token| !structure.contains(token))
        })
    };
    if let Some(Value::Array(merges)) = model.get_mut("merges") {
        merges.retain(allowed);
    }
}

fn added_token(token: &Value) -> Option<(&str, usize, bool)> {
    let content = token.get("content")?.as_str()?;
    let id = usize::try_from(token.get("id")?.as_u64()?).ok()?;
    Some((content, id, token.get("special")?.as_bool()?))
}

fn kind_of(step: &Value) -> &str {
    step.get("type").and_then(Value::as_str).unwrap_or_default()
}

/// The steps of a sequence, under the names that normalizers, pre-tokenizers and processors give
/// them.
const SEQUENCES: [&str; 3] = ["normalizers", "pretokenizers", "processors"];

fn any_step(step: &Value, wanted: &dyn Fn(&Value) -> bool) -> bool {
    let mut parts = SEQUENCES.iter().filter_map(|name| step.get(name)?.as_array()).flatten();
    wanted(step) || parts.any(|part| any_step(part, wanted))
}

/// The token that a post-processor puts before a text.
fn first_special(step: &Value) -> Option<String> {
    if let Some(parts) = step.get("processors").and_then(Value::as_array) {
        return parts.iter().find_map(first_special);
    }
    let first = step.get("single").filter(|_| kind_of(step) == "TemplateProcessing")?.get(0)?;
    first.get("SpecialToken")?.get("id")?.as_str().map(str::to_owned)
}

/// Takes out what puts a space before a text, and says when it would have.
fn remove_space(step: &mut Value, space: &mut Space) {
    for name in SEQUENCES {
        if let Some(Value::Array(parts)) = step.get_mut(name) {
            if parts.iter().any(|part| kind_of(part) == "Prepend") {
                parts.retain(|part| kind_of(part) != "Prepend");
                *space = Space::Always;
            }
            parts.iter_mut().for_each(|part| remove_space(part, space));
        }
    }
    let adds = step.get("add_prefix_space") == Some(&Value::Bool(true));
    let when = match (kind_of(step), step.get("prepend_scheme").and_then(Value::as_str)) {
        ("Prepend", _) => {
            *step = Value::Null;
            *space = Space::Always;
            return;
        }
        ("Metaspace", Some("first")) => Space::Once,
        ("Metaspace", Some("always")) => Space::Always,
        ("Metaspace", None) if step.get("add_prefix_space") != Some(&Value::Bool(false)) => {
            Space::Always
        }
        ("ByteLevel", _) if adds => Space::Always,
        _ => return,
    };
    *space = when;
    if kind_of(step) == "Metaspace" {
        step["prepend_scheme"] = json!("never");
    }
    step["add_prefix_space"] = json!(false);
}
