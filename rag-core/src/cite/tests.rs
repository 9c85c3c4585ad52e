#![allow(clippy::unwrap_used)]

use super::*;

fn hit(id: i64, text: &str) -> Hit {
    Hit {
        passage_id: id,
        uri: format!("{id}.txt"),
        start: 100,
        end: 100 + text.len(),
        text: text.to_owned(),
        ..Hit::default()
    }
}

#[test]
fn a_claim_is_cited_with_the_sentence_that_holds_its_words() {
    let hits = [
        hit(1, "The bridge is long. It was painted green in 1931."),
        hit(2, "The river is wide. The bridge was opened in 1927 by the mayor."),
    ];
    let cited = cite("When was the bridge opened?", "It opened in 1927 [7].", &hits, None).unwrap();
    assert_eq!(cited.text, "It opened in 1927 [1].");
    let citation = &cited.citations[0];
    assert_eq!(citation.passage_id, 2);
    assert_eq!(citation.quote, "The bridge was opened in 1927 by the mayor.");
    assert_eq!(&hits[1].text[citation.start - 100..citation.end - 100], citation.quote);
}

#[test]
fn a_number_that_no_passage_holds_is_never_supported() {
    let hits = [hit(1, "The bridge was opened in 1927 by the mayor.")];
    let cited = cite("When was it opened?", "The bridge was opened in 1955.", &hits, None).unwrap();
    assert!(cited.citations.is_empty());
    assert_eq!(cited.unsupported, ["The bridge was opened in 1955."]);
    assert_eq!(cited.text, "The bridge was opened in 1955.");
}

#[test]
fn two_claims_from_one_sentence_share_a_marker() {
    let hits = [hit(1, "Marie Curie studied radium and polonium in Paris.")];
    let answer = "Marie Curie studied radium. She worked in Paris, on polonium.";
    let cited = cite("Who was she?", answer, &hits, None).unwrap();
    assert_eq!(cited.citations.len(), 1);
    assert_eq!(cited.text.matches("[1]").count(), 2);
}

#[test]
fn yes_is_read_with_the_question() {
    let hits = [hit(1, "Dogs are allowed in the park."), hit(2, "The park closes at nine.")];
    let cited = cite("Are dogs allowed in the park?", "Yes.", &hits, None).unwrap();
    assert_eq!(cited.citations[0].passage_id, 1);
    assert_eq!(cited.text, "Yes [1].");
}

#[test]
fn another_language_is_compared_by_meaning_and_only_then() {
    let cosines = |_: &str, texts: &[&str]| Ok(vec![0.9; texts.len()]);
    let meaning = Meaning { cosines: &cosines, floor: 0.8 };
    let french = [hit(1, "Le chien dort dans la maison et le chat est sur le toit.")];
    let english = [hit(1, "The dog sleeps in the house and the cat is on the roof.")];
    let claim = "The animals of the family are resting in the building.";
    let cited = cite("Where are they?", claim, &french, Some(&meaning)).unwrap();
    assert_eq!(cited.citations[0].evidence, Evidence::Meaning);
    assert!(cite("Where are they?", claim, &english, Some(&meaning)).unwrap().citations.is_empty());
}

#[test]
fn markers_are_removed_and_other_brackets_stay() {
    assert_eq!(without_markers("Yes [1], a[0] and [2, 3] or [x]."), "Yes, a and or [x].");
    assert_eq!(without_markers("open ["), "open [");
}

#[test]
fn an_empty_answer_cites_nothing() {
    let cited = cite("Why?", "", &[], None).unwrap();
    assert!(cited.citations.is_empty() && cited.unsupported.is_empty());
}

#[test]
fn a_claim_that_changes_a_word_is_nearly_a_quote() {
    let hits =
        [hit(1, "The old iron bridge over the Aven was opened to traffic in 1927 by the mayor.")];
    let evidence = |claim: &str| {
        cite("What was opened?", claim, &hits, None).unwrap().citations.first().map(|c| c.evidence)
    };
    let quoted = "The old iron bridge over the Aven was opened to traffic in 1927 by the mayor.";
    assert_eq!(evidence(quoted), Some(Evidence::Quote));
    let near = "the old iron bridge over the Aven was opened to all traffic in 1927 by the mayor!";
    assert_eq!(evidence(near), Some(Evidence::Near));
    let told = "In 1927 the mayor opened the iron bridge over the Aven to traffic.";
    assert_eq!(evidence(told), Some(Evidence::Words));
}

#[test]
fn the_words_of_the_question_are_no_answer_to_it() {
    let question = "What is the term for a hyperactive immune system?";
    assert!(!adds_to(question, "Hyperactive immune system [1]"));
    assert!(adds_to(question, "autoimmunity [1]"));
    assert!(!adds_to("Quel est le prix du pain ?", "Le prix du pain."));
    assert!(adds_to("Quel est le prix du pain ?", "2 euros"));
    // yes, no, and one of two
    assert!(adds_to("Is the mill open?", "Yes, the mill is open."));
    assert!(adds_to("Who won, Anna or Berta?", "Anna"));
}
