//! Headings of a draft and what the generator is asked for each of its parts, in French and
//! English.
//!
//! What the documents say stands first and the task behind it, the same for every part, so that the
//! generator takes them in once; only the last lines differ (`generate/kv.rs` keeps what a prompt
//! begins with).

use std::cmp::Ordering;

use super::user;
use crate::fold::fold;
use crate::marks;
use crate::model::{Message, Role};
use crate::words::Language;

/// What a part of a draft is written from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ComposeRequest<'a> {
    /// Sentences of the documents.
    pub(crate) facts: &'a [String],
    /// The task.
    pub(crate) task: &'a str,
    /// What is to be written now.
    pub(crate) instruction: &'a str,
    /// Persona and rules of the caller.
    pub(crate) system: Option<&'a str>,
}

/// The conversation that asks for a part of a draft, in the language of the task.
pub(crate) fn compose(request: &ComposeRequest<'_>) -> Vec<Message> {
    let words = draft_words(request.task);
    let system = match request.system {
        Some(persona) => format!("{}\n{}", persona.trim(), words.rules),
        None => words.rules.to_owned(),
    };
    let facts: Vec<&str> = request.facts.iter().map(String::as_str).collect();
    let mut messages = vec![Message { role: Role::System, content: system }];
    messages.extend(words.shown());
    messages.push(user(words.asked(&facts, request.task, request.instruction)));
    messages
}

impl DraftWords {
    fn asked(&self, facts: &[&str], task: &str, instruction: &str) -> String {
        let facts: Vec<String> =
            facts.iter().map(|fact| format!("- {}", marks::disarm(fact.trim()))).collect();
        let (facts_label, task_label) = (self.facts_label, self.task_label);
        let (facts, task) = (facts.join("\n"), marks::disarm(task.trim()));
        format!("{facts_label}\n{facts}\n\n{task_label} {task}\n\n{instruction}")
    }

    /// Whether an option is one of the worked example, which small models copy.
    pub(crate) fn holds_example(&self, option: &str) -> bool {
        self.example.options.lines().any(|line| line.eq_ignore_ascii_case(option.trim()))
    }

    /// A draft that was written before: without one the smallest models repeat the facts, or take a
    /// scenario for a scene of a film.
    fn shown(&self) -> Vec<Message> {
        let example = &self.example;
        let option = example.options.lines().next().unwrap_or_default();
        let asked = [
            (self.asked(example.facts, example.task, self.ask.options), example.options),
            (self.ask.in_favour.replace("{}", option), example.in_favour),
            (self.ask.against.replace("{}", option), example.against),
        ];
        let turns = asked.into_iter().flat_map(|(asked, written)| {
            [user(asked), Message { role: Role::Assistant, content: written.to_owned() }]
        });
        turns.collect()
    }
}

/// Parts of a draft, as they should be written.
#[derive(Debug)]
struct DraftExample {
    facts: &'static [&'static str],
    task: &'static str,
    options: &'static str,
    in_favour: &'static str,
    against: &'static str,
}

/// The words of a draft in one language.
#[derive(Debug)]
pub(crate) struct DraftWords {
    rules: &'static str,
    example: DraftExample,
    facts_label: &'static str,
    task_label: &'static str,
    /// What `[*]` stands for.
    pub(crate) own: &'static str,
    /// Before the headings of what a generator would write.
    pub(crate) unwritten: &'static str,
    pub(crate) statement: &'static str,
    pub(crate) document: &'static str,
    pub(crate) documents: &'static str,
    pub(crate) conflicts: &'static str,
    pub(crate) table: &'static str,
    pub(crate) explanation: &'static str,
    pub(crate) option: &'static str,
    pub(crate) in_favour: &'static str,
    pub(crate) against: &'static str,
    pub(crate) consequences: &'static str,
    pub(crate) thesis: &'static str,
    pub(crate) arguments: &'static str,
    pub(crate) objections: &'static str,
    pub(crate) conclusion: &'static str,
    pub(crate) rule: &'static str,
    pub(crate) case: &'static str,
    pub(crate) assessment: &'static str,
    /// Options where the generator names fewer than three: they are there in every decision.
    pub(crate) usual_options: [&'static str; 3],
    /// Yes, no, unclear.
    pub(crate) verdicts: [&'static str; 3],
    /// What the generator is asked for, part by part; `{}` stands for an option or a thesis.
    pub(crate) ask: PartInstructions,
}

/// What the generator is asked for each part.
#[derive(Debug)]
pub(crate) struct PartInstructions {
    pub(crate) options: &'static str,
    pub(crate) in_favour: &'static str,
    pub(crate) against: &'static str,
    pub(crate) consequences: &'static str,
    pub(crate) thesis: &'static str,
    pub(crate) arguments: &'static str,
    pub(crate) objections: &'static str,
    pub(crate) conclusion: &'static str,
    pub(crate) verdict: &'static str,
    pub(crate) explanation: &'static str,
}

/// The words for a task: French for French, else English, which a reader of any other language is
/// likeliest to know.
pub(crate) fn draft_words(task: &str) -> &'static DraftWords {
    match language(task) {
        Language::French => &FRENCH,
        Language::English => &ENGLISH,
    }
}

/// A task is too short for a guess by all its words: "on" and "a" are of both languages.
fn language(task: &str) -> Language {
    let folded = fold(task);
    let count = |listed: &[&str]| {
        let words = folded.split(|c: char| !c.is_alphanumeric());
        words.filter(|word| listed.contains(word)).count()
    };
    match count(FRENCH_WORDS).cmp(&count(ENGLISH_WORDS)) {
        Ordering::Greater => Language::French,
        Ordering::Less => Language::English,
        Ordering::Equal => Language::of(task),
    }
}

/// Small words of one of the two languages alone, folded.
const FRENCH_WORDS: &[&str] = &[
    "au", "aux", "avec", "ce", "cette", "comment", "d", "dans", "de", "des", "du", "est", "et",
    "la", "le", "les", "l", "par", "pour", "que", "qui", "sans", "sur", "un", "une",
];
const ENGLISH_WORDS: &[&str] = &[
    "an", "and", "are", "by", "does", "for", "from", "how", "in", "is", "of", "that", "the",
    "this", "to", "what", "with", "write",
];

const ENGLISH: DraftWords = DraftWords {
    rules: "You help to prepare a decision. You write short, plain sentences and keep to the facts given.",
    example: DraftExample {
        facts: &[
            "The pool of Harlow is open on weekdays.",
            "Each day that it is open costs 900 euros.",
            "Many families asked for Saturdays.",
        ],
        task: "Propose three scenarios for the pool at weekends.",
        options: "Open on Saturdays only\nOpen on both days with volunteers\nKeep the pool closed at weekends",
        in_favour: "Many families asked for Saturdays. Parents could come with their children.",
        against: "Each day that it is open costs 900 euros. The staff would lose a free day.",
    },
    facts_label: "What the documents say:",
    task_label: "Task:",
    own: "The model's own words: no document says so.",
    unwritten: "Needs a generator",
    statement: "What it says",
    document: "Document",
    documents: "What the documents say",
    conflicts: "Where the documents disagree",
    table: "Table",
    explanation: "Explanation",
    option: "Option",
    in_favour: "For",
    against: "Against",
    consequences: "What follows",
    thesis: "Thesis",
    arguments: "Arguments",
    objections: "Objections",
    conclusion: "Conclusion",
    rule: "The rule",
    case: "The facts of the case",
    assessment: "Assessment",
    usual_options: ["Do all of it at once", "Begin with a trial", "Leave everything as it is"],
    verdicts: ["Yes", "No", "Unclear"],
    ask: PartInstructions {
        options: "Name three different options for this task. One line each, at most ten words a line, nothing else.",
        in_favour: "Option: {}\nWrite what speaks for this option, in at most three sentences.",
        against: "Option: {}\nWrite what speaks against this option, in at most three sentences.",
        consequences: "Option: {}\nWrite what would follow from this option, in at most three sentences.",
        thesis: "Write the thesis that answers this task, in one sentence.",
        arguments: "Thesis: {}\nWrite the arguments for this thesis, one sentence each.",
        objections: "Thesis: {}\nWrite the objections to this thesis, one sentence each.",
        conclusion: "Thesis: {}\nWrite a conclusion in at most two sentences.",
        verdict: "Does the case of the task keep the rule? Begin with yes, no or unclear, then give the reason in at most two sentences.",
        explanation: "Explain this in plain words, in at most five sentences.",
    },
};

const FRENCH: DraftWords = DraftWords {
    rules: "Tu aides \u{e0} pr\u{e9}parer une d\u{e9}cision. Tu \u{e9}cris en fran\u{e7}ais des phrases courtes et simples et tu t'en tiens aux faits donn\u{e9}s.",
    example: DraftExample {
        facts: &[
            "La piscine de Harlow est ouverte en semaine.",
            "Chaque jour d'ouverture co\u{fb}te 900 euros.",
            "Beaucoup de familles ont demand\u{e9} le samedi.",
        ],
        task: "Propose trois sc\u{e9}narios pour la piscine le week-end.",
        options: "Ouvrir le samedi seulement\nOuvrir les deux jours avec des b\u{e9}n\u{e9}voles\nLaisser la piscine ferm\u{e9}e le week-end",
        in_favour: "Beaucoup de familles ont demand\u{e9} le samedi. Les parents pourraient venir avec leurs enfants.",
        against: "Chaque jour d'ouverture co\u{fb}te 900 euros. Le personnel perdrait un jour libre.",
    },
    facts_label: "Ce que disent les documents :",
    task_label: "T\u{e2}che :",
    own: "Les mots du mod\u{e8}le : aucun document ne le dit.",
    unwritten: "Demande un g\u{e9}n\u{e9}rateur",
    statement: "Ce qui est dit",
    document: "Document",
    documents: "Ce que disent les documents",
    conflicts: "O\u{f9} les documents se contredisent",
    table: "Tableau",
    explanation: "Explication",
    option: "Option",
    in_favour: "Pour",
    against: "Contre",
    consequences: "Cons\u{e9}quences",
    thesis: "Th\u{e8}se",
    arguments: "Arguments",
    objections: "Objections",
    conclusion: "Conclusion",
    rule: "La r\u{e8}gle",
    case: "Les faits du cas",
    assessment: "\u{c9}valuation",
    usual_options: [
        "Tout faire d'un coup",
        "Commencer par un essai",
        "Laisser tout en l'\u{e9}tat",
    ],
    verdicts: ["Oui", "Non", "Incertain"],
    ask: PartInstructions {
        options: "Nomme trois options diff\u{e9}rentes pour cette t\u{e2}che. Une ligne chacune, dix mots au plus par ligne, rien d'autre.",
        in_favour: "Option : {}\n\u{c9}cris ce qui parle pour cette option, en trois phrases au plus.",
        against: "Option : {}\n\u{c9}cris ce qui parle contre cette option, en trois phrases au plus.",
        consequences: "Option : {}\n\u{c9}cris ce qui suivrait de cette option, en trois phrases au plus.",
        thesis: "\u{c9}cris la th\u{e8}se qui r\u{e9}pond \u{e0} cette t\u{e2}che, en une phrase.",
        arguments: "Th\u{e8}se : {}\n\u{c9}cris les arguments pour cette th\u{e8}se, une phrase chacun.",
        objections: "Th\u{e8}se : {}\n\u{c9}cris les objections \u{e0} cette th\u{e8}se, une phrase chacune.",
        conclusion: "Th\u{e8}se : {}\n\u{c9}cris une conclusion en deux phrases au plus.",
        verdict: "Le cas de la t\u{e2}che respecte-t-il la r\u{e8}gle ? Commence par oui, non ou incertain, puis donne la raison en deux phrases au plus.",
        explanation: "Explique cela avec des mots simples, en cinq phrases au plus.",
    },
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_of_a_draft_are_asked_for_behind_the_same_beginning() {
        let facts = vec!["The mill [1] grinds rye.".to_owned()];
        let asked = |instruction| {
            let request =
                ComposeRequest { facts: &facts, task: "Explain it", instruction, system: None };
            compose(&request).pop().map(|turn| turn.content).unwrap_or_default()
        };
        let (one, other) = (asked("One."), asked("Other."));
        assert_eq!(one.strip_suffix("One."), other.strip_suffix("Other."));
        assert!(one.contains("The mill (1) grinds rye."), "{one}");
    }

    #[test]
    fn a_task_in_french_has_french_headings() {
        let words =
            draft_words("Propose trois sc\u{e9}narios pour la biblioth\u{e8}que de la ville");
        assert_eq!(words.in_favour, "Pour");
        assert_eq!(draft_words("Write a synthesis on the harbour wall.").in_favour, "For");
        assert_eq!(draft_words("Fais un bilan de l'an").in_favour, "Pour");
        assert_eq!(draft_words("\u{6771}\u{4eac}").in_favour, "For");
    }
}
