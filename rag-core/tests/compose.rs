//! Drafts for decisions over the folder of the demonstration: with the default generator, and of
//! sentences of the documents alone.
#![allow(clippy::unwrap_used, clippy::print_stderr)]

mod common;

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::path::Path;
use std::time::Instant;

use rag_core::cite::{self, Evidence, Status};
use rag_core::guard::{Guards, Mask, Rules};
use rag_core::{
    Call, CancelToken, ComposeOptions, DecisionDraft, DraftKind, DraftPart, DraftVerdict,
    ErrorCode, KnowledgeBase, NO_LLM, NotFoundReason, OpenOptions, Origin, Outcome, OwnWriter,
    Writer,
};

fn empty(llm: Option<&str>) -> Option<KnowledgeBase> {
    let path = |name: &str| Some(common::model(name)?.to_str().unwrap().to_owned());
    let options = OpenOptions {
        encoder: Some(path("e5-small")?),
        llm: Some(match llm {
            Some(name) => path(name)?,
            None => NO_LLM.to_owned(),
        }),
        ..OpenOptions::default()
    };
    Some(KnowledgeBase::open(":memory:", &options).unwrap())
}

/// The folder of the demonstration: a laboratory's history, rules, visits, manual and forecasts.
fn laboratory(llm: Option<&str>) -> Option<KnowledgeBase> {
    let base = empty(llm)?;
    base.sync(Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/corpus")).unwrap();
    Some(base)
}

fn of(kind: DraftKind) -> ComposeOptions {
    ComposeOptions { kind, max_sentences: 3, ..ComposeOptions::default() }
}

fn compose(base: &KnowledgeBase, task: &str, kind: DraftKind) -> DecisionDraft {
    let draft = base.compose_with(task, &of(kind), Call::new()).unwrap();
    check(&draft);
    draft
}

/// What holds for every draft: what is marked as a document's is found there by the checks of
/// citations, and what is not carries no marker.
fn check(draft: &DecisionDraft) {
    assert_eq!(draft.found, draft.sections.iter().any(|section| !section.sentences.is_empty()));
    for sentence in draft.sentences() {
        if sentence.origin != Origin::Cited {
            assert!(sentence.markers.is_empty(), "{sentence:?}");
            continue;
        }
        assert!(!sentence.markers.is_empty(), "{sentence:?}");
        let cited = cite::cite("", &sentence.text, &draft.hits, None).unwrap();
        assert!(cited.unsupported.is_empty() && cited.refuted.is_empty(), "{sentence:?}");
        let evidence: Vec<_> = sentence
            .markers
            .iter()
            .map(|marker| draft.citations.iter().find(|c| c.marker == *marker).unwrap())
            .collect();
        for citation in evidence {
            let is_quote = matches!(citation.evidence, Evidence::Quote | Evidence::Near);
            assert!(is_quote || citation.support >= 0.9, "{sentence:?} {citation:?}");
            let hit = draft.hits.iter().find(|hit| hit.passage_id == citation.passage_id).unwrap();
            assert!(hit.text.contains(&citation.quote), "{citation:?}");
            assert_eq!(citation.status, Status::Ok);
        }
    }
}

fn cited(draft: &DecisionDraft) -> Vec<&str> {
    let cited = draft.sentences().filter(|sentence| sentence.origin == Origin::Cited);
    cited.map(|sentence| sentence.text.as_str()).collect()
}

fn parts(draft: &DecisionDraft) -> Vec<DraftPart> {
    draft.sections.iter().map(|section| section.part).collect()
}

const TASKS: [(&str, DraftKind); 20] = [
    (
        "Propose trois sc\u{e9}narios pour ouvrir le laboratoire aux visiteurs en hiver.",
        DraftKind::Scenarios,
    ),
    (
        "Propose three scenarios for the price of the tide forecast subscription.",
        DraftKind::Scenarios,
    ),
    ("Propose three options for the funding of the laboratory.", DraftKind::Scenarios),
    (
        "Propose trois sc\u{e9}narios pour l'essai d'\u{e9}tanch\u{e9}it\u{e9} des bou\u{e9}es.",
        DraftKind::Scenarios,
    ),
    (
        "Argumente en faveur de visites guid\u{e9}es gratuites pour les \u{e9}tudiants.",
        DraftKind::Argument,
    ),
    ("Argue for free tide forecasts for rescue services.", DraftKind::Argument),
    (
        "Argumente contre l'acc\u{e8}s des visiteurs \u{e0} l'atelier sans lunettes de s\u{e9}curit\u{e9}.",
        DraftKind::Argument,
    ),
    ("Argue that the old cannery suits the laboratory.", DraftKind::Argument),
    (
        "Cette demande respecte-t-elle la r\u{e8}gle ? Une bou\u{e9}e doit quitter l'atelier apr\u{e8}s un essai de \
         vingt-quatre heures.",
        DraftKind::Assess,
    ),
    (
        "Cette demande respecte-t-elle la r\u{e8}gle ? Un visiteur veut passer la ligne jaune de l'atelier.",
        DraftKind::Assess,
    ),
    (
        "Does this case comply with the rules? A customer has not received the forecast file at 07:00 and calls the \
         duty officer.",
        DraftKind::Assess,
    ),
    (
        "V\u{e9}rifie si c'est conforme. Paul neutralise les produits renvers\u{e9}s avec de l'eau.",
        DraftKind::Assess,
    ),
    ("Explain how the tide forecast is delivered.", DraftKind::Explain),
    ("Explique comment une bou\u{e9}e est essay\u{e9}e \u{e0} l'atelier.", DraftKind::Explain),
    ("Explain where the money of the laboratory comes from.", DraftKind::Explain),
    ("Write a synthesis on the history of the laboratory.", DraftKind::Synthesis),
    ("Fais une synth\u{e8}se sur les visites du laboratoire.", DraftKind::Synthesis),
    ("Summarize the accuracy of the tide forecast.", DraftKind::Synthesis),
    ("Make a table of what the tide forecast costs.", DraftKind::Table),
    ("Dresse un tableau des r\u{e8}gles de l'atelier.", DraftKind::Table),
];

fn all_tasks_give_a_draft(base: &KnowledgeBase, is_written: bool) {
    let mut marked = [0usize; 3];
    for (task, kind) in TASKS {
        let started = Instant::now();
        let draft = compose(base, task, kind);
        eprintln!("{:.1} s: {task}\n{}\n", started.elapsed().as_secs_f64(), draft.text);
        assert!(draft.found && draft.outcome == Outcome::Answered, "{task}: {draft:?}");
        assert!(!cited(&draft).is_empty(), "{task}");
        assert!(draft.text.contains("[1]"), "{task}: {}", draft.text);
        for sentence in draft.sentences() {
            marked[sentence.origin as usize] += 1;
        }
        if kind == DraftKind::Scenarios && is_written {
            let options = parts(&draft).into_iter().filter(|part| *part == DraftPart::Option);
            assert_eq!(options.count(), 3, "{task}");
        }
        assert_eq!(draft.verdict.is_some(), kind == DraftKind::Assess && is_written, "{task}");
        let needs_author = !matches!(kind, DraftKind::Synthesis | DraftKind::Table);
        assert_eq!(!draft.unwritten.is_empty(), needs_author && !is_written, "{task}");
    }
    eprintln!("cited, model, task: {marked:?}");
}

#[test]
fn every_task_gives_a_draft_without_a_generator() {
    let Some(base) = laboratory(None) else { return };
    all_tasks_give_a_draft(&base, false);
}

#[test]
fn every_task_gives_a_draft_with_the_default_generator() {
    let Some(base) = laboratory(Some("qwen2.5-0.5b")) else { return };
    all_tasks_give_a_draft(&base, true);
}

#[test]
fn what_the_documents_do_not_hold_gives_no_cited_sentence() {
    let Some(base) = laboratory(None) else { return };
    for (task, kind) in [
        ("Propose three scenarios for growing vines in the desert.", DraftKind::Scenarios),
        ("Argumente en faveur du vote \u{e0} seize ans.", DraftKind::Argument),
        ("Explain how a violin is tuned.", DraftKind::Explain),
        ("Quel est le prix du p\u{e9}trole ?", DraftKind::Synthesis),
    ] {
        let draft = compose(&base, task, kind);
        assert!(cited(&draft).is_empty(), "{task}: {}", draft.text);
        assert!(!draft.found && draft.reason.is_some(), "{task}: {:?}", draft.reason);
    }
    let nothing = empty(None).unwrap();
    let draft = compose(&nothing, "Explain the tides.", DraftKind::Explain);
    assert_eq!((draft.reason, draft.outcome), (Some(NotFoundReason::Empty), Outcome::NotFound));
}

#[test]
fn documents_that_contradict_each_other_are_both_quoted() {
    let Some(base) = empty(None) else { return };
    for (uri, text) in [
        ("rules", "Each employee has 25 days of paid leave a year. Leave is asked for in writing."),
        ("note", "Each employee has 20 days of paid leave a year. The office is closed in August."),
        ("copy", "Each employee has 25 days of paid leave a year."),
    ] {
        base.add(uri, text).unwrap();
    }
    let draft =
        compose(&base, "Write a synthesis on the days of paid leave.", DraftKind::Synthesis);
    let conflicts: Vec<_> =
        draft.sections.iter().filter(|s| s.part == DraftPart::Conflicts).collect();
    assert_eq!(conflicts.len(), 1, "{}", draft.text);
    let said: Vec<&str> = conflicts[0].sentences.iter().map(|s| s.text.as_str()).collect();
    assert!(said.iter().any(|said| said.contains("25")), "{said:?}");
    assert!(said.iter().any(|said| said.contains("20")), "{said:?}");
    // the copy is not said twice
    let documents = &draft.sections[0].sentences;
    let texts: BTreeSet<&str> = documents.iter().map(|s| s.text.as_str()).collect();
    assert_eq!(texts.len(), documents.len());
    assert_eq!(texts.iter().filter(|text| text.contains("25 days")).count(), 1, "{texts:?}");
}

#[test]
fn debris_and_halves_are_left_out() {
    let Some(base) = empty(None) else { return };
    let text = "The harbour wall was built in 1901 of granite.\n\nth3 h@rbour w~ll w4s bu1lt 0f gr~nite and.\n\n\
                The harbour wall (which is high\n\nof the harbour wall and the pier.\n\n\
                The harbour wall is inspected each spring by two divers.";
    base.add("wall", text).unwrap();
    let draft = compose(&base, "Write a synthesis on the harbour wall.", DraftKind::Synthesis);
    assert_eq!(
        cited(&draft),
        [
            "The harbour wall was built in 1901 of granite.",
            "The harbour wall is inspected each spring by two divers.",
        ]
    );
}

#[test]
fn any_task_is_taken() {
    let Some(base) = laboratory(None) else { return };
    let code = |task: &str, options: &ComposeOptions| {
        base.compose_with(task, options, Call::new()).unwrap_err().code()
    };
    let options = ComposeOptions::default();
    assert_eq!(code(" \n", &options), ErrorCode::InvalidArgument);
    let many = ComposeOptions { max_sentences: 21, ..options.clone() };
    assert_eq!(code("Explain the tides.", &many), ErrorCode::InvalidArgument);
    let stopped = CancelToken::new();
    stopped.cancel();
    let error = base.compose_with("Explain.", &options, Call::new().cancel(&stopped)).unwrap_err();
    assert_eq!(error.code(), ErrorCode::Cancelled);
    // 10 kB
    let story = "On that day we walked along the harbour and talked about the weather at length. ";
    let long = format!("{}Explain how the tide forecast is delivered.", story.repeat(125));
    assert!(long.len() > 10_000);
    let draft = compose(&base, &long, DraftKind::Explain);
    assert!(draft.found, "{:?}", draft.searches);
    // a third language, whose headings are English
    let text = "Der Preis der Gezeitenvorhersage betr\u{e4}gt 1200 Euro im Jahr. Sie erscheint jeden Tag um 5 Uhr.";
    base.add("gezeiten", text).unwrap();
    let german = "Schreibe etwas \u{fc}ber den Preis der Gezeitenvorhersage.";
    let draft = compose(&base, german, DraftKind::Synthesis);
    assert!(draft.found && draft.sections[0].heading == "What the documents say", "{draft:?}");
    let japanese = "\u{7814}\u{7a76}\u{6240}\u{306e}\u{6b74}\u{53f2}\u{3092}\u{8aac}\u{660e}\u{3057}\u{3066}\u{304f}\u{3060}\u{3055}\u{3044}\u{3002}";
    compose(&base, japanese, DraftKind::Explain);
}

#[test]
fn what_a_writer_says_is_the_models_unless_a_document_says_it() {
    let Some(base) = laboratory(None) else { return };
    let mut options = of(DraftKind::Assess);
    let task = "Does this case comply with the rules? A rescue service asks for the forecast without paying.";
    options.ask.writer = Writer::Own(OwnWriter::new(|_| {
        Ok("Yes. Rescue services pay nothing. Ponies are kept in the tower.".to_owned())
    }));
    let mut heard = String::new();
    let mut on_piece = |piece: &str| {
        heard.push_str(piece);
        ControlFlow::Continue(())
    };
    let call = Call::new().on_piece(&mut on_piece);
    let draft = base.compose_with(task, &options, call).unwrap();
    check(&draft);
    assert_eq!(draft.verdict, Some(DraftVerdict::Yes));
    let section = draft.sections.iter().find(|s| s.part == DraftPart::Assessment).unwrap();
    let origins: Vec<Origin> = section.sentences.iter().map(|s| s.origin).collect();
    assert_eq!(origins, [Origin::Model, Origin::Cited, Origin::Model], "{}", draft.text);
    assert!(draft.text.contains("Ponies are kept in the tower [*]."), "{}", draft.text);
    assert!(heard.contains("The rule\n\n") && heard.contains("Ponies"), "{heard}");
    // a reason that no document supports decides nothing
    options.ask.writer = Writer::Own(OwnWriter::new(|_| Ok("No. Ponies do not pay.".to_owned())));
    let draft = base.compose_with(task, &options, Call::new()).unwrap();
    assert_eq!(draft.verdict, Some(DraftVerdict::Unclear), "{}", draft.text);
    // neither does one that a document refutes
    options.ask.writer = Writer::Own(OwnWriter::new(|_| {
        Ok("Yes. The yearly subscription costs 900 euros for one harbour.".to_owned())
    }));
    let draft = base.compose_with(task, &options, Call::new()).unwrap();
    assert_eq!(draft.verdict, Some(DraftVerdict::Unclear), "{}", draft.text);
}

#[test]
fn guards_hold_for_drafts() {
    let Some(base) = empty(None) else { return };
    let text = "The harbour office answers at desk@harbour.example on weekdays.";
    base.add("office", text).unwrap();
    let task = "Write a synthesis on the harbour office.";
    let mut options = ComposeOptions::default();
    options.ask.guards = Guards { mask: Mask::Both, ..Guards::default() };
    let draft = base.compose_with(task, &options, Call::new()).unwrap();
    let json = serde_json::to_string(&draft).unwrap();
    assert!(draft.found && !json.contains("desk@") && draft.masked.is_some(), "{json}");
    let deny = Rules::parse(&["harbour"]).unwrap();
    options.ask.guards = Guards { deny: deny.clone(), ..Guards::default() };
    let draft = base.compose_with(task, &options, Call::new()).unwrap();
    assert!(draft.outcome == Outcome::Refused && draft.refusal.is_some() && draft.text.is_empty());
    options.ask.guards = Guards { deny_answer: deny, ..Guards::default() };
    let draft = base.compose_with(task, &options, Call::new()).unwrap();
    assert!(draft.outcome == Outcome::Refused && draft.sections.is_empty());
    assert!(!serde_json::to_string(&draft).unwrap().contains("weekdays"));
}
