//! Options of a generator on real models: forms that text is held to, 8-bit keys and values,
//! built-in templates.
#![allow(clippy::unwrap_used, clippy::print_stderr)]

mod common;

use rag_core::generate::{GenerateOptions, Generation, Generator, GeneratorOptions, KvPrecision};
use rag_core::kernels::Threads;
use rag_core::model::{BuiltInTemplate, Message, Role, TemplateSource};
use rag_core::{Call, ErrorCode};

fn load(name: &str, options: &GeneratorOptions) -> Option<Generator> {
    Some(Generator::load_with(&common::model(name)?, options).unwrap())
}

fn user(content: &str) -> [Message; 1] {
    [Message { role: Role::User, content: content.to_owned() }]
}

fn run(generator: &Generator, ids: &[u32], options: &GenerateOptions) -> Generation {
    generator.generate_with(ids, options, Call::new()).unwrap()
}

/// The pages of our corpus, one after the other.
fn corpus() -> String {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/corpus");
    let mut paths: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.iter().filter_map(|path| std::fs::read_to_string(path).ok()).collect()
}

#[test]
fn eight_bit_keys_and_values_halve_the_memory_and_keep_the_perplexity() {
    for name in ["qwen2.5-0.5b", "smollm2"] {
        let with = |kv| load(name, &GeneratorOptions { kv, ..GeneratorOptions::default() });
        let (Some(half), Some(eight)) = (with(KvPrecision::F16), with(KvPrecision::Q8)) else {
            return;
        };
        let share = eight.kv_bytes_per_token() as f64 / half.kv_bytes_per_token() as f64;
        // a model with biases at its keys knows each position's cosines and sines too
        let most = if name == "smollm2" { 0.54 } else { 0.56 };
        assert!(share < most, "{name}: {share}");
        assert_eq!(
            (half.kv_precision(), eight.kv_precision()),
            (Some(KvPrecision::F16), Some(KvPrecision::Q8))
        );
        let mut ids = half.chat().encode(&corpus()).unwrap();
        ids.truncate(900);
        assert!(ids.len() > 600, "{}", ids.len());
        let perplexity = |generator: &Generator| {
            let sum = generator.log_probability(&ids[..1], &ids[1..]).unwrap();
            (-sum / (ids.len() - 1) as f64).exp()
        };
        let (half, eight) = (perplexity(&half), perplexity(&eight));
        eprintln!("{name}: perplexity {half:.4} in 16 bits, {eight:.4} in 8, memory x {share:.3}");
        assert!(half != eight && (eight / half - 1.0).abs() < 0.005, "{name}: {half} {eight}");
    }
}

#[test]
fn eight_bits_give_the_same_answer_on_any_threads_and_with_a_memory() {
    let with = |threads| {
        load(
            "smollm2",
            &GeneratorOptions { threads, kv: KvPrecision::Q8, ..GeneratorOptions::default() },
        )
    };
    let (Some(one), Some(two)) = (with(Threads::of(1)), with(Threads::of(2))) else { return };
    let ids = one.chat().render(&user("Tell me about rivers.")).unwrap().token_ids;
    let options = GenerateOptions { max_new_tokens: 40, ..GenerateOptions::default() };
    let answer = run(&one, &ids, &options).token_ids;
    assert_eq!(answer, run(&two, &ids, &options).token_ids);
    let again = run(&two, &ids, &options);
    assert!(again.reused_token_count > 0);
    assert_eq!(answer, again.token_ids);
}

#[test]
fn a_built_in_template_replaces_the_models_own_where_its_tokens_exist() {
    let with =
        |template| GeneratorOptions { template: Some(template), ..GeneratorOptions::default() };
    let Some(smollm) = load("smollm2", &with(BuiltInTemplate::ChatMl)) else { return };
    let rendered = smollm.chat().render(&user("Hi")).unwrap();
    assert_eq!(rendered.template, TemplateSource::BuiltIn(BuiltInTemplate::ChatMl));
    assert_eq!(rendered.text, "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n");
    let Some(gemma) = load("gemma3-270m", &with(BuiltInTemplate::Gemma)) else { return };
    let rendered = gemma.chat().render(&user("Hi")).unwrap();
    assert_eq!(rendered.text, "<bos><start_of_turn>user\nHi<end_of_turn>\n<start_of_turn>model\n");
    assert_eq!(rendered.token_ids[..2], [2, 105], "the opening token once");
    let path = common::model("smollm2").unwrap();
    let error = Generator::load_with(&path, &with(BuiltInTemplate::Gemma)).unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidArgument);
    assert!(error.to_string().contains("<start_of_turn>"), "{error}");
}

#[test]
fn a_base_model_completes_and_follows_examples() {
    let Some(gemma) = load("gemma3-270m", &GeneratorOptions::default()) else { return };
    let template = gemma.chat().template();
    assert_eq!(template, TemplateSource::BuiltIn(BuiltInTemplate::Completion));
    let rendered = gemma.chat().render(&user("Hi")).unwrap();
    assert_eq!((rendered.text.as_str(), rendered.template), ("User: Hi\nAssistant:", template));
}

#[cfg(feature = "constrain")]
mod held {
    use std::sync::OnceLock;

    use rag_core::generate::{Constraint, Draft, Sampling, StopReason};
    use rag_core::options::Options;
    use serde_json::Value;

    use super::*;

    fn qwen() -> Option<&'static Generator> {
        static QWEN: OnceLock<Option<Generator>> = OnceLock::new();
        QWEN.get_or_init(|| load("qwen2.5-0.5b", &GeneratorOptions::default())).as_ref()
    }

    const SCHEMA: &str = r##"{
        "type": "object",
        "properties": {
            "name": {"type": "string", "maxLength": 20},
            "kind": {"enum": ["cat", "dog", "bird"]},
            "age": {"type": "integer", "minimum": 0, "maximum": 30},
            "tags": {"type": "array", "items": {"$ref": "#/$defs/tag"}, "maxItems": 2}
        },
        "required": ["name", "kind", "age", "tags"],
        "additionalProperties": false,
        "$defs": {"tag": {"type": "string", "maxLength": 8}}
    }"##;

    /// Whether a text is as SCHEMA says.
    fn fits(text: &str) -> bool {
        let Ok(Value::Object(pet)) = serde_json::from_str(text) else { return false };
        let short =
            |value: &Value, most| value.as_str().is_some_and(|text| text.chars().count() <= most);
        pet.len() == 4
            && short(&pet["name"], 20)
            && ["cat", "dog", "bird"].contains(&pet["kind"].as_str().unwrap_or_default())
            && pet["age"].as_i64().is_some_and(|age| (0..=30).contains(&age))
            && pet["tags"]
                .as_array()
                .is_some_and(|tags| tags.len() <= 2 && tags.iter().all(|tag| short(tag, 8)))
    }

    fn hot(seed: u64, constraint: Option<Constraint>) -> GenerateOptions {
        GenerateOptions {
            max_new_tokens: 300,
            sampling: Sampling { temperature: 1.5, ..Sampling::default() },
            seed,
            constraint,
            ..GenerateOptions::default()
        }
    }

    #[test]
    fn hot_samples_are_json_that_the_schema_describes() {
        let Some(qwen) = qwen() else { return };
        let ids = qwen.chat().render(&user("Describe a pet in JSON.")).unwrap().token_ids;
        let schema = || Some(Constraint::JsonSchema(SCHEMA.to_owned()));
        let mut texts = Vec::new();
        for seed in 0..8 {
            let generation = run(qwen, &ids, &hot(seed, schema()));
            assert!(fits(&generation.text), "{}", generation.text);
            assert_eq!(generation.stop_reason, StopReason::EndOfTurn);
            texts.push(generation.text);
        }
        texts.sort();
        texts.dedup();
        assert!(texts.len() > 4, "samples differ: {texts:?}");
        let free = (0..3).map(|seed| run(qwen, &ids, &hot(seed, None)).text);
        assert!(free.into_iter().all(|text| !fits(&text)), "without the schema they do not");
    }

    fn date(text: &str) -> bool {
        let parts: Vec<&str> = text.split('-').collect();
        let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        parts.iter().map(|part| part.len()).eq([4, 2, 2])
            && parts.iter().all(|part| digits(part))
            && (1..=12).contains(&parts[1].parse().unwrap_or(0))
            && (1..=31).contains(&parts[2].parse().unwrap_or(0))
    }

    fn dates() -> Constraint {
        Constraint::Regex("[12][0-9]{3}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])".to_owned())
    }

    #[test]
    fn every_way_of_choosing_tokens_is_held_to_the_form() {
        let Some(qwen) = qwen() else { return };
        let ids = qwen.chat().render(&user("When did the first man land on the moon?")).unwrap();
        let ids = ids.token_ids;
        let greedy = GenerateOptions { constraint: Some(dates()), ..GenerateOptions::default() };
        let first = run(qwen, &ids, &greedy);
        assert!(date(&first.text) && first.text.starts_with("1969"), "{}", first.text);
        assert_eq!(first.stop_reason, StopReason::EndOfTurn);
        let beams = run(qwen, &ids, &GenerateOptions { beams: 3, ..greedy.clone() });
        assert!(date(&beams.text), "{}", beams.text);
        assert_eq!(beams.stop_reason, StopReason::EndOfTurn);
        let many = qwen.generate_many(&ids, 4, &hot(1, Some(dates())), Call::new()).unwrap();
        assert!(many.iter().all(|one| date(&one.text)), "{many:?}");
        let free = run(qwen, &ids, &GenerateOptions { constraint: None, ..greedy.clone() });
        assert!(!date(&free.text), "{}", free.text);
        let cut = run(qwen, &ids, &GenerateOptions { max_new_tokens: 3, ..greedy });
        assert_eq!((cut.text.as_str(), cut.stop_reason), ("196", StopReason::MaxNewTokens));
    }

    #[test]
    fn guessing_ahead_changes_no_byte_of_a_held_text() {
        let Some(qwen) = qwen() else { return };
        let question =
            "Repeat this list: [\"alpha\", \"beta\", \"gamma\", \"delta\", \"epsilon\", \"alpha\"]";
        let ids = qwen.chat().render(&user(question)).unwrap().token_ids;
        let list = r#"{"type": "array", "items": {"type": "string"}}"#;
        let with = |draft, temperature| GenerateOptions {
            max_new_tokens: 60,
            draft,
            sampling: Sampling { temperature, ..Sampling::default() },
            constraint: Some(Constraint::JsonSchema(list.to_owned())),
            logprobs: Some(1),
            ..GenerateOptions::default()
        };
        for temperature in [0.0, 0.7] {
            let plain = run(qwen, &ids, &with(Draft::Off, temperature));
            let guessed = run(qwen, &ids, &with(Draft::Lookup, temperature));
            assert_eq!(
                (&plain.token_ids, &plain.logprobs),
                (&guessed.token_ids, &guessed.logprobs)
            );
            assert!(plain.text.trim_start().starts_with('['), "{}", plain.text);
        }
        let copied = run(qwen, &ids, &with(Draft::Lookup, 0.0));
        assert!(copied.accepted_token_count > 0, "{copied:?}");
        assert!(serde_json::from_str::<Vec<String>>(&copied.text).is_ok(), "{}", copied.text);
    }

    #[test]
    fn a_grammar_is_kept_and_what_forbids_everything_says_so() {
        let Some(qwen) = qwen() else { return };
        let ids = qwen.chat().render(&user("Write a sum.")).unwrap().token_ids;
        let sum = "start: number (\"+\" number)+ \"=\" number\nnumber: /[0-9]{1,3}/";
        let held = Some(Constraint::Grammar(sum.to_owned()));
        for seed in 0..4 {
            let options = GenerateOptions { max_new_tokens: 40, ..hot(seed, held.clone()) };
            let generation = run(qwen, &ids, &options);
            let whole = generation.stop_reason == StopReason::EndOfTurn;
            let (left, right) = generation.text.split_once('=').unwrap_or((&generation.text, "1"));
            let number = |part: &str| (1..=3).contains(&part.len()) && part.parse::<u32>().is_ok();
            assert!(!whole || left.split('+').all(number) && number(right), "{}", generation.text);
            assert!(generation.text.bytes().all(|byte| b"0123456789+=".contains(&byte)));
        }
        let yes = Constraint::Regex("yes".to_owned());
        let spellings = ["y", "ye", "yes"].map(|text| qwen.chat().encode(text).unwrap()[0]);
        let forbidden = Sampling {
            logit_bias: spellings.map(|id| (id, f32::NEG_INFINITY)).to_vec(),
            ..Sampling::default()
        };
        let options = GenerateOptions {
            sampling: forbidden,
            constraint: Some(yes),
            ..GenerateOptions::default()
        };
        let error = qwen.generate_with(&ids, &options, Call::new()).unwrap_err();
        assert!(error.to_string().starts_with("invalid logit_bias: "), "{error}");
        let both: [(_, rag_core::options::Value); 2] =
            [("regex", "a".into()), ("grammar", "b".into())];
        let error = GenerateOptions::default().set_all(both).unwrap_err();
        assert_eq!(error.to_string(), "invalid grammar: give it or regex, not both");
    }
}
