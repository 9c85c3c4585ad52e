#![allow(clippy::unwrap_used)]

use super::super::{Cited, Reason, cite};
use crate::search::Hit;

fn hit(id: i64, text: &str) -> Hit {
    Hit {
        passage_id: id,
        uri: format!("{id}.txt"),
        end: text.len(),
        text: text.to_owned(),
        ..Hit::default()
    }
}

fn judged(passage: &str, question: &str, claim: &str) -> Cited {
    cite(question, claim, &[hit(1, passage)], None).unwrap()
}

/// The reason for which a claim is refused; `None` if it is cited.
#[track_caller]
fn refused(passage: &str, question: &str, claim: &str) -> Option<Reason> {
    let cited = judged(passage, question, claim);
    match cited.citations.is_empty() {
        true => {
            Some(cited.refuted.first().map(|refuted| refuted.reason).unwrap_or_else(|| {
                panic!("{claim:?} is unsupported without a reason: {passage:?}")
            }))
        }
        false => None,
    }
}

#[track_caller]
fn accepts(passage: &str, claims: &[&str]) {
    for claim in claims {
        let cited = judged(passage, "What is said?", claim);
        assert!(!cited.citations.is_empty(), "{claim:?} from {passage:?}: {:?}", cited.refuted);
    }
}

#[track_caller]
fn refuses(passage: &str, reason: Reason, claims: &[&str]) {
    for claim in claims {
        assert_eq!(
            refused(passage, "What is said?", claim),
            Some(reason),
            "{claim:?} from {passage:?}"
        );
    }
}

#[test]
fn a_claim_may_not_drop_or_add_a_negation() {
    let valve = "During maintenance, valve V3 must not be opened.";
    refuses(
        valve,
        Reason::Negation,
        &["During maintenance, valve V3 must be opened.", "Valve V3 must be opened."],
    );
    accepts(
        valve,
        &[
            "Valve V3 must not be opened.",
            "Valve V3 mustn't be opened during maintenance.",
            "It is forbidden to open valve V3 during maintenance.",
            "Opening valve V3 is prohibited.",
            "Valve V3 must never be opened.",
        ],
    );
    let open = "During maintenance, valve V3 must be opened.";
    refuses(
        open,
        Reason::Negation,
        &["Valve V3 must not be opened.", "Valve V3 must never be opened during maintenance."],
    );
    refuses(
        "Dogs are no longer allowed in the park.",
        Reason::Negation,
        &["Dogs are allowed in the park."],
    );
    refuses("Nobody entered the vault.", Reason::Negation, &["Somebody entered the vault."]);
    refuses(
        "The drink is made without sugar.",
        Reason::Negation,
        &["The drink is made with sugar.", "The drink is made of sugar."],
    );
    refuses(
        "Smoking is banned in the whole building.",
        Reason::Negation,
        &["Smoking in the building is not banned."],
    );
    refuses(
        "There is no evidence that coffee causes cancer.",
        Reason::Negation,
        &["Coffee causes cancer."],
    );
    refuses(
        "The team failed to reach the summit.",
        Reason::Negation,
        &["The team reached the summit."],
    );
    refuses(
        "All valves except V3 must be opened.",
        Reason::Negation,
        &["V3 must be opened.", "All valves must be opened."],
    );
    refuses(
        "V3 must not be opened unless the pressure is low.",
        Reason::Negation,
        &["V3 must not be opened if the pressure is low."],
    );
    accepts("The valve must not be opened, but the pump must run.", &["The pump must run."]);
    accepts("It was not only cheap but fast.", &["It was cheap and fast."]);
    accepts("The museum did not open until 1927.", &["The museum opened in 1927."]);
}

#[test]
fn french_negations_count() {
    let valve = "La vanne V3 ne doit pas \u{ea}tre ouverte pendant les travaux.";
    refuses(
        valve,
        Reason::Negation,
        &[
            "La vanne V3 doit \u{ea}tre ouverte pendant les travaux.",
            "La vanne V3 doit \u{ea}tre ouverte.",
        ],
    );
    accepts(
        valve,
        &[
            "La vanne V3 ne doit jamais \u{ea}tre ouverte pendant les travaux.",
            "Pendant les travaux, la vanne V3 ne doit pas \u{ea}tre ouverte.",
        ],
    );
    refuses(
        "Les chiens ne sont plus admis dans le parc.",
        Reason::Negation,
        &["Les chiens sont admis dans le parc."],
    );
    refuses(
        "Aucun chien n'est admis dans le parc.",
        Reason::Negation,
        &["Les chiens sont admis dans le parc."],
    );
    refuses(
        "Il est interdit de fumer dans la salle.",
        Reason::Negation,
        &["On peut fumer dans la salle."],
    );
    refuses(
        "D\u{e9}fense de fumer dans la salle.",
        Reason::Negation,
        &["Il faut fumer dans la salle."],
    );
    refuses(
        "La boisson est pr\u{e9}par\u{e9}e sans sucre.",
        Reason::Negation,
        &["La boisson est pr\u{e9}par\u{e9}e avec du sucre."],
    );
    refuses(
        "Toutes les vannes sauf V3 doivent \u{ea}tre ouvertes.",
        Reason::Negation,
        &["La vanne V3 doit \u{ea}tre ouverte."],
    );
    accepts(
        "Le mus\u{e9}e ne re\u{e7}oit que des groupes.",
        &["Le mus\u{e9}e re\u{e7}oit des groupes."],
    );
}

#[test]
fn other_languages_are_read_for_their_particles() {
    for (passage, claim) in [
        (
            "Das Ventil V3 darf nicht ge\u{f6}ffnet werden.",
            "Das Ventil V3 darf ge\u{f6}ffnet werden.",
        ),
        ("Hunde haben keinen Zutritt zum Park.", "Hunde haben Zutritt zum Park."),
        ("La v\u{e1}lvula V3 no debe abrirse nunca.", "La v\u{e1}lvula V3 debe abrirse."),
        ("La valvola V3 non deve essere aperta.", "La valvola V3 deve essere aperta."),
        ("A v\u{e1}lvula V3 n\u{e3}o deve ser aberta.", "A v\u{e1}lvula V3 deve ser aberta."),
        ("De klep V3 mag niet worden geopend.", "De klep V3 mag worden geopend."),
    ] {
        assert!(refused(passage, "V3?", claim).is_some(), "{claim}");
        assert_eq!(refused(passage, "V3?", passage), None, "{passage}");
    }
}

#[test]
fn figures_are_sign_value_and_unit() {
    refuses(
        "Store the vaccine at -40 degrees.",
        Reason::Figure,
        &["Store the vaccine at 40 degrees."],
    );
    refuses(
        "The dose is 2.5 mg a day.",
        Reason::Figure,
        &["The dose is 5.2 mg a day.", "The dose is 2.5 g a day.", "The dose is 25 mg a day."],
    );
    accepts(
        "The dose is 2.5 mg a day.",
        &[
            "The dose is 2.50 mg a day.",
            "The dose is 2500 \u{b5}g a day.",
            "The dose is 0.0025 g a day.",
        ],
    );
    refuses(
        "It has 15 rooms.",
        Reason::Figure,
        &["It has 51 rooms.", "It has 1.5 rooms.", "It has fifty rooms."],
    );
    accepts("It has 15 rooms.", &["It has fifteen rooms."]);
    refuses("Valve V3 is red.", Reason::Figure, &["Valve V2 is red."]);
    refuses("Version 2.10.1 fixed it.", Reason::Figure, &["Version 2.1.01 fixed it."]);
    refuses("Call 01 23 45 67 89 for help.", Reason::Figure, &["Call 01 23 45 76 89 for help."]);
    refuses("It opens at 9:30 in winter.", Reason::Figure, &["It opens at 9:03 in winter."]);
    accepts(
        "It opens at 9:30 in winter.",
        &["It opens at 9 h 30 in winter.", "It opens at 9.30 am in winter."],
    );
    accepts("The rate is 10\u{207b}\u{2079} per hour.", &["The rate is 10^-9 per hour."]);
    refuses(
        "The rate is 10\u{207b}\u{2079} per hour.",
        Reason::Figure,
        &["The rate is 10\u{2079} per hour."],
    );
    accepts(
        "It weighs 1,234.5 kg in all.",
        &["It weighs 1234.5 kg in all.", "It weighs 1.2345 t in all."],
    );
    accepts(
        "Il p\u{e8}se 1 234,5 kg avec les roues et le coffre.",
        &["Il p\u{e8}se 1234,5 kg avec les roues et le coffre."],
    );
    accepts(
        "It costs $5 million a year.",
        &["It costs 5,000,000 dollars a year.", "It costs $5m a year."],
    );
    refuses(
        "It costs $5 million a year.",
        Reason::Figure,
        &["It costs $5 billion a year.", "It costs \u{20ac}5 million a year."],
    );
    refuses("Take 5 to 7 mg of it.", Reason::Figure, &["Take 5 to 9 mg of it."]);
    accepts("Take 5\u{2013}7 mg of it.", &["Take between 5 and 7 mg of it."]);
    accepts("It grew by 6\u{bd} inches.", &["It grew by 6.5 inches."]);
    refuses(
        "He had 24 tackles and 4 interceptions.",
        Reason::Figure,
        &["He had 4 tackles and 24 interceptions."],
    );
    refuses("At least 5 mg are needed.", Reason::Figure, &["At most 5 mg are needed."]);
}

#[test]
fn dates_are_one_in_all_their_forms() {
    let shut = "The plant was shut down on 9 July 2031.";
    accepts(
        shut,
        &[
            "The plant was shut down on July 9, 2031.",
            "The plant was shut down on 2031-07-09.",
            "The plant was shut down in 2031.",
        ],
    );
    refuses(
        shut,
        Reason::Date,
        &[
            "The plant was shut down on 9 June 2031.",
            "The plant was shut down on 7 September 2031.",
        ],
    );
    refuses("Le site ferme le lundi.", Reason::Date, &["Le site ferme le mardi."]);
}

#[test]
fn opposites_are_not_paraphrases() {
    refuses(
        "Prices increased in the second half.",
        Reason::Opposite,
        &["Prices decreased in the second half."],
    );
    refuses("Wash before use.", Reason::Opposite, &["Wash after use."]);
    refuses("The door is open at night.", Reason::Opposite, &["The door is closed at night."]);
    refuses(
        "La pression maximale est mesur\u{e9}e au sommet.",
        Reason::Opposite,
        &["La pression minimale est mesur\u{e9}e au sommet."],
    );
    refuses("Some patients recover.", Reason::Opposite, &["All patients recover."]);
    refuses("The tank is unsafe.", Reason::Opposite, &["The tank is safe."]);
    accepts("The door is closed at night.", &["The door is not open at night."]);
}

#[test]
fn roles_and_names_stay_with_their_verbs() {
    refuses(
        "Anna Berg hired Carl Holm in spring.",
        Reason::Role,
        &["Carl Holm hired Anna Berg in spring."],
    );
    accepts(
        "Anna Berg hired Carl Holm in spring.",
        &["Carl Holm was hired by Anna Berg in spring."],
    );
    refuses(
        "Anna Berg hired Carl Holm in spring.",
        Reason::Entity,
        &["Anna Berg hired Oskar Lund in spring."],
    );
    refuses(
        "The train runs from Lyon to Paris.",
        Reason::Role,
        &["The train runs from Paris to Lyon."],
    );
    refuses("Lead is heavier than iron.", Reason::Role, &["Iron is heavier than lead."]);
}

#[test]
fn must_and_may_are_not_exchanged() {
    refuses("The lid may be removed.", Reason::Modality, &["The lid must be removed."]);
    refuses("The lid must be removed.", Reason::Modality, &["The lid may be removed."]);
    refuses("Visitors need not register.", Reason::Modality, &["Visitors must not register."]);
    refuses(
        "Le couvercle peut \u{ea}tre retir\u{e9}.",
        Reason::Modality,
        &["Le couvercle doit \u{ea}tre retir\u{e9}."],
    );
}

#[test]
fn yes_and_no_are_judged_against_the_question() {
    for (passage, question, yes, no) in [
        ("V3 must not be opened.", "Must V3 be opened?", "Yes.", "No."),
        ("V3 must be opened.", "Must V3 be opened?", "No.", "Yes."),
        (
            "Les chiens ne sont pas admis dans le parc.",
            "Les chiens sont-ils admis dans le parc ?",
            "Oui.",
            "Non.",
        ),
        (
            "Les chiens sont admis dans le parc.",
            "Les chiens ne sont-ils pas admis dans le parc ?",
            "Non.",
            "Si.",
        ),
        ("The door is closed at night.", "Is the door open at night?", "Yes.", "No."),
        ("The dose is 2.5 mg.", "Is the dose 5.2 mg?", "Yes.", "No."),
        ("V3 must not be opened.", "Must V3 be opened?", "Yes, it must.", "No, it must not."),
    ] {
        assert_eq!(
            refused(passage, question, yes),
            Some(Reason::Answer),
            "{passage} {question} {yes}"
        );
        assert_eq!(refused(passage, question, no), None, "{passage} {question} {no}");
    }
}

#[test]
fn a_few_words_say_what_their_question_asks() {
    let passage = "V3 must not be opened.";
    assert_eq!(refused(passage, "Which valve must be opened?", "V3"), Some(Reason::Negation));
    assert_eq!(refused(passage, "Which valve must not be opened?", "V3"), None);
}

#[test]
fn a_near_quote_forgives_no_word_that_turns_it() {
    let passage = "The old iron bridge over the river Aven must not be crossed by lorries of more than 40 tonnes.";
    for claim in [
        "The old iron bridge over the river Aven must be crossed by lorries of more than 40 tonnes.",
        "The old iron bridge over the river Aven must not be crossed by lorries of less than 40 tonnes.",
        "The old iron bridge over the river Aven must not be crossed by lorries of more than 44 tonnes.",
        "The old iron bridge over the river Oder must not be crossed by lorries of more than 40 tonnes.",
        "The old iron bridge over the river Aven need not be crossed by lorries of more than 40 tonnes.",
    ] {
        assert!(refused(passage, "What of the bridge?", claim).is_some(), "{claim}");
    }
}

#[test]
fn another_figure_in_another_document_is_a_conflict() {
    let hits = [
        hit(1, "The old server is shut down on 9 July 2031."),
        hit(2, "The old server is shut down on 3 May 2030."),
        hit(3, "In 2003 the budget of the town was 14 million euros."),
        hit(4, "In 2019 the budget of the town was 12 million euros."),
    ];
    let answer = "The old server is shut down on 9 July 2031.";
    let cited = cite("When is the old server shut down?", answer, &hits, None).unwrap();
    assert_eq!(cited.conflicts.len(), 1);
    let conflict = &cited.conflicts[0];
    assert_eq!((conflict.marker, conflict.source.passage_id), (1, 2));
    assert_eq!(
        (conflict.stated.as_str(), conflict.contrary.as_str()),
        ("9 July 2031", "3 May 2030")
    );
    let hits = [
        hit(1, "[1] policy.md: The old server is shut down on 9 July 2031."),
        hit(2, "The old server is shut down on 3 May 2030."),
        hits[2].clone(),
        hits[3].clone(),
    ];
    let cited = cite("When is the old server shut down?", answer, &hits, None).unwrap();
    assert_eq!(cited.conflicts.len(), 1, "a mark is no figure");
    let answer = "In 2003 the budget of the town was 14 million euros.";
    let cited = cite("What was the budget of the town?", answer, &hits, None).unwrap();
    assert_eq!(cited.conflicts, []);
}
