//! A process that goes on for long: memory and descriptors do not grow with what was asked. Alone
//! in its file, as it looks at the whole process.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod common;

use std::fs;

use rag_core::{KnowledgeBase, NO_LLM, OpenOptions};

/// Asked before anything is measured: buffers and caches have their size then.
const WARM: usize = 200;
const SEARCHES: usize = 2_000;
const ANSWERS: usize = 100;
/// What allocators may keep.
const MAX_GROWTH_KIB: usize = 24 << 10;

fn resident_kib() -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

fn descriptors() -> usize {
    fs::read_dir("/proc/self/fd").unwrap().count()
}

fn question(number: usize) -> String {
    format!("When was bridge {} over the Velden opened, in {}?", number % 300, 1800 + number % 200)
}

#[test]
fn memory_and_descriptors_stay_flat_over_many_questions() {
    let Some(encoder) = common::model("minilm") else { return };
    let place = tempfile::tempdir().unwrap();
    let encoder = Some(encoder.to_string_lossy().into_owned());
    let options = OpenOptions { encoder, llm: Some(NO_LLM.to_owned()), ..OpenOptions::default() };
    let kb = KnowledgeBase::open(place.path().join("kb.rag"), &options).unwrap();
    for number in 0..300 {
        let text =
            format!("Bridge {number} over the Velden was opened in {}.", 1800 + number % 200);
        kb.add(&format!("note {number}"), &text).unwrap();
    }
    let search = |number: usize| {
        let hits = kb.search(&question(number)).unwrap();
        assert!(!hits.is_empty());
    };
    let ask = |number: usize| {
        kb.ask(&question(number)).unwrap();
    };
    (0..WARM).for_each(search);
    (0..WARM / 20).for_each(ask);
    let before = (resident_kib(), descriptors());
    (0..SEARCHES).for_each(search);
    (0..ANSWERS).for_each(ask);
    let after = (resident_kib(), descriptors());
    println!("KiB and descriptors before {before:?}, after {after:?}");
    assert!(after.0 <= before.0 + MAX_GROWTH_KIB, "{before:?} became {after:?}");
    assert_eq!(before.1, after.1, "descriptors");
}
