//! The boundary with a fake engine: what C gets and gives, without a file or a model, so that Miri
//! can watch every pointer. `scripts/miri.sh` runs these and the other unit tests of the crate
//! under it.

use std::ffi::{CStr, c_char, c_void};
use std::path::PathBuf;
use std::time::Duration;
use std::{ptr, slice, thread};

use rag_core::document::{Area, Location, Part, Unit};
use rag_core::error::Skipped;
use rag_core::generate::{Generation, StopReason, TokenLogprob};
use rag_core::store::{Damage, StoredDocument};
use rag_core::{Answer, Error, SyncReport};

use crate::boundary::UserData;
use crate::*;

/// What a lent text says.
///
/// # Safety
/// `text` is null or NUL-terminated.
unsafe fn said(text: *const c_char) -> Option<String> {
    // SAFETY: passed on to the caller.
    (!text.is_null()).then(|| unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned())
}

/// A handle as C holds it.
fn handed<T>(value: T) -> *mut T {
    Box::into_raw(Box::new(value))
}

fn answer() -> Answer {
    serde_json::from_value(serde_json::json!({
        "found": true,
        "text": "In 1871 [1].",
        "citations": [{
            "marker": 1, "passage_id": 7, "uri": "bridge.txt", "quote": "opened in 1871", "start": 11, "end": 25,
            "source_start": 11, "source_end": null, "page": 3, "support": 1.0, "status": "ok", "evidence": "quote",
        }],
        "reason": null,
        "hits": [{
            "passage_id": 7, "score": 0.5, "cosine": null, "uri": "bridge.txt", "start": 0, "end": 30,
            "source_start": 0, "source_end": 30, "page": null, "place": null, "title": "Bridges", "heading": null,
            "text": "The bridge opened in 1871.\u{0}", "ranks": { "dense": 1, "lexical": null }, "bm25": null,
        }],
        "left_out": [9],
        "timings": {
            "load_ms": 0.0, "search_ms": 1.5, "prefill_ms": 0.0, "decode_ms": 0.0, "first_token_ms": 0.0,
            "total_ms": 2.0, "prompt_token_count": 4, "answer_token_count": 5,
        },
        "outcome": "answered",
        "refusal": null,
    }))
    .expect("an answer")
}

#[test]
fn an_answer_lends_its_parts_until_it_is_freed() {
    let answer = handed(rag_answer::from(answer()));
    // SAFETY: `answer` is live until it is freed, once, at the end.
    unsafe {
        let mut size = 0;
        assert_eq!(said(rag_answer_text(answer, &mut size)).as_deref(), Some("In 1871 [1]."));
        assert_eq!((size, rag_answer_found(answer)), (12, true));
        assert_eq!(rag_answer_citation_count(answer), 1);
        let citation = &*rag_answer_citation_at(answer, 0);
        let quote = slice::from_raw_parts(citation.quote.cast::<u8>(), citation.quote_bytes + 1);
        assert_eq!((quote, citation.source_end, citation.page), (&b"opened in 1871\0"[..], -1, 3));
        let hit = &*rag_answer_hit_at(answer, 0);
        assert_eq!((said(hit.title).as_deref(), said(hit.heading)), (Some("Bridges"), None));
        assert_eq!((rag_answer_left_out_at(answer, 0), rag_answer_left_out_at(answer, 1)), (9, 0));
        assert!(
            rag_answer_citation_at(answer, 1).is_null() && rag_answer_hit_at(answer, 1).is_null()
        );
        assert!(((*rag_answer_timings(answer)).total_ms - 2.0).abs() < f64::EPSILON);

        let (mut json, mut error) = (ptr::null_mut(), ptr::null_mut());
        assert_eq!(rag_answer_to_json(answer, &mut json, &mut error), rag_status::RAG_OK);
        assert!(said(json).is_some_and(|json| json.contains("\"found\":true")) && error.is_null());
        rag_string_free(json);
        // threads may read it
        let shared = UserData(answer.cast());
        let count = move || rag_answer_citation_count(shared.get().cast());
        let readers = [thread::spawn(count), thread::spawn(count)];
        assert!(readers.into_iter().all(|reader| reader.join().is_ok_and(|count| count == 1)));
        rag_answer_free(answer);
    }
}

#[test]
fn lists_lend_their_items_until_they_are_freed() {
    let skipped = Skipped { path: PathBuf::from("a.bin"), error: Error::invalid("text", "a\0b") };
    let report = SyncReport { added: 2, skipped: vec![skipped], ..SyncReport::default() };
    let damage =
        Damage { part: "vector".to_owned(), message: "row 3".to_owned(), repairable: true };
    let document: StoredDocument = serde_json::from_value(serde_json::json!({
        "id": 4, "uri": "a.txt", "kind": "text", "title": null, "lang": "fr", "size_bytes": 1, "mtime_ns": -1,
        "text_bytes": 1, "passage_count": 1, "metadata": { "author": "Ada" }, "skipped": null,
    }))
    .expect("a document");
    let places = vec![
        Location::Bytes(3..9),
        Location::Area(Area { page: 2, bounds: [1, 2, 3, 4] }),
        Location::Part(Part { unit: Unit::Row, number: 12, name: Some("sheet Budget".into()) }),
    ];
    // SAFETY: each handle is live until it is freed, once.
    unsafe {
        let report = handed(rag_sync_report::from(report));
        assert_eq!(
            ((*rag_sync_report_counts(report)).added, (*rag_sync_report_counts(report)).skipped),
            (2, 1)
        );
        let one = &*rag_sync_report_skipped_at(report, 0);
        assert_eq!(said(one.path).as_deref(), Some("a.bin"));
        assert!(one.unreadable.is_null() && rag_sync_report_skipped_at(report, 1).is_null());
        rag_sync_report_free(report);

        let check = handed(rag_check_report::from(vec![damage]));
        assert_eq!(said((*rag_check_report_at(check, 0)).message).as_deref(), Some("row 3"));
        rag_check_report_free(check);

        let documents = handed(rag_documents::from(vec![document]));
        let one = &*rag_documents_at(documents, 0);
        assert_eq!(said(one.metadata_json).as_deref(), Some("{\"author\":\"Ada\"}"));
        assert!(one.title.is_null() && rag_documents_at(documents, 1).is_null());
        rag_documents_free(documents);

        let locations = handed(rag_locations::from(places));
        assert_eq!(
            ((*rag_locations_at(locations, 0)).start, (*rag_locations_at(locations, 0)).end),
            (3, 9)
        );
        assert_eq!((*rag_locations_at(locations, 1)).bounds, [1, 2, 3, 4]);
        assert_eq!(
            said((*rag_locations_at(locations, 2)).text).as_deref(),
            Some("sheet Budget, row 12")
        );
        rag_locations_free(locations);

        let ids = handed(rag_passage_ids::from(vec![5, 6]));
        assert_eq!((rag_passage_ids_at(ids, 1), rag_passage_ids_at(ids, 2)), (6, 0));
        rag_passage_ids_free(ids);
    }
}

/// Counts the bytes and the vowels of each text; stops at "stop".
unsafe extern "C" fn encode(
    _role: i32,
    texts: *const *const c_char,
    sizes: *const usize,
    count: usize,
    rows: *mut f32,
    user_data: *mut c_void,
) -> bool {
    // SAFETY: as `rag_on_encode` promises; `user_data` is the `usize` below.
    unsafe {
        *user_data.cast::<usize>() += 1;
        for index in 0..count {
            let text = slice::from_raw_parts((*texts.add(index)).cast::<u8>(), *sizes.add(index));
            if text == b"stop" {
                return false;
            }
            let vowels = text.iter().filter(|byte| b"aeiou".contains(byte)).count();
            *rows.add(2 * index) = text.len() as f32;
            *rows.add(2 * index + 1) = vowels as f32;
        }
    }
    true
}

#[test]
fn an_encoder_of_the_callers_own_fills_rows() {
    let mut calls = 0_usize;
    let texts = [c"aeiou".as_ptr(), c"bcdf".as_ptr()];
    let mut rows = [0.0_f32; 4];
    let (mut encoder, mut error) = (ptr::null_mut(), ptr::null_mut());
    // SAFETY: arrays and outputs are live locals, `calls` lives longer than the encoder, and each
    // handle is freed once.
    unsafe {
        let user_data = (&raw mut calls).cast::<c_void>();
        let status = rag_encoder_own(
            c"counts".as_ptr(),
            2,
            0,
            Some(encode),
            user_data,
            &mut encoder,
            &mut error,
        );
        assert_eq!(status, rag_status::RAG_OK);
        let status = rag_encoder_encode(
            encoder,
            0,
            texts.as_ptr(),
            2,
            rows.as_mut_ptr(),
            4,
            ptr::null(),
            &mut error,
        );
        assert_eq!(status, rag_status::RAG_OK);
        assert!((rows[0] - 0.5_f32.sqrt()).abs() < 1e-6 && (rows[2] - 1.0).abs() < 1e-6);
        let mut count = 0;
        assert_eq!(
            rag_encoder_token_count(encoder, c"two words".as_ptr(), &mut count, &mut error),
            rag_status::RAG_OK
        );
        assert_eq!(
            (count, rag_encoder_dim(encoder), said(rag_encoder_level(encoder)).as_deref()),
            (2, 2, Some("own"))
        );

        let stop = [c"stop".as_ptr()];
        let status = rag_encoder_encode(
            encoder,
            1,
            stop.as_ptr(),
            1,
            rows.as_mut_ptr(),
            2,
            ptr::null(),
            &mut error,
        );
        assert_eq!((status, rag_error_code(error)), (rag_status::RAG_MODEL, rag_status::RAG_MODEL));
        assert!(said(rag_error_message(error)).is_some_and(|message| message.contains("counts")));
        rag_error_free(error);
        let cancel = rag_cancel_new();
        rag_cancel_request(cancel);
        let status = rag_encoder_encode(
            encoder,
            0,
            texts.as_ptr(),
            2,
            rows.as_mut_ptr(),
            4,
            cancel,
            ptr::null_mut(),
        );
        assert_eq!((status, rag_cancel_is_requested(cancel)), (rag_status::RAG_CANCELLED, true));
        rag_cancel_free(cancel);
        // lengths that do not fit, and arrays that are not there
        for (texts, count, floats) in
            [(texts.as_ptr(), 2, 3), (ptr::null(), 2, 4), (texts.as_ptr(), usize::MAX, 4)]
        {
            let rows = rows.as_mut_ptr();
            let status = rag_encoder_encode(
                encoder,
                0,
                texts,
                count,
                rows,
                floats,
                ptr::null(),
                ptr::null_mut(),
            );
            assert_eq!(status, rag_status::RAG_INVALID_ARGUMENT);
        }
        rag_encoder_free(encoder);
    }
    assert_eq!(calls, 2);
}

#[test]
fn a_generation_lends_the_log_probabilities_of_its_tokens() {
    let token = |token_id, likeliest| TokenLogprob { token_id, logprob: -0.5, likeliest };
    let generation = Generation {
        text: "ab".to_owned(),
        token_ids: vec![3, 4],
        logprobs: vec![token(3, vec![(3, -0.5), (9, -1.0)]), token(4, Vec::new())],
        prompt_token_count: 5,
        reused_token_count: 0,
        drafted_token_count: 0,
        accepted_token_count: 0,
        stop_reason: StopReason::EndOfTurn,
        prefill: Duration::ZERO,
        decode: Duration::ZERO,
        time_to_first_token: Duration::ZERO,
    };
    let generation = handed(rag_generation::from(generation));
    // SAFETY: `generation` is live until it is freed, once, at the end.
    unsafe {
        let first = &*rag_generation_logprob_at(generation, 0);
        assert_eq!((first.token_id, first.logprob, first.likeliest_count), (3, -0.5, 2));
        assert_eq!(slice::from_raw_parts(first.likeliest_ids, 2), [3, 9]);
        assert_eq!(slice::from_raw_parts(first.likeliest_logprobs, 2), [-0.5, -1.0]);
        assert_eq!((*rag_generation_logprob_at(generation, 1)).likeliest_count, 0);
        assert!(rag_generation_logprob_at(generation, 2).is_null());
        assert!(rag_generation_logprob_at(ptr::null(), 0).is_null());
        rag_generation_free(generation);
    }
}

#[test]
fn a_text_takes_pieces_from_c() {
    let mut seen = String::new();
    let mut on_piece = |piece: &str| {
        seen.push_str(piece);
        std::ops::ControlFlow::Continue(())
    };
    let given = rag_text::collect("a test", &mut on_piece, |text| {
        let text: *mut rag_text<'_> = text;
        // SAFETY: lent for this callback.
        unsafe {
            assert!(rag_text_append(text, b"caf\xc3".as_ptr().cast(), 4));
            assert!(rag_text_append(text, b"\xa9".as_ptr().cast(), 1));
            assert!(rag_text_append(text, ptr::null(), 0));
            assert!(!rag_text_append(ptr::null_mut(), ptr::null(), 0));
            rag_text_fail(text, c"no network".as_ptr());
            rag_text_fail(ptr::null_mut(), ptr::null());
            rag_text_append(text, ptr::null(), 0)
        }
    });
    assert!(given.is_err_and(|error| error.line().contains("no network")) && seen == "caf\u{e9}");
}

#[test]
fn a_piece_that_is_not_there_fails_the_text() {
    let mut unseen = |_: &str| std::ops::ControlFlow::Continue(());
    let given = rag_text::collect("a test", &mut unseen, |text| {
        let text: *mut rag_text<'_> = text;
        // SAFETY: lent for this callback; nothing is read.
        unsafe { assert!(!rag_text_append(text, ptr::null(), 1)) }
        true
    });
    assert!(given.is_err_and(|error| error.line().contains("piece: must not be NULL")));
}

#[test]
fn every_status_has_a_name() {
    for status in -1..100 {
        // SAFETY: a name is never freed.
        assert!(unsafe { said(rag_status_name(status)) }.is_some_and(|name| !name.is_empty()));
    }
}
