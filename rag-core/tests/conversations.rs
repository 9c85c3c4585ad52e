//! A conversation over the folder of the demonstration: what later questions go on with.
#![allow(clippy::unwrap_used)]

use std::path::Path;

use rag_core::{AskOptions, KnowledgeBase, OpenOptions};

mod common;
use common::model;

fn laboratory() -> Option<KnowledgeBase> {
    let path = |name| Some(model(name)?.to_string_lossy().into_owned());
    let options = OpenOptions {
        encoder: Some(path("e5-small")?),
        llm: Some(path("qwen2.5-0.5b")?),
        ..OpenOptions::default()
    };
    let base = KnowledgeBase::open(":memory:", &options).unwrap();
    base.sync(Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/corpus")).unwrap();
    Some(base)
}

#[test]
fn later_questions_go_on_with_those_before() {
    let Some(base) = laboratory() else { return };
    let mut chat = base.chat(AskOptions::default());
    for (question, answer) in [
        ("Who founded the laboratory?", "Kerjean"),
        ("And when?", "1995"),
        ("What does code E21 mean?", "mooring"),
        ("And E17?", "temperature sensor"),
        ("Quel est le prix pour un \u{e9}tudiant ?", "5 euros"),
        ("Et pour un adulte ?", "8 euros"),
        ("Et pour un enfant ?", "gratuit"),
    ] {
        let said = chat.say(question).unwrap();
        assert!(said.found && said.text.contains(answer), "{question}: {}", said.text);
    }
    let moons = chat.say("How many moons does Jupiter have?").unwrap();
    assert!(!moons.found, "{}", moons.text);
}
