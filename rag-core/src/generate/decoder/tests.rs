#![allow(clippy::unwrap_used)]

use crate::kernels::Threads;
use std::io::Cursor;

use candle_core::quantized::gguf_file::Content;
use candle_core::{Device, Tensor};
use candle_transformers::models::{quantized_llama, quantized_qwen2};

use super::*;
use crate::generate::engine::GeneratorOptions;
use crate::kernels::KvPrecision;
use crate::kernels::isa::KernelLevel;
use crate::model::formats::gguf::Gguf;
use crate::model::formats::gguf::testing::GgufWriter;

const VOCABULARY: usize = 96;
const DIM: usize = 64;
const HIDDEN: usize = 96;
/// Tokens taken in before a failure.
const PART: usize = 128;

struct Noise(u64);

impl Noise {
    fn values(&mut self, count: usize, size: f32) -> Vec<f32> {
        let mut next = || {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            ((self.0 >> 40) as f32 / (1u64 << 23) as f32 - 1.0) * size
        };
        (0..count).map(|_| next()).collect()
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Stored {
    Floats,
    Q8_0,
}

/// A random model of two layers, four heads over two key heads.
fn tiny(architecture: &str, stored: Stored) -> GgufWriter {
    let key = |name: &str| format!("{architecture}.{name}");
    let mut writer = GgufWriter::default()
        .text("general.architecture", architecture)
        .count(&key("block_count"), 2)
        .count(&key("embedding_length"), DIM as u32)
        .count(&key("feed_forward_length"), HIDDEN as u32)
        .count(&key("attention.head_count"), 4)
        .count(&key("attention.head_count_kv"), 2)
        .count(&key("context_length"), 1024)
        .count(&key("rope.dimension_count"), 16)
        .number(&key("attention.layer_norm_rms_epsilon"), 1e-5)
        .number(&key("rope.freq_base"), 10_000.0);
    let mut noise = Noise(42);
    let mut matrix = |writer: GgufWriter, name: &str, rows: usize, columns: usize| {
        let values = noise.values(rows * columns, 0.3);
        let dims = [columns as u64, rows as u64];
        match stored {
            Stored::Floats => writer.floats(name, &dims, &values),
            Stored::Q8_0 => writer.q8_0(name, &dims, &values),
        }
    };
    let mut bias = Noise(43);
    writer = matrix(writer, "token_embd.weight", VOCABULARY, DIM);
    writer = matrix(writer, "output.weight", VOCABULARY, DIM);
    writer = writer.floats("output_norm.weight", &[DIM as u64], &[1.0; DIM]);
    for layer in 0..2 {
        let name = |part: &str| format!("blk.{layer}.{part}");
        for norm in ["attn_norm.weight", "ffn_norm.weight"] {
            writer = writer.floats(&name(norm), &[DIM as u64], &bias.values(DIM, 1.0));
        }
        for (part, rows, columns) in [
            ("attn_q.weight", DIM, DIM),
            ("attn_k.weight", DIM / 2, DIM),
            ("attn_v.weight", DIM / 2, DIM),
            ("attn_output.weight", DIM, DIM),
            ("ffn_gate.weight", HIDDEN, DIM),
            ("ffn_up.weight", HIDDEN, DIM),
            ("ffn_down.weight", DIM, HIDDEN),
        ] {
            writer = matrix(writer, &name(part), rows, columns);
        }
        if architecture == "qwen2" {
            for (part, rows) in
                [("attn_q.bias", DIM), ("attn_k.bias", DIM / 2), ("attn_v.bias", DIM / 2)]
            {
                writer = writer.floats(&name(part), &[rows as u64], &bias.values(rows, 0.5));
            }
        }
    }
    writer
}

fn engine(threads: usize, level: Option<KernelLevel>) -> GeneratorEngine {
    GeneratorEngine::new(&GeneratorOptions {
        threads: Threads::of(threads),
        level,
        ..GeneratorOptions::default()
    })
    .unwrap()
}

fn from_gguf(gguf: &Gguf, vocabulary_len: usize, engine: GeneratorEngine) -> Result<Decoder> {
    Decoder::load(DecoderConfig::from_gguf(gguf)?, gguf, vocabulary_len, engine)
}

fn decoder_on(writer: &GgufWriter, engine: GeneratorEngine) -> Decoder {
    from_gguf(&Gguf::open(writer.file().path()).unwrap(), VOCABULARY, engine).unwrap()
}

fn decoder(writer: &GgufWriter) -> Decoder {
    decoder_on(writer, engine(2, None))
}

/// One that keeps keys and values in each precision.
fn decoders(writer: &GgufWriter) -> [Decoder; 2] {
    KvPrecision::ALL.map(|kv| decoder_on(writer, GeneratorEngine { kv, ..engine(2, None) }))
}

fn prompt(len: usize) -> Vec<u32> {
    (0..len as u32).map(|index| (index * index * 7 + index) % VOCABULARY as u32).collect()
}

/// Candle's own model over the same file.
fn reference(architecture: &str, writer: &GgufWriter, ids: &[u32]) -> Vec<f32> {
    let mut bytes = Cursor::new(writer.bytes());
    let content = Content::read(&mut bytes).unwrap();
    let input = Tensor::new(ids, &Device::Cpu).unwrap().unsqueeze(0).unwrap();
    let logits = if architecture == "qwen2" {
        let mut model =
            quantized_qwen2::ModelWeights::from_gguf(content, &mut bytes, &Device::Cpu).unwrap();
        model.forward(&input, 0).unwrap()
    } else {
        let mut model =
            quantized_llama::ModelWeights::from_gguf(content, &mut bytes, &Device::Cpu).unwrap();
        model.forward(&input, 0).unwrap()
    };
    logits.flatten_all().unwrap().to_vec1().unwrap()
}

/// Length of the difference over length of the reference.
pub(super) fn relative_error(found: &[f32], expected: &[f32]) -> f64 {
    assert_eq!(found.len(), expected.len());
    let length = |values: &mut dyn Iterator<Item = f64>| {
        values.map(|value| value * value).sum::<f64>().sqrt()
    };
    let differences = &mut found.iter().zip(expected).map(|(a, b)| f64::from(a - b));
    length(differences) / length(&mut expected.iter().map(|value| f64::from(*value)))
}

#[test]
fn logits_equal_those_of_candle() {
    let cancel = CancelToken::new();
    let levels = KernelLevel::ALL.into_iter().filter(|level| level.is_available());
    for (architecture, level) in levels.flat_map(|level| [("llama", level), ("qwen2", level)]) {
        for (stored, tolerance) in [(Stored::Floats, 1e-3), (Stored::Q8_0, 0.03)] {
            let writer = tiny(architecture, stored);
            let decoder = decoder_on(&writer, engine(2, Some(level)));
            for len in [1, 5, 131, SPAN + 130] {
                let ids = prompt(len);
                let mut cache = decoder.new_cache();
                let logits = decoder.forward(&ids, &mut cache, 1, &cancel).unwrap();
                let error = relative_error(&logits, &reference(architecture, &writer, &ids));
                assert!(error < tolerance, "{architecture} {level:?} {len}: {error}");
                assert_eq!(cache.len(), len);
            }
        }
    }
}

#[test]
fn a_token_gets_the_same_bits_however_the_prompt_is_cut() {
    let cancel = CancelToken::new();
    for (architecture, stored) in
        [("llama", Stored::Floats), ("qwen2", Stored::Floats), ("qwen2", Stored::Q8_0)]
    {
        let writer = tiny(architecture, stored);
        for (decoder, len) in decoders(&writer)
            .iter()
            .flat_map(|decoder| [2, 63, 200, SPAN + 77].map(|len| (decoder, len)))
        {
            let ids = prompt(len);
            let mut fresh = decoder.new_cache();
            let last = len.min(20);
            let expected = decoder.forward(&ids, &mut fresh, last, &cancel).unwrap();
            let expected: Vec<_> = expected.chunks(VOCABULARY).map(bits).collect();
            for reused in [1, 2, len / 3, len / 2, len - 2, len - 1] {
                let reused = reused.clamp(1, len - 1);
                let mut cache = decoder.new_cache();
                // Another prompt with the same beginning, and an answer after it.
                let other = [&ids[..reused], &[1, 2, 3]].concat();
                decoder.forward(&other, &mut cache, 1, &cancel).unwrap();
                decoder.forward(&[5], &mut cache, 1, &cancel).unwrap();
                cache.truncate(reused);
                let logits = decoder.forward(&ids[reused..], &mut cache, 1, &cancel).unwrap();
                assert_eq!(&bits(&logits), &expected[last - 1], "{reused} of {len}");
            }
            let mut cache = decoder.new_cache();
            if len > last {
                decoder.forward(&ids[..len - last], &mut cache, 1, &cancel).unwrap();
            }
            for (id, expected) in ids[len - last..].iter().zip(&expected) {
                let logits = decoder.forward(&[*id], &mut cache, 1, &cancel).unwrap();
                assert_eq!(&bits(&logits), expected, "step by step, {len}");
            }
        }
    }
}

#[test]
fn a_fork_goes_its_own_way() {
    let cancel = CancelToken::new();
    for decoder in decoders(&tiny("qwen2", Stored::Q8_0)) {
        let mut cache = decoder.new_cache();
        decoder.forward(&prompt(70), &mut cache, 1, &cancel).unwrap();
        let mut fork = cache.fork();
        let first = decoder.forward(&[1], &mut cache, 1, &cancel).unwrap();
        decoder.forward(&[9, 8, 7], &mut fork, 1, &cancel).unwrap();
        let second = decoder.forward(&[2], &mut cache, 1, &cancel).unwrap();
        let ids = [&prompt(70)[..], &[1, 2]].concat();
        let mut fresh = decoder.new_cache();
        let expected = decoder.forward(&ids, &mut fresh, 2, &cancel).unwrap();
        assert_eq!([bits(&first), bits(&second)].concat(), bits(&expected));
    }
}

#[test]
fn eight_bit_keys_and_values_move_logits_a_little() {
    let cancel = CancelToken::new();
    for architecture in ["llama", "qwen2"] {
        let writer = tiny(architecture, Stored::Floats);
        let logits = decoders(&writer).map(|decoder| {
            decoder.forward(&prompt(200), &mut decoder.new_cache(), 1, &cancel).unwrap()
        });
        let error = relative_error(&logits[1], &logits[0]);
        assert!(error > 0.0 && error < 0.02, "{architecture}: {error}");
    }
}

#[test]
fn any_number_of_threads_gives_the_same_bits() {
    let run = |threads: usize, kv: KvPrecision| {
        let engine = GeneratorEngine { kv, ..engine(threads, None) };
        let decoder = decoder_on(&tiny("llama", Stored::Q8_0), engine);
        let mut cache = decoder.new_cache();
        let mut logits = decoder.forward(&prompt(200), &mut cache, 1, &CancelToken::new()).unwrap();
        for id in [3, 1, 4] {
            logits.extend(decoder.forward(&[id], &mut cache, 1, &CancelToken::new()).unwrap());
        }
        bits(&logits)
    };
    for kv in KvPrecision::ALL {
        let one = run(1, kv);
        for threads in [2, 3, 8] {
            assert_eq!(run(threads, kv), one, "{threads} threads");
        }
    }
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|value| value.to_bits()).collect()
}

#[test]
fn a_cancelled_prompt_leaves_a_cache_that_can_be_used() {
    let decoder = decoder(&tiny("llama", Stored::Floats));
    let cancel = CancelToken::new();
    let mut cache = decoder.new_cache();
    decoder.forward(&prompt(PART), &mut cache, 1, &cancel).unwrap();
    let checks = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let counter = checks.clone();
    let third = CancelToken::polling(move || {
        counter.fetch_add(1, std::sync::atomic::Ordering::Relaxed) == 2
    });
    let error = decoder.forward(&prompt(SPAN + 1), &mut cache, 1, &third).unwrap_err();
    assert!(matches!(error, Error::Cancelled), "{error}");
    cache.truncate(PART);
    let logits = decoder.forward(&[1, 2, 3], &mut cache, 1, &cancel).unwrap();
    let mut fresh = decoder.new_cache();
    let ids = [&prompt(PART)[..], &[1, 2, 3]].concat();
    assert_eq!(bits(&logits), bits(&decoder.forward(&ids, &mut fresh, 1, &cancel).unwrap()));
}

#[test]
fn what_is_not_supported_is_refused_by_name() {
    let refusal = |writer: GgufWriter| {
        let file = writer.file();
        let Err(error) = from_gguf(&Gguf::open(file.path()).unwrap(), VOCABULARY, engine(1, None))
        else {
            panic!("accepted");
        };
        assert_eq!(error.code(), crate::ErrorCode::Model);
        error.to_string()
    };
    let base = || tiny("llama", Stored::Floats);
    let cases = [
        (GgufWriter::default(), "general.architecture is missing"),
        (
            tiny("mamba", Stored::Floats),
            "\"mamba\" is not supported, supported are llama, mistral3",
        ),
        (GgufWriter::default().text("general.architecture", "llama"), "head_count is missing"),
        (base().count("llama.expert_count", 8), "mixtures of experts"),
        (base().text("llama.rope.scaling.type", "yarn"), "rope scaling \"yarn\""),
        (base().count("llama.attention.value_length", 8), "differs from head width"),
        (base().count("llama.attention.key_length", 8), "of 8 components of a head rotate"),
        (base().number("llama.rope.scaling.factor", f32::NAN), "expected a number"),
        (base().number("llama.rope.scaling.factor", 0.0), "must be positive"),
    ];
    for (writer, expected) in cases {
        let reason = refusal(writer);
        assert!(reason.contains(expected), "{reason}");
    }
    let missing = GgufWriter::default().text("general.architecture", "llama");
    let missing = ["block_count", "embedding_length", "feed_forward_length", "context_length"]
        .iter()
        .fold(missing, |writer, key| writer.count(&format!("llama.{key}"), 32))
        .count("llama.attention.head_count", 4);
    assert!(refusal(missing).contains("token_embd.weight is missing"));
    let no_context = GgufWriter::default().text("general.architecture", "llama");
    let no_context = ["block_count", "embedding_length", "feed_forward_length"]
        .iter()
        .fold(no_context, |writer, key| writer.count(&format!("llama.{key}"), 32))
        .count("llama.attention.head_count", 4)
        .count("llama.context_length", 0);
    assert!(refusal(no_context).contains("llama.context_length is 0"));
    let file = base().file();
    let gguf = Gguf::open(file.path()).unwrap();
    let Err(error) = from_gguf(&gguf, VOCABULARY + 1, engine(1, None)) else { panic!("accepted") };
    assert!(error.to_string().contains("expected [97, 64]"), "{error}");
}
