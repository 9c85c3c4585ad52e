//! Runs tests/scenarios/*.json through the Rust API; tests/scenarios/README.md is the format.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test may panic and reports by printing"
)]

mod format;
mod runner;

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::{env, fs};

use format::Scenario;
use runner::Runner;

/// Two generators at once would only wait for each other, and need twice the memory.
static GENERATOR: Mutex<()> = Mutex::new(());

/// The folder of models by name.
fn models_dir() -> PathBuf {
    match env::var_os("RAG_TEST_MODELS") {
        Some(dir) => PathBuf::from(dir),
        None => PathBuf::from(env::var_os("HOME").unwrap_or_default()).join(".cache/rag/models"),
    }
}

/// The first model that is not on this machine; the leg that requires models fails instead.
fn missing_model(scenario: &Scenario) -> Option<&str> {
    let missing = scenario.needs.iter().find(|name| !models_dir().join(name).exists())?;
    assert!(
        env::var_os("RAG_REQUIRE_MODELS").is_none_or(|value| value != "1"),
        "{} needs model {missing}",
        scenario.name
    );
    Some(missing)
}

fn run(name: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios");
    let text = fs::read_to_string(folder.join(name).with_extension("json")).unwrap();
    let scenario: Scenario = serde_json::from_str(&text).unwrap();
    assert_eq!(scenario.name, name);
    if let Some(model) = missing_model(&scenario) {
        println!("SKIP {name}: no model {model}");
        return;
    }
    let one_at_a_time = scenario.llm.as_ref().map(|_| GENERATOR.lock());
    let directory = tempfile::tempdir().unwrap();
    Runner::new(&scenario, directory.path(), models_dir()).run();
    drop(one_at_a_time);
}

macro_rules! scenarios {
    ($($name:ident)*) => {
        $(#[test]
        fn $name() {
            run(stringify!($name));
        })*

        /// A scenario file that no test runs would be believed to pass.
        #[test]
        fn every_file_is_run() {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios");
            let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
            let mut names: Vec<String> = files
                .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
                .map(|path| path.file_stem().unwrap().to_string_lossy().into_owned())
                .collect();
            names.sort();
            assert_eq!(names, [$(stringify!($name)),*]);
        }
    };
}

scenarios! {
    ask
    ask_stream
    compose
    errors
    finding
    french
    index_search_update_delete
    lexical
    options
    persona
    rename
    reopen
    subject
    tables
}
