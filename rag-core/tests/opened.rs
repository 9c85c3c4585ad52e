//! A knowledge base loads its models as the options of each say.
#![allow(clippy::unwrap_used)]

use std::path::Path;

use rag_core::encode::EncoderOptions;
use rag_core::generate::{GeneratorOptions, KvPrecision};
use rag_core::kernels::{KernelLevel, Threads};
use rag_core::model::{BuiltInTemplate, Message, Role, TemplateSource};
use rag_core::options::{Options, Value};
use rag_core::rerank::RerankerOptions;
use rag_core::{ErrorCode, KnowledgeBase, OpenOptions};

/// A knowledge base in memory by small models.
fn small() -> OpenOptions {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data");
    let name = |folder: &str| Some(data.join(folder).to_string_lossy().into_owned());
    OpenOptions {
        encoder: name("encoder/families/bert"),
        llm: name("generator/families/llama"),
        reranker: name("reranker/bert"),
        ..OpenOptions::default()
    }
}

/// A level that no CPU has together with those that this one has.
fn foreign() -> KernelLevel {
    if cfg!(target_arch = "x86_64") { KernelLevel::Neon } else { KernelLevel::Avx2 }
}

#[test]
fn models_are_loaded_as_the_options_say() {
    let plain = KnowledgeBase::open(":memory:", &small()).unwrap();
    let whole = plain.encoder().unwrap().identity().dim;
    let level = Some(KernelLevel::Portable);
    let threads = Threads::of(1);
    let options = OpenOptions {
        encoder_options: EncoderOptions { level, threads, ..EncoderOptions::default() },
        generator_options: GeneratorOptions {
            level,
            threads,
            kv: KvPrecision::Q8,
            ..GeneratorOptions::default()
        },
        reranker_options: RerankerOptions { level, threads, ..RerankerOptions::default() },
        ..small()
    };
    let kb = KnowledgeBase::open(":memory:", &options).unwrap();
    let (encoder, generator) = (kb.encoder().unwrap(), kb.generator().unwrap());
    assert_eq!((encoder.level_name(), encoder.thread_count()), ("portable", 1));
    assert_eq!(encoder.identity().dim, whole);
    assert_eq!((generator.kernel_level(), generator.thread_count()), (level, Some(1)));
    assert_eq!(generator.kv_precision(), Some(KvPrecision::Q8));
    assert!(kb.reranker().unwrap().is_some());
}

#[test]
fn they_are_set_by_name_too() {
    let mut options = small();
    let eight = Value::Integer(8);
    options
        .set_all([
            ("encoder_truncate_dim", eight),
            ("generator_template", "completion".into()),
            ("reranker_level", foreign().name().into()),
        ])
        .unwrap();
    let kb = KnowledgeBase::open(":memory:", &options).unwrap();
    kb.add("bridge", "The bridge was opened in 1871.").unwrap();
    assert_eq!(kb.info().unwrap().dim, Some(8));
    let template = TemplateSource::BuiltIn(BuiltInTemplate::Completion);
    let turn = Message { role: Role::User, content: "When?".to_owned() };
    assert_eq!(kb.generator().unwrap().chat().render(&[turn]).unwrap().template, template);
    let error = kb.reranker().unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidArgument);
    assert!(error.line().contains("level"), "{}", error.line());
}

#[test]
fn what_is_out_of_range_is_refused_as_the_file_is_opened() {
    let mut options = small();
    options.generator_options.threads = Threads::of(1000);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kb.rag");
    let line = KnowledgeBase::open(&path, &options).unwrap_err().line();
    assert_eq!(line, "invalid generator_threads: 1000 is outside 1 to 256");
    assert!(!path.exists());
}
