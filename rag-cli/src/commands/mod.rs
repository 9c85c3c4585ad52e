//! One file per command; each turns arguments into library calls and results into text or JSON.

mod add;
mod ask;
mod backup;
mod bench;
mod chat;
mod check;
mod config;
mod encode;
mod eval;
mod explain;
mod generate;
mod guards;
mod info;
mod list;
mod model;
mod options;
mod prompting;
mod read;
mod remove;
mod repair;
mod restore;
mod search;
mod summarize;
mod sync;
mod vacuum;
mod watch;

use clap::Subcommand;

use crate::console::Console;
use crate::failure::Outcome;

/// What `rag` can do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Sync(sync::Args),
    Search(search::Args),
    Ask(ask::Args),
    Summarize(Box<summarize::Args>),
    Chat(chat::Args),
    Info(info::Args),
    List(list::Args),
    Check(check::Args),
    Vacuum(vacuum::Args),
    Backup(backup::Args),
    Repair(repair::Args),
    Restore(restore::Args),
    Add(add::Args),
    Remove(remove::Args),
    Model(model::Args),
    Encode(encode::Args),
    Generate(generate::Args),
    Read(read::Args),
    Eval(Box<eval::Args>),
    Bench(bench::Args),
    Config(config::Args),
}

impl Command {
    pub(crate) fn run(&self, console: &mut Console<'_>) -> Outcome {
        match self {
            Command::Sync(args) => sync::run(args, console),
            Command::Search(args) => search::run(args, console),
            Command::Ask(args) => ask::run(args, console),
            Command::Summarize(args) => summarize::run(args, console),
            Command::Chat(args) => chat::run(args, console),
            Command::Info(args) => info::run(args, console),
            Command::List(args) => list::run(args, console),
            Command::Check(args) => check::run(args, console),
            Command::Vacuum(args) => vacuum::run(args, console),
            Command::Backup(args) => backup::run(args, console),
            Command::Repair(args) => repair::run(args, console),
            Command::Restore(args) => restore::run(args, console),
            Command::Add(args) => add::run(args, console),
            Command::Remove(args) => remove::run(args, console),
            Command::Model(args) => model::run(args, console),
            Command::Encode(args) => encode::run(args, console),
            Command::Generate(args) => generate::run(args, console),
            Command::Read(args) => read::run(args, console),
            Command::Eval(args) => eval::run(args, console),
            Command::Bench(args) => bench::run(args, console),
            Command::Config(args) => config::run(args, console),
        }
    }
}
