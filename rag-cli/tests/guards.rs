//! Guards, explanations and saved conversations through the shell.
#![allow(clippy::unwrap_used)]

mod common;

use std::fs;

use common::{Place, assert_keys, json, model, rag, run_with_input};
use serde_json::Value;

const QUESTION: &str = "When was the bridge over the Velden opened?";

/// A place with an indexed knowledge base, and the arguments that name it and the models.
fn place() -> Option<(Place, [String; 6])> {
    let (encoder, llm) = (model("minilm")?, model("qwen2.5-0.5b")?);
    let place = Place::new();
    place.write(
        "office.txt",
        "The office of the bridge over the Velden answers at 06 12 34 56 78.\n",
    );
    let (kb, docs) = (place.path("kb.rag"), place.path("docs"));
    json(&["sync", &kb, &docs, "--encoder", &encoder, "--json"], 0);
    let common = ["--encoder", &encoder, "--llm", &llm, "--abstain", "never"];
    Some((place, common.map(str::to_owned)))
}

fn ask(place: &Place, common: &[String], extra: &[&str], exit_code: i32) -> Value {
    let kb = place.path("kb.rag");
    let common: Vec<&str> = common.iter().map(String::as_str).collect();
    json(&[&["ask", &kb, QUESTION, "--json"][..], &common, extra].concat(), exit_code)
}

#[test]
fn a_refusal_exits_with_3_and_names_the_guard() {
    let Some((place, common)) = place() else { return };
    let refused = ask(&place, &common, &["--deny", "V\u{e9}lden"], 3);
    assert_eq!((&refused["outcome"], &refused["found"]), (&"refused".into(), &false.into()));
    assert_eq!(refused["refusal"]["guard"], "deny");
    let off_topic = ["--topic", "How do I bake a cake?", "--topic-min", "0.9"];
    assert_eq!(ask(&place, &common, &off_topic, 3)["refusal"]["guard"], "topic");
    let answered = ask(&place, &common, &["--allow", "bridge", "--mask"], 0);
    assert_eq!((&answered["outcome"], &answered["refusal"]), (&"answered".into(), &Value::Null));
    assert_keys(&answered["masked"], &["question", "answer"]);

    let kb = place.path("kb.rag");
    let output = rag(&["ask", &kb, QUESTION, "--max-question-chars", "5"]).output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(text, "refused: by the guard length: 43 characters, at most 5\n");
    let bad_rule = rag(&["ask", &kb, QUESTION, "--deny", "(a"]).output().unwrap();
    assert_eq!(bad_rule.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&bad_rule.stderr).contains("unclosed group"));
}

#[test]
fn explain_prints_a_table_or_writes_a_page() {
    let Some((place, common)) = place() else { return };
    let kb = place.path("kb.rag");
    let common: Vec<&str> = common.iter().map(String::as_str).collect();
    let output =
        rag(&[&["ask", &kb, "--explain", QUESTION][..], &common].concat()).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    for part in
        ["Passages", "cited as [1]", "Best cosine", "worked examples", "room left", "Prompt"]
    {
        assert!(text.contains(part), "no {part} in {text}");
    }
    let page = place.path("page.html");
    let explain = format!("--explain={page}");
    let output = rag(&[&["ask", &kb, QUESTION, &explain][..], &common].concat()).output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(!String::from_utf8_lossy(&output.stdout).contains("Best cosine"));
    let page = fs::read_to_string(page).unwrap();
    assert!(page.starts_with("<!DOCTYPE html>") && page.contains("id=\"cited-1\""));
    let nowhere = format!("--explain={}", place.path("no/page.html"));
    let output = rag(&[&["ask", &kb, QUESTION, &nowhere][..], &common].concat()).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn a_conversation_is_saved_and_resumed() {
    let Some((place, common)) = place() else { return };
    let (kb, saved) = (place.path("kb.rag"), place.path("chat.json"));
    let common: Vec<&str> = common.iter().map(String::as_str).collect();
    let chat = |extra: &[&str], input: &str| {
        let output =
            run_with_input(&[&["chat", &kb][..], &common, extra].concat(), input.as_bytes());
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    chat(&["--save", &saved], &format!("{QUESTION}\n/again\n/quit\n"));
    let turns = |path: &str| -> Value {
        serde_json::from_str::<Value>(&fs::read_to_string(path).unwrap()).unwrap()["turns"].clone()
    };
    assert_eq!(turns(&saved).as_array().unwrap().len(), 2);
    assert_eq!(turns(&saved)[0]["content"], QUESTION);
    let copy = place.path("copy.json");
    chat(&["--resume", &saved], &format!("/save {copy}\n/clear\n"));
    assert_eq!(turns(&copy), turns(&saved));

    fs::write(&saved, "{\"format\":\"rag-chat\",\"version\":2}").unwrap();
    let output = rag(&[&["chat", &kb, "--resume", &saved][..], &common].concat()).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("version 2"));
}
