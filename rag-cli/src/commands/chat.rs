//! `rag chat KB`: questions line by line, each answered with the turns before it.

use std::io::{self, BufRead, IsTerminal};
use std::ops::ControlFlow;

use rag_core::{Chat, Error};

use super::ask::{AnswerObject, AskArgs, Pieces, print_sources};
use super::options::KnowledgeBaseArgs;
use crate::console::Console;
use crate::failure::{Exit, Failure, Outcome, error_object};

/// Talk with the documents: one question a line, /clear forgets, /quit or end of input leaves
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    knowledge_base: KnowledgeBaseArgs,
    #[command(flatten)]
    ask: AskArgs,
}

pub(crate) fn run(args: &Args, console: &mut Console<'_>) -> Outcome {
    let llm = args.ask.llm.as_deref();
    let knowledge_base = args.knowledge_base.open_to_ask(llm, &args.ask.search)?;
    let mut chat = knowledge_base.chat(args.ask.options());
    let mut input = io::stdin().lock();
    loop {
        prompt(console);
        let mut line = String::new();
        match input.read_line(&mut line) {
            Ok(0) => return Ok(Exit::Done),
            Ok(_) => {}
            Err(source) => return Err(Error::io("standard input", source).into()),
        }
        match line.trim() {
            "" => {}
            "/quit" => return Ok(Exit::Done),
            "/clear" => chat.clear(),
            question => turn(&mut chat, question, console)?,
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

/// One question; an error of the engine is shown and the conversation goes on.
fn turn(chat: &mut Chat<'_>, question: &str, console: &mut Console<'_>) -> Result<(), Failure> {
    let job = console.job();
    let answer = if console.is_json() {
        chat.say(question, &mut |_| ControlFlow::Continue(()), job.token())
    } else {
        let mut pieces = Pieces::new(console.out());
        let answer = chat.say(question, &mut |piece| pieces.write(piece), job.token());
        pieces.finish()?;
        answer
    };
    match answer {
        Ok(answer) if console.is_json() => console.json(&AnswerObject::new(&answer, false))?,
        Ok(answer) => print_sources(&answer, console)?,
        Err(error) => {
            console.error(&error.line());
            if console.is_json() {
                console.json(&error_object(&error))?;
            }
        }
    }
    console.flush()
}
