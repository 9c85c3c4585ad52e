use std::mem::{MaybeUninit, offset_of};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::ptr;
use std::sync::Arc;
use std::time::Duration;

use rag_core::encode::{EncoderOptions, Precision};
use rag_core::generate::{
    Backend, Constraint, Draft, EarlyStopping, GenerateOptions, GeneratorOptions, KvPrecision,
};
use rag_core::guard::{Guards, Mask};
use rag_core::kernels::{KernelLevel, Threads};
use rag_core::model::{BuiltInTemplate, Role};
use rag_core::prompt::{Fence, Order};
use rag_core::rerank::RerankerOptions;
use rag_core::search::{Context, Fusion, Mode, SearchOptions};
use rag_core::store::{Access, IndexMode};
use rag_core::walk::Hidden;
use rag_core::{
    Abstain, AskOptions, Explain, KnowledgeBase, Missing, OpenOptions, Plan, Rewrite, SyncOptions,
    Trust, Writer,
};

use super::given::{MAX_STRUCT_BYTES, Options};
use super::*;
use crate::handles::{Shared, rag_setting};
use crate::own::rag_turn;
use crate::reentry::Guarded;

fn zeroed<T: Options>() -> T {
    // SAFETY: all zero is valid for `Options`.
    unsafe { MaybeUninit::<T>::zeroed().assume_init() }
}

/// As the macro of the header begins one.
fn begun<T: Options>() -> T {
    let mut options = zeroed::<T>();
    // SAFETY: `Options` begin with their size.
    unsafe { (&raw mut options).cast::<usize>().write(size_of::<T>()) };
    options
}

/// Padding at the end would let a field appended later be read from an older caller's garbage.
#[test]
fn options_have_no_padding_at_the_end() {
    macro_rules! ends_with {
        ($options:ident) => {
            ends_with!($options, setting_count);
        };
        ($options:ident, $last:ident) => {
            let end = offset_of!($options, $last) + size_of::<usize>();
            assert_eq!(end, size_of::<$options>(), stringify!($options));
        };
    }
    ends_with!(rag_open_options);
    ends_with!(rag_sync_options);
    ends_with!(rag_add_options);
    ends_with!(rag_search_options);
    ends_with!(rag_ask_options, retract_user_data);
    ends_with!(rag_guards);
    ends_with!(rag_generate_options);
    ends_with!(rag_encoder_options);
    ends_with!(rag_reranker_options);
    ends_with!(rag_generator_options);
}

#[test]
fn null_is_all_defaults() {
    // SAFETY: null is allowed.
    let options = unsafe { read::<rag_search_options>(ptr::null()) };
    assert!(options.is_ok_and(|options| options.top_k == 0 && options.cancel.is_null()));
}

#[test]
fn an_older_caller_is_read_only_as_far_as_it_goes() {
    let mut given = zeroed::<rag_search_options>();
    given.struct_size = offset_of!(rag_search_options, mode);
    given.top_k = 7;
    given.mode = 99;
    // SAFETY: a live local.
    let options = unsafe { read(&given) };
    assert!(options.is_ok_and(|options| options.top_k == 7 && options.mode == 0));
}

#[test]
fn a_newer_caller_is_taken_if_what_it_adds_is_default() {
    #[repr(C)]
    struct Newer {
        known: rag_search_options,
        added: u64,
    }
    let mut newer = Newer { known: zeroed(), added: 0 };
    newer.known.struct_size = size_of::<Newer>();
    // SAFETY: the struct is as long as its `struct_size` says.
    assert!(unsafe { read(ptr::from_ref(&newer).cast::<rag_search_options>()) }.is_ok());
    newer.added = 1;
    // SAFETY: as above.
    assert!(unsafe { read(ptr::from_ref(&newer).cast::<rag_search_options>()) }.is_err());
}

#[test]
fn a_size_that_was_not_set_is_refused() {
    for size in [0, 1, 7, 12, MAX_STRUCT_BYTES + 8, usize::MAX] {
        let mut given = zeroed::<rag_open_options>();
        given.struct_size = size;
        // SAFETY: refused before anything beyond `struct_size` is read.
        let refused = unsafe { read(&given) }.expect_err("a size that no struct has").line();
        let said = format!("struct_size of rag_open_options is {size}: begin with RAG_OPEN");
        assert!(refused.contains(&said), "{refused}");
    }
}

#[test]
fn numbers_outside_an_enum_are_refused() {
    assert!(choice(1, &["a", "b"], "mode").is_ok_and(|chosen| chosen == "b"));
    assert!(choice(2, &["a", "b"], "mode").is_err());
    assert!(choice(-1, &["a", "b"], "mode").is_err());
}

#[test]
fn options_are_set_by_their_names_after_the_fields() {
    let settings = [
        rag_setting { name: c"top_k".as_ptr(), value: c"4".as_ptr() },
        rag_setting { name: c"mode".as_ptr(), value: c"dense".as_ptr() },
        rag_setting { name: c"diversity".as_ptr(), value: c"0.5".as_ptr() },
    ];
    let (settings, setting_count) = (settings.as_ptr(), settings.len());
    let given = rag_search_options { top_k: 7, settings, setting_count, ..begun() };
    let mut options = SearchOptions::default();
    // SAFETY: the array is a live local.
    unsafe { given.lay_over(&mut options) }.expect("valid options");
    assert_eq!((options.top_k, options.mode, options.diversity), (4, Mode::Dense, Some(0.5)));
    for (name, value, wanted) in [
        (c"top", c"4", "the nearest is top_k"),
        (c"top_k", c"many", "\"many\" is a text, but it takes a whole number"),
    ] {
        let setting = rag_setting { name: name.as_ptr(), value: value.as_ptr() };
        let given = rag_search_options { settings: &setting, setting_count: 1, ..begun() };
        // SAFETY: as above.
        let refused = unsafe { given.lay_over(&mut SearchOptions::default()) };
        let said = refused.expect_err("a refusal").line();
        assert!(said.contains(wanted), "{said}");
    }
}

/// The search of the tests below, with no field at its default.
fn search() -> rag_search_options {
    rag_search_options {
        top_k: 7,
        mode: rag_mode::RAG_MODE_LEXICAL as i32,
        index: rag_index::RAG_INDEX_HNSW as i32,
        filter: c"kind = pdf".as_ptr(),
        ef_search: 50,
        fusion: c"rrf:30".as_ptr(),
        context: c"section".as_ptr(),
        diversity: 0.25,
        rerank: -1,
        ..begun()
    }
}

fn check_search(options: SearchOptions) {
    // no `..`: what the core has more of is missing here
    let SearchOptions {
        top_k,
        mode,
        index,
        ef_search,
        filter,
        fusion,
        diversity,
        context,
        rerank,
        ..
    } = options;
    assert_eq!((top_k, mode, index), (7, Mode::Lexical, IndexMode::Hnsw));
    assert_eq!((ef_search, rerank, diversity), (Some(50), Some(0), Some(0.25)));
    assert!(filter.is_some());
    assert_eq!((fusion, context), (Fusion::ReciprocalRank { k: 30.0 }, Context::Section));
}

#[test]
fn a_search_takes_every_option() {
    let mut options = SearchOptions::default();
    // SAFETY: the texts are constants.
    unsafe { search().lay_over(&mut options) }.expect("valid options");
    check_search(options);
    let wrong = rag_search_options { rerank: -2, ..begun() };
    // SAFETY: there are no pointers.
    assert!(unsafe { wrong.lay_over(&mut SearchOptions::default()) }.is_err());
}

const STOP: [&std::ffi::CStr; 2] = [c"\n\n", c"END"];
const BIAS: ([u32; 2], [f32; 2]) = ([5, 9], [1.5, f32::NEG_INFINITY]);

/// Runs `use_it` with a generation that has no field at its default.
fn with_generate<R>(use_it: impl FnOnce(rag_generate_options) -> R) -> R {
    let stop = STOP.map(std::ffi::CStr::as_ptr);
    use_it(rag_generate_options {
        early_stopping: 1,
        draft: rag_draft::RAG_DRAFT_OFF as i32,
        logprobs: 3,
        max_new_tokens: 12,
        seed: 41,
        temperature: 0.7,
        top_p: 0.9,
        min_p: 0.05,
        typical_p: 0.8,
        repetition_penalty: 1.1,
        presence_penalty: 0.2,
        frequency_penalty: 0.3,
        length_penalty: f32::MIN_POSITIVE,
        top_k: 40,
        beams: 2,
        stop: stop.as_ptr(),
        stop_count: stop.len(),
        logit_bias_ids: BIAS.0.as_ptr(),
        logit_bias_values: BIAS.1.as_ptr(),
        logit_bias_count: BIAS.0.len(),
        regex: c"[0-9]+".as_ptr(),
        ..begun()
    })
}

fn check_generate(options: GenerateOptions) {
    let GenerateOptions {
        max_new_tokens,
        sampling,
        beams,
        length_penalty,
        early_stopping,
        logprobs,
        draft,
        seed,
        stop,
        constraint,
        ..
    } = options;
    assert_eq!((max_new_tokens, beams, seed, logprobs), (12, 2, 41, Some(3)));
    assert_eq!((early_stopping, draft), (EarlyStopping::First, Draft::Off));
    assert_eq!(length_penalty.to_bits(), 0.0_f32.to_bits(), "RAG_ZERO is zero");
    assert_eq!(stop, ["\n\n", "END"]);
    assert!(matches!(constraint, Some(Constraint::Regex(regex)) if regex == "[0-9]+"));
    let rag_core::generate::Sampling {
        temperature,
        top_k,
        top_p,
        min_p,
        typical_p,
        repetition_penalty,
        presence_penalty,
        frequency_penalty,
        logit_bias,
    } = sampling;
    assert_eq!((temperature, top_p, min_p, typical_p), (0.7, 0.9, 0.05, 0.8));
    assert_eq!((repetition_penalty, presence_penalty, frequency_penalty), (1.1, 0.2, 0.3));
    assert_eq!((top_k, logit_bias), (40, vec![(5, 1.5), (9, f32::NEG_INFINITY)]));
}

#[test]
fn a_generation_takes_every_option() {
    let mut options = GenerateOptions::default();
    // SAFETY: the arrays live for the call.
    with_generate(|given| unsafe { given.lay_over(&mut options) }).expect("valid options");
    check_generate(options);

    let alone = rag_generate_options { logprobs: -1, ..begun() };
    let mut options = GenerateOptions::default();
    // SAFETY: there are no pointers.
    unsafe { alone.lay_over(&mut options) }.expect("valid options");
    assert_eq!((options.logprobs, options.length_penalty), (Some(0), 1.0));
}

#[test]
fn settings_of_one_name_are_a_list() {
    let settings =
        [c"END", c"STOP"].map(|stop| rag_setting { name: c"stop".as_ptr(), value: stop.as_ptr() });
    let (settings, setting_count) = (settings.as_ptr(), settings.len());
    let given = rag_generate_options { settings, setting_count, ..begun() };
    let mut options = GenerateOptions::default();
    // SAFETY: the array is a live local.
    unsafe { given.lay_over(&mut options) }.expect("valid options");
    assert_eq!(options.stop, ["END", "STOP"]);
}

#[test]
fn guards_take_every_option() {
    let texts = [c"a".as_ptr(), c"b".as_ptr()];
    let given = rag_guards {
        max_question_chars: 80,
        deny: texts.as_ptr(),
        deny_count: 1,
        allow: texts.as_ptr(),
        allow_count: 2,
        deny_answer: texts.as_ptr(),
        deny_answer_count: 2,
        topics: texts.as_ptr(),
        topic_count: 1,
        off_topics: texts.as_ptr(),
        off_topic_count: 2,
        topic_min: f32::MIN_POSITIVE,
        off_topic_max: 0.5,
        mask: rag_mask::RAG_MASK_BOTH as i32,
        ..begun()
    };
    let mut options = Guards::default();
    // SAFETY: the arrays are live locals.
    unsafe { given.lay_over(&mut options) }.expect("valid options");
    let Guards { max_question_chars, deny, allow, topics, deny_answer, mask, .. } = options;
    assert_eq!((max_question_chars, mask), (80, Mask::Both));
    assert!(!deny.is_empty() && !allow.is_empty() && !deny_answer.is_empty());
    assert_eq!((topics.allowed.len(), topics.denied.len()), (1, 2));
    assert_eq!((topics.min_allowed, topics.max_denied), (0.0, 0.5));
}

fn in_memory() -> Arc<Shared> {
    let kb = KnowledgeBase::open(":memory:", &OpenOptions::default()).expect("a file in memory");
    Arc::new(Guarded::new(kb, "kb"))
}

#[test]
#[cfg_attr(miri, ignore = "Miri runs no SQLite")]
fn an_ask_takes_every_option_its_own_and_those_it_points_at() {
    let (search, guards) = (search(), rag_guards { max_question_chars: 80, ..begun() });
    let history =
        [rag_turn { role: c"user".as_ptr(), content: c"Hello?".as_ptr(), content_bytes: 6 }];
    let example = rag_example {
        passages: ptr::null(),
        passage_count: 0,
        question: c"Q".as_ptr(),
        answer: c"A".as_ptr(),
    };
    let given = rag_ask_options {
        search: &search,
        guards: &guards,
        system: c"Be brief.".as_ptr(),
        history: history.as_ptr(),
        history_count: 1,
        abstain: rag_abstain::RAG_ABSTAIN_BELOW as i32,
        abstain_below: 0.3,
        explain: 1,
        writer: rag_writer::RAG_WRITER_PASSAGES as i32,
        fence: 1,
        order: rag_order::RAG_ORDER_DOCUMENT as i32,
        rewrite: rag_rewrite::RAG_REWRITE_VARIANTS as i32,
        variant_count: 2,
        sentences: 4,
        examples: &example,
        example_count: 1,
        ..begun()
    };
    let options = with_generate(|generate| {
        let given = rag_ask_options { generate: &generate, ..given };
        // SAFETY: what it points at are live locals.
        unsafe { given.over(&in_memory(), AskOptions::default()) }.expect("valid options")
    });
    let AskOptions {
        search,
        generate,
        system,
        history,
        abstain,
        explain,
        writer,
        sentences,
        fence,
        order,
        examples,
        rewrite,
        guards,
        ..
    } = options;
    check_search(search);
    check_generate(generate);
    assert_eq!((system.as_deref(), sentences), (Some("Be brief."), Some(4)));
    assert_eq!((history.len(), history[0].role, &*history[0].content), (1, Role::User, "Hello?"));
    assert_eq!((abstain, explain), (Abstain::Below(0.3), Explain::Trace));
    assert!(matches!(writer, Writer::Passages) && examples.is_some_and(|given| given.len() == 1));
    assert_eq!((fence, order, rewrite), (Fence::Marked, Order::Document, Rewrite::Variants(2)));
    assert_eq!(guards.max_question_chars, 80);
}

#[test]
#[cfg_attr(miri, ignore = "Miri runs no SQLite")]
fn an_ask_keeps_its_own_defaults_where_those_it_points_at_say_nothing() {
    let (search, generate) = (begun::<rag_search_options>(), begun::<rag_generate_options>());
    let given = rag_ask_options { search: &search, generate: &generate, ..begun() };
    let default = AskOptions::default();
    // SAFETY: what it points at are live locals.
    let options = unsafe { given.over(&in_memory(), default.clone()) }.expect("valid options");
    assert_eq!(options.search.top_k, default.search.top_k);
    assert_eq!(format!("{options:?}"), format!("{default:?}"));
}

#[test]
#[cfg_attr(miri, ignore = "Miri runs no SQLite")]
fn an_ask_refuses_what_belongs_to_a_call_of_its_own() {
    let kb = in_memory();
    let refused = |search: rag_search_options, generate: rag_generate_options| {
        let given = rag_ask_options { search: &search, generate: &generate, ..begun() };
        // SAFETY: what it points at are live arguments.
        unsafe { given.over(&kb, AskOptions::default()) }.expect_err("a refusal").line()
    };
    let cancel = crate::progress::rag_cancel::default();
    let stopped = rag_search_options { cancel: &cancel, ..begun() };
    assert!(refused(stopped, begun()).contains("invalid search: its cancel must be NULL"));
    let said = refused(begun(), rag_generate_options { system: c"x".as_ptr(), ..begun() });
    assert!(said.contains("invalid generate: its system must be zero"), "{said}");
    let sized = rag_search_options { struct_size: 3, ..begun() };
    assert!(refused(sized, begun()).contains("struct_size of rag_search_options is 3"));
}

#[test]
#[cfg_attr(miri, ignore = "Miri runs no SQLite")]
fn a_sync_takes_every_option() {
    let globs = [c"*.txt".as_ptr(), c"*.md".as_ptr()];
    let given = rag_sync_options {
        max_file_bytes: 1000,
        max_tokens: 90,
        plan: rag_plan::RAG_PLAN_DRY_RUN as i32,
        hidden: rag_hidden::RAG_HIDDEN_LIST as i32,
        hnsw_m: 8,
        hnsw_ef_construction: 100,
        min_tokens: 5,
        overlap_tokens: 6,
        max_read_seconds: 2.5,
        include: globs.as_ptr(),
        include_count: 1,
        exclude: globs.as_ptr(),
        exclude_count: 2,
        missing: rag_missing::RAG_MISSING_KEEP as i32,
        ..begun()
    };
    // SAFETY: the arrays are live locals.
    let options = unsafe { given.over(&in_memory(), SyncOptions::default()) }.expect("valid");
    let SyncOptions { walk, plan, split, read, missing, graph, .. } = options;
    assert_eq!((walk.max_file_bytes, walk.hidden), (1000, Hidden::List));
    assert_eq!((walk.include.len(), walk.exclude.len()), (1, 2));
    assert_eq!((plan, missing), (Plan::DryRun, Missing::Keep));
    assert_eq!((split.max_tokens, split.min_tokens, split.overlap_tokens), (90, 5, 6));
    assert_eq!((read.time_limit, graph.m), (Duration::from_secs_f64(2.5), 8));
    assert_eq!(graph.ef_construction, 100);
}

#[test]
fn a_file_is_opened_with_every_option() {
    let also = [c"b.rag".as_ptr()];
    let loading = (
        rag_encoder_options { truncate_dim: 64, ..begun() },
        rag_generator_options { kv: rag_kv::RAG_KV_Q8 as i32, ..begun() },
        rag_reranker_options { threads: 3, ..begun() },
    );
    let given = rag_open_options {
        encoder_options: &loading.0,
        generator_options: &loading.1,
        reranker_options: &loading.2,
        encoder: c"e".as_ptr(),
        llm: c"none".as_ptr(),
        model_dir: c"models".as_ptr(),
        reranker: c"r".as_ptr(),
        also: also.as_ptr(),
        also_count: 1,
        secure_delete: 1,
        access: rag_access::RAG_ACCESS_READ_ONLY as i32,
        trust: rag_trust::RAG_TRUST_UNTRUSTED as i32,
        ..begun()
    };
    // SAFETY: the texts are constants, the array is a live local.
    let options = unsafe { given.over(OpenOptions::default()) }.expect("valid options");
    let OpenOptions {
        encoder,
        loaded_encoder,
        llm,
        model_dirs,
        access,
        reranker,
        also,
        secure_delete,
        trust,
        encoder_options,
        generator_options,
        reranker_options,
        ..
    } = options;
    assert_eq!(encoder_options.truncate_dim, NonZeroUsize::new(64));
    assert_eq!(generator_options.kv, KvPrecision::Q8);
    assert_eq!(reranker_options.threads, Threads::of(3));
    assert_eq!(
        (encoder.as_deref(), llm.as_deref(), reranker.as_deref()),
        (Some("e"), Some("none"), Some("r"))
    );
    assert_eq!(model_dirs.model_dirs.first(), Some(&PathBuf::from("models")));
    assert!(loaded_encoder.is_none() && secure_delete && also == [PathBuf::from("b.rag")]);
    assert_eq!((access, trust), (Access::ReadOnly, Trust::Untrusted));
}

#[test]
fn a_file_is_opened_with_the_options_of_its_models_by_name() {
    let settings = [(c"encoder_threads", c"2"), (c"generator_template", c"gemma")]
        .map(|(name, value)| rag_setting { name: name.as_ptr(), value: value.as_ptr() });
    let given = rag_open_options { settings: &settings[0], setting_count: 2, ..begun() };
    // SAFETY: the texts are constants, the array is a live local.
    let options = unsafe { given.over(OpenOptions::default()) }.expect("valid options");
    assert_eq!(options.encoder_options.threads, Threads::of(2));
    assert_eq!(options.generator_options.template, Some(BuiltInTemplate::Gemma));
    let elsewhere = rag_generator_options { model_dir: c"models".as_ptr(), ..begun() };
    let given = rag_open_options { generator_options: &elsewhere, ..begun() };
    // SAFETY: what it points at is a live local.
    let said = unsafe { given.over(OpenOptions::default()) }.expect_err("a refusal").line();
    assert!(said.contains("invalid generator_options: its model_dir must be NULL"), "{said}");
}

#[test]
fn models_are_loaded_with_every_option() {
    let encoder = rag_encoder_options {
        backend: c"candle".as_ptr(),
        level: c"portable".as_ptr(),
        threads: 2,
        truncate_dim: 64,
        precision: rag_precision::RAG_PRECISION_INT8 as i32,
        ..begun()
    };
    let reranker = rag_reranker_options {
        level: c"portable".as_ptr(),
        threads: 2,
        precision: rag_precision::RAG_PRECISION_F32 as i32,
        ..begun()
    };
    let generator = rag_generator_options {
        backend: c"candle".as_ptr(),
        level: c"portable".as_ptr(),
        template_name: c"gemma".as_ptr(),
        threads: 2,
        kv: rag_kv::RAG_KV_Q8 as i32,
        ..begun()
    };
    // SAFETY: the texts are constants.
    let (encoder, reranker, generator) = unsafe {
        (
            encoder.over(EncoderOptions::default()).expect("valid options"),
            reranker.over(RerankerOptions::default()).expect("valid options"),
            generator.over(GeneratorOptions::default()).expect("valid options"),
        )
    };
    let (level, two) = (Some(KernelLevel::Portable), Threads::of(2));
    let wanted = EncoderOptions {
        precision: Precision::Int8,
        level,
        threads: two,
        truncate_dim: NonZeroUsize::new(64),
        backend: Backend::Candle,
    };
    assert_eq!(encoder, wanted);
    assert_eq!(reranker, RerankerOptions { precision: Precision::F32, level, threads: two });
    let wanted = GeneratorOptions {
        backend: Backend::Candle,
        threads: two,
        level,
        kv: KvPrecision::Q8,
        template: Some(BuiltInTemplate::Gemma),
    };
    assert_eq!(generator, wanted);
}

#[test]
fn names_that_nothing_has_are_refused_with_those_known() {
    let given = rag_generator_options { level: c"sse2".as_ptr(), ..begun() };
    // SAFETY: a constant.
    let said = unsafe { given.over(GeneratorOptions::default()) }.expect_err("a refusal").line();
    assert!(said.contains("invalid level: \"sse2\" is not one of amx, avx512"), "{said}");
}
