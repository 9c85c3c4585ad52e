//! What is searched for a task: its parts without the words that only say what is to be written.
//!
//! The generator has no hand in it: a model of half a billion weights writes searches that find
//! less than the words of the question do (docs/quality.md), and without one a draft must be
//! possible too.

use std::collections::BTreeSet;
use std::ops::Range;

use crate::fold::fold;
use crate::passage;
use crate::words::{WordKind, is_function_word, words};

/// Most searches of a task.
const MAX_SEARCHES: usize = 6;
/// Most sentences of a task that are looked at: what a task of 10 kB asks stands at its ends.
const MAX_PARTS: usize = 40;
/// Most bytes of a task that a generator is shown; the middle of a longer one goes.
const MAX_SHOWN_BYTES: usize = 2_000;

/// A task, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TaskPlan {
    /// What is searched, the whole subject first.
    pub(super) searches: Vec<String>,
    /// Sentences that tell of the case: neither questions nor orders.
    pub(super) facts: Vec<String>,
    /// The task as a generator is shown it.
    pub(super) shown: String,
}

impl TaskPlan {
    /// Takes a task apart.
    pub(super) fn of(task: &str) -> Self {
        let parts = parts(task);
        let telling: Vec<&str> = parts
            .iter()
            .map(|part| subject_of(&task[part.clone()]))
            .filter(|part| !words(part).is_empty())
            .collect();
        let whole = telling.join(" ");
        let mut searches = Vec::new();
        let mut met = BTreeSet::new();
        let names = parts.iter().flat_map(|part| names(&task[part.clone()]));
        let candidates = std::iter::once(whole)
            .chain(by_weight(&telling).into_iter().map(str::to_owned))
            .chain(names);
        for candidate in candidates {
            let keys: BTreeSet<String> = words(&candidate).into_iter().map(|w| w.key).collect();
            if !keys.is_empty() && searches.len() < MAX_SEARCHES && met.insert(keys) {
                searches.push(candidate);
            }
        }
        if searches.is_empty() {
            // a task in a language whose words are not known, or of such words alone
            searches.push(task.trim().to_owned());
        }
        Self { searches, facts: facts(task, &parts), shown: shown(task) }
    }

    /// What the draft is about.
    pub(super) fn subject(&self) -> &str {
        self.searches.first().map_or("", String::as_str)
    }
}

/// The sentences of a task, the items of its lists apart; of a long one its first and last.
fn parts(task: &str) -> Vec<Range<usize>> {
    let mut parts = Vec::new();
    for sentence in passage::sentences(task) {
        let mut start = sentence.start;
        for line in task[sentence].split_inclusive(['\n', ';']) {
            let end = start + line.len();
            if !line.trim().is_empty() {
                parts.push(start..end);
            }
            start = end;
        }
    }
    if parts.len() > MAX_PARTS {
        parts.drain(MAX_PARTS / 2..parts.len() - MAX_PARTS / 2);
    }
    parts
}

/// A part without the words at its beginning that say what is to be written.
fn subject_of(part: &str) -> &str {
    let mut rest = part.trim();
    let mut is_order = false;
    loop {
        let end = rest.find([' ', '\u{a0}', '\'', '\u{2019}', '-']).unwrap_or(rest.len());
        let folded = fold(rest[..end].trim_matches(|c: char| !c.is_alphanumeric()));
        let orders = ORDERS.contains(&folded.as_str());
        let is_small = folded.len() < 2
            || is_function_word(&folded)
            || folded.chars().all(|c| c.is_ascii_digit());
        if rest.is_empty() || !(orders || is_small) {
            break;
        }
        is_order |= orders;
        let behind = &rest[end..];
        let gap = behind.chars().next().map_or(0, char::len_utf8);
        rest = behind[gap..].trim_start();
    }
    // small words at the beginning of what orders nothing belong to it
    if is_order { rest } else { part.trim() }
}

/// The parts that say most first: of a long task not all are searched.
fn by_weight<'t>(parts: &[&'t str]) -> Vec<&'t str> {
    let weight = |part: &str| -> f32 { words(part).iter().map(|word| word.kind.weight()).sum() };
    let mut sorted: Vec<&str> = parts.to_vec();
    sorted.sort_by(|a, b| weight(b).total_cmp(&weight(a)));
    sorted
}

/// Names of several words within a part.
fn names(part: &str) -> Vec<String> {
    let mut names: Vec<Vec<&str>> = vec![Vec::new()];
    for (place, word) in part.split_whitespace().enumerate() {
        let bare = word.trim_matches(|c: char| !c.is_alphanumeric());
        let is_name =
            place > 0 && words(&format!("x {bare}")).iter().any(|word| word.kind == WordKind::Name);
        match names.last_mut() {
            Some(name) if is_name => name.push(bare),
            _ => names.push(Vec::new()),
        }
        let ends = word.ends_with([',', '.', ';', ':', '?', '!']);
        if ends {
            names.push(Vec::new());
        }
    }
    names.into_iter().filter(|name| name.len() > 1).map(|name| name.join(" ")).collect()
}

/// What tells of a case: sentences that end as such and do not begin as an order.
fn facts(task: &str, parts: &[Range<usize>]) -> Vec<String> {
    let tells = |part: &&str| {
        let first = part.split([' ', '\u{a0}', '\'', '\u{2019}', '-']).next().unwrap_or_default();
        !part.ends_with(['?', '\u{ff1f}', ':'])
            && !ORDERS.contains(&fold(first).as_str())
            && !words(part).is_empty()
    };
    let parts: Vec<&str> = parts.iter().map(|part| task[part.clone()].trim()).collect();
    parts.iter().copied().filter(tells).map(one_line).collect()
}

/// A task as a generator is shown it: small models lose the thread in a long one.
fn shown(task: &str) -> String {
    let task = task.trim();
    if task.len() <= MAX_SHOWN_BYTES {
        return task.to_owned();
    }
    let head = task.floor_char_boundary(MAX_SHOWN_BYTES / 2);
    let tail = task.ceil_char_boundary(task.len() - MAX_SHOWN_BYTES / 2);
    format!("{} ... {}", task[..head].trim_end(), task[tail..].trim_start())
}

pub(super) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Words that say what is to be written, not about what; folded, English and French.
const ORDERS: &[&str] = &[
    "advantages",
    "allowed",
    "analyse",
    "analyze",
    "argue",
    "argument",
    "arguments",
    "assess",
    "assessment",
    "build",
    "case",
    "check",
    "compare",
    "comparison",
    "compliant",
    "compose",
    "comply",
    "complies",
    "conclude",
    "cons",
    "decide",
    "describe",
    "develop",
    "disadvantages",
    "discuss",
    "draft",
    "draw",
    "evaluate",
    "explain",
    "explanation",
    "give",
    "judge",
    "justify",
    "list",
    "make",
    "memo",
    "note",
    "option",
    "options",
    "outline",
    "overview",
    "paragraph",
    "paragraphs",
    "permitted",
    "please",
    "prepare",
    "present",
    "produce",
    "propose",
    "proposal",
    "proposals",
    "pros",
    "report",
    "request",
    "respect",
    "respects",
    "review",
    "rule",
    "rules",
    "scenario",
    "scenarios",
    "show",
    "sketch",
    "state",
    "suggest",
    "summarise",
    "summarize",
    "summary",
    "synthesis",
    "table",
    "tell",
    "three",
    "two",
    "four",
    "five",
    "write",
    "aide",
    "analyse",
    "apprecie",
    "argumentaire",
    "argumente",
    "argumenter",
    "argumentez",
    "arguments",
    "autorise",
    "autorisee",
    "avantages",
    "bilan",
    "clairement",
    "compare",
    "comparer",
    "comparez",
    "conclus",
    "conforme",
    "contre",
    "decris",
    "decrire",
    "decrivez",
    "defends",
    "demande",
    "developpe",
    "deux",
    "donne",
    "donner",
    "donnez",
    "dresse",
    "dresser",
    "ecris",
    "ecrire",
    "etablis",
    "etablir",
    "evalue",
    "evaluer",
    "evaluez",
    "examine",
    "explication",
    "explique",
    "expliquer",
    "expliquez",
    "fais",
    "faire",
    "faites",
    "faveur",
    "imagine",
    "inconvenients",
    "justifie",
    "liste",
    "merci",
    "montre",
    "option",
    "plaide",
    "permis",
    "permise",
    "prepare",
    "presente",
    "propose",
    "proposer",
    "proposez",
    "quatre",
    "redige",
    "rediger",
    "redigez",
    "regle",
    "regles",
    "reglement",
    "respecte",
    "respectent",
    "resume",
    "resumer",
    "resumez",
    "scenario",
    "suggere",
    "synthese",
    "synthetise",
    "tableau",
    "trois",
    "veuillez",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_says_what_a_task_is_about() {
        let subject = |task: &str| TaskPlan::of(task).subject().to_owned();
        for (task, about) in [
            ("Propose three scenarios for the library on Sundays.", "library on Sundays."),
            ("Explain how the tide gauge works", "tide gauge works"),
            (
                "Propose trois sc\u{e9}narios pour r\u{e9}duire les co\u{fb}ts du phare.",
                "r\u{e9}duire les co\u{fb}ts du phare.",
            ),
            ("Argumente en faveur de l'ouverture du dimanche", "ouverture du dimanche"),
        ] {
            assert_eq!(subject(task), about, "{task}");
        }
        let case =
            "Cette demande respecte-t-elle la r\u{e8}gle ? Paul demande neuf jours de cong\u{e9}.";
        let plan = TaskPlan::of(case);
        assert_eq!(plan.subject(), "Paul demande neuf jours de cong\u{e9}.");
        assert_eq!(plan.facts, ["Paul demande neuf jours de cong\u{e9}."]);
        // what orders nothing stays whole
        assert_eq!(subject("The opening hours of the library"), "The opening hours of the library");
    }

    #[test]
    fn each_part_and_each_name_is_searched_once() {
        let task = "Compare the lighthouse with the harbour; say what Ann Marsh wrote. Compare the \
                    lighthouse with the harbour.";
        let plan = TaskPlan::of(task);
        assert!(plan.searches.iter().any(|search| search == "Ann Marsh"), "{plan:?}");
        let harbour = plan.searches.iter().filter(|search| search.contains("harbour")).count();
        assert_eq!(harbour, 2, "the whole and the part once: {plan:?}");
    }

    #[test]
    fn any_task_gives_a_search() {
        for task in ["?", "trois", "\u{6771}\u{4eac}\u{306e}\u{5929}\u{6c17}", "a ; b\n- c"] {
            assert!(!TaskPlan::of(task).searches.is_empty(), "{task}");
        }
        let long = "The committee met on day 12 and discussed the harbour wall. ".repeat(200);
        let plan = TaskPlan::of(&long);
        assert!(plan.searches.len() <= MAX_SEARCHES && plan.shown.len() < MAX_SHOWN_BYTES + 10);
    }
}
