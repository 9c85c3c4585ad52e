//! "Yes" and "no" read with their question.

/// How an answer begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Polar {
    Yes,
    No,
}

const YES: &[&str] = &[
    "yes",
    "oui",
    "si",
    "s\u{ed}",
    "ja",
    "sim",
    "yeah",
    "yep",
    "exactement",
    "correct",
    "indeed",
    "true",
];
const NO: &[&str] = &["no", "non", "nein", "nee", "n\u{e3}o", "nope", "incorrect", "false", "faux"];

/// The yes or no that `claim` begins with and the rest of it: the word stands alone or before a
/// comma or stop.
pub(crate) fn leading(claim: &str) -> Option<(Polar, &str)> {
    let start = claim.trim_start_matches(|c: char| !c.is_alphanumeric());
    let length = start.find(|c: char| !c.is_alphabetic()).unwrap_or(start.len());
    let (word, rest) = start.split_at(length);
    let after = rest.trim_start();
    let alone =
        after.is_empty() || after.starts_with(|c: char| ",.;:!\u{2013}\u{2014}".contains(c));
    let word = word.to_lowercase();
    let polar = match alone {
        true if YES.contains(&word.as_str()) => Polar::Yes,
        true if NO.contains(&word.as_str()) => Polar::No,
        _ => return None,
    };
    Some((polar, after.trim_start_matches(|c: char| !c.is_alphanumeric())))
}

pub(super) const ASKING: &[&str] = &[
    "who", "whom", "whose", "what", "when", "where", "which", "why", "how", "qui", "quoi", "quel",
    "quelle", "quels", "quelles", "quand", "o\u{f9}", "pourquoi", "comment", "combien", "lequel",
    "laquelle", "wer", "was", "wann", "wo", "warum", "wie", "welche", "welcher",
];

/// Whether a question is one of yes or no: no word asks for anything else.
pub(crate) fn is_asked(question: &str) -> bool {
    let lower = question.to_lowercase();
    let mut words = lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    let first = words.clone().next().unwrap_or_default().to_owned();
    let auxiliary = [
        "is", "are", "was", "were", "do", "does", "did", "can", "could", "may", "must", "should",
        "shall", "will", "would", "has", "have", "had", "isn", "aren", "doesn", "don", "est",
        "sont", "peut", "doit", "faut",
    ];
    // "was" opens German questions for a thing and English ones of yes or no
    if auxiliary.contains(&first.as_str()) && !lower.starts_with("est-ce qui") {
        return true;
    }
    let asks = |word: &str| ASKING.contains(&word);
    !words.any(asks)
        && !lower.starts_with("qu'")
        && !lower.starts_with("qu\u{2019}")
        && !lower.starts_with("que ")
}

/// The question without its own denial: what "yes" affirms and "no" denies.
pub(crate) fn core(question: &str) -> String {
    let mut core = question.replace('\u{2019}', "'");
    for (from, to) in [
        ("can't", "can"),
        ("won't", "will"),
        ("n't ", " "),
        ("cannot", "can"),
        (" not ", " "),
        ("Est-ce que ", ""),
        ("Est-ce qu'", ""),
        ("N'est-ce pas", ""),
        (" pas ", " "),
        (" ne ", " "),
        ("Ne ", ""),
        ("N'", ""),
        (" n'", " "),
    ] {
        core = core.replace(from, to);
    }
    core
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn yes_and_no_stand_alone() {
        assert_eq!(leading("Yes."), Some((Polar::Yes, "")));
        assert_eq!(leading("No, it is closed."), Some((Polar::No, "it is closed.")));
        assert_eq!(leading("Non !"), Some((Polar::No, "")));
        assert_eq!(leading("No dogs are allowed."), None);
        assert_eq!(leading("Si la vanne est ouverte"), None);
    }

    #[test]
    fn questions_of_yes_or_no_are_told_apart() {
        for question in [
            "Must V3 be opened?",
            "Est-ce que V3 est ouverte ?",
            "Faut-il ouvrir V3 ?",
            "La vanne est-elle ouverte ?",
            "Was it cheap?",
        ] {
            assert!(is_asked(question), "{question}");
        }
        for question in
            ["Which valve must be opened?", "Qu'est-ce que V3 ?", "In which year?", "Combien ?"]
        {
            assert!(!is_asked(question), "{question}");
        }
        assert_eq!(core("Mustn't V3 be opened?"), "Must V3 be opened?");
        assert_eq!(core("La vanne n'est pas ouverte ?"), "La vanne est ouverte ?");
    }
}
