#![allow(clippy::unwrap_used)]

use std::time::Instant;

use super::*;
use crate::model::Role;

fn message(role: Role, content: &str) -> Message {
    Message { role, content: content.to_owned() }
}

fn text(segments: &[TemplateSegment]) -> String {
    segments
        .iter()
        .map(|segment| match segment {
            TemplateSegment::Scaffold(text) | TemplateSegment::Content(text) => text.as_str(),
        })
        .collect()
}

const CHATML: &str = "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";

#[test]
fn content_is_cut_out_of_the_scaffold() {
    let template = JinjaTemplate::new(CHATML, "", "").unwrap();
    let segments = template
        .segments(&[message(Role::System, "Be <|im_end|>."), message(Role::User, " Hi ")])
        .unwrap();
    let scaffold = |text: &str| TemplateSegment::Scaffold(text.to_owned());
    let content = |text: &str| TemplateSegment::Content(text.to_owned());
    assert_eq!(
        segments,
        [
            scaffold("<|im_start|>system\n"),
            content("Be <|im_end|>."),
            scaffold("<|im_end|>\n<|im_start|>user\n"),
            content(" Hi "),
            scaffold("<|im_end|>\n<|im_start|>assistant\n"),
        ]
    );
}

#[test]
fn a_template_that_trims_trims_what_is_said() {
    let source = "[{{ messages[0].content | trim }}][{{ messages[0]['content'].lstrip() }}]";
    let template = JinjaTemplate::new(source, "", "").unwrap();
    let segments = template.segments(&[message(Role::User, " \n Hi\n")]).unwrap();
    assert_eq!(text(&segments), "[Hi][Hi\n]");
}

#[test]
fn content_is_never_run_as_a_template() {
    let template = JinjaTemplate::new(CHATML, "", "").unwrap();
    let segments = template.segments(&[message(Role::User, "{{ 7 * 7 }}{% raise %}")]).unwrap();
    assert!(text(&segments).contains("{{ 7 * 7 }}{% raise %}"));
}

#[test]
fn a_template_that_leaves_out_a_turn_is_refused() {
    let template = JinjaTemplate::new("{{ messages[-1].content }}", "", "").unwrap();
    let turns = [message(Role::System, "a"), message(Role::User, "b")];
    assert!(template.segments(&turns).is_err());
    let template = JinjaTemplate::new("{{ raise_exception('no system role') }}", "", "").unwrap();
    let error = template.segments(&turns).unwrap_err().to_string();
    assert!(error.contains("no system role"), "{error}");
}

#[test]
fn hostile_templates_end_quickly_in_an_error() {
    let hostile = [
        (
            "nested loops",
            "{% for a in range(10000) %}{% for b in range(10000) %}{% for c in range(10000) %}x{% endfor %}{% endfor %}{% endfor %}",
        ),
        (
            "endless output",
            "{% for a in range(9999) %}{{ 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx' }}{% endfor %}",
        ),
        (
            "doubling",
            "{% set ns = namespace(s='xxxxxxxx') %}{% for i in range(40) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}{{ ns.s }}",
        ),
        ("string repetition", "{{ 'x' * 1000000000 }}"),
        ("recursive macro", "{% macro m(n) %}{{ m(n + 1) }}{% endmacro %}{{ m(0) }}"),
        ("format width", "{{ '%1000000000d' | format(1) }}"),
        (
            "replace blow-up",
            "{% set s = 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa' %}{{ s | replace('a', s) | replace('a', s) | replace('a', s) | replace('a', s) | replace('a', s) | replace('a', s) }}",
        ),
        ("class walk", "{{ ''.__class__.__mro__[1].__subclasses__() }}"),
        ("unknown include", "{% include '/etc/passwd' %}"),
    ];
    for (case, source) in hostile {
        let started = Instant::now();
        let outcome = JinjaTemplate::new(source, "", "")
            .and_then(|template| template.segments(&[message(Role::User, "x")]));
        assert!(outcome.is_err(), "{case} ran through");
        assert!(started.elapsed().as_secs() < 5, "{case} took {:?}", started.elapsed());
    }
    let deep = format!("{}x{}", "{% if true %}".repeat(5000), "{% endif %}".repeat(5000));
    assert!(JinjaTemplate::new(&deep, "", "").is_err());
    assert!(JinjaTemplate::new(&"x".repeat(MAX_SOURCE_BYTES + 1), "", "").is_err());
}

#[test]
fn json_is_written_as_python_writes_it() {
    let source =
        "{{ v | tojson }}|{{ v | tojson(indent=2) }}|{{ '<\u{e9}>' | tojson }}|{{ [] | tojson }}";
    let template = JinjaTemplate::new(source, "", "").unwrap();
    let value = context! { a => vec![Value::from(1), Value::from(()), Value::from(true)] };
    assert_eq!(
        template.render(context! { v => value }).unwrap(),
        "{\"a\": [1, null, true]}|{\n  \"a\": [\n    1,\n    null,\n    true\n  ]\n}|\"<\u{e9}>\"|[]"
    );
}

#[test]
fn generation_marks_are_comments() {
    let source = "a\n{%- generation -%}\n b {% endgeneration %}c{% unknown";
    assert_eq!(without_generation_marks(source), "a\n{#-  -#}\n b {#  #}c{% unknown");
}

/// The published cases with exact expected text (huggingface.js, MIT). Those that pass tools or
/// documents to the template are left out: we never do, and our maps do not keep the order of keys.
#[test]
#[allow(clippy::print_stderr)]
fn published_templates_render_as_published() {
    let root = std::env::var_os("RAG_SHARED").map_or_else(
        || std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared"),
        std::path::PathBuf::from,
    );
    let Ok(json) = std::fs::read_to_string(root.join("data/vectors/chat_templates.json")) else {
        eprintln!("SKIP: shared chat_templates.json is missing");
        return;
    };
    // The first writes a dictionary of its own in order of keys, the second today's date.
    let known_to_differ = ["meta-llama/Llama-Guard-3-11B-Vision", "HuggingFaceTB/SmolLM3-3B"];
    let mut passed = 0;
    for case in serde_json::from_str::<Vec<serde_json::Value>>(&json).unwrap() {
        let (name, data) = (case["name"].as_str().unwrap(), &case["data"]);
        let only_text = data["tools"].is_null()
            && data["documents"].is_null()
            && !data.to_string().contains("tool_calls");
        if !only_text || known_to_differ.contains(&name) {
            continue;
        }
        let text = JinjaTemplate::new(case["template"].as_str().unwrap(), "", "")
            .and_then(|template| template.render(value(data)));
        assert_eq!(text.unwrap(), case["target"].as_str().unwrap(), "{name}");
        passed += 1;
    }
    assert_eq!(passed, 37);
    eprintln!("{passed} published templates render as published");
}

/// Cases of the template language alone (huggingface.js, MIT), those for which Python's own engine
/// gives the target.
#[test]
#[allow(clippy::print_stderr)]
fn published_cases_of_the_language_render_as_in_python() {
    let root = std::env::var_os("RAG_SHARED").map_or_else(
        || std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared"),
        std::path::PathBuf::from,
    );
    let Ok(json) = std::fs::read_to_string(root.join("data/vectors/jinja_cases.json")) else {
        eprintln!("SKIP: shared jinja_cases.json is missing");
        return;
    };
    // None of these stands in a template met so far. The order of keys is that of our test values,
    // which are sorted.
    let known_to_differ = [
        ("FILTER_OPERATOR_14", "a float of a text that is no number is an error"),
        ("TOJSON_SEPARATORS_1", "tojson takes indent alone, and the order of keys"),
        ("TOJSON_SEPARATORS_2", "tojson takes indent alone"),
        ("TOJSON_SEPARATORS_3", "tojson takes indent alone"),
        ("TOJSON_ENSURE_ASCII", "tojson takes indent alone, and the order of keys"),
        ("TOJSON_ENSURE_ASCII_FALSE", "the order of keys"),
        ("TOJSON_COMBINED", "tojson takes indent alone"),
        ("SORT_POSITIONAL_REVERSE", "sort takes its options by name"),
        ("SORT_POSITIONAL_MIXED", "sort takes its options by name"),
        ("CONTEXT_KEYWORDS", "a loop variable cannot be named as a word of the language"),
    ];
    let mut failed = Vec::new();
    let mut passed = 0;
    for case in serde_json::from_str::<Vec<serde_json::Value>>(&json).unwrap() {
        if case["jinja2"] != "same" {
            continue;
        }
        let (name, target) = (case["name"].as_str().unwrap(), case["target"].as_str().unwrap());
        let text = JinjaTemplate::new(case["template"].as_str().unwrap(), "", "")
            .and_then(|template| template.render(value(&case["context"])));
        match text {
            Ok(text) if text == target => passed += 1,
            _ => failed.push(name.to_owned()),
        }
    }
    assert_eq!(failed, known_to_differ.map(|(name, _)| name));
    assert_eq!(passed, 88);
}

fn value(json: &serde_json::Value) -> Value {
    match json {
        serde_json::Value::Null => Value::from(()),
        serde_json::Value::Bool(flag) => Value::from(*flag),
        serde_json::Value::Number(number) => {
            number.as_i64().map_or_else(|| Value::from(number.as_f64().unwrap()), Value::from)
        }
        serde_json::Value::String(text) => Value::from(text.as_str()),
        serde_json::Value::Array(items) => items.iter().map(value).collect(),
        serde_json::Value::Object(map) => {
            let map: std::collections::BTreeMap<String, Value> =
                map.iter().map(|(key, item)| (key.clone(), value(item))).collect();
            Value::from(map)
        }
    }
}
