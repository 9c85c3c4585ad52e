//! One file per command; each turns arguments into library calls and results into text or JSON.

mod add;
mod ask;
mod backup;
mod bench;
mod chat;
mod check;
mod completions;
mod compose;
mod config;
mod encode;
mod eval;
mod explain;
mod generate;
mod guards;
mod info;
mod list;
mod man;
mod map;
mod model;
mod options;
mod pieces;
mod read;
mod reindex;
mod remove;
mod repair;
mod restore;
mod search;
mod summarize;
mod sync;
mod table;
mod vacuum;
mod watch;

use clap::Subcommand;

use crate::console::Console;
use crate::failure::{Exit, Outcome};
use crate::options::{Config, Holding, Source};

/// What `rag` can do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Sync(sync::Args),
    Search(search::Args),
    Ask(Box<ask::Args>),
    Summarize(Box<summarize::Args>),
    Compose(Box<compose::Args>),
    Chat(Box<chat::Args>),
    Info(info::Args),
    List(list::Args),
    Table(table::Args),
    Map(map::Args),
    Check(check::Args),
    Vacuum(vacuum::Args),
    Reindex(reindex::Args),
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
    Completions(completions::Args),
    Man(man::Args),
}

impl Command {
    pub(crate) fn run(&self, config: &Config, console: &mut Console<'_>) -> Outcome {
        match self {
            Command::Sync(args) => sync::run(args, config, console),
            Command::Search(args) => search::run(args, config, console),
            Command::Ask(args) => ask::run(args, config, console),
            Command::Summarize(args) => summarize::run(args, config, console),
            Command::Compose(args) => compose::run(args, config, console),
            Command::Chat(args) => chat::run(args, config, console),
            Command::Info(args) => info::run(args, console),
            Command::List(args) => list::run(args, console),
            Command::Table(args) => table::run(args, console),
            Command::Map(args) => map::run(args, config, console),
            Command::Check(args) => check::run(args, console),
            Command::Vacuum(args) => vacuum::run(args, console),
            Command::Reindex(args) => reindex::run(args, config, console),
            Command::Backup(args) => backup::run(args, console),
            Command::Repair(args) => repair::run(args, config, console),
            Command::Restore(args) => restore::run(args, console),
            Command::Add(args) => add::run(args, config, console),
            Command::Remove(args) => remove::run(args, config, console),
            Command::Model(args) => model::run(args, console),
            Command::Encode(args) => encode::run(args, config, console),
            Command::Generate(args) => generate::run(args, config, console),
            Command::Read(args) => read::run(args, console),
            Command::Eval(args) => eval::run(args, config, console),
            Command::Bench(args) => bench::run(args, config, console),
            Command::Config(args) => config::run(args, config, console),
            Command::Completions(args) => completions::run(args, console),
            Command::Man(args) => man::run(args, console),
        }
    }

    /// What holds for its options, in place of running it.
    pub(crate) fn show(&self, config: &Config, console: &mut Console<'_>) -> Outcome {
        let mut held = Holding::new(config);
        match self {
            Command::Sync(args) => args.show(&mut held),
            Command::Search(args) => args.show(&mut held),
            Command::Ask(args) => args.show(&mut held),
            Command::Summarize(args) => args.show(&mut held),
            Command::Compose(args) => args.show(&mut held),
            Command::Chat(args) => args.show(&mut held),
            Command::Map(args) => args.show(&mut held),
            Command::Reindex(args) => args.show(&mut held),
            Command::Repair(args) => args.show(&mut held),
            Command::Add(args) => args.show(&mut held),
            Command::Remove(args) => args.show(&mut held),
            Command::Encode(args) => args.show(&mut held),
            Command::Generate(args) => args.show(&mut held),
            Command::Eval(args) => args.show(&mut held),
            Command::Bench(args) => args.show(&mut held),
            // it shows all of them
            Command::Config(args) => return config::run(args, config, console),
            Command::Info(_)
            | Command::List(_)
            | Command::Table(_)
            | Command::Check(_)
            | Command::Vacuum(_)
            | Command::Backup(_)
            | Command::Restore(_)
            | Command::Model(_)
            | Command::Read(_)
            | Command::Completions(_)
            | Command::Man(_) => Ok(()),
        }?;
        config::show(held.groups(), console)?;
        Ok(Exit::Done)
    }

    /// The file of options beside its knowledge base: of what it says, commands take the options
    /// they have.
    pub(crate) fn config_file(&self) -> Source<'_> {
        let beside = match self {
            Command::Search(args) => args.knowledge_base.beside(),
            Command::Ask(args) => args.knowledge_base.beside(),
            Command::Summarize(args) => args.knowledge_base.beside(),
            Command::Compose(args) => args.knowledge_base.beside(),
            Command::Chat(args) => args.knowledge_base.beside(),
            Command::Sync(args) => args.knowledge_base.beside(),
            Command::Add(args) => args.knowledge_base.beside(),
            Command::Reindex(args) => args.knowledge_base.beside(),
            Command::Repair(args) => args.knowledge_base.beside(),
            Command::Remove(args) if !args.untrusted.untrusted => Some(args.path.as_path()),
            Command::Config(args) => args.beside(),
            _ => None,
        };
        beside.map_or(Source::None, Source::Beside)
    }

    /// Whether it works without options, so that it shows what they are even where one is wrong.
    pub(crate) fn needs_no_config(&self) -> bool {
        match self {
            Command::Config(args) => args.needs_no_config(),
            Command::Completions(_) | Command::Man(_) => true,
            _ => false,
        }
    }
}
