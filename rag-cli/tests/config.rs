//! Options in the shell: what there is, and what variables and rag.toml set.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use common::{Place, json, rag};
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
        "compose",
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

/// `config show` of a knowledge base with these variables.
fn shown(arguments: &[&str], variables: &[(&str, &str)]) -> Value {
    let all = [&["config", "show", "--json"], arguments].concat();
    let output = rag(&all).envs(variables.iter().copied()).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{all:?}: {stderr}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// A place with this rag.toml beside its knowledge base.
fn place_with(file: &str) -> Place {
    let place = Place::new();
    std::fs::write(place.path("rag.toml"), file).unwrap();
    place
}

#[test]
fn variables_win_over_the_file_and_the_file_over_defaults() {
    let place = place_with("[search]\ntop_k = 7\n\n[ask]\ntemperature = 0.5\nmax_new_tokens = 9\n");
    let show = shown(&[&place.path("kb.rag")], &[("RAG_ASK_TEMPERATURE", "0.25")]);
    let temperature = listed(&show, "ask", "temperature");
    assert_eq!((&temperature["value"], &temperature["from"]), (&json!(0.25), &json!("variable")));
    assert_eq!(temperature["variable"], "RAG_ASK_TEMPERATURE");
    let tokens = listed(&show, "ask", "max_new_tokens");
    assert_eq!((&tokens["value"], &tokens["line"]), (&json!(9), &json!(6)));
    assert_eq!(listed(&show, "summarize", "max_new_tokens")["value"], 9);
    assert_eq!(listed(&show, "generate", "max_new_tokens")["from"], "default");
    // what is said of a search holds for that of an answer too
    assert_eq!(listed(&show, "ask", "top_k")["value"], 7);
    assert_eq!(listed(&show, "ask", "top_p")["from"], "default");
    let show = shown(&[&place.path("kb.rag"), "--untrusted"], &[]);
    assert_eq!(listed(&show, "ask", "top_k")["value"], 3);
    let show = shown(&[&place.path("kb.rag"), "--config", "none"], &[]);
    assert_eq!(listed(&show, "search", "top_k")["from"], "default");
    let show = shown(&["--config", &place.path("rag.toml")], &[("RAG_SEARCH_TOP_K", "8")]);
    assert_eq!(listed(&show, "ask", "top_k")["value"], 8);
}

/// A failed command, and what it says.
fn refusal(arguments: &[&str], variables: &[(&str, &str)]) -> String {
    let output = rag(arguments).envs(variables.iter().copied()).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{arguments:?}");
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn a_wrong_file_is_told_with_its_line_and_nothing_runs() {
    for (file, said) in [
        ("[sync]\nmax_tokens = = 3\n", "line 2, column 14"),
        ("[sync]\nmax_tokns = 3\n", "nearest is max_tokens"),
        ("[sync]\nmax_tokens = 'many'\n", "takes a whole number"),
        ("[sync]\nmax_tokens = 0\n", "sync.max_tokens: 0 is not at least 16"),
        ("[snyc]\nmax_tokens = 3\n", "nearest is [sync]"),
        ("[sync]\nforce = true\n", "--config"),
    ] {
        let place = place_with(file);
        let line = refusal(&["sync", &place.path("kb.rag"), &place.path("docs")], &[]);
        assert!(line.contains(said) && line.contains("rag.toml"), "{file}: {line}");
        assert!(!std::path::Path::new(&place.path("kb.rag")).exists(), "{file}");
    }
    let place = Place::new();
    std::fs::create_dir(place.path("rag.toml")).unwrap();
    let line = refusal(&["sync", &place.path("kb.rag"), &place.path("docs")], &[]);
    assert!(line.contains("rag.toml"), "{line}");
    let line = refusal(&["info", "kb.rag", "--config", &place.path("none.toml")], &[]);
    assert!(line.contains("none.toml"), "{line}");
}

#[test]
fn a_wrong_variable_is_named() {
    let line = refusal(&["config", "show"], &[("RAG_ASK_TEMPRATURE", "1")]);
    assert!(line.contains("nearest is temperature") && line.contains("RAG_ASK_TEMPRATURE"));
    let line = refusal(&["config", "show"], &[("RAG_SEARCH_TOP_K", "0")]);
    assert!(line.contains("search.top_k: 0 is outside 1 to 10,000"), "{line}");
}

#[test]
fn arguments_are_read_as_the_table_says() {
    for (arguments, said) in [
        (&["search", "kb", "q", "-k", "many"][..], "it takes a whole number"),
        (&["search", "kb", "q", "--topk", "3"], "--top-k"),
        (&["search", "kb", "q", "--mode", "fuzzy"], "not one of hybrid, dense, lexical"),
        (&["ask", "kb", "q", "--temprature", "1"], "--temperature"),
        (&["search", "kb", "q", "--rerank", "9"], "--reranker"),
    ] {
        let line = refusal(arguments, &[]);
        assert!(line.contains(said), "{arguments:?}: {line}");
    }
    // out of range: as on every other surface
    let error = &json(&["search", "kb", "q", "-k", "0", "--json"], 1)["error"];
    assert_eq!(error["code"], "InvalidArgument");
    assert!(error["message"].as_str().unwrap().contains("top_k: 0 is outside 1 to 10,000"));
}

#[test]
fn the_argument_holds_against_the_file() {
    let place = place_with("[search]\nmode = 'lexical'\ntop_k = 1\n");
    place.write("more.txt", "Another bridge was opened in 1890.\n");
    let kb = place.path("kb.rag");
    let Some(encoder) = common::model("minilm") else { return };
    json(&["sync", &kb, &place.path("docs"), "--encoder", &encoder, "--json"], 0);
    let search = |more: &[&str]| {
        let found = json(&[&["search", &kb, "bridge", "--json"], more].concat(), 0);
        found["hits"].as_array().unwrap().len()
    };
    assert_eq!(search(&[]), 1);
    assert_eq!(search(&["-k", "2"]), 2);
    // by meaning too, and as many as there are
    assert_eq!(search(&["--config", "none"]), 3);
}

#[test]
fn help_completions_and_pages_name_the_options() {
    let help = |command: &str| {
        String::from_utf8(rag(&[command, "--help"]).output().unwrap().stdout).unwrap()
    };
    let ask = help("ask");
    for said in ["--max-new-tokens", "[default: 256]", "--no-draft", "--mask", "--top-k", "-k "] {
        assert!(ask.contains(said), "{said}: {ask}");
    }
    assert!(help("search").contains("[default: 5] [1 to 10,000 passages]"));
    for shell in ["bash", "zsh", "fish"] {
        let script = rag(&["completions", shell]).output().unwrap();
        let script = String::from_utf8(script.stdout).unwrap();
        assert!(script.contains("max-new-tokens") && script.contains("overlap-tokens"), "{shell}");
    }
    let place = Place::new();
    let folder = place.path("man1");
    assert_eq!(rag(&["man", &folder]).output().unwrap().status.code(), Some(0));
    let page = std::fs::read_to_string(place.path("man1/rag-ask.1")).unwrap();
    assert!(page.contains("max\\-new\\-tokens"), "{page}");
    assert!(place.directory.path().join("man1/rag-model-fetch.1").exists());
    assert!(!rag(&["man"]).output().unwrap().stdout.is_empty());
}

#[test]
fn models_are_loaded_as_said_wherever_a_knowledge_base_is_opened() {
    let file = "[encoder]\ntruncate_dim = 8\n\n[generator]\ntemplate = 'completion'\nthreads = 1\n";
    let place = place_with(file);
    let (kb, docs) = (place.path("kb.rag"), place.path("docs"));
    let encoder = format!("{}/../tests/data/encoder/families/bert", env!("CARGO_MANIFEST_DIR"));
    let Some(llm) = common::model("smollm2") else { return };
    json(&["sync", &kb, &docs, "--encoder", &encoder, "--json"], 0);
    assert_eq!(json(&["info", &kb, "--json"], 0)["dim"], 8);
    let template = |more: &[&str], variables: &[(&str, &str)]| {
        let ask = ["ask", &kb, "When?", "--llm", &llm, "--prompt-only", "--json"];
        let output = rag(&[&ask, more].concat()).envs(variables.iter().copied()).output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{stderr}");
        serde_json::from_slice::<Value>(&output.stdout).unwrap()["template"].clone()
    };
    assert_eq!(template(&[], &[]), "completion");
    // nearer than the file: a variable, the table of the whole, an argument
    assert_eq!(template(&[], &[("RAG_GENERATOR_TEMPLATE", "zephyr")]), "zephyr");
    assert_eq!(template(&[], &[("RAG_OPEN_GENERATOR_TEMPLATE", "zephyr")]), "zephyr");
    let variable = [("RAG_GENERATOR_TEMPLATE", "chatml")];
    assert_eq!(template(&["--generator-template", "zephyr"], &variable), "zephyr");
    // without the file the vectors would be others
    let search = ["search", &kb, "bridge", "--config", "none", "--json"];
    assert_eq!(json(&search, 1)["error"]["code"], "ModelMismatch");
    json(&[&search[..], &["--encoder-truncate-dim", "8"]].concat(), 0);
    let error = &json(&["search", &kb, "q", "--encoder-threads", "1000", "--json"], 1)["error"];
    let message = error["message"].as_str().unwrap();
    assert!(message.contains("encoder_threads: 1000 is outside 1 to 256"), "{message}");
}

#[test]
fn one_command_line_shows_what_holds_and_where_it_comes_from() {
    let place = place_with(
        "[search]\ntop_k = 7\n\n[ask]\nseed = 1\nregex = 'a+'\n[generator]\nthreads = 2\n",
    );
    let (kb, more) = (place.path("kb.rag"), place.path("more.rag"));
    let line = ["ask", &kb, "When?", "--temperature", "0.5", "--also", &more, "--show-config"];
    let variables = [("RAG_ASK_TEMPERATURE", "0.25"), ("RAG_ASK_SEED", "2")];
    let run = |more: &[&str]| {
        let output = rag(&[&line, more].concat()).envs(variables).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let text = run(&[]);
    let file = place.path("rag.toml");
    for said in [
        "ask.temperature = 0.5  (argument)\n",
        "ask.seed = 2  (variable RAG_ASK_SEED)\n",
        &format!("ask.top_k = 7  ({file}, line 2)\n"),
        &format!("open.generator_threads = 2  ({file}, line 8)\n"),
        &format!("open.also = [\"{more}\"]  (argument)\n"),
        "ask.max_new_tokens = 256  (default)\n",
        "ask.explain = false  (default)\n",
        "open.llm = qwen2.5-0.5b  (default)\n",
    ] {
        assert!(text.contains(said), "{said}: {text}");
    }
    assert!(!text.contains("secure_delete") && !text.contains("sync."), "{text}");
    // nothing ran
    assert!(!std::path::Path::new(&kb).exists());
    let show: Value =
        serde_json::from_str(&run(&["--json", "--explain", "--json-schema", &file])).unwrap();
    assert_eq!(listed(&show, "ask", "temperature")["from"], "argument");
    assert_eq!(listed(&show, "ask", "explain")["value"], true);
    // nearer than the other that excludes it
    assert_eq!(listed(&show, "ask", "regex")["from"], "default");
    let wrong = json(&["ask", &kb, "When?", "--stop", "", "--show-config", "--json"], 1);
    assert!(wrong["error"]["message"].as_str().unwrap().contains("a stop string is empty"));
}
