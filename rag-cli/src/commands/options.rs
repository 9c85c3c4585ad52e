//! Which options the commands take, what several of them share, and what that means to the library.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use rag_core::encode::EncoderOptions;
use rag_core::generate::{GenerateOptions, GeneratorOptions};
use rag_core::model::ModelDirs;
use rag_core::options::{Entry, Value};
use rag_core::search::SearchOptions;
use rag_core::store::{Access, Filter, FilterField};
use rag_core::{
    AddOptions, AskOptions, ComposeOptions, Error, KnowledgeBase, OpenOptions, Result,
    SummarizeOptions, SyncOptions, files,
};

use crate::failure::Failure;
use crate::options::{Config, Holding, OptionArgs, Spelling};
use crate::place::Place;

/// Where models are looked for: the documented variables and cache folders.
pub(crate) fn model_dirs() -> ModelDirs {
    ModelDirs::from_variables(|name| std::env::var_os(name))
}

/// Declares which options a command takes as arguments.
macro_rules! spelling {
    ($(#[$doc:meta])* $name:ident: $options:ty $(, $constant:ident = [$($value:expr),*])*) => {
        $(#[$doc])*
        #[derive(Debug, Clone)]
        pub(crate) struct $name;

        impl Spelling for $name {
            type Options = $options;
            $(spelling!(@ $constant [$($value),*]);)*
        }
    };
    (@ ONLY [$($value:expr),*]) => { const ONLY: &'static [&'static str] = &[$($value),*]; };
    (@ GROUPS [$($value:expr),*]) => { const GROUPS: &'static [&'static str] = &[$($value),*]; };
    (@ LEFT_OUT [$($value:expr),*]) => { const LEFT_OUT: &'static [&'static str] = &[$($value),*]; };
    (@ LONG [$($value:expr),*]) => { const LONG: &'static [(&'static str, &'static str)] = &[$($value),*]; };
    (@ SHORT [$($value:expr),*]) => { const SHORT: &'static [(&'static str, char)] = &[$($value),*]; };
    (@ ALONE [$($value:expr),*]) => { const ALONE: &'static [(&'static str, &'static str)] = &[$($value),*]; };
    (@ FILES [$($value:expr),*]) => { const FILES: &'static [(&'static str, &'static str)] = &[$($value),*]; };
    (@ EITHER [$($value:expr),*]) => { const EITHER: &'static [&'static [&'static str]] = &[$($value),*]; };
}

/// Where worked examples and constraints stand.
const EXAMPLES: (&str, &str) = ("examples", "FILE.json|none");
const SCHEMA: (&str, &str) = ("json_schema", "FILE");
const GRAMMAR: (&str, &str) = ("grammar", "FILE");
/// Of these only one may be given.
const CONSTRAINTS: &[&str] = &["json_schema", "regex", "grammar"];

spelling!(
    /// How a knowledge base is opened by every command.
    Opening: OpenOptions, ONLY = ["encoder", "untrusted"], GROUPS = ["encoder"]
);
spelling!(
    /// How what is removed goes.
    Removing: OpenOptions, ONLY = ["secure_delete"]
);
spelling!(
    /// Who writes answers.
    Writing: OpenOptions, ONLY = ["llm"], GROUPS = ["generator"]
);
spelling!(
    /// What sorts hits anew.
    Sorting: OpenOptions, ONLY = ["reranker"], GROUPS = ["reranker"]
);
spelling!(
    /// `rag search`.
    Searching: SearchOptions, SHORT = [("top_k", 'k')]
);
spelling!(
    /// `rag ask` and `rag chat`.
    Asking: AskOptions, LEFT_OUT = ["history", "explain", "logprobs"], LONG = [("top_k", ""), ("sampling_top_k", "top-k")],
    SHORT = [("top_k", 'k')], ALONE = [("mask", "both")], FILES = [EXAMPLES, SCHEMA, GRAMMAR], EITHER = [CONSTRAINTS]
);
spelling!(
    /// `rag summarize`.
    Summarizing: SummarizeOptions, LEFT_OUT = ["history", "logprobs"], LONG = [("top_k", ""), ("sampling_top_k", "top-k")],
    SHORT = [("top_k", 'k')], ALONE = [("mask", "both")], FILES = [EXAMPLES, SCHEMA, GRAMMAR], EITHER = [CONSTRAINTS]
);
spelling!(
    /// `rag compose`.
    Composing: ComposeOptions,
    LEFT_OUT = ["history", "logprobs", "explain", "sentences", "candidates", "fence", "order", "examples", "rewrite", "tables", "stream"],
    LONG = [("top_k", ""), ("sampling_top_k", "top-k")], SHORT = [("top_k", 'k')], ALONE = [("mask", "both")],
    FILES = [SCHEMA, GRAMMAR], EITHER = [CONSTRAINTS]
);
spelling!(
    /// `rag eval`, of its answers.
    Evaluating: AskOptions,
    ONLY = ["top_k", "abstain", "sentences", "candidates", "fence", "order", "examples", "rewrite", "rerank"],
    LONG = [("top_k", "")], SHORT = [("top_k", 'k')], FILES = [EXAMPLES]
);
spelling!(
    /// `rag generate`.
    Generating: GenerateOptions, FILES = [SCHEMA, GRAMMAR], EITHER = [CONSTRAINTS]
);
spelling!(
    /// How a generator is loaded.
    Loading: GeneratorOptions
);
spelling!(
    /// How an encoder is loaded.
    Encoding: EncoderOptions
);
spelling!(
    /// `rag sync`.
    Syncing: SyncOptions, EITHER = [&["missing", "force", "keep_missing"]]
);
spelling!(
    /// `rag reindex`.
    Reindexing: SyncOptions, ONLY = ["dry_run"]
);
spelling!(
    /// `rag add`.
    Adding: AddOptions
);

/// What is asked or searched for.
#[derive(Debug, clap::Args)]
pub(crate) struct QuestionArg {
    /// The question, in plain words; it need not be quoted for the shell
    #[arg(value_name = "QUESTION", required = true, num_args = 1..)]
    question: Vec<String>,
}

impl QuestionArg {
    /// The words as one text.
    pub(crate) fn text(&self) -> String {
        self.question.join(" ")
    }
}

/// The knowledge base and its encoder.
#[derive(Debug, clap::Args)]
pub(crate) struct KnowledgeBaseArgs {
    /// The knowledge base file
    #[arg(value_name = "KB")]
    pub(crate) path: PathBuf,
    #[command(flatten)]
    open: OptionArgs<Opening>,
}

/// `--untrusted` of commands that look at nothing but the file, whoever made it.
#[derive(Debug, clap::Args)]
pub(crate) struct UntrustedArg {
    /// For a file of somebody else's: nothing outside of it is looked at; this command never does
    #[arg(long)]
    pub(crate) untrusted: bool,
}

/// Refuses a filter by a key that no document has: it lets nothing through, and is a slip.
pub(crate) fn check_keys(
    knowledge_base: &KnowledgeBase,
    filter: Option<&Filter>,
) -> std::result::Result<(), Failure> {
    let mut keys = BTreeSet::new();
    filter.into_iter().for_each(|filter| collect_keys(filter, &mut keys));
    if keys.is_empty() {
        return Ok(());
    }
    let documents = knowledge_base.documents(None)?;
    let may_tell = !documents.is_empty() && knowledge_base.also().is_empty();
    let known: BTreeSet<String> =
        documents.into_iter().flat_map(|document| document.metadata.into_keys()).collect();
    let unknown = keys.into_iter().find(|key| !known.contains(key));
    match unknown.filter(|_| may_tell) {
        None => Ok(()),
        Some(key) => {
            let own = known.iter().map(String::as_str);
            let known: Vec<&str> = FilterField::NAMES.into_iter().chain(own).collect();
            let reason = format!("unknown key {key}; known: {}", known.join(", "));
            Err(Failure::Usage(Error::invalid("filter", reason)))
        }
    }
}

fn collect_keys(filter: &Filter, keys: &mut BTreeSet<String>) {
    match filter {
        Filter::All(parts) | Filter::Any(parts) => {
            parts.iter().for_each(|part| collect_keys(part, keys));
        }
        Filter::Not(part) => collect_keys(part, keys),
        Filter::Compare(field, ..) | Filter::Glob(field, _) => {
            if let FilterField::Metadata(key) = field {
                keys.insert(key.clone());
            }
        }
    }
}

/// How what is removed or replaced goes.
pub(crate) type RemovalArgs = OptionArgs<Removing>;

/// What is searched beside the knowledge base, and with what.
#[derive(Debug, clap::Args)]
pub(crate) struct ReachArgs {
    /// Search this knowledge base too, as if both were one file; may be given more than once
    #[arg(long, value_name = "KB", help_heading = "Search")]
    also: Vec<PathBuf>,
    #[command(flatten)]
    reranker: OptionArgs<Sorting>,
}

impl ReachArgs {
    /// Whether the option is one of these.
    fn takes(entry: &Entry) -> bool {
        entry.name == "also" || Sorting::takes(entry)
    }

    pub(crate) fn show(&self, held: &mut Holding<'_>) -> Result<()> {
        held.add(&self.reranker)?;
        let text = |path: &PathBuf| path.to_string_lossy().into_owned();
        let also: Vec<String> = self.also.iter().map(text).collect();
        let given = if also.is_empty() { Vec::new() } else { vec![("also", also.into())] };
        held.add_given::<OpenOptions>(&given, |entry| entry.name == "also");
        Ok(())
    }

    /// Refuses to sort with nothing.
    pub(crate) fn check<S: Spelling>(
        &self,
        args: &OptionArgs<S>,
        config: &Config,
    ) -> std::result::Result<(), Failure> {
        check_rerank(&self.reranker, args, config)
    }
}

/// What is opened of what was found.
#[derive(Debug, clap::Args)]
pub(crate) struct OpenArg {
    /// Open the file of the first one found, or of number N, with the system's program, or with
    /// RAG_OPENER: a command such as "code -g {path}:{line}"
    #[arg(long, value_name = "N", num_args = 0..=1, require_equals = true, default_missing_value = "1")]
    open: Option<NonZeroUsize>,
}

impl OpenArg {
    /// Refuses to open what a file of somebody else's names.
    pub(crate) fn check(&self, knowledge_base: &KnowledgeBaseArgs) -> Result<()> {
        if self.open.is_some() && knowledge_base.open.gives("untrusted") {
            return Err(Error::invalid("open", "a file that is not trusted is not followed"));
        }
        Ok(())
    }

    /// The place to open, if one is to be opened.
    pub(crate) fn chosen(
        &self,
        mut places: impl ExactSizeIterator<Item = Place>,
    ) -> Result<Option<Place>> {
        let Some(number) = self.open else { return Ok(None) };
        let count = places.len();
        match places.nth(number.get() - 1) {
            Some(place) => Ok(Some(place)),
            None if count == 0 => Ok(None),
            None => Err(Error::invalid("open", format!("{number}, but {count} were found"))),
        }
    }
}

/// Refuses a number of hits for a reranker that nobody named.
pub(crate) fn check_rerank<S: Spelling>(
    reranker: &OptionArgs<Sorting>,
    args: &OptionArgs<S>,
    config: &Config,
) -> std::result::Result<(), Failure> {
    if args.gives("rerank") && reranker.options(config)?.reranker.is_none() {
        let error = Error::invalid("rerank", "it needs a reranker: --reranker NAME|PATH");
        return Err(Failure::Usage(error));
    }
    Ok(())
}

impl KnowledgeBaseArgs {
    /// The path beside which options may stand; none for a file of somebody else's.
    pub(crate) fn beside(&self) -> Option<&Path> {
        (!self.open.gives("untrusted")).then_some(self.path.as_path())
    }

    /// The encoder, and whether the file is trusted.
    pub(crate) fn options(&self, config: &Config) -> Result<OpenOptions> {
        self.open.options(config)
    }

    /// How the file is opened.
    pub(crate) fn show(&self, held: &mut Holding<'_>) -> Result<()> {
        held.add(&self.open)
    }

    /// Opens the file to write to it, or makes it.
    pub(crate) fn open_to_write(
        &self,
        removal: &RemovalArgs,
        config: &Config,
    ) -> Result<KnowledgeBase> {
        self.open_with(Access::Create, &[], &removal.given()?, Removing::takes, config)
    }

    /// Opens an existing file to write to it.
    pub(crate) fn open_to_change(
        &self,
        removal: &RemovalArgs,
        config: &Config,
    ) -> Result<KnowledgeBase> {
        self.open_with(Access::ReadWrite, &[], &removal.given()?, Removing::takes, config)
    }

    /// Opens an existing file to look at it.
    pub(crate) fn open_to_look(&self, config: &Config) -> Result<KnowledgeBase> {
        self.open_with(Access::ReadOnly, &[], &[], |_| false, config)
    }

    /// Opens an existing file to search it.
    pub(crate) fn open_to_search(
        &self,
        reach: &ReachArgs,
        config: &Config,
    ) -> Result<KnowledgeBase> {
        let given = reach.reranker.given()?;
        self.open_with(Access::ReadOnly, &reach.also, &given, ReachArgs::takes, config)
    }

    /// Opens an existing file for questions. What an answer measures on the way is kept if the file
    /// can be written.
    pub(crate) fn open_to_ask(
        &self,
        llm: &OptionArgs<Writing>,
        reach: &ReachArgs,
        config: &Config,
    ) -> Result<KnowledgeBase> {
        let writable = files::may_write(&self.path);
        let access = if writable { Access::ReadWrite } else { Access::ReadOnly };
        let given = [reach.reranker.given()?, llm.given()?].concat();
        let takes = |entry: &Entry| ReachArgs::takes(entry) || Writing::takes(entry);
        self.open_with(access, &reach.also, &given, takes, config)
    }

    fn open_with(
        &self,
        access: Access,
        also: &[PathBuf],
        more: &[(&'static str, Value)],
        takes: impl Fn(&Entry) -> bool,
        config: &Config,
    ) -> Result<KnowledgeBase> {
        let given = [&self.open.given()?, more].concat();
        let takes = |entry: &Entry| Opening::takes(entry) || takes(entry);
        let mut options =
            OpenOptions { access, model_dirs: model_dirs(), ..OpenOptions::default() };
        config.apply(&given, takes, &mut options)?;
        if !also.is_empty() {
            options.also = also.to_vec();
        }
        KnowledgeBase::open(&self.path, &options)
    }
}

/// Reads a filter.
pub(crate) fn parse_filter(text: &str) -> std::result::Result<Filter, String> {
    Filter::parse(text).map_err(|error| error.line())
}
