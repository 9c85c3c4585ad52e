//! What commands write and read by name: whole or not at all, for its owner alone, regular files
//! only.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Output};

use common::{Place, json, model, rag};

const QUESTION: &str = "When was the bridge over the Velden opened?";

fn mode(path: &str) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

/// Runs `rag` after these words of a shell; a program that does not stop is ended after a minute.
fn after(words: &str, arguments: &[&str]) -> Output {
    let script = format!("{words}; exec timeout -s KILL 60 \"$0\" \"$@\"");
    let program = env!("CARGO_BIN_EXE_rag");
    Command::new("sh").args(["-c", &script, program]).args(arguments).output().unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A place with its two documents in a knowledge base.
fn synced() -> Option<(Place, String)> {
    let encoder = model("minilm")?;
    let place = Place::new();
    let kb = place.path("kb.rag");
    json(&["sync", &kb, &place.path("docs"), "--encoder", &encoder, "--json"], 0);
    Some((place, kb))
}

/// Names in the folder of the place that no command should have left.
fn leftovers(place: &Place) -> Vec<String> {
    let entries = fs::read_dir(place.directory.path()).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
    names.filter(|name| name.starts_with(".rag-") || name.contains(".part")).collect()
}

#[test]
fn pages_and_conversations_are_their_owners_alone() {
    let Some((place, kb)) = synced() else { return };
    let (page, chat) = (place.path("page.html"), place.path("chat.json"));
    let explain = format!("--explain={page}");
    let asked = after("umask 0", &["ask", &kb, QUESTION, "--llm", "none", &explain]);
    assert!(asked.status.success(), "{}", stderr(&asked));
    let talk = "umask 0; echo 'When was the bridge opened?' | ";
    let script = format!("{talk} \"$0\" \"$@\"");
    let program = env!("CARGO_BIN_EXE_rag");
    let arguments = ["-c", &script, program, "chat", &kb, "--llm", "none", "--save", &chat];
    assert!(Command::new("sh").args(arguments).output().unwrap().status.success());
    for written in [&page, &chat] {
        assert_eq!(mode(written), 0o600, "{written}");
        assert!(fs::read_to_string(written).unwrap().contains("1871"));
    }
    // copies have at most the mode of what they copy
    fs::set_permissions(&kb, fs::Permissions::from_mode(0o600)).unwrap();
    for command in ["backup", "repair"] {
        let to = place.path(command);
        assert!(after("umask 0", &[command, &kb, &to]).status.success());
        assert_eq!(mode(&to), 0o600, "{command}");
    }
    assert_eq!(leftovers(&place), [""; 0]);
}

#[test]
fn a_limit_on_files_is_an_error_and_leaves_what_was_there() {
    let Some((place, kb)) = synced() else { return };
    // 64 blocks of 512 bytes: what SQLite keeps in shared memory fits, a page about a long question
    // does not
    let limit = "ulimit -f 64";
    let page = place.path("page.html");
    let long = format!("{QUESTION} {}", "And what do bees do in winter? ".repeat(1500));
    let explain = format!("--explain={page}");
    let arguments = ["ask", &kb, &long, "--llm", "none", "--abstain", "never", &explain];
    for old in [None, Some("the old page")] {
        old.inspect(|old| fs::write(&page, old).unwrap());
        let asked = after(limit, &arguments);
        assert_eq!(asked.status.signal(), None, "{}", stderr(&asked));
        assert_eq!(asked.status.code(), Some(1), "{}", stderr(&asked));
        assert_eq!(fs::read_to_string(&page).ok().as_deref(), old);
    }
    let to = place.path("copy.rag");
    let copied = after("ulimit -f 8", &["backup", &kb, &to]);
    assert_eq!((copied.status.signal(), copied.status.code()), (None, Some(1)));
    assert!(!Path::new(&to).exists());
    let more = "The tower was built in 1902. ".repeat(3000);
    fs::write(place.path("more.txt"), more).unwrap();
    let added = after(
        &format!("exec < '{}'; {limit}", place.path("more.txt")),
        &["add", &kb, "more", "--json"],
    );
    assert_eq!(added.status.signal(), None, "{}", stderr(&added));
    assert_eq!(json(&["check", &kb, "--json"], 0)["sound"], true);
    assert_eq!(leftovers(&place), [""; 0]);
}

#[test]
fn pipes_are_refused_wherever_a_file_is_named() {
    let Some((place, kb)) = synced() else { return };
    let pipe = place.path("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let (to, explain) = (place.path("to"), format!("--explain={pipe}"));
    let none = ["--llm", "none"];
    let commands: [&[&str]; 15] = [
        &["check", &pipe],
        &["repair", &pipe, &to],
        &["repair", &kb, &pipe],
        &["backup", &pipe, &to],
        &["backup", &kb, &pipe],
        &["info", &pipe],
        &["list", &pipe],
        &["vacuum", &pipe],
        &["reindex", &pipe],
        &["remove", &pipe, "x"],
        &["search", &pipe, "x"],
        &["ask", &pipe, "x", none[0], none[1]],
        &["ask", &kb, QUESTION, none[0], none[1], &explain],
        &["ask", &kb, QUESTION, none[0], none[1], "--examples", &pipe],
        &["chat", &kb, none[0], none[1], "--resume", &pipe],
    ];
    for command in commands {
        let output = after(":", command);
        assert_eq!(output.status.signal(), None, "{command:?} waits");
        assert_eq!(output.status.code(), Some(1), "{command:?}: {}", stderr(&output));
    }
    assert!(!Path::new(&to).exists());
    assert_eq!(leftovers(&place), [""; 0]);
}

#[test]
fn what_is_purged_is_found_nowhere() {
    let Some((place, kb)) = synced() else { return };
    let holds = |word: &str| {
        let bytes =
            ["", "-wal"].map(|suffix| fs::read(format!("{kb}{suffix}")).unwrap_or_default());
        bytes.concat().windows(word.len()).any(|window| window == word.as_bytes())
    };
    assert!(holds("stored honey"));
    let bees = fs::canonicalize(place.path("docs/bees.md")).unwrap();
    let removed = json(&["remove", &kb, bees.to_str().unwrap(), "--purge", "--json"], 0);
    assert_eq!(removed["removed"], true);
    assert!(!holds("honey") && !holds("bees.md") && holds("1871"));
    assert_eq!(json(&["check", &kb, "--json"], 0)["sound"], true);
    // nothing to remove is no reason not to purge what was removed before
    let missing = rag(&["remove", &kb, "missing", "--purge"]).output().unwrap();
    assert_eq!(missing.status.code(), Some(3));
}
