//! `rag check KB`: every damage in the file.

use std::path::PathBuf;

use rag_core::store::{Access, Damage, Store};
use rag_core::{CancelToken, Error, ErrorCode};
use serde::Serialize;

use super::options::UntrustedArg;
use crate::console::{Console, one_line};
use crate::failure::{Exit, Outcome};

/// Look at every row of the file; exit code 0 if it is sound, 1 if it is damaged
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The knowledge base file
    #[arg(value_name = "KB")]
    path: PathBuf,
    #[command(flatten)]
    _untrusted: UntrustedArg,
}

#[derive(Debug, Serialize)]
struct Report {
    sound: bool,
    damage: Vec<Damage>,
}

pub(crate) fn run(args: &Args, console: &mut Console<'_>) -> Outcome {
    let job = console.job();
    let bar = console.bar("checking", None);
    let (damage, notices) = find_damage(args, job.token())?;
    drop(bar);
    console.notices(&notices);
    let sound = damage.is_empty();
    if console.is_json() {
        console.json(&Report { sound, damage })?;
    } else {
        for found in &damage {
            let repair = if found.repairable { " (can be rebuilt)" } else { "" };
            console.line(format_args!("{}: {}{repair}", found.part, one_line(&found.message)))?;
        }
        console.line(format_args!("{}", if sound { "sound" } else { "damaged" }))?;
    }
    Ok(if sound { Exit::Done } else { Exit::Damaged })
}

/// A file too damaged to open is a finding too, not only an error.
fn find_damage(args: &Args, cancel: &CancelToken) -> Result<(Vec<Damage>, Vec<String>), Error> {
    let checked = Store::open(&args.path, Access::ReadOnly)
        .and_then(|store| Ok((store.check(cancel)?, store.notices().to_vec())));
    match checked {
        Err(error) if error.code() == ErrorCode::Store => {
            let message = error.line();
            let damage = Damage { part: "file".to_owned(), message, repairable: false };
            Ok((vec![damage], Vec::new()))
        }
        other => other,
    }
}
