//! Indexes a folder and answers one question from it, with citations.
//!
//! `cargo run --release -p rag-core --example ask_folder -- FOLDER QUESTION`
#![expect(clippy::print_stdout, reason = "a program for the terminal")]

use std::env;
use std::error::Error;
use std::io::{Write, stdout};
use std::ops::ControlFlow;

use rag_core::model::ModelDirs;
use rag_core::{AskOptions, Call, KnowledgeBase, OpenOptions};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [folder, question] = arguments.as_slice() else {
        return Err("usage: ask_folder FOLDER QUESTION".into());
    };
    let model_dirs = ModelDirs::from_variables(|name| env::var_os(name));
    let options = OpenOptions { model_dirs, ..OpenOptions::default() };
    let knowledge_base = KnowledgeBase::open("folder.rag", &options)?;

    let report = knowledge_base.sync(folder)?;
    println!("{} added, {} updated, {} removed", report.added, report.updated, report.removed);
    for skipped in &report.skipped {
        println!("skipped {}", skipped.error.line());
    }

    let mut show = |piece: &str| {
        print!("{piece}");
        let _ = stdout().flush();
        ControlFlow::Continue(())
    };
    let answer = knowledge_base.ask_with(
        question,
        &AskOptions::default(),
        Call::new().on_piece(&mut show),
    )?;
    println!();
    if !answer.found {
        println!("not found");
    }
    for citation in &answer.citations {
        let (start, end) = (citation.start, citation.end);
        let note = citation.status.note().map(|note| format!(" ({note})")).unwrap_or_default();
        let (marker, uri, quote) = (citation.marker, &citation.uri, &citation.quote);
        println!("[{marker}] {uri} {start}..{end}{note}: {quote:?}");
    }
    Ok(())
}
