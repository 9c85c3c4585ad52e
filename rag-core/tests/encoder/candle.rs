//! candle's networks beside our own, on the small models of every family it runs and on MiniLM.

use rag_core::encode::{Encoder, EncoderOptions, Precision};
use rag_core::model::Backend;
use rag_core::{Call, CancelToken, ErrorCode};

use crate::families::{cases, families};
use crate::{TEXTS, cosine, model, passages};

/// Lowest cosine with our own vectors in f32.
const SAME: f64 = 1.0 - 1e-5;
/// Lowest cosine of a text's vector alone with its vector among others: padding changes only
/// rounding.
const ALONE: f64 = 1.0 - 1e-6;

fn candle(folder: &std::path::Path) -> Result<Encoder, rag_core::Error> {
    let options = EncoderOptions { backend: Backend::Candle, ..super::options() };
    Encoder::load_with(folder, "x", &options)
}

fn ours(folder: &std::path::Path) -> Encoder {
    let options = EncoderOptions { precision: Precision::F32, ..super::options() };
    Encoder::load_with(folder, "x", &options).unwrap()
}

#[test]
fn candles_vectors_are_ours() {
    let mut run = 0;
    let mut folders = families();
    folders.extend(model("minilm"));
    for folder in folders {
        let name = folder.file_name().unwrap().to_str().unwrap().to_owned();
        let theirs = match candle(&folder) {
            Err(error) => {
                assert_eq!(error.code(), ErrorCode::InvalidArgument);
                assert!(["gte", "mpnet"].contains(&name.as_str()), "{}", error.line());
                continue;
            }
            Ok(loaded) => loaded,
        };
        run += 1;
        let ours = ours(&folder);
        assert_eq!((ours.backend(), theirs.backend()), (Backend::Auto, Backend::Candle));
        assert_eq!(ours.identity().fingerprint, theirs.identity().fingerprint);
        let own = cases_of(&folder);
        let texts: Vec<&str> = TEXTS.into_iter().chain(own.iter().map(String::as_str)).collect();
        let (a, b) = (passages(&ours, &texts), passages(&theirs, &texts));
        assert_eq!(a.truncated, b.truncated);
        for ((text, a), b) in texts.iter().zip(a.rows()).zip(b.rows()) {
            assert!(cosine(a, b) > SAME, "{name} {text:?}: {}", cosine(a, b));
        }
        for (text, together) in texts.iter().zip(b.rows()) {
            let alone = passages(&theirs, &[text]).data;
            assert!(cosine(&alone, together) > ALONE, "{name} {text:?}");
        }
    }
    assert!(run >= 7);
}

fn cases_of(folder: &std::path::Path) -> Vec<String> {
    match folder.join("expected.json").exists() {
        true => cases(folder).into_iter().map(|(text, _)| text).collect(),
        false => Vec::new(),
    }
}

#[test]
fn candle_runs_in_f32_and_on_devices_that_are_there() {
    let folder = &families()[0];
    for (backend, precision) in
        [(Backend::Candle, Precision::Int8), (Backend::Metal(9), Precision::F32)]
    {
        let options = EncoderOptions { backend, precision, ..super::options() };
        let error = Encoder::load_with(folder, "x", &options).unwrap_err();
        assert_eq!(error.code(), ErrorCode::InvalidArgument, "{}", error.line());
    }
    let cancel = CancelToken::new();
    cancel.cancel();
    let error = candle(folder)
        .unwrap()
        .encode_passages_with(&["one"], Call::new().cancel(&cancel))
        .unwrap_err();
    assert_eq!(error.code(), ErrorCode::Cancelled);
}
