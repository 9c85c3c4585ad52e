//! Files that say by their names that they are versions of one document: `report_v1.docx` where a
//! `report_v2.docx` lies beside it.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::LazyLock;

use regex::Regex;

use super::Hit;
use crate::error::Result;
use crate::fold::fold;
use crate::store::Store;

/// Most hits that are looked at: each asks the file once.
const MAX_MARKED: usize = 100;

/// Most files with such a beginning that are looked at.
const MAX_SIBLINGS: u32 = 200;

/// Words for the last version.
const FINAL: &[&str] = &["final", "finale", "definitif", "definitive", "endfassung", "definitivo"];

/// `v2`, `version 2.1`, `rev3` between marks, or a `V2` behind a small letter.
static NUMBERS: LazyLock<[Regex; 2]> = LazyLock::new(|| {
    let number = r"[\s_.-]?(?P<number>\d+(?:\.\d+)*)(?:$|[\s_.()\[\]-])";
    [
        format!(r"(?i)(?P<keep>)(?:^|[\s_.()\[\]-])(?:v|ver|vers|version|rev|revision){number}"),
        format!(r"(?P<keep>\p{{Ll}})V{number}"),
    ]
    .map(|pattern| Regex::new(&pattern).expect("a pattern of ours"))
});

/// A word for a first or a last version, between marks.
static STAGE: LazyLock<Regex> = LazyLock::new(|| {
    let last = FINAL.join("|");
    Regex::new(&format!(
        r"(?i)(?:^|[\s_.()\[\]-])({last}|d\x{{e9}}finiti(?:f|ve)|draft|brouillon|entwurf|borrador|old)(?:$|[\s_.()\[\]-])"
    ))
    .expect("a pattern of ours")
});

/// What a name says of its version; later ones are greater.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Version {
    stage: Stage,
    /// `[2, 1]` for `v2.1`; a name without a number is the first.
    number: Vec<u32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    /// `draft`, `old`, `brouillon`.
    Draft,
    Numbered,
    /// `final`, `definitif`.
    Final,
}

/// A name without what it says of its version.
#[derive(Debug, PartialEq, Eq)]
struct VersionedName {
    /// Its other words, and its extension.
    rest: Vec<String>,
    version: Version,
    /// Bytes of the name before its first word of a version, or before the extension.
    shared: usize,
}

/// Notes with each hit of an older version which file beside it is the newest; of many hits with
/// the first ones, for whom somebody looks.
pub(super) fn mark(stores: &[&Store], hits: &mut [Hit]) -> Result<()> {
    let mut known: HashMap<(usize, String), Option<String>> = HashMap::new();
    for hit in hits.iter_mut().take(MAX_MARKED) {
        hit.newer = match known.entry((hit.store, hit.uri.clone())) {
            Entry::Occupied(entry) => entry.get().clone(),
            Entry::Vacant(entry) => entry.insert(newest(stores[hit.store], &hit.uri)?).clone(),
        };
    }
    Ok(())
}

/// The newest version of the document, if it is another one.
fn newest(store: &Store, uri: &str) -> Result<Option<String>> {
    let (folder, name) = uri.split_at(uri.rfind(['/', '\\']).map_or(0, |at| at + 1));
    let Some(own) = VersionedName::of(name) else { return Ok(None) };
    let start = name.get(..own.shared).unwrap_or(name);
    let mut best = (own.version, None);
    for other in store.named_from(&format!("{folder}{start}"), MAX_SIBLINGS)? {
        let Some(name) = other.strip_prefix(folder).filter(|name| !name.contains(['/', '\\']))
        else {
            continue;
        };
        if let Some(found) = VersionedName::of(name)
            && found.rest == own.rest
            && found.version > best.0
        {
            best = (found.version, Some(other));
        }
    }
    Ok(best.1)
}

impl VersionedName {
    /// What a file name says; `None` for one that says nothing but a version.
    fn of(name: &str) -> Option<Self> {
        let (stem, extension) = name.rsplit_once('.').unwrap_or((name, ""));
        let mut version = Version { stage: Stage::Numbered, number: vec![1] };
        let (mut said, mut shared) = (stem.to_owned(), stem.len());
        for number in NUMBERS.iter() {
            if let Some(found) = number.captures(&said) {
                let parts = found.name("number")?.as_str().split('.');
                version.number = parts.map(|part| part.parse().ok()).collect::<Option<_>>()?;
                shared = found.name("keep")?.end();
                said = number.replace(&said, "${keep} ").into_owned();
                break;
            }
        }
        if let Some(found) = STAGE.captures(&said) {
            let word = fold(found.get(1)?.as_str());
            let is_final = FINAL.contains(&word.as_str());
            version.stage = if is_final { Stage::Final } else { Stage::Draft };
            shared = shared.min(found.get(0)?.start());
            said = STAGE.replace(&said, " ").into_owned();
        }
        let folded = fold(&said);
        let words = folded.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
        let mut rest: Vec<String> = words.map(str::to_owned).collect();
        let is_named = rest.iter().any(|word| word.chars().any(char::is_alphabetic));
        rest.push(fold(extension));
        is_named.then_some(Self { rest, version, shared })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// Names of one document, the newest last.
    fn rising(names: &[&str]) {
        let read: Vec<_> = names.iter().map(|name| VersionedName::of(name).unwrap()).collect();
        for (pair, names) in read.windows(2).zip(names.windows(2)) {
            assert_eq!(pair[0].rest, pair[1].rest, "{names:?}");
            assert!(pair[0].version < pair[1].version, "{names:?}");
            let start = |at: usize| &names[at][..pair[at].shared];
            assert!(names[0].starts_with(start(1)) || names[1].starts_with(start(0)), "{names:?}");
        }
    }

    #[test]
    fn later_versions_are_told_by_their_names() {
        rising(&[
            "report draft.docx",
            "report.docx",
            "report_v2.docx",
            "report_v2.1.docx",
            "report_v10.docx",
        ]);
        rising(&["report v3.docx", "report final.docx", "report final v2.docx"]);
        rising(&["RapportV1.pdf", "RapportV2.pdf"]);
        rising(&["rapport brouillon.odt", "rapport.odt", "rapport d\u{e9}finitif.odt"]);
        rising(&["Spec (version 1).md", "Spec (version 2).md"]);
        rising(&["notes-rev1.txt", "notes-rev2.txt"]);
    }

    #[test]
    fn other_documents_are_no_versions() {
        let of = |name: &str| VersionedName::of(name).unwrap();
        for (a, b) in [
            ("report 2023.pdf", "report 2024.pdf"),
            ("report_v1.pdf", "report_v2.docx"),
            ("annual_v1.pdf", "budget_v2.pdf"),
            ("finalist.md", "finalists v2.md"),
            ("tv2.md", "tv3.md"),
        ] {
            assert_ne!(of(a).rest, of(b).rest, "{a} {b}");
        }
        assert_eq!(of("report.pdf").version, of("report v1.pdf").version);
        for name in ["v2.pdf", "final.docx", "", "2.txt", ".v2"] {
            assert!(VersionedName::of(name).is_none(), "{name}");
        }
        assert_eq!(VersionedName::of("x_v99999999999999999999.md"), None);
    }
}
