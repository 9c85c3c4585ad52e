//! `rag model`: which models are known, where they are, and the one command that downloads.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use rag_core::Error;
use rag_core::model::ModelDirs;
use serde::Serialize;

use super::options::model_dirs;
use crate::console::{Console, one_line};
use crate::failure::{Exit, Failure, Outcome};
use crate::model::{self, Kind, ModelRow};

/// List, fetch and inspect models
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Known models, and where they are on this machine
    List,
    /// Download models into the cache, with hash checks; the only command that opens a connection
    Fetch {
        /// Names from `rag model list`
        #[arg(value_name = "NAME", required = true)]
        names: Vec<String>,
    },
    /// Read and check a model in full
    Inspect {
        /// A folder, a GGUF file, or the name of a model on this machine
        #[arg(value_name = "PATH|NAME")]
        path: String,
    },
}

#[derive(Debug, Serialize)]
struct Models {
    models: Vec<ModelRow>,
}

#[derive(Debug, Serialize)]
struct Fetched<'a> {
    name: &'a str,
    path: &'a Path,
}

pub(crate) fn run(args: &Args, console: &mut Console<'_>) -> Outcome {
    match &args.what {
        What::List => list(console)?,
        What::Fetch { names } => {
            for name in names {
                fetch(name, console)?;
            }
        }
        What::Inspect { path } => inspect(path, console)?,
    }
    Ok(Exit::Done)
}

fn list(console: &mut Console<'_>) -> Result<(), Failure> {
    let models = model::list(&model_dirs())?;
    if console.is_json() {
        return console.json(&Models { models });
    }
    for row in &models {
        let kind = match row.kind {
            Kind::Encoder => "encoder",
            Kind::Generator => "generator",
            Kind::Reranker => "reranker",
        };
        let place = match &row.path {
            Some(path) => one_line(&path.to_string_lossy()),
            None => format!("not here: {} to download", megabytes(row.download_bytes)),
        };
        let size = megabytes(row.size_bytes);
        console.line(format_args!("{:<16}{kind:<11}{size:>8}  {}", row.name, row.description))?;
        console.line(format_args!("{:<16}{}; {place}", "", row.licence))?;
    }
    Ok(())
}

fn megabytes(bytes: u64) -> String {
    format!("{} MB", bytes.div_ceil(1_000_000))
}

fn fetch(name: &str, console: &mut Console<'_>) -> Result<(), Failure> {
    let cache_dir = cache_dir()?;
    let job = console.job();
    let bar = console.byte_bar("fetching");
    let mut on_progress = |done, total| bar.set_of(done, total);
    let path = model::fetch(name, &cache_dir, job.token(), &mut on_progress)?;
    drop(bar);
    warn_of_others(&path, console);
    if console.is_json() {
        return console.json(&Fetched { name, path: &path });
    }
    console.line(format_args!("{name} is in {}", one_line(&path.to_string_lossy())))
}

/// Says who else may put something in place of a model; its hashes are compared only when it is
/// fetched.
fn warn_of_others(model: &Path, console: &mut Console<'_>) {
    if let Some((folder, who)) = model::who_may_write(model) {
        let folder = one_line(&folder.to_string_lossy());
        console.error(&format!(
            "warning: {who} may write to {folder} and change the model; take the right away \
             (chmod go-w), or set RAG_CACHE to a folder of your own"
        ));
    }
}

/// Our own cache: the last place looked in once `RAG_MODELS` is left out.
fn cache_dir() -> rag_core::Result<PathBuf> {
    let own = |name: &str| if name == "RAG_MODELS" { None } else { std::env::var_os(name) };
    let models = ModelDirs::from_variables(own).model_dirs.pop();
    let cache_dir = models.as_deref().and_then(Path::parent).map(Path::to_owned);
    cache_dir.ok_or_else(|| Error::NotFound {
        what: "folder",
        name: "cache".to_owned(),
        hint: "set RAG_CACHE, XDG_CACHE_HOME or HOME".to_owned(),
    })
}

fn inspect(name: &str, console: &mut Console<'_>) -> Result<(), Failure> {
    let report = model::inspect(&model_dirs().resolve(name)?)?;
    if console.is_json() {
        return console.json(&report);
    }
    for (key, value) in report.as_object().into_iter().flatten() {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        console.line(format_args!("{key:<24}{}", one_line(&value)))?;
    }
    Ok(())
}
