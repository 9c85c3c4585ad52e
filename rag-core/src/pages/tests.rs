#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use crate::cite::{Citation, Conflict, Evidence, Reason, Refuted, Status};
use crate::guard::{Guard, Refusal};
use crate::knowledge_base::{
    Answer, Budget, NotFoundReason, Outcome, Timings, ToldBy, ToldKind, Trace,
};
use crate::search::{Hit, Ranks};

fn hit(text: &str) -> Hit {
    Hit {
        passage_id: 7,
        score: 0.03,
        cosine: Some(0.8),
        uri: "/docs/bridge.txt".to_owned(),
        start: 100,
        end: 100 + text.len(),
        heading: Some("History".to_owned()),
        text: text.to_owned(),
        ranks: Ranks { dense: Some(1), lexical: Some(2), rerank: None },
        ..Hit::default()
    }
}

fn citation(marker: usize, start: usize, quote: &str) -> Citation {
    Citation {
        marker,
        passage_id: 7,
        uri: "/docs/bridge.txt".to_owned(),
        page: None,
        start: 100 + start,
        end: 100 + start + quote.len(),
        source_start: None,
        source_end: None,
        place: None,
        quote: quote.to_owned(),
        support: 1.0,
        evidence: Evidence::Quote,
        status: Status::Ok,
        store: 0,
    }
}

fn answer(question: &str, text: &str, passage: &str, citations: Vec<Citation>) -> Answer {
    Answer {
        found: true,
        text: text.to_owned(),
        quoted: false,
        citations,
        reason: None,
        hits: vec![hit(passage)],
        left_out: Vec::new(),
        timings: Timings { total_ms: 10.0, prompt_token_count: 9, ..Timings::default() },
        trace: Some(Trace {
            prompt: passage.to_owned(),
            raw_text: text.to_owned(),
            rewritten: Vec::new(),
            left_out_turns: 0,
            unsupported: vec![question.to_owned()],
            refuted: Vec::new(),
            floor: Some(0.5),
            coverage: Some(0.75),
            min_coverage: Some(0.4),
            relevance: None,
            min_relevance: None,
            best: Some(0.8),
            seed: 3,
            reused_token_count: 0,
            drafted_token_count: 0,
            accepted_token_count: 0,
            hits: vec![hit(passage)],
            question: question.to_owned(),
            budget: Some(Budget {
                context_len: 100,
                passage_tokens: 40,
                left_tokens: 60,
                ..Budget::default()
            }),
        }),
        outcome: Outcome::Answered,
        refusal: None,
        masked: None,
        question_cut: None,
        conflicts: Vec::new(),
        table: None,
        told_by: Vec::new(),
    }
}

#[test]
fn markers_lead_to_the_cited_spans() {
    let passage = "A ferry. It opened in 1871. Then rain.";
    let cited = vec![citation(1, 9, "It opened in 1871.")];
    let page = answer("When?", "In 1871 [1], not [2].", passage, cited).explain_html();
    assert!(page.contains("In 1871 <a class=\"marker\" href=\"#cited-1\">[1]</a>, not [2]."));
    assert!(
        page.contains("A ferry. <mark id=\"cited-1\"><b>[1]</b>It opened in 1871.</mark> Then")
    );
    assert!(page.contains("cited as [1]") && page.contains("40 of 100 tokens of context taken"));
}

#[test]
fn what_was_told_is_shown_in_the_place_of_citations() {
    let mut told = answer("Who are you?", "I am <Ann>.", "", Vec::new());
    told.told_by = vec![ToldBy { kind: ToldKind::Persona, quote: "You are <Ann>.".to_owned() }];
    let shown = "<q>You are &lt;Ann&gt;.</q>\n (from the persona)";
    assert!(told.to_html().contains(shown) && told.explain_html().contains(shown));
}

#[test]
fn overlapping_spans_keep_the_text_once() {
    let passage = "One two three.";
    let cited = vec![citation(1, 0, "One two"), citation(2, 4, "two three.")];
    let page = answer("?", "x [1][2]", passage, cited).explain_html();
    assert!(page.contains("<b>[1]</b>One two</mark><mark id=\"cited-2\"><b>[2]</b> three.</mark>"));
}

#[test]
fn a_quote_that_masking_moved_is_found_by_its_words() {
    let cited = vec![citation(1, 30, "call [PHONE]")];
    let page = answer("?", "x [1]", "Please call [PHONE] now", cited).explain_html();
    assert!(page.contains("<b>[1]</b>call [PHONE]</mark> now"));
}

#[test]
fn hostile_texts_stay_texts() {
    let evil = "</p><script>alert('x')</script><img src=x onerror=\"a\">&amp;\0\u{202e}";
    let page = answer(evil, evil, evil, vec![citation(1, 0, evil)]).explain_html();
    assert!(!page.contains("<script") && !page.contains("<img") && !page.contains('\0'));
    assert!(!page.contains('\u{202e}'));
    assert!(page.contains("&lt;script&gt;alert(&#39;x&#39;)"));
    assert!(page.contains("default-src 'none'"));
}

#[test]
fn what_has_no_answer_says_why() {
    let mut none = answer("?", "", "text", Vec::new());
    (none.found, none.outcome, none.reason) =
        (false, Outcome::NotFound, Some(NotFoundReason::BelowFloor));
    assert!(none.explain_html().contains("no passage is close to the question"));
    let reason = "the question matches \"<b>\"".to_owned();
    (none.outcome, none.refusal) = (Outcome::Refused, Some(Refusal { guard: Guard::Deny, reason }));
    none.trace = None;
    let page = none.explain_html();
    assert!(page.contains("by the guard deny: the question matches &quot;&lt;b&gt;&quot;"));
}

proptest! {
    #[test]
    fn any_text_leaves_the_same_markup(text in any::<String>().prop_filter("empty", |text| !text.is_empty()), start in 0_usize..20) {
        let with = |text: &str, quote: &str| {
            let page = answer(text, text, text, vec![citation(1, start, quote)]).explain_html();
            page.matches('<').count() - page.matches("<mark").count() * 4 - page.matches("<a ").count() * 2
        };
        let plain = with("x", "nothing like it");
        let quote: String = text.chars().skip(start).take(4).collect();
        prop_assert_eq!(with(&text, &quote), plain);
    }
}

#[test]
fn a_piece_of_html_holds_the_answer_and_what_it_cites() {
    let quote = "It was built in <1899>.";
    let answer = answer("q", "Built in 1899 [1].", quote, vec![citation(1, 0, quote)]);
    let html = answer.to_html();
    assert!(html.contains("Built in 1899 [1]."), "{html}");
    assert!(
        html.contains("It was built in &lt;1899&gt;.") && html.contains("/docs/bridge.txt:100-")
    );
    assert!(!html.contains("<html") && !html.contains("<style"));
}

#[test]
fn what_passages_say_otherwise_is_on_the_page() {
    let mut answer = answer("When?", "In 1871 [1].", "It opened in 1871.", Vec::new());
    let trace = answer.trace.as_mut().unwrap();
    trace.unsupported = vec!["It did not open.".to_owned()];
    trace.refuted = vec![Refuted {
        claim: "It did not open.".to_owned(),
        reason: Reason::Negation,
        detail: "\"open\" is denied in one and not in the other".to_owned(),
        passage_id: 1,
        quote: "It <opened> in 1871.".to_owned(),
        store: 0,
    }];
    answer.conflicts = vec![Conflict {
        marker: 1,
        stated: "1871".to_owned(),
        contrary: "1781".to_owned(),
        source: citation(0, 0, "It opened in 1781."),
    }];
    let page = answer.explain_html();
    assert!(page.contains("It did not open.") && page.contains("is denied in one"));
    assert!(page.contains("It &lt;opened&gt; in 1871."));
    assert!(page.contains("Documents that disagree") && page.contains("It opened in 1781."));
}
