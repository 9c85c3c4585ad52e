use super::ask::{AskOptions, Writer};
use super::compose::ComposeOptions;
use super::encoder::{EncoderOptions, Precision};
use super::generate::GenerateOptions;
use super::generator::GeneratorOptions;
use super::open::OpenOptions;
use super::reranker::RerankerOptions;
use super::search::SearchOptions;
use super::summarize::SummarizeOptions;
use super::sync::{Missing, SyncOptions};
use super::{Fault, Kind, Options, Table, Value, tables};
use crate::kernels::Threads;

fn refused<O: Options>(name: &str, value: impl Into<Value>) -> String {
    let mut options = O::default();
    options.set(name, value.into()).unwrap_err().into_error(name).to_string()
}

#[test]
fn every_option_is_named_once_and_says_what_it_is() {
    for Table { group, entries, .. } in tables() {
        let mut names: Vec<&str> = entries.iter().map(|entry| entry.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), entries.len(), "{group} has a name twice");
        for entry in &entries {
            let doc = entry.field.doc.trim();
            let plain = !doc.contains("[`") && !doc.contains("::");
            let is_code = matches!(entry.field.kind, Kind::Code(_));
            assert!(doc.ends_with('.') && (plain || is_code), "{group}.{}: {doc}", entry.name);
            let says = entry.default != Value::Unset || entry.field.unset.is_some();
            assert!(says || is_code, "{group}.{} does not say its default", entry.name);
        }
    }
}

#[test]
fn what_an_option_shows_reads_as_itself() {
    fn check<O: Options>() {
        for entry in O::table() {
            let mut options = O::default();
            if let Some(shown) = options.get(entry.name) {
                options.set(entry.name, shown.clone()).unwrap();
                assert_eq!(options.get(entry.name), Some(shown), "{}", entry.name);
            }
        }
    }
    check::<AskOptions>();
    check::<SummarizeOptions>();
    check::<ComposeOptions>();
    check::<SyncOptions>();
    check::<OpenOptions>();
    check::<EncoderOptions>();
    check::<GeneratorOptions>();
    check::<RerankerOptions>();
}

#[test]
fn values_of_any_surface_are_read() {
    let mut options = AskOptions::default();
    let values = [
        ("top_k", Value::Written("7".into())),
        ("mode", "dense".into()),
        ("filter", "kind = pdf".into()),
        ("diversity", 0.5.into()),
        ("context", Value::Integer(2)),
        ("abstain", Value::Number(0.25)),
        ("sampling_top_k", Value::Integer(40)),
        ("logit_bias", Value::Map(vec![(Value::Integer(11), Value::Number(-2.5))])),
        ("stop", vec!["a", "b"].into()),
        ("draft", false.into()),
        ("mask", true.into()),
        ("json_schema", true.into()),
        ("extract", true.into()),
        ("deny", vec!["secret"].into()),
        ("topic_min", 0.1.into()),
        ("fence", Value::Written("on".into())),
        (
            "history",
            vec![Value::Map(vec![("role".into(), "user".into()), ("content".into(), "Hi".into())])]
                .into(),
        ),
    ];
    options.set_all(values).unwrap();
    assert_eq!((options.search.top_k, options.generate.sampling.top_k), (7, 40));
    assert_eq!(options.generate.sampling.logit_bias, [(11, -2.5)]);
    assert!(matches!(options.writer, Writer::Passages) && options.history.len() == 1);
    assert_eq!(options.get("filter"), Some("kind = 'pdf'".into()));
    assert_eq!(options.get("context"), Some("2".into()));
    options.validate().unwrap();
    let bias = Value::List(vec![Value::Written("0=-inf".into())]);
    options.set("logit_bias", bias).unwrap();
    assert_eq!(options.generate.sampling.logit_bias, [(0, f32::NEG_INFINITY)]);
}

#[test]
fn what_is_wrong_names_option_value_and_range() {
    let line = refused::<SearchOptions>("top_k", Value::Integer(0));
    assert!(line.contains("top_k") && line.contains("0 is outside 1 to 10,000"), "{line}");
    let line = refused::<SearchOptions>("top_k", "five");
    assert!(line.contains("\"five\" is a text, but it takes a whole number"), "{line}");
    let line = refused::<SearchOptions>("mode", "fuzzy");
    assert!(line.contains("\"fuzzy\" is not one of hybrid, dense, lexical"), "{line}");
    let line = refused::<AskOptions>("top_p", Value::Integer(0));
    assert!(line.contains("0 is outside above 0 to 1"), "{line}");
    let line = refused::<AskOptions>("abstain", Value::Number(1.5));
    assert!(line.contains("a cosine from -1 to 1"), "{line}");
    let line = refused::<AskOptions>("deny", vec!["("]);
    assert!(line.contains("deny"), "{line}");
    let line = refused::<AskOptions>("temprature", Value::Integer(1));
    assert!(line.contains("temprature") && line.contains("nearest is temperature"), "{line}");
    let line = refused::<AskOptions>("no-such-thing", Value::Integer(1));
    assert!(line.contains("there is no such option"), "{line}");
    let line = refused::<AskOptions>("writer", "me");
    assert!(line.contains("only a program can give"), "{line}");
    let line = refused::<GeneratorOptions>("threads", Value::Integer(1000));
    assert!(line.contains("1000 is outside 1 to 256"), "{line}");
}

#[test]
fn a_range_holds_in_the_struct_too() {
    let mut options = AskOptions::default();
    options.search.top_k = 0;
    let line = options.validate().unwrap_err().to_string();
    assert!(line.contains("top_k") && line.contains("0 is outside 1 to 10,000"), "{line}");
}

#[test]
fn a_knowledge_base_is_opened_with_the_options_of_its_models() {
    let mut options = OpenOptions::default();
    options
        .set_all([
            ("encoder_precision", Value::from("f32")),
            ("generator_threads", 4usize.into()),
            ("reranker_threads", 2usize.into()),
        ])
        .unwrap();
    assert_eq!(options.encoder_options.precision, Precision::F32);
    assert_eq!(options.generator_options.threads, Threads::of(4));
    assert_eq!(options.reranker_options.threads, Threads::of(2));
    assert_eq!(options.get("generator_threads"), Some(4usize.into()));
    let line = refused::<OpenOptions>("generator_thread", Value::Integer(1));
    assert!(line.contains("the nearest is generator_threads"), "{line}");
    let line = refused::<OpenOptions>("threads", Value::Integer(1));
    assert!(line.contains("there is no such option"), "{line}");
    options.generator_options.threads = Threads::of(1000);
    let line = options.validate().unwrap_err().line();
    assert!(line.contains("invalid generator_threads: 1000 is outside 1 to 256"), "{line}");
    let of = |group: &str| tables().into_iter().find(|table| table.group == group).unwrap().entries;
    for group in ["encoder", "generator", "reranker"] {
        for entry in of(group) {
            let wanted = format!("{group}_{}", entry.name);
            assert_eq!(entry.field.full_name, wanted);
            assert!(of("open").iter().any(|open| open.name == wanted), "{wanted}");
        }
    }
}

#[test]
fn an_option_that_is_unset_has_the_default_of_the_call() {
    let mut options = AskOptions::default();
    for (name, value) in [("top_k", 9usize), ("sampling_top_k", 40)] {
        options.set(name, value.into()).unwrap();
        options.set(name, Value::Unset).unwrap();
    }
    assert_eq!((options.search.top_k, options.generate.sampling.top_k), (3, 0));
    let mut options = SummarizeOptions::default();
    options.set("top_k", 9usize.into()).unwrap();
    options.set("top_k", Value::Unset).unwrap();
    assert_eq!(options.ask.search.top_k, 10);
}

#[test]
fn flags_of_one_option_exclude_each_other() {
    let mut options = SyncOptions::default();
    options.set("force", true.into()).unwrap();
    assert_eq!(options.missing, Missing::Remove);
    assert!(matches!(options.set("keep_missing", true.into()), Err(Fault::Value(_))));
    options.set("force", false.into()).unwrap();
    options.set("keep_missing", true.into()).unwrap();
    assert_eq!(options.missing, Missing::Keep);
    let mut options = GenerateOptions::default();
    options.set("regex", "a+".into()).unwrap();
    let line = options.set("grammar", "start: \"a\"".into()).unwrap_err();
    assert_eq!(line, Fault::Value("give it or regex, not both".into()));
}
