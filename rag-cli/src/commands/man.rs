//! `rag man`: manual pages.

use std::io::Write;
use std::path::PathBuf;

use clap::{Command, CommandFactory};
use clap_mangen::Man;
use rag_core::Error;
use rag_core::files::PlainFile;

use crate::Cli;
use crate::console::Console;
use crate::failure::{Exit, Outcome};

/// Write the manual pages into a folder, one a command, or print the page of rag itself
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The folder, such as ~/.local/share/man/man1; made if it is not there
    #[arg(value_name = "DIR")]
    folder: Option<PathBuf>,
}

pub(crate) fn run(args: &Args, console: &mut Console<'_>) -> Outcome {
    let mut rag = Cli::command();
    // with names and usage of subcommands
    rag.build();
    let Some(folder) = &args.folder else {
        console.out().write_all(&page(&rag)?)?;
        return Ok(Exit::Done);
    };
    std::fs::create_dir_all(folder).map_err(|source| Error::io(folder, source))?;
    let mut pages = Vec::new();
    collect("rag", &rag, &mut pages)?;
    for (name, page) in &pages {
        let path = folder.join(format!("{name}.1"));
        let write = |source| Error::io(&path, source);
        let mut file = PlainFile::create(&path).map_err(write)?;
        file.write_all(page).map_err(write)?;
    }
    console.note(format_args!("{} pages in {}", pages.len(), folder.display()));
    Ok(Exit::Done)
}

/// The page of a command and those of its subcommands, by names such as `rag-model-fetch`.
fn collect(
    name: &str,
    command: &Command,
    pages: &mut Vec<(String, Vec<u8>)>,
) -> std::io::Result<()> {
    let named = command.clone().name(name.to_owned());
    pages.push((name.to_owned(), page(&named)?));
    for subcommand in command.get_subcommands() {
        collect(&format!("{name}-{}", subcommand.get_name()), subcommand, pages)?;
    }
    Ok(())
}

fn page(command: &Command) -> std::io::Result<Vec<u8>> {
    let mut page = Vec::new();
    Man::new(command.clone()).render(&mut page)?;
    Ok(page)
}
