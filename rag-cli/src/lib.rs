//! The `rag` command as a function: arguments in, data on `out`, messages on `err`, an exit code
//! back.
//!
//! The binary and the Python package's `rag` script both call [`run`]; neither holds logic of its
//! own. Each command stands in its own file under `commands/` and only turns arguments into one
//! library call and the result into text or JSON.

mod arguments;
mod beir;
mod commands;
mod console;
mod failure;
mod interrupt;
mod metrics;
pub mod model;
mod npy;
mod options;
mod place;
mod written;

use std::ffi::OsString;
use std::io::Write;
use std::path::PathBuf;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory, Parser};

pub use interrupt::{Interrupt, Job, Press};

use commands::Command;
use console::{Console, Output, visible};
use failure::{Exit, Failure, Outcome};
use options::{Config, Source};

/// Answers questions from your documents, with citations, on this machine alone.
#[derive(Debug, Parser)]
#[command(name = "rag", version, disable_help_subcommand = true)]
struct Cli {
    /// Print JSON on standard output instead of text
    #[arg(long, global = true)]
    json: bool,
    /// No progress bars and no notes on standard error
    #[arg(long, short, global = true)]
    quiet: bool,
    /// Take options from this file, not from the rag.toml beside the knowledge base; none for no
    /// file
    #[arg(long, global = true, value_name = "FILE|none")]
    config: Option<PathBuf>,
    /// Do nothing but show the options of this command, each with its value and where that comes
    /// from: an argument, a variable, a line of a file, the default
    #[arg(long, global = true)]
    show_config: bool,
    /// Print help with every option, as --help does
    #[arg(long, global = true, action = clap::ArgAction::HelpLong, hide_short_help = true)]
    help_all: Option<bool>,
    #[command(subcommand)]
    command: Command,
}

/// Runs one `rag` command and returns its exit code.
///
/// `args` begins with the program's name, as [`std::env::args_os`] does. Data goes to `out`,
/// messages to `err`; progress bars are drawn on the process's standard error if that is a
/// terminal. No signal handler is installed: see [`run_with`].
///
/// Exit codes: 0 done, 1 error (or a damaged file, from `check`), 2 wrong usage, 3 the documents
/// hold no answer or a guard refused the question, 4 done but some files were skipped. A closed
/// `out` (broken pipe) ends the command quietly with 0.
pub fn run(
    args: impl IntoIterator<Item = OsString>,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> u8 {
    run_with(args, out, err, &Interrupt::new())
}

/// As [`run`], with the means to stop it: the host calls [`Interrupt::press`] from its signal
/// handler.
pub fn run_with(
    args: impl IntoIterator<Item = OsString>,
    out: &mut dyn Write,
    err: &mut dyn Write,
    interrupt: &Interrupt,
) -> u8 {
    let args = arguments::settle(args.into_iter().collect(), &Cli::command());
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => return report_usage(&named(error), out, err),
    };
    let output = if cli.json { Output::Json } else { Output::Human };
    let mut console = Console::new(out, err, output, cli.quiet, interrupt);
    match execute(&cli, &mut console).and_then(|exit| console.flush().map(|()| exit)) {
        Ok(exit) => exit.code(),
        Err(failure) => report_failure(&failure, &mut console),
    }
}

/// Reads what variables and a file say of options, then runs the command.
fn execute(cli: &Cli, console: &mut Console<'_>) -> Outcome {
    let source = cli.config.as_deref().map_or_else(|| cli.command.config_file(), Source::Named);
    let config = match cli.command.needs_no_config() {
        true => Config::default(),
        false => Config::load(std::env::vars_os(), source).map_err(Failure::Usage)?,
    };
    console.notices(config.notices());
    match cli.show_config {
        true => cli.command.show(&config, console),
        false => cli.command.run(&config, console),
    }
}

/// A mistake in an option's name in the words that every surface has for it.
fn named(mut error: clap::Error) -> clap::Error {
    if let Some(ContextValue::String(nearest)) = error.get(ContextKind::SuggestedArg) {
        let tip = format!("there is no such option; the nearest is {nearest}");
        error.remove(ContextKind::SuggestedArg);
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip.into()]));
    }
    error
}

/// Prints help and version on `out`, mistakes on `err`.
fn report_usage(error: &clap::Error, out: &mut dyn Write, err: &mut dyn Write) -> u8 {
    let asked_for = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
    let stream: &mut dyn Write = if asked_for { out } else { err };
    // Nothing better can be done when the place for messages is closed.
    let _ =
        write!(stream, "{}", visible(&error.render().to_string())).and_then(|()| stream.flush());
    if asked_for { Exit::Done.code() } else { failure::EXIT_USAGE }
}

fn report_failure(failure: &Failure, console: &mut Console<'_>) -> u8 {
    let line = failure.line();
    if let Some(line) = &line {
        console.error(line);
    }
    if let (Failure::Engine(error) | Failure::Usage(error), Output::Json) =
        (failure, console.output())
    {
        // The error itself is already on standard error.
        let _ = console.json(&failure::error_object(error)).and_then(|()| console.flush());
    }
    failure.code()
}
