use super::*;

const GUIDE: &str = "Tu t'appelles Albertine et tu es la guide du laboratoire. Sois brève.";
const BREL: &str = "Answer in one sentence. You are Captain Brel, a friendly guide.";

/// What answers a question, and by whom it was told.
fn answer(question: &str, persona: &str, turns: &[&str]) -> Option<(ToldKind, String)> {
    find(question, persona, turns).map(|found| (found.told.kind, found.told.quote))
}

fn by_persona(question: &str, persona: &str) -> Option<String> {
    answer(question, persona, &[]).map(|(kind, quote)| {
        assert_eq!(kind, ToldKind::Persona);
        quote
    })
}

fn by_user(question: &str, turns: &[&str]) -> Option<String> {
    answer(question, "", turns).map(|(kind, quote)| {
        assert_eq!(kind, ToldKind::Conversation);
        quote
    })
}

#[test]
fn a_persona_tells_its_name_whatever_the_language() {
    let told = "Tu t'appelles Albertine et tu es la guide du laboratoire.";
    for question in ["Comment t'appelles-tu ?", "What is your name?", "Qui es-tu ?"] {
        assert_eq!(by_persona(question, GUIDE).as_deref(), Some(told), "{question}");
    }
    let told = "You are Captain Brel, a friendly guide.";
    for question in ["What is your name?", "Who are you?", "Comment vous appelez-vous ?"] {
        assert_eq!(by_persona(question, BREL).as_deref(), Some(told), "{question}");
    }
    assert!(by_persona("What is your name?", "You are a guide named Max.").is_some());
    // the name of something else is none
    assert_eq!(by_persona("What is your name?", "You are the guide of a lab called Iroise."), None);
    assert_eq!(by_persona("What is your name?", "You are brief. Answer in French."), None);
    assert!(by_persona("Who are you?", "You are a guide of the museum.").is_some());
    assert_eq!(by_persona("Who are you?", ""), None);
}

#[test]
fn a_question_of_documents_is_never_the_personas() {
    let persona =
        "You are the guide of the laboratory, founded in 1990 in Paris, the capital of France.";
    for question in [
        "What is the capital of France?",
        "When was the laboratory founded?",
        "Quand le laboratoire a-t-il été créé ?",
        "Can you tell me when the laboratory was founded?",
        "Do you know the capital of France?",
        "Who is the guide of the laboratory?",
    ] {
        assert_eq!(by_persona(question, persona), None, "{question}");
    }
}

#[test]
fn the_user_is_remembered_by_the_users_words_alone() {
    let turns = ["I am Ann.", "When was the bridge opened? I am tired."];
    assert_eq!(by_user("What is my name?", &turns).as_deref(), Some("I am Ann."));
    assert_eq!(by_user("What is my name?", &["When was the bridge opened?"]), None);
    // the last name that was given
    let turns = ["My name is ann.", "Je m'appelle Anne."];
    assert_eq!(by_user("Comment je m'appelle ?", &turns).as_deref(), Some("Je m'appelle Anne."));
    let turns = ["I live in Brest.", "Where do I live?"];
    assert_eq!(by_user("Where do I live?", &turns).as_deref(), Some("I live in Brest."));
    assert_eq!(by_user("Where do I work?", &turns), None);
    assert_eq!(by_persona("What is my name?", BREL), None);
}

#[test]
fn what_was_asked_is_quoted_whole() {
    let turns = ["When was the bridge opened?", "Who built it?"];
    let first = find("What did I ask first?", "", &turns).unwrap();
    assert_eq!((first.told.quote.as_str(), first.is_quoted), (turns[0], true));
    assert_eq!(by_user("Quelle était ma dernière question ?", &turns).as_deref(), Some(turns[1]));
    assert_eq!(by_user("What did I ask first?", &[]), None);
}

#[test]
fn the_day_is_the_one_that_was_told() {
    let persona =
        "Tu es la guide du laboratoire, ouvert le 9 juin 1995. Nous sommes le 3 mai 2025.";
    let told = Some("Nous sommes le 3 mai 2025.".to_owned());
    assert_eq!(by_persona("Quel jour sommes-nous ?", persona), told);
    assert_eq!(by_persona("What is today's date?", persona), told);
    assert_eq!(by_persona("Quel jour sommes-nous ?", "Le pont fut ouvert le 3 mai 1871."), None);
    let found = find("Quel jour sommes-nous ?", persona, &[]).unwrap();
    assert!(found.telling.contains("2025"));
}

#[test]
fn only_what_was_told_is_supported() {
    let found = find("What is your name?", BREL, &[]).unwrap();
    let says = |text: &str| found.supports("What is your name?", text).unwrap();
    assert!(says("Captain Brel") && says("My name is Captain Brel."));
    assert!(!says("My name is Captain Ahab.") && !says("I am a friendly guide."));
    assert!(!says("My name is not Captain Brel.") && !says("The bridge was opened in 1871."));
    assert!(!says("I am Captain Brel of the Velden river."));
}

#[test]
fn passages_come_first_where_they_may_be_meant() {
    let persona = "Your role is to sell tickets.";
    let found = find("What is your role?", persona, &[]).unwrap();
    assert!(!found.is_own() && !found.stands_for(&[], None));
    assert!(found.stands_for(&[], Some(NotFoundReason::BelowFloor)));
    let said = find("Where do I live?", "", &["I live in Brest."]).unwrap();
    let hit = |text: &str| Hit { text: text.to_owned(), ..Hit::default() };
    assert!(said.stands_for(&[hit("The lab is in Tours.")], None));
    assert!(!said.stands_for(&[hit("People who live in Tours pay less.")], None));
    assert!(find("What is your name?", BREL, &[]).unwrap().is_own());
}
