//! Options in the shell: what there is.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use common::{json, rag};
use serde_json::{Value, json};

/// What `config list` says of an option.
fn listed<'a>(list: &'a Value, group: &str, name: &str) -> &'a Value {
    let options = list[group].as_array().unwrap();
    options.iter().find(|option| option["name"] == name).unwrap()
}

#[test]
fn every_option_is_listed_with_all_that_is_said_of_it() {
    let list = json(&["config", "list", "--json"], 0);
    let groups = [
        "search",
        "ask",
        "generate",
        "guards",
        "summarize",
        "sync",
        "add",
        "open",
        "encoder",
        "generator",
        "reranker",
    ];
    assert!(groups.iter().all(|group| list[group].is_array()));
    assert_eq!(list.as_object().unwrap().len(), groups.len());
    let top_k = listed(&list, "ask", "top_k");
    assert_eq!((&top_k["group"], &top_k["kind"]), (&json!("search"), &json!("integer")));
    assert_eq!((&top_k["default"], &top_k["unit"]), (&json!(3), &json!("passages")));
    assert_eq!((&top_k["least"], &top_k["most"]), (&json!(1), &json!(10_000)));
    assert_eq!(listed(&list, "summarize", "top_k")["default"], 10);
    let mode = listed(&list, "search", "mode");
    assert_eq!(mode["words"], json!(["hybrid", "dense", "lexical"]));
    let stop = listed(&list, "generate", "stop");
    assert_eq!((&stop["kind"], &stop["item"]["kind"]), (&json!("list"), &json!("text")));
    assert_eq!(listed(&list, "guards", "topics")["singular"], "topic");
    let top_p = listed(&list, "generate", "top_p");
    assert_eq!((&top_p["above"], &top_p["least"]), (&json!(true), &json!(0.0)));
    assert_eq!(listed(&list, "open", "model_dirs")["code"], true);
    for option in list.as_object().unwrap().values().flat_map(|group| group.as_array().unwrap()) {
        let says = !option["default"].is_null() || option["unset"].is_string();
        assert!(says || option["code"] == true, "{option}");
    }
}

#[test]
fn the_list_is_text_for_people() {
    let output = rag(&["config", "list"]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("ask.top_k: a whole number, 1 to 10,000 [default: 3]\n"), "{text}");
    assert!(text.contains("search.ef_search: a whole number, 1 to 1,000,000 [default: 128]\n"));
}
