//! Generation held to a form: which tokens may come next, after each token.
//!
//! The grammar engine is llguidance, behind feature `constrain`; without it [`Grammars::start`]
//! says so. Nothing outside this file knows it.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::model::tokenizer::vocabulary::Vocabulary;

/// Whether this build can hold a generation to a [`Constraint`]: feature `constrain`.
pub const CAN_CONSTRAIN: bool = cfg!(feature = "constrain");

/// Longest schema, expression or grammar.
const MAX_SOURCE_BYTES: usize = 1 << 20;

/// The form that a generation is held to. A token that would leave it cannot be chosen, and the end
/// only where the text so far has the form, so the text has it unless `max_new_tokens`, the context
/// or a stop string cuts it short.
///
/// Masks as in Willard and Louf 2023, worked out by llguidance from the vocabulary's bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Constraint {
    /// A JSON value that a JSON Schema describes; the schema itself, as JSON text. Of the keywords
    /// of draft 2020-12 those that llguidance knows; another is refused by name. `$ref` within the
    /// schema only.
    JsonSchema(String),
    /// The whole text matches a regular expression in the syntax of Rust's `regex`, without
    /// look-around or word borders.
    Regex(String),
    /// The whole text is a sentence of a context-free grammar in Lark's notation, which begins at
    /// `start`.
    Grammar(String),
}

impl Constraint {
    /// The name of the option that gives it: `"json_schema"`, `"regex"` or `"grammar"`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Constraint::JsonSchema(_) => "json_schema",
            Constraint::Regex(_) => "regex",
            Constraint::Grammar(_) => "grammar",
        }
    }

    pub(crate) fn source(&self) -> &str {
        let (Constraint::JsonSchema(text) | Constraint::Regex(text) | Constraint::Grammar(text)) =
            self;
        text
    }

    fn bad(&self, reason: impl Into<String>) -> Error {
        Error::invalid(self.name(), reason)
    }
}

/// What all constraints of a generator share, made when the first one comes.
#[derive(Default)]
pub(super) struct Grammars(engine::Shared);

/// A constraint at some place of the text.
#[derive(Clone)]
pub(super) struct ConstraintState(engine::State);

impl Grammars {
    /// The constraint before the first token.
    ///
    /// # Errors
    /// InvalidArgument, named after the option: it is malformed, and where; too large; or this
    /// build knows no constraints.
    pub(super) fn start(
        &self,
        vocabulary: &Vocabulary,
        constraint: &Constraint,
    ) -> Result<ConstraintState> {
        let len = constraint.source().len();
        if len > MAX_SOURCE_BYTES {
            let reason = format!("{len} bytes are over {MAX_SOURCE_BYTES}");
            return Err(constraint.bad(reason));
        }
        self.0.start(vocabulary, constraint).map(ConstraintState)
    }
}

impl ConstraintState {
    /// Makes the logits of tokens that may not come next negative infinity.
    ///
    /// # Errors
    /// InvalidArgument if working it out takes too much: the constraint is too complex.
    pub(super) fn mask(&mut self, logits: &mut [f32]) -> Result<()> {
        self.0.mask(logits)
    }

    /// Takes in a token that may come next.
    ///
    /// # Errors
    /// As [`ConstraintState::mask`].
    pub(super) fn push(&mut self, id: u32) -> Result<()> {
        self.0.push(id)
    }

    /// Whether nothing but the end can come.
    pub(super) fn is_complete(&self) -> bool {
        self.0.is_complete()
    }
}

#[cfg(feature = "constrain")]
mod engine {
    use std::sync::{Arc, OnceLock};

    use llguidance::api::{GrammarInit, TopLevelGrammar};
    use llguidance::toktrie::{ApproximateTokEnv, TokEnv, TokRxInfo, TokTrie};
    use llguidance::{Matcher, ParserFactory};
    use serde_json::Value;

    use super::{Constraint, Error, Result, Vocabulary};

    #[derive(Default)]
    pub(super) struct Shared(OnceLock<ParserFactory>);

    #[derive(Clone)]
    pub(super) struct State {
        matcher: Matcher,
        name: &'static str,
    }

    impl Shared {
        pub(super) fn start(
            &self,
            vocabulary: &Vocabulary,
            constraint: &Constraint,
        ) -> Result<State> {
            let factory = match self.0.get() {
                Some(factory) => factory,
                None => {
                    let made = new_factory(vocabulary)?;
                    self.0.get_or_init(|| made)
                }
            };
            let compiled = match constraint {
                Constraint::JsonSchema(schema) => {
                    let schema = serde_json::from_str(schema)
                        .map_err(|error| constraint.bad(format!("not JSON: {error}")))?;
                    compile(factory, TopLevelGrammar::from_json_schema(with_little_space(&schema)))
                        .map_err(|reason| place_in_schema(factory, &schema, reason))
                }
                Constraint::Regex(regex) => compile(factory, TopLevelGrammar::from_regex(regex))
                    .map_err(|reason| place_in_regex(&reason)),
                Constraint::Grammar(grammar) => {
                    compile(factory, TopLevelGrammar::from_lark(grammar.clone()))
                        .map_err(|reason| on_one_line(&reason))
                }
            };
            match compiled {
                Ok(matcher) => Ok(State { matcher, name: constraint.name() }),
                Err(reason) => Err(constraint.bad(reason)),
            }
        }
    }

    fn compile(
        factory: &ParserFactory,
        grammar: TopLevelGrammar,
    ) -> std::result::Result<Matcher, String> {
        let parser = factory.create_parser_from_init_default(GrammarInit::Serialized(grammar));
        let matcher = Matcher::new(parser);
        matcher.get_error().map_or(Ok(matcher), Err)
    }

    /// White space between the parts of a JSON value: hot samples of a small model would write
    /// nothing else for pages.
    const SPACE: &str = r" |\n[ \t]{0,32}";

    /// The schema with [`SPACE`] as llguidance is told of it, unless it says something else itself.
    fn with_little_space(schema: &Value) -> Value {
        let mut schema = match schema {
            Value::Bool(true) => serde_json::json!({}),
            other => other.clone(),
        };
        if let Value::Object(map) = &mut schema {
            map.entry("x-guidance").or_insert(serde_json::json!({ "whitespace_pattern": SPACE }));
        }
        schema
    }

    /// Parts of a schema that are compiled on their own to find the one at fault.
    const MAX_PARTS: usize = 256;

    /// The reason with the place of the innermost part of the schema that gives it.
    fn place_in_schema(factory: &ParserFactory, schema: &Value, reason: String) -> String {
        let mut left = MAX_PARTS;
        let mut place = String::new();
        let mut parts = vec![(String::new(), schema)];
        while let Some((pointer, part)) = parts.pop() {
            let children: Vec<(String, &Value)> = match part {
                Value::Object(map) => map
                    .iter()
                    .map(|(key, value)| {
                        (format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1")), value)
                    })
                    .collect(),
                Value::Array(items) => items
                    .iter()
                    .enumerate()
                    .map(|(index, value)| (format!("{pointer}/{index}"), value))
                    .collect(),
                _ => continue,
            };
            parts.extend(children);
            if left == 0 || !part.is_object() || pointer.len() <= place.len() {
                continue;
            }
            left -= 1;
            let found = compile(factory, TopLevelGrammar::from_json_schema(part.clone())).err();
            if found.as_ref() == Some(&reason) {
                place = pointer;
            }
        }
        if place.is_empty() {
            on_one_line(&reason)
        } else {
            format!("at {place}: {}", on_one_line(&reason))
        }
    }

    /// The parser of expressions draws an arrow under the place.
    fn place_in_regex(reason: &str) -> String {
        let is_arrow =
            |line: &&str| line.contains('^') && line.trim().bytes().all(|byte| byte == b'^');
        let arrow = reason.lines().find(is_arrow);
        let what = reason.lines().find_map(|line| line.strip_prefix("error: "));
        match (arrow, what) {
            (Some(arrow), Some(what)) => {
                // indented by four
                let at = arrow.find('^').unwrap_or_default().saturating_sub(3);
                format!("at character {at}: {what}")
            }
            _ => on_one_line(reason),
        }
    }

    /// Without the excerpt of the source, which follows as numbered lines.
    fn on_one_line(reason: &str) -> String {
        let lines = reason.lines().take_while(|line| !line.contains(" | "));
        lines.flat_map(str::split_whitespace).collect::<Vec<_>>().join(" ")
    }

    /// The vocabulary as a tree of bytes. Control tokens stand under a byte that no text holds.
    fn new_factory(vocabulary: &Vocabulary) -> Result<ParserFactory> {
        let mut words: Vec<Vec<u8>> =
            (0..vocabulary.len() as u32).map(|id| vocabulary.token_bytes(id).to_vec()).collect();
        for (name, id) in vocabulary.special() {
            let word = &mut words[*id as usize];
            if word.is_empty() {
                word.push(TokTrie::SPECIAL_TOKEN_MARKER);
                word.extend_from_slice(name.as_bytes());
            }
        }
        let Some(end) = vocabulary.end_ids().first() else {
            return Err(Error::invalid("constraint", "the model has no token that ends a text"));
        };
        let info = TokRxInfo::new(words.len() as u32, *end);
        let trie = TokTrie::from(&info, &words).with_eos_tokens(vocabulary.end_ids());
        let environment: TokEnv = Arc::new(ApproximateTokEnv::new(trie));
        let mut factory = ParserFactory::new_simple(&environment)
            .map_err(|error| Error::internal(format!("no grammar engine: {error:#}")))?;
        factory.quiet();
        factory.limits_mut().verbose_errors = false;
        Ok(factory)
    }

    impl State {
        pub(super) fn mask(&mut self, logits: &mut [f32]) -> Result<()> {
            let allowed =
                self.matcher.compute_mask_or_eos().map_err(|error| self.failed(&error))?;
            for (id, logit) in logits.iter_mut().enumerate() {
                if !allowed.get(id) {
                    *logit = f32::NEG_INFINITY;
                }
            }
            Ok(())
        }

        pub(super) fn push(&mut self, id: u32) -> Result<()> {
            self.matcher.consume_token(id).map_err(|error| self.failed(&error))
        }

        pub(super) fn is_complete(&self) -> bool {
            self.matcher.is_stopped()
        }

        fn failed(&self, error: &impl std::fmt::Display) -> Error {
            Error::invalid(self.name, format!("cannot go on after the text so far: {error:#}"))
        }
    }
}

#[cfg(not(feature = "constrain"))]
mod engine {
    use super::{Constraint, Result, Vocabulary};

    #[derive(Default)]
    pub(super) struct Shared;

    /// There is none.
    #[derive(Clone)]
    pub(super) enum State {}

    impl Shared {
        pub(super) fn start(&self, _: &Vocabulary, constraint: &Constraint) -> Result<State> {
            Err(constraint.bad("this build knows no constraints: build it with feature constrain"))
        }
    }

    impl State {
        pub(super) fn mask(&mut self, _: &mut [f32]) -> Result<()> {
            match *self {}
        }

        pub(super) fn push(&mut self, _: u32) -> Result<()> {
            match *self {}
        }

        pub(super) fn is_complete(&self) -> bool {
            match *self {}
        }
    }
}

#[cfg(test)]
mod tests;
