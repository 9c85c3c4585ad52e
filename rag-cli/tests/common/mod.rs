//! Runs the built program, and finds models.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    dead_code,
    reason = "each test file uses a part"
)]

use std::ffi::OsStr;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::{env, fs};

use serde_json::Value;

/// The path of a model, or `None` after a printed SKIP; the leg that requires models fails instead.
pub(crate) fn model(name: &str) -> Option<String> {
    let folder = match env::var_os("RAG_TEST_MODELS") {
        Some(folder) => PathBuf::from(folder),
        None => PathBuf::from(env::var_os("HOME").unwrap_or_default()).join(".cache/rag/models"),
    };
    let path = folder.join(name);
    if path.exists() {
        return Some(path.to_str().unwrap().to_owned());
    }
    assert!(
        env::var_os("RAG_REQUIRE_MODELS").is_none_or(|value| value != "1"),
        "model {name} is required"
    );
    println!("SKIP: no model {name}");
    None
}

/// The program with these arguments.
pub(crate) fn rag<S: AsRef<OsStr>>(arguments: &[S]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rag"));
    command.args(arguments);
    command
}

/// Runs with `input` on standard input.
pub(crate) fn run_with_input(arguments: &[&str], input: &[u8]) -> Output {
    let mut child = rag(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A program that fails early does not read its input.
    let _ = child.stdin.take().unwrap().write_all(input);
    child.wait_with_output().unwrap()
}

/// Runs, expects this exit code and one JSON value on standard output.
pub(crate) fn json(arguments: &[&str], exit_code: i32) -> Value {
    let output = rag(arguments).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(exit_code), "{arguments:?}: {stderr}");
    let stdout = String::from_utf8(output.stdout).unwrap();
    serde_json::from_str(&stdout).unwrap_or_else(|error| panic!("{error}: {stdout:?} {stderr}"))
}

/// Asserts that an object has all these keys.
pub(crate) fn assert_keys(value: &Value, keys: &[&str]) {
    let object = value.as_object().unwrap();
    for key in keys {
        assert!(object.contains_key(*key), "no key {key:?} in {value}");
    }
}

/// A temporary directory with a folder of two documents and the path of a knowledge base beside it.
pub(crate) struct Place {
    pub(crate) directory: tempfile::TempDir,
}

impl Place {
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let place = Self { directory };
        fs::create_dir(place.path("docs")).unwrap();
        place.write("bridge.txt", "The bridge over the Velden was opened in 1871.\n");
        place.write("bees.md", "# Bees\n\nIn winter bees live on stored honey.\n");
        place
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.directory.path().join(name).to_str().unwrap().to_owned()
    }

    pub(crate) fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        fs::write(self.directory.path().join("docs").join(name), text).unwrap();
    }
}
