//! Guards, conversations and explanations on real models.
#![allow(clippy::unwrap_used, clippy::print_stderr)]

mod common;

use std::ops::ControlFlow;
use std::sync::OnceLock;

use rag_core::guard::{Guard, Guards, Mask, Rules, Topics, mask};
use rag_core::model::{Message, Role};
use rag_core::{Abstain, Answer, AskOptions, Call, Explain, KnowledgeBase, OpenOptions, Outcome};
use serde::Deserialize;

const BRIDGE: &str =
    "The stone bridge over the Velden river was opened to traffic in 1871. It replaced a ferry.";
const OFFICE: &str =
    "The front office of the Velden town hall answers at 06 12 34 56 78 and office@velden.example.";
const HOSTILE: &str =
    "Everything about <script>alert(1)</script> & co: the script tag was invented in 1995.";
const QUESTION: &str = "When was the bridge over the Velden opened to traffic?";

fn open(encoder: &str) -> Option<KnowledgeBase> {
    let options = OpenOptions {
        encoder: Some(common::model(encoder)?.to_str().unwrap().to_owned()),
        llm: Some(common::model("qwen2.5-0.5b")?.to_str().unwrap().to_owned()),
        ..OpenOptions::default()
    };
    Some(KnowledgeBase::open(":memory:", &options).unwrap())
}

fn town() -> Option<&'static KnowledgeBase> {
    static TOWN: OnceLock<Option<KnowledgeBase>> = OnceLock::new();
    let make = || {
        let town = open("e5-small")?;
        for (uri, text) in [("bridge", BRIDGE), ("office", OFFICE), ("hostile", HOSTILE)] {
            town.add(uri, text).unwrap();
        }
        Some(town)
    };
    TOWN.get_or_init(make).as_ref()
}

fn ask(town: &KnowledgeBase, question: &str, options: &AskOptions) -> (Answer, String) {
    let mut pieces = String::new();
    let mut on_piece = |piece: &str| {
        pieces.push_str(piece);
        ControlFlow::Continue(())
    };
    let answer = town.ask_with(question, options, Call::new().on_piece(&mut on_piece)).unwrap();
    (answer, pieces)
}

fn guarded(guards: Guards) -> AskOptions {
    AskOptions { guards, abstain: Abstain::Never, ..AskOptions::default() }
}

fn rules(pattern: &str) -> Rules {
    Rules::parse(&[pattern]).unwrap()
}

#[test]
fn a_refused_question_is_a_result_and_costs_no_generation() {
    let Some(town) = town() else { return };
    for (guards, guard) in [
        (Guards { deny: rules("V\u{e9}lden"), ..Guards::default() }, Guard::Deny),
        (Guards { allow: rules("ferry"), ..Guards::default() }, Guard::Allow),
        (Guards { max_question_chars: 20, ..Guards::default() }, Guard::Length),
    ] {
        let options = AskOptions { explain: Explain::Trace, ..guarded(guards) };
        let (answer, pieces) = ask(town, QUESTION, &options);
        assert_eq!((answer.outcome, answer.found, answer.reason), (Outcome::Refused, false, None));
        assert_eq!(answer.refusal.as_ref().unwrap().guard, guard);
        assert!(pieces.is_empty() && answer.text.is_empty() && answer.hits.is_empty());
        assert_eq!(answer.timings.prompt_token_count, 0);
        assert!(answer.explain_html().contains("refused"));
    }
    let (answer, _) = ask(town, QUESTION, &guarded(Guards::default()));
    assert_eq!((answer.outcome, answer.found, &answer.refusal), (Outcome::Answered, true, &None));
    assert!(answer.masked.is_none());
}

#[test]
fn a_refused_answer_is_never_seen() {
    let Some(town) = town() else { return };
    let guards = Guards { deny_answer: rules("18[0-9]+"), ..Guards::default() };
    let (answer, pieces) = ask(town, QUESTION, &guarded(guards));
    assert_eq!(answer.refusal.unwrap().guard, Guard::DenyAnswer);
    assert!(pieces.is_empty() && answer.text.is_empty() && answer.citations.is_empty());
    let guards = Guards { deny_answer: rules("aardvark"), ..Guards::default() };
    let (answer, pieces) = ask(town, QUESTION, &guarded(guards));
    assert!(answer.found && pieces.contains("1871"), "{pieces}");
}

#[test]
fn personal_data_is_masked_in_and_out() {
    let Some(town) = town() else { return };
    let question =
        "My address is jo@site.example. What is the phone number of the front office of Velden?";
    let history = vec![
        Message { role: Role::User, content: "Call me at 06 98 76 54 32.".to_owned() },
        Message { role: Role::Assistant, content: "I cannot.".to_owned() },
    ];
    let options = AskOptions {
        explain: Explain::Trace,
        history,
        ..guarded(Guards { mask: Mask::Both, ..Guards::default() })
    };
    let (answer, pieces) = ask(town, question, &options);
    let masked = answer.masked.unwrap();
    assert_eq!((masked.question.email, masked.question.phone), (1, 1));
    let whole = serde_json::to_string(&answer).unwrap() + &pieces + &answer.explain_html();
    for secret in ["jo@site", "98 76", "34 56", "office@"] {
        assert!(!whole.contains(secret), "{secret} in {whole}");
    }
    assert_eq!(mask(&pieces).1.total(), 0);
    assert!(answer.trace.unwrap().prompt.contains("My address is [EMAIL]."));

    let options = guarded(Guards { mask: Mask::Question, ..Guards::default() });
    let (answer, pieces) = ask(town, question, &options);
    assert!(pieces.contains("06 12 34 56 78"), "{pieces}");
    assert!(answer.citations.iter().any(|citation| citation.quote.contains("06 12 34 56 78")));

    let options = guarded(Guards { mask: Mask::Answer, ..Guards::default() });
    let (answer, pieces) = ask(town, question, &options);
    assert!(pieces.contains("[PHONE]") && answer.text.contains("[PHONE]"), "{pieces}");
    assert!(answer.masked.unwrap().answer.phone >= 1);
    let cited = &answer.citations[0];
    assert!(cited.uri == "office" && !cited.quote.contains("34 56") && cited.end > cited.start);
    assert_eq!(rag_core::cite::without_markers(&answer.text).trim(), pieces.trim());
}

#[derive(Deserialize)]
struct Subject {
    examples: Vec<String>,
    on: Vec<String>,
    off: Vec<String>,
}

/// The figures that the documentation of `Topics` names.
#[test]
fn topics_keep_and_turn_away_as_documented() {
    let text = std::fs::read_to_string("../tests/data/guards/topics.json").unwrap();
    let subjects: Vec<Subject> = serde_json::from_str(&text).unwrap();
    for encoder in ["minilm", "e5-small"] {
        let Some(base) = open(encoder) else { return };
        let refused = |topics: &Topics, question: &str| {
            let guards = Guards { topics: topics.clone(), ..Guards::default() };
            ask(&base, question, &guarded(guards)).0.outcome == Outcome::Refused
        };
        let (mut kept, mut turned_away, mut denied, mut spared) = (0, 0, 0, 0);
        for (index, subject) in subjects.iter().enumerate() {
            let allow = Topics { allowed: subject.examples.clone(), ..Topics::default() };
            let deny = Topics { denied: subject.examples.clone(), ..Topics::default() };
            let others = subjects.iter().enumerate().filter(|(other, _)| *other != index);
            let off = others.flat_map(|(_, other)| &other.on).chain(&subject.off);
            for question in off {
                turned_away += usize::from(refused(&allow, question));
                spared += usize::from(!refused(&deny, question));
            }
            for question in &subject.on {
                kept += usize::from(!refused(&allow, question));
                denied += usize::from(refused(&deny, question));
            }
        }
        eprintln!(
            "{encoder}: {kept}/32 kept, {turned_away}/128 turned away, {denied}/32 denied, {spared}/128 spared"
        );
        assert!(kept >= 30 && turned_away >= 88 && denied >= 17 && spared >= 118);
    }
}

#[test]
fn a_follow_up_is_on_the_subject_of_the_question_before() {
    let Some(town) = town() else { return };
    let topics =
        Topics { allowed: vec!["When was the bridge built?".to_owned()], ..Topics::default() };
    let mut options = guarded(Guards { topics, ..Guards::default() });
    let follow_up = "And what was there before?";
    assert_eq!(ask(town, "How do I bake bread?", &options).0.outcome, Outcome::Refused);
    options.history = vec![
        Message { role: Role::User, content: QUESTION.to_owned() },
        Message { role: Role::Assistant, content: "In 1871.".to_owned() },
    ];
    assert_ne!(ask(town, follow_up, &options).0.outcome, Outcome::Refused);
}

#[test]
fn a_conversation_is_saved_resumed_and_answered_again() {
    let Some(town) = town() else { return };
    let options = || AskOptions { abstain: Abstain::Never, ..AskOptions::default() };
    let mut chat = town.chat(options());
    assert!(chat.regenerate(1).is_err());
    let first = chat.say(QUESTION).unwrap();
    assert!(first.found && chat.history().len() == 2);

    let saved = chat.save().unwrap();
    let mut resumed = town.resume(&saved, options()).unwrap();
    assert_eq!(resumed.history(), chat.history());
    let again = resumed.regenerate(5).unwrap();
    assert_eq!(resumed.history().len(), 2);
    assert_eq!(resumed.history()[0].content, QUESTION);
    let same = chat.regenerate(5).unwrap();
    assert_eq!((&again.text, resumed.history()), (&same.text, chat.history()));
    assert_eq!(resumed.save().unwrap(), chat.save().unwrap());

    let next = |chat: &mut rag_core::Chat<'_>| chat.say("What did it replace?").unwrap().text;
    assert_eq!(next(&mut chat), next(&mut resumed));
    assert_eq!(chat.history().len(), 4);
    chat.clear();
    assert!(chat.history().is_empty() && chat.regenerate(1).is_err());
    assert!(town.resume("{}", options()).is_err());
}

#[test]
fn a_history_longer_than_the_context_loses_its_oldest_turns() {
    let Some(town) = town() else { return };
    let turn = |index: usize, role: Role| Message {
        role,
        content: format!(
            "Turn {index} of a long talk about the weather, the harvest and the fair."
        ),
    };
    let history: Vec<Message> = (0..9000)
        .flat_map(|index| [turn(index, Role::User), turn(index, Role::Assistant)])
        .collect();
    let options = AskOptions { history, abstain: Abstain::Never, ..AskOptions::default() };
    let options = AskOptions {
        generate: rag_core::generate::GenerateOptions {
            max_new_tokens: 16,
            ..options.generate.clone()
        },
        ..options
    };
    let hits = town.search_with(QUESTION, &options.search, Call::new()).unwrap();
    let prompt = town.prompt_of(QUESTION, &hits, &options).unwrap();
    let context_len = town.generator().unwrap().context_len();
    assert!(prompt.rendered.token_ids.len() + 16 <= context_len);
    assert!(prompt.shown_count == hits.len() && prompt.history_count > 100);
    assert!(
        prompt.rendered.text.contains("Turn 8999 ") && !prompt.rendered.text.contains("Turn 3 ")
    );
}

#[test]
fn an_answer_explains_itself_whatever_the_documents_hold() {
    let Some(town) = town() else { return };
    // whole passages are shown where sentences are asked for
    let options = AskOptions {
        explain: Explain::Trace,
        abstain: Abstain::Never,
        answer_length: rag_core::prompt::AnswerLength::Sentences,
        ..AskOptions::default()
    };
    let question = "When was the script tag <script>alert(2)</script> invented?";
    let (answer, _) = ask(town, question, &options);
    let budget = answer.trace.as_ref().unwrap().budget.unwrap();
    assert_eq!(budget.prompt_tokens, answer.timings.prompt_token_count);
    let parts = budget.system_tokens
        + budget.example_tokens
        + budget.history_tokens
        + budget.passage_tokens
        + budget.question_tokens
        + budget.frame_tokens;
    assert_eq!(parts, budget.prompt_tokens);
    assert_eq!(
        budget.prompt_tokens + budget.answer_tokens + budget.left_tokens,
        budget.context_len
    );
    assert!(budget.example_tokens > 50 && budget.passage_tokens > 30 && budget.question_tokens > 5);
    let page = answer.explain_html();
    assert!(!page.contains("<script"), "{page}");
    assert!(page.contains("&lt;script&gt;alert(2)") && page.contains("&lt;script&gt;alert(1)"));
    assert!(page.contains("<mark id=\"cited-1\">") && page.contains("href=\"#cited-1\""));
}
