//! `rag completions`: what a shell needs to complete commands and options.

use clap::{CommandFactory, ValueEnum};
use clap_complete::Shell;

use crate::Cli;
use crate::console::Console;
use crate::failure::{Exit, Outcome};

/// Print a script that makes a shell complete commands and options
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The shell: for bash, eval "$(rag completions bash)" in ~/.bashrc; for zsh, a file _rag in a
    /// folder of $fpath; for fish, ~/.config/fish/completions/rag.fish
    #[arg(value_enum)]
    shell: For,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum For {
    Bash,
    Zsh,
    Fish,
}

pub(crate) fn run(args: &Args, console: &mut Console<'_>) -> Outcome {
    let shell = match args.shell {
        For::Bash => Shell::Bash,
        For::Zsh => Shell::Zsh,
        For::Fish => Shell::Fish,
    };
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "rag", &mut script);
    console.out().write_all(&script)?;
    Ok(Exit::Done)
}
