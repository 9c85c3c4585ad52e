//! `rag chat KB`: questions line by line, each answered with the turns before it.

use std::io::{self, BufRead, IsTerminal};
use std::path::{Path, PathBuf};

use rag_core::{Call, Chat, Error, files};

use super::ask::{AnswerObject, AskArgs, print_sources};
use super::options::{Asking, KnowledgeBaseArgs};
use super::pieces::Pieces;
use crate::console::Console;
use crate::failure::{Exit, Failure, Outcome, error_object};
use crate::options::{Config, Holding};
use crate::written;

/// What a person may type.
const EXAMPLES: &str = concat!(
    "Examples:\n",
    "  rag chat kb.rag\n",
    "  rag chat kb.rag --system \"You are L\u{e9}a, who guides visitors.\" --save talk.json",
);

/// Talk with the documents: one question a line; /again answers the last one anew, /save FILE keeps
/// the conversation, /clear forgets it, /quit or end of input leaves
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(super) knowledge_base: KnowledgeBaseArgs,
    #[command(flatten)]
    pub(super) ask: AskArgs<Asking>,
    /// Keep the conversation in this file, written anew after each turn
    #[arg(long, value_name = "FILE")]
    save: Option<PathBuf>,
    /// Continue the conversation that this file holds
    #[arg(long, value_name = "FILE")]
    resume: Option<PathBuf>,
}

/// What a line says.
enum Line<'a> {
    Empty,
    Quit,
    Clear,
    /// A seed, or the next one.
    Again(Option<u64>),
    /// A file, or the one of `--save`.
    Save(Option<PathBuf>),
    Question(&'a str),
}

impl<'a> Line<'a> {
    fn new(line: &'a str) -> Self {
        let line = line.trim();
        let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let rest = Some(rest.trim()).filter(|rest| !rest.is_empty());
        match (word, rest) {
            ("", _) => Line::Empty,
            ("/quit", None) => Line::Quit,
            ("/clear", None) => Line::Clear,
            ("/again", None) => Line::Again(None),
            ("/again", Some(seed)) if seed.parse::<u64>().is_ok() => Line::Again(seed.parse().ok()),
            ("/save", path) => Line::Save(path.map(PathBuf::from)),
            _ => Line::Question(line),
        }
    }
}

impl Args {
    /// What holds for its options.
    pub(crate) fn show(&self, held: &mut Holding<'_>) -> rag_core::Result<()> {
        self.knowledge_base.show(held)?;
        self.ask.show(held)
    }
}

pub(crate) fn run(args: &Args, config: &Config, console: &mut Console<'_>) -> Outcome {
    let (knowledge_base, options) = args.ask.open(&args.knowledge_base, config, console)?;
    let mut seed = options.generate.seed;
    let mut chat = match &args.resume {
        Some(path) => {
            let saved = files::read_text(path).map_err(|source| Error::io(path, source))?;
            knowledge_base.resume(&saved, options)?
        }
        None => knowledge_base.chat(options),
    };
    let mut input = io::stdin().lock();
    loop {
        prompt(console);
        let mut line = String::new();
        match input.read_line(&mut line) {
            Ok(0) => return Ok(Exit::Done),
            Ok(_) => {}
            Err(source) => return Err(Error::io("standard input", source).into()),
        }
        match Line::new(&line) {
            Line::Empty => continue,
            Line::Quit => return Ok(Exit::Done),
            Line::Clear => chat.clear(),
            Line::Again(chosen) => {
                seed = chosen.unwrap_or(seed.wrapping_add(1));
                turn(&mut chat, Said::Again(seed), console)?;
            }
            Line::Save(path) => match path.as_ref().or(args.save.as_ref()) {
                Some(path) => save_or_say(&chat, path, console),
                None => console.error("no file: /save FILE, or start with --save FILE"),
            },
            Line::Question(question) => turn(&mut chat, Said::Question(question), console)?,
        }
        if let Some(path) = &args.save {
            save_or_say(&chat, path, console);
        }
    }
}

/// Shows where to type, on a terminal only.
fn prompt(console: &mut Console<'_>) {
    if io::stdin().is_terminal() {
        let err = console.err();
        let _ = err.write_all(b"> ").and_then(|()| err.flush());
    }
}

/// What a turn begins with.
enum Said<'a> {
    Question(&'a str),
    Again(u64),
}

/// One question; an error of the engine is shown and the conversation goes on.
fn turn(chat: &mut Chat<'_>, said: Said<'_>, console: &mut Console<'_>) -> Result<(), Failure> {
    let job = console.job();
    let mut answer = |call: Call<'_>| match said {
        Said::Question(question) => chat.say_with(question, call),
        Said::Again(seed) => chat.regenerate_with(seed, call),
    };
    let answer = if console.is_json() {
        answer(job.call())
    } else {
        let pieces = Pieces::of(console);
        let answer = answer(
            job.call()
                .on_piece(&mut |piece| pieces.borrow_mut().write(piece))
                .on_retract(&mut |why| pieces.borrow_mut().retract(why)),
        );
        pieces.into_inner().finish()?;
        answer
    };
    match answer {
        Ok(answer) if console.is_json() => console.json(&AnswerObject::new(&answer, false))?,
        Ok(answer) => print_sources(&answer, chat.knowledge_base(), console)?,
        Err(error) => {
            console.error(&error.line());
            if console.is_json() {
                console.json(&error_object(&error))?;
            }
        }
    }
    console.flush()
}

/// Keeps the conversation; why that failed is shown, and the conversation goes on.
fn save_or_say(chat: &Chat<'_>, path: &Path, console: &mut Console<'_>) {
    if let Err(error) = save(chat, path) {
        console.error(&error.line());
    }
}

/// Puts the conversation in place of the old one, whole or not at all.
fn save(chat: &Chat<'_>, path: &Path) -> rag_core::Result<()> {
    written::replace(path, chat.save()?.as_bytes(), chat.knowledge_base().path())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_commands_or_questions() {
        assert!(matches!(Line::new(" \n"), Line::Empty));
        assert!(matches!(Line::new("/again 7"), Line::Again(Some(7))));
        assert!(matches!(Line::new("/again\n"), Line::Again(None)));
        assert!(matches!(Line::new("/again and again"), Line::Question(_)));
        assert!(matches!(Line::new("/save"), Line::Save(None)));
        assert!(
            matches!(Line::new("/save a b.json"), Line::Save(Some(path)) if path == Path::new("a b.json"))
        );
        assert!(matches!(Line::new("/quit"), Line::Quit));
        assert!(matches!(Line::new(" Who? "), Line::Question("Who?")));
    }
}
