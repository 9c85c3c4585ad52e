//! `rag generate`: the generator alone, without documents.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rag_core::generate::{Generation, Generator, StopReason, TokenLogprob};
use rag_core::model::{DEFAULT_LLM, Message, Role, TemplateSource};
use rag_core::{Error, files};
use serde::{Deserialize, Serialize};

use super::options::{Generating, Loading, model_dirs};
use super::pieces::Pieces;
use crate::console::Console;
use crate::failure::{Exit, Outcome};
use crate::options::{Config, Holding, OptionArgs};

/// What a person may type.
const EXAMPLES: &str = concat!(
    "Examples:\n",
    "  rag generate --llm qwen2.5-0.5b --prompt \"The capital of France is\" --max-new-tokens 8",
);

/// Continue a prompt, or answer a conversation
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Generator by name, path or hub id
    #[arg(long, value_name = "NAME|PATH", default_value = DEFAULT_LLM)]
    llm: String,
    #[command(flatten)]
    input: Input,
    /// Continue the prompt as it is, without the chat template (this is the default)
    #[arg(long, conflicts_with = "messages")]
    raw: bool,
    /// Take the prompt as a user's turn, through the chat template
    #[arg(long, conflicts_with_all = ["messages", "raw"])]
    chat: bool,
    /// Answers, each with the seed after the one before; the others are in "more" (needs --json)
    #[arg(short, long, value_name = "N", default_value_t = 1)]
    answers: usize,
    #[command(flatten)]
    pub(super) generate: OptionArgs<Generating>,
    #[command(flatten)]
    pub(super) load: OptionArgs<Loading>,
}

#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct Input {
    /// The text to continue
    #[arg(long, value_name = "TEXT")]
    prompt: Option<String>,
    /// A JSON file: [{"role": "user", "content": "..."}], or an object with such "messages"
    #[arg(long, value_name = "FILE")]
    messages: Option<PathBuf>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum MessagesFile {
    List(Vec<Message>),
    Object { messages: Vec<Message> },
}

#[derive(Debug, Serialize)]
struct GenerationObject<'a> {
    text: &'a str,
    token_ids: &'a [u32],
    prompt_token_count: usize,
    prefill_tokens_per_second: f64,
    decode_tokens_per_second: f64,
    time_to_first_token_ms: f64,
    stop_reason: StopReason,
    /// What wrote the conversation down; left out for a prompt that is continued as it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    template: Option<TemplateSource>,
    reused_token_count: usize,
    drafted_token_count: usize,
    accepted_token_count: usize,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    logprobs: &'a [TokenLogprob],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    more: Vec<GenerationObject<'a>>,
}

impl Args {
    /// What holds for its options.
    pub(crate) fn show(&self, held: &mut Holding<'_>) -> rag_core::Result<()> {
        held.add(&self.load)?;
        held.add(&self.generate)
    }
}

pub(crate) fn run(args: &Args, config: &Config, console: &mut Console<'_>) -> Outcome {
    let options = args.generate.options(config)?;
    let path = model_dirs().resolve(&args.llm)?;
    let generator = Generator::load_with(&path, &args.load.options(config)?)?;
    let (prompt_ids, template) = prompt_ids(args, &generator)?;
    let job = console.job();
    if console.is_json() {
        let generations =
            generator.generate_many(&prompt_ids, args.answers, &options, job.call())?;
        let mut objects = generations.iter().map(|one| object(one, template));
        let first = objects.next();
        let first = first.map(|first| GenerationObject { more: objects.collect(), ..first });
        console.json(&first)?;
        return Ok(Exit::Done);
    }
    if args.answers != 1 || options.logprobs.is_some() {
        return Err(Error::invalid("answers or logprobs", "they are printed with --json").into());
    }
    let bar = RefCell::new(Some(console.bar("reading the prompt", None)));
    let mut pieces = Pieces::new(console.out());
    let result = generator.generate_with(
        &prompt_ids,
        &options,
        job.call()
            .on_piece(&mut |piece| {
                // cleared before the first word
                bar.borrow_mut().take();
                pieces.write(piece)
            })
            .on_progress(&mut |progress| {
                if let Some(bar) = &*bar.borrow() {
                    bar.show(progress);
                }
            }),
    );
    drop(bar);
    pieces.finish()?;
    let figures = object(&result?, template).figures();
    console.note(format_args!("{figures}"));
    Ok(Exit::Done)
}

fn prompt_ids(
    args: &Args,
    generator: &Generator,
) -> rag_core::Result<(Vec<u32>, Option<TemplateSource>)> {
    let chat = generator.chat();
    let messages = match (&args.input.prompt, &args.input.messages) {
        (Some(prompt), _) if !args.chat => return Ok((chat.encode_prompt(prompt)?, None)),
        (Some(prompt), _) => vec![Message { role: Role::User, content: prompt.clone() }],
        (None, Some(path)) => read_messages(path)?,
        (None, None) => return Err(Error::invalid("prompt", "give --prompt or --messages")),
    };
    let rendered = chat.render(&messages)?;
    Ok((rendered.token_ids, Some(rendered.template)))
}

fn read_messages(path: &Path) -> rag_core::Result<Vec<Message>> {
    let text = files::read(path).map_err(|source| Error::io(path, source))?;
    match serde_json::from_slice(&text) {
        Ok(MessagesFile::List(messages) | MessagesFile::Object { messages }) => Ok(messages),
        Err(error) => {
            let reason = format!("{} is not a list of role and content: {error}", path.display());
            Err(Error::invalid("messages", reason))
        }
    }
}

fn object(generation: &Generation, template: Option<TemplateSource>) -> GenerationObject<'_> {
    // The first token comes out of the prefill; the others are decoded.
    let decoded = generation.token_ids.len().saturating_sub(1);
    GenerationObject {
        text: &generation.text,
        token_ids: &generation.token_ids,
        prompt_token_count: generation.prompt_token_count,
        prefill_tokens_per_second: per_second(generation.prompt_token_count, generation.prefill),
        decode_tokens_per_second: per_second(decoded, generation.decode),
        time_to_first_token_ms: generation.time_to_first_token.as_secs_f64() * 1e3,
        stop_reason: generation.stop_reason,
        template,
        reused_token_count: generation.reused_token_count,
        drafted_token_count: generation.drafted_token_count,
        accepted_token_count: generation.accepted_token_count,
        logprobs: &generation.logprobs,
        more: Vec::new(),
    }
}

/// Units per second; 0 when nothing took any time.
pub(crate) fn per_second(count: usize, time: Duration) -> f64 {
    if time.is_zero() { 0.0 } else { count as f64 / time.as_secs_f64() }
}

impl GenerationObject<'_> {
    fn figures(&self) -> String {
        format!(
            "{} prompt tokens at {:.1} tokens/s, {} new tokens at {:.1} tokens/s",
            self.prompt_token_count,
            self.prefill_tokens_per_second,
            self.token_ids.len(),
            self.decode_tokens_per_second
        )
    }
}
