//! Kill -9 at random moments of `rag sync`: what was acknowledged is there, the file is sound, the
//! next run resumes.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use common::{Place, json, model, rag};
use rag_core::store::{Access, Store};
use serde_json::Value;

const KILLS: usize = 20;
/// Documents that are new in each round, so that there is always work to interrupt.
const NEW_DOCUMENTS: usize = 12;

/// SplitMix64 (Steele et al. 2014).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % limit
    }
}

#[test]
fn kill_during_sync_loses_no_acknowledged_document() {
    let Some(encoder) = model("minilm") else { return };
    let place = Place::new();
    let (kb, docs) = (place.path("kb.rag"), place.path("docs"));
    let sync = ["sync", &kb, &docs, "--encoder", &encoder, "--json-progress", "--quiet"];
    let mut random = Random(1);
    let mut acknowledged = BTreeSet::new();
    for round in 0..KILLS {
        write_documents(&place, round);
        let child = rag(&sync).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let acks = random.below(NEW_DOCUMENTS as u64 + 1) as usize;
        // Before the first line the models are loading and the file is being made.
        let longest_wait = if acks == 0 { 600 } else { 40 };
        acknowledged.extend(kill_after(
            child,
            acks,
            Duration::from_millis(random.below(longest_wait)),
        ));
        assert_sound(&kb, &acknowledged);
    }
    assert!(acknowledged.len() > KILLS, "the kills came too early to mean anything");
    let report = json(&["sync", &kb, &docs, "--encoder", &encoder, "--json"], 0);
    assert_eq!(report["removed"], 0);
    let info = json(&["info", &kb, "--json"], 0);
    assert_eq!(info["document_count"], KILLS * NEW_DOCUMENTS + 2);
    assert_sound(&kb, &acknowledged);
}

fn write_documents(place: &Place, round: usize) {
    for number in 0..NEW_DOCUMENTS {
        let sentence = format!("Document {number} of round {round} speaks of the river. ");
        place.write(&format!("{round}-{number}.txt"), sentence.repeat(number + 1));
    }
}

/// Reads `acks` lines, waits, kills; returns every path acknowledged before the end.
fn kill_after(mut child: Child, acks: usize, wait: Duration) -> BTreeSet<String> {
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let mut paths: BTreeSet<String> =
        lines.by_ref().take(acks).filter_map(|line| path(&line.unwrap())).collect();
    thread::sleep(wait);
    // It may have finished already.
    let _ = child.kill();
    child.wait().unwrap();
    paths.extend(lines.filter_map(|line| path(&line.ok()?)));
    paths
}

/// The path of a whole line; a line cut by the kill acknowledged nothing.
fn path(line: &str) -> Option<String> {
    let value: Value = serde_json::from_str(line).ok()?;
    Some(value["path"].as_str()?.to_owned())
}

fn assert_sound(kb: &str, acknowledged: &BTreeSet<String>) {
    if !Path::new(kb).exists() {
        assert!(acknowledged.is_empty());
        return;
    }
    if acknowledged.is_empty() && fs::metadata(kb).unwrap().len() == 0 {
        return;
    }
    assert_eq!(json(&["check", kb, "--json"], 0)["sound"], true);
    let store = Store::open(Path::new(kb), Access::ReadOnly).unwrap();
    let stored: BTreeSet<String> =
        store.documents().unwrap().into_iter().map(|document| document.uri).collect();
    let lost: Vec<&String> = acknowledged.difference(&stored).collect();
    assert!(lost.is_empty(), "acknowledged and lost: {lost:?}");
}

/// A program that does not stop is a failed test, not one that never ends.
#[cfg(unix)]
fn kill_if_it_hangs(child: &Child) {
    let id = child.id().to_string();
    thread::spawn(move || {
        thread::sleep(Duration::from_secs(120));
        let _ = Command::new("kill").args(["-KILL", &id]).status();
    });
}

#[cfg(unix)]
#[test]
fn ctrl_c_stops_a_sync_and_keeps_what_was_acknowledged() {
    let Some(encoder) = model("minilm") else { return };
    let place = Place::new();
    let (kb, docs) = (place.path("kb.rag"), place.path("docs"));
    for round in 0..20 {
        write_documents(&place, round);
    }
    let sync = ["sync", &kb, &docs, "--encoder", &encoder, "--json-progress", "--quiet"];
    let mut child = rag(&sync).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    kill_if_it_hangs(&child);
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let mut acknowledged = BTreeSet::from([path(&lines.next().unwrap().unwrap()).unwrap()]);
    let interrupt = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(interrupt.success());
    let rest: Vec<String> = lines.map(Result::unwrap).collect();
    assert_eq!(child.wait().unwrap().code(), Some(1));
    assert_eq!(rest.last().map(String::as_str), Some("rag: cancelled"));
    acknowledged.extend(rest.iter().filter_map(|line| path(line)));
    assert!(acknowledged.len() < 20 * NEW_DOCUMENTS, "the sync was over before it was stopped");
    assert_sound(&kb, &acknowledged);
}
