//! The folder of a model of late interaction on disk: which transformer, which projection, how
//! questions and passages are marked, how a question is filled up, which tokens count.
//!
//! Owns the reading and checking of what Stanford's ColBERT, PyLate and sentence-transformers write
//! beside the weights. What a folder asks for and we lack is refused by name.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::{Map, Value};

use super::tokenizer_config::TokenizerConfig;
use crate::error::{Error, Result};
use crate::model::encoder::DenseFolder;
use crate::model::encoder::architecture::{Positions, TransformerConfig, transformer_config};
use crate::model::encoder::folder::{read_dense, read_prefixes};
use crate::model::encoder::modules::{
    COLBERT_SETTINGS, Module, inside, usable_tokens, weights_path,
};
use crate::model::formats::files::{
    MAX_CONFIG_BYTES, MAX_TOKENIZER_BYTES, read_file, read_json, read_json_if_there,
};

/// Everything a folder says about its model of late interaction, without the weights.
#[derive(Debug)]
pub(crate) struct LateInteractionFolder {
    pub(crate) config: TransformerConfig,
    pub(crate) tokenizer_path: PathBuf,
    pub(crate) tokenizer_bytes: Vec<u8>,
    pub(crate) weights_path: PathBuf,
    pub(crate) projection: ProjectionPlace,
    pub(crate) question: TextMarks,
    pub(crate) passage: TextMarks,
    /// How a short question is filled up, if it is.
    pub(crate) expansion: Option<Expansion>,
    pub(crate) skipped: SkippedWords,
    /// The token that stands for a word to be guessed, where the folder names it.
    pub(crate) mask_token: Option<String>,
}

/// Where the layers stand that make a token's vector from its state.
#[derive(Debug)]
pub(crate) enum ProjectionPlace {
    /// One without bias, `linear.weight` beside the transformer's tensors, of so many rows if that
    /// is said (Stanford).
    Beside { dim: Option<usize> },
    /// Folders of their own (PyLate, sentence-transformers).
    Folders(Vec<DenseFolder>),
}

/// What a text has before it, and how long it may be.
#[derive(Debug, Default)]
pub(crate) struct TextMarks {
    /// A token after the first special one.
    pub(crate) token: Option<String>,
    /// Text before the text, or a token if the vocabulary has one of that name.
    pub(crate) prompt: String,
    /// Most tokens, special ones included.
    pub(crate) max_tokens: usize,
}

/// Mask tokens after a question, each of which takes part in its score (Khattab and Zaharia 2020,
/// section 3.2).
#[derive(Debug)]
pub(crate) struct Expansion {
    /// Tokens of a question at least.
    pub(crate) length: usize,
    /// The token, where it is not the mask token.
    pub(crate) token: Option<String>,
    /// Whether they are attended to; else they only attend.
    pub(crate) is_attended: bool,
}

/// Which tokens of a passage take no part in its score.
#[derive(Debug)]
pub(crate) enum SkippedWords {
    /// Those of these names.
    Tokens(Vec<String>),
    /// The first token of each ASCII punctuation mark (Stanford).
    Punctuation,
}

/// The length of questions and of passages that PyLate takes where a folder says nothing.
const PYLATE_LENGTHS: (usize, usize) = (32, 180);
/// The same of Stanford's ColBERT.
const STANFORD_LENGTHS: (usize, usize) = (32, 220);

/// ASCII punctuation, one character each.
pub(crate) fn punctuation() -> impl Iterator<Item = String> {
    (0..128_u8).map(char::from).filter(char::is_ascii_punctuation).map(String::from)
}

impl LateInteractionFolder {
    /// Reads and checks a folder.
    ///
    /// # Errors
    /// [`ErrorCode::Model`](crate::ErrorCode::Model) naming the file and what is wrong with it.
    pub(crate) fn read(folder: &Path) -> Result<Self> {
        let modules_path = folder.join("modules.json");
        let modules: Option<Vec<Module>> = read_json_if_there(&modules_path)?;
        let modules = modules.map(|modules| Modules::of(&modules_path, folder, &modules));
        let modules = modules.transpose()?;
        let inner = modules.as_ref().map_or(folder, |modules| &modules.transformer);
        let config_path = inner.join("config.json");
        let config_bytes = read_file(&config_path, MAX_CONFIG_BYTES)?;
        let config = transformer_config(&config_path, &config_bytes)?;
        let tokens = TokenizerConfig::read(inner)?;
        let settings = match &modules {
            None => stanford(folder)?,
            Some(modules) => match &modules.mask {
                None => pylate(folder)?,
                Some(mask) => multi_vector(folder, inner, mask)?,
            },
        };
        let projection = match modules.as_ref() {
            None => ProjectionPlace::Beside { dim: settings.dim },
            Some(modules) => ProjectionPlace::Folders(denses(&modules.denses, config.hidden_size)?),
        };
        let most = usable_tokens(&config).min(tokens.max_tokens);
        let limited =
            |marks: TextMarks| TextMarks { max_tokens: marks.max_tokens.min(most), ..marks };
        let tokenizer_path = inner.join("tokenizer.json");
        let read = Self {
            tokenizer_bytes: read_file(&tokenizer_path, MAX_TOKENIZER_BYTES)?,
            tokenizer_path,
            weights_path: weights_path(inner)?,
            projection,
            question: limited(settings.question),
            passage: limited(settings.passage),
            expansion: settings.expansion,
            skipped: settings.skipped,
            mask_token: tokens.mask_token,
            config,
        };
        read.check_expansion(&settings.path)?;
        Ok(read)
    }

    /// Refuses a length that the transformer has no positions for, and mask tokens so far from the
    /// question that none of its tokens is in their window.
    fn check_expansion(&self, path: &Path) -> Result<()> {
        let Some(Expansion { length, is_attended, .. }) = self.expansion else { return Ok(()) };
        let most = self.question.max_tokens;
        if length > most {
            let reason = format!("questions of {length} tokens, but the model takes {most}");
            return Err(Error::model(path, reason));
        }
        match self.config.positions {
            Positions::Rotary { window, global_every: 2.., .. }
                if !is_attended && length > window =>
            {
                let reason = format!(
                    "questions of {length} tokens that are not attended to, in a window of {window}"
                );
                Err(Error::model(path, reason))
            }
            _ => Ok(()),
        }
    }
}

/// Where the parts of a folder with `modules.json` lie.
struct Modules {
    transformer: PathBuf,
    denses: Vec<PathBuf>,
    /// The settings of what leaves tokens out, which sentence-transformers has apart.
    mask: Option<PathBuf>,
}

impl Modules {
    fn of(path: &Path, folder: &Path, modules: &[Module]) -> Result<Self> {
        let kinds: Vec<&str> = modules.iter().map(Module::kind).collect();
        let dense_count = kinds.iter().skip(1).take_while(|kind| **kind == "Dense").count();
        let mask = match kinds.get(1 + dense_count..) {
            Some([]) => None,
            Some(["MultiVectorMask", "Normalize"]) => Some(1 + dense_count),
            Some(["Normalize", "MultiVectorMask"]) => Some(2 + dense_count),
            _ => return Err(wrong_order(path, &kinds)),
        };
        if dense_count == 0 {
            let reason = format!(
                "modules {kinds:?}: the projection is missing, a Dense that makes a token's vector from its state"
            );
            return Err(Error::model(path, reason));
        }
        if kinds.first() != Some(&"Transformer") {
            return Err(wrong_order(path, &kinds));
        }
        let place = |module: &Module| inside(path, folder, &module.path);
        let mut places = modules.iter().map(place).collect::<Result<Vec<_>>>()?;
        let mask = mask.and_then(|at| places.get(at)).map(|place| place.join("config.json"));
        places.truncate(1 + dense_count);
        let denses = places.split_off(1);
        let transformer = places.pop().unwrap_or_else(|| folder.to_owned());
        Ok(Self { transformer, denses, mask })
    }
}

fn wrong_order(path: &Path, kinds: &[&str]) -> Error {
    let reason = format!(
        "modules {kinds:?}, expected Transformer and Dense, or Transformer, Dense, MultiVectorMask and Normalize, \
         which makes vectors of unit length"
    );
    Error::model(path, reason)
}

fn denses(folders: &[PathBuf], hidden_size: usize) -> Result<Vec<DenseFolder>> {
    let mut dim = hidden_size;
    let mut read = Vec::with_capacity(folders.len());
    for folder in folders {
        let dense = read_dense(folder, dim)?;
        dim = dense.out_features;
        read.push(dense);
    }
    Ok(read)
}

/// What the three layouts say in their own words.
struct Settings {
    /// The file that says it.
    path: PathBuf,
    question: TextMarks,
    passage: TextMarks,
    expansion: Option<Expansion>,
    skipped: SkippedWords,
    dim: Option<usize>,
}

/// `artifact.metadata`, or its defaults.
fn stanford(folder: &Path) -> Result<Settings> {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Metadata {
        query_token_id: Option<String>,
        doc_token_id: Option<String>,
        query_maxlen: Option<usize>,
        doc_maxlen: Option<usize>,
        attend_to_mask_tokens: Option<bool>,
        mask_punctuation: Option<bool>,
        similarity: Option<String>,
        interaction: Option<String>,
        dim: Option<usize>,
    }
    let path = folder.join(COLBERT_SETTINGS);
    let said: Metadata = read_json_if_there(&path)?.unwrap_or_default();
    only(&path, "similarity", said.similarity.as_deref(), &["cosine"])?;
    only(&path, "interaction", said.interaction.as_deref(), &["colbert"])?;
    let marks = |token: Option<String>, usual: &str, max_tokens: usize| TextMarks {
        token: Some(token.unwrap_or_else(|| usual.to_owned())),
        prompt: String::new(),
        max_tokens,
    };
    let length = said.query_maxlen.unwrap_or(STANFORD_LENGTHS.0);
    let passage_length = said.doc_maxlen.unwrap_or(STANFORD_LENGTHS.1);
    Ok(Settings {
        path,
        question: marks(said.query_token_id, "[unused0]", length),
        passage: marks(said.doc_token_id, "[unused1]", passage_length),
        expansion: Some(Expansion {
            length,
            token: None,
            is_attended: said.attend_to_mask_tokens.unwrap_or(false),
        }),
        skipped: match said.mask_punctuation {
            Some(false) => SkippedWords::Tokens(Vec::new()),
            _ => SkippedWords::Punctuation,
        },
        dim: said.dim,
    })
}

/// `config_sentence_transformers.json` as PyLate fills it.
fn pylate(folder: &Path) -> Result<Settings> {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Config {
        query_prefix: Option<String>,
        document_prefix: Option<String>,
        query_length: Option<usize>,
        document_length: Option<usize>,
        do_query_expansion: Option<bool>,
        attend_to_expansion_tokens: Option<bool>,
        skiplist_words: Option<Vec<String>>,
    }
    let path = folder.join("config_sentence_transformers.json");
    let said: Config = read_json_if_there(&path)?.unwrap_or_default();
    check_similarity(&path)?;
    let (question_prompt, passage_prompt) = read_prefixes(folder)?;
    let marks = |token: Option<String>, usual: &str, prompt: String, max_tokens: usize| {
        let token = token.unwrap_or_else(|| usual.to_owned());
        TextMarks { token: Some(token).filter(|token| !token.is_empty()), prompt, max_tokens }
    };
    let length = said.query_length.unwrap_or(PYLATE_LENGTHS.0);
    let passage_length = said.document_length.unwrap_or(PYLATE_LENGTHS.1);
    let expansion = || Expansion {
        length,
        token: None,
        is_attended: said.attend_to_expansion_tokens.unwrap_or(false),
    };
    Ok(Settings {
        path,
        question: marks(said.query_prefix, "[Q] ", question_prompt, length),
        passage: marks(said.document_prefix, "[D] ", passage_prompt, passage_length),
        expansion: said.do_query_expansion.unwrap_or(true).then(expansion),
        skipped: SkippedWords::Tokens(said.skiplist_words.unwrap_or(punctuation().collect())),
        dim: None,
    })
}

/// What sentence-transformers 6 says beside its transformer and its mask, whose settings are in
/// `mask`.
fn multi_vector(folder: &Path, inner: &Path, mask: &Path) -> Result<Settings> {
    #[derive(Deserialize)]
    struct QueryExpansion {
        strategy: String,
        length: usize,
        #[serde(default)]
        attend: bool,
        #[serde(default)]
        token: Option<String>,
    }
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Lengths {
        query_length: Option<usize>,
        document_length: Option<usize>,
        query_expansion: Option<QueryExpansion>,
    }
    #[derive(Deserialize)]
    struct Mask {
        #[serde(default)]
        skiplist_words: Option<Vec<String>>,
        #[serde(default)]
        skiplist_tasks: Option<Vec<String>>,
        #[serde(default)]
        keep_only_token_ids: Option<Vec<Value>>,
    }
    check_similarity(&folder.join("config_sentence_transformers.json"))?;
    let said: Mask = read_json(mask)?;
    if said.keep_only_token_ids.is_some() {
        return Err(Error::model(mask, "keep_only_token_ids is not supported"));
    }
    if said.skiplist_tasks.is_some_and(|tasks| tasks != ["document"]) {
        return Err(Error::model(mask, "skiplist_tasks is supported for document alone"));
    }
    let path = inner.join("sentence_bert_config.json");
    let lengths: Lengths = read_json_if_there(&path)?.unwrap_or_default();
    let (question_prompt, passage_prompt) = read_prefixes(folder)?;
    let marks = |prompt: String, max_tokens: Option<usize>| TextMarks {
        token: None,
        prompt,
        max_tokens: max_tokens.unwrap_or(usize::MAX),
    };
    let mut question = marks(question_prompt, lengths.query_length);
    if let Some(QueryExpansion { strategy, length, .. }) = &lengths.query_expansion {
        match strategy.as_str() {
            "fixed" => question.max_tokens = *length,
            "min" => question.max_tokens = question.max_tokens.max(*length),
            other => {
                let reason = format!("query_expansion of strategy {other:?} is not supported");
                return Err(Error::model(&path, reason));
            }
        }
    }
    let expansion = lengths.query_expansion.map(|said| Expansion {
        length: said.length,
        token: said.token,
        is_attended: said.attend,
    });
    Ok(Settings {
        path,
        question,
        passage: marks(passage_prompt, lengths.document_length),
        expansion,
        skipped: SkippedWords::Tokens(said.skiplist_words.unwrap_or_default()),
        dim: None,
    })
}

/// Refuses scores other than sums of greatest cosines; PyLate's first folders name the cosine
/// itself.
fn check_similarity(path: &Path) -> Result<()> {
    let fields: Map<String, Value> = read_json_if_there(path)?.unwrap_or_default();
    let name = fields.get("similarity_fn_name").and_then(Value::as_str);
    only(path, "similarity_fn_name", name, &["MaxSim", "maxsim", "cosine", "dot"])
}

fn only(path: &Path, key: &str, found: Option<&str>, allowed: &[&str]) -> Result<()> {
    match found {
        Some(found) if !allowed.contains(&found) => {
            let reason = format!("{key} {found:?} is not supported: {} is", allowed[0]);
            Err(Error::model(path, reason))
        }
        _ => Ok(()),
    }
}
