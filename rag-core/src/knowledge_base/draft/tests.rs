use std::time::Duration;

use super::*;
use crate::generate::TokenLogprob;

/// What is handed on of pieces, and what is held at their end, where sentences with "is" are
/// supported.
fn held(pieces: &[&str], is_whole: bool) -> (Vec<String>, String, bool) {
    held_as(pieces, is_whole, false)
}

fn held_as(pieces: &[&str], is_whole: bool, is_raw: bool) -> (Vec<String>, String, bool) {
    let mut heard = Vec::new();
    let mut hand_on = |piece: &str| {
        heard.push(piece.to_owned());
        ControlFlow::Continue(())
    };
    let mut held = Held {
        hand_on: &mut hand_on,
        text: String::new(),
        is_open: false,
        is_supported: &|text| Ok(text.contains(" is ")),
        is_whole,
        is_raw,
        checked: 0,
    };
    pieces.iter().for_each(|piece| assert!(held.piece(piece).is_continue()));
    let is_open = held.is_open;
    let left = held.left();
    (heard, left, is_open)
}

#[test]
fn nothing_is_handed_on_before_a_sentence_is_supported() {
    let (heard, left, is_open) =
        held(&["Hello there. ", "Red is", " a colour. ", "So", "."], false);
    assert_eq!(heard, ["Hello there. Red is a colour. So", "."]);
    assert!(is_open && left.is_empty());
    let (heard, left, is_open) = held(&["Hello there. ", "Red wins. ", "So."], false);
    assert!(heard.is_empty() && !is_open);
    assert_eq!(left, "Hello there. Red wins. So.");
    // a few words are judged at their end
    let (heard, left, _) = held(&["Red is", " it. ", "So."], true);
    assert_eq!((heard.len(), left.as_str()), (0, "Red is it. So."));
}

#[test]
fn raw_pieces_are_handed_on_at_once_and_once_and_judged_alike() {
    for pieces in [
        &["Hello there. ", "Red is", " a colour. ", "So", "."][..],
        &["Hello there. ", "Red wins. ", "So."],
        &[],
    ] {
        for is_whole in [false, true] {
            let (heard, left, is_open) = held_as(pieces, is_whole, true);
            assert_eq!(heard, pieces);
            assert!(left.is_empty());
            assert_eq!(is_open, held(pieces, is_whole).2);
        }
    }
}

#[test]
fn who_ends_a_raw_draft_is_heard_before_it_is_judged() {
    let mut hand_on = |_: &str| ControlFlow::Break(());
    let mut held = Held {
        hand_on: &mut hand_on,
        text: String::new(),
        is_open: false,
        is_supported: &|_| Ok(true),
        is_whole: false,
        is_raw: true,
        checked: 0,
    };
    assert!(held.piece("Red").is_break());
    assert!(!held.is_open);
}

fn generated(logprobs: &[f32], stop_reason: StopReason) -> Generation {
    let logprob =
        |logprob: &f32| TokenLogprob { token_id: 1, logprob: *logprob, likeliest: Vec::new() };
    let logprobs = logprobs.iter().map(logprob).collect();
    Generation {
        text: String::new(),
        token_ids: Vec::new(),
        logprobs,
        prompt_token_count: 0,
        reused_token_count: 0,
        drafted_token_count: 0,
        accepted_token_count: 0,
        stop_reason,
        prefill: Duration::ZERO,
        decode: Duration::ZERO,
        time_to_first_token: Duration::ZERO,
    }
}

#[test]
fn one_unlikely_word_of_a_few_or_many_of_a_sentence_are_not_sure() {
    let ended = |logprobs: &[f32], is_short| {
        Sureness::of(&generated(logprobs, StopReason::EndOfTurn), is_short).is_enough
    };
    assert!(ended(&[-0.1, -0.4], true) && !ended(&[-0.1, -0.6], true));
    assert!(ended(&[-0.1, -0.1, -0.1, -0.4], false) && !ended(&[-0.1, -0.4], false));
    // what was cut off by our limit did not come to its end; what the listener cut off did
    assert!(!Sureness::of(&generated(&[0.0], StopReason::MaxNewTokens), true).is_enough);
    assert!(Sureness::of(&generated(&[-9.0], StopReason::Callback), true).is_enough);
    // beam search records nothing
    assert!(Sureness::of(&generated(&[], StopReason::EndOfTurn), true).is_enough);
}
