//! The generator on real models: answers, streaming, stops, seeds, limits, injection.
#![allow(clippy::unwrap_used, clippy::print_stderr)]

mod common;

use std::ops::ControlFlow;
use std::sync::OnceLock;

use rag_core::generate::{GenerateOptions, Generation, Generator, Sampling, StopReason};
use rag_core::model::{Message, Role, TemplateSource};
use rag_core::{CancelToken, ErrorCode};

const PASSAGE_EN: &str = "The Riverside robotics laboratory was founded in 1995 by Anna Keller. It moved to \
    the old mill in 2003 and today employs forty people.";
const PASSAGE_FR: &str = "Le laboratoire ERIC a \u{e9}t\u{e9} cr\u{e9}\u{e9} en 1995. Il se trouve \u{e0} \
    Lyon et compte une centaine de membres.";

fn qwen() -> Option<&'static Generator> {
    static QWEN: OnceLock<Option<Generator>> = OnceLock::new();
    QWEN.get_or_init(|| common::model("qwen2.5-0.5b").map(|path| Generator::load(&path).unwrap()))
        .as_ref()
}

fn smollm() -> Option<&'static Generator> {
    static SMOLLM: OnceLock<Option<Generator>> = OnceLock::new();
    SMOLLM
        .get_or_init(|| common::model("smollm2").map(|path| Generator::load(&path).unwrap()))
        .as_ref()
}

fn message(role: Role, content: &str) -> Message {
    Message { role, content: content.to_owned() }
}

fn ids(generator: &Generator, question: &str) -> Vec<u32> {
    let rendered = generator.chat().render(&[message(Role::User, question)]).unwrap();
    assert_eq!(rendered.template, TemplateSource::Model);
    rendered.token_ids
}

fn run(generator: &Generator, prompt_ids: &[u32], options: &GenerateOptions) -> Generation {
    let mut pieces = String::new();
    let mut collect = |piece: &str| {
        assert!(!piece.is_empty());
        pieces.push_str(piece);
        ControlFlow::Continue(())
    };
    let generation =
        generator.generate(prompt_ids, options, &mut collect, &CancelToken::new()).unwrap();
    assert_eq!(pieces, generation.text);
    generation
}

fn at_most(max_new_tokens: usize) -> GenerateOptions {
    GenerateOptions { max_new_tokens, ..GenerateOptions::default() }
}

#[test]
fn answers_come_from_the_passage_in_english_and_french() {
    let Some(qwen) = qwen() else { return };
    for question in [
        format!("{PASSAGE_EN}\n\nIn which year was the laboratory founded? Answer with the year."),
        format!(
            "{PASSAGE_FR}\n\nEn quelle ann\u{e9}e le laboratoire a-t-il \u{e9}t\u{e9} cr\u{e9}\u{e9} ? R\u{e9}pondez en une phrase."
        ),
    ] {
        let generation = run(qwen, &ids(qwen, &question), &at_most(48));
        assert!(generation.text.contains("1995"), "{}", generation.text);
        assert_eq!(generation.stop_reason, StopReason::EndOfTurn);
        assert_eq!(qwen.chat().decode(&generation.token_ids).unwrap(), generation.text);
    }
}

#[test]
fn the_small_llama_model_answers_too() {
    let Some(smollm) = smollm() else { return };
    let question = format!("{PASSAGE_EN}\n\nIn which year was the laboratory founded?");
    let generation = run(smollm, &ids(smollm, &question), &at_most(40));
    assert!(generation.text.contains("1995"), "{}", generation.text);
}

/// Prints speeds; run with `--ignored --nocapture`. Set `RAG_BENCH_CANDLE=1` for candle-transformers beside.
#[test]
#[ignore = "measures speed"]
fn speed() {
    for name in ["qwen2.5-0.5b", "smollm2"] {
        let Some(path) = common::model(name) else { continue };
        let started = std::time::Instant::now();
        let generator = Generator::load(&path).unwrap();
        let load = started.elapsed();
        let mut question = String::new();
        while ids(&generator, &question).len() < 500 {
            question.push_str(PASSAGE_EN);
            question.push('\n');
        }
        let prompt = ids(&generator, &question);
        for _ in 0..2 {
            let other = [&prompt[..4], &[1], &prompt[5..]].concat();
            run(&generator, &other, &at_most(1));
            let generation = run(&generator, &prompt, &at_most(64));
            eprintln!(
                "{name}: load {load:.2?}, {} prompt tokens in {:.2?} = {:.0} tokens/s, {} tokens in {:.2?} = {:.1} tokens/s, peak {} MiB",
                generation.prompt_token_count,
                generation.prefill,
                generation.prompt_token_count as f64 / generation.prefill.as_secs_f64(),
                generation.token_ids.len(),
                generation.decode,
                (generation.token_ids.len() - 1) as f64 / generation.decode.as_secs_f64(),
                peak_mebibytes(),
            );
        }
    }
}

fn peak_mebibytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    peak.and_then(|peak| peak.trim().trim_end_matches(" kB").parse::<u64>().ok()).unwrap_or(0)
        / 1024
}
