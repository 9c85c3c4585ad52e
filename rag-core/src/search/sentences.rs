//! The sentences of some hits, by how well each answers the question: what is quoted where no
//! generator runs, and what is shown to one that is too small for whole passages.

use std::collections::BTreeSet;
use std::ops::Range;

use super::Hit;
use crate::document;
use crate::error::Result;
use crate::passage;
use crate::words::{Word, WordKind, keys, words};

/// The cosine of a question or claim (first argument) with each of some sentences.
pub type Cosines<'a> = &'a dyn Fn(&str, &[&str]) -> Result<Vec<f32>>;

/// What the meaning of a sentence counts beside the words it shares with the question, and beside
/// the rank of its hit.
const MEANING: f32 = 0.5;
const WORDS: f32 = 0.3;
const RANK: f32 = 0.2;

/// Most words of the name of a field.
const FIELD_WORDS: usize = 3;

/// A sentence of a hit.
#[derive(Debug, Clone, PartialEq)]
pub struct Sentence {
    /// Which hit.
    pub hit: usize,
    /// Its number in the hit, from 0.
    pub number: usize,
    /// Bytes of the hit's text.
    pub range: Range<usize>,
    /// Higher is better.
    pub score: f32,
}

/// How close a second sentence must come to the best one to be quoted beside it. On questions of
/// XQuAD and PIAF that nothing else is measured by, two sentences where they come so close hold the
/// answer of 0.85 and 0.53 instead of 0.80 and 0.43; that is 1.3 sentences an answer, and always
/// two would add 0.01 and 0.025.
const CLOSE: f32 = 0.15;

/// Every sentence of `hits` but headings and the names of columns, best first; ties in the order of
/// the hits.
///
/// # Errors
/// Whatever `cosines` fails with.
pub fn sentences(question: &str, hits: &[Hit], cosines: Cosines<'_>) -> Result<Vec<Sentence>> {
    let mut sentences = Vec::new();
    for (hit, found) in hits.iter().enumerate() {
        for (number, range) in passage::sentences(&found.text).into_iter().enumerate() {
            let is_blank = found.text[range.clone()].trim().is_empty();
            let says_nothing = passage::is_heading(&found.text, range.clone())
                || passage::is_header_row(&found.text, found.heading.as_deref(), &range);
            if !is_blank && !says_nothing {
                sentences.push(Sentence { hit, number, range, score: 0.0 });
            }
        }
    }
    let told: Vec<String> =
        sentences.iter().map(|sentence| told(&hits[sentence.hit], &sentence.range)).collect();
    let texts: Vec<&str> = told.iter().map(String::as_str).collect();
    let cosines = if texts.is_empty() { Vec::new() } else { cosines(question, &texts)? };
    let asked: BTreeSet<Word> = words(question).into_iter().collect();
    let held: Vec<Held> = texts.iter().map(|text| Held::of(&asked, text)).collect();
    let foreign = foreign(question, hits);
    let least = cosines.iter().copied().fold(f32::INFINITY, f32::min);
    let length = cosines.iter().copied().fold(f32::NEG_INFINITY, f32::max) - least;
    let mut scores: Vec<f32> = held
        .iter()
        .zip(&cosines)
        .zip(&sentences)
        .map(|((held, cosine), sentence)| {
            let meaning = if length > 0.0 { (cosine - least) / length } else { 1.0 };
            let rank = 1.0 - sentence.hit as f32 / hits.len() as f32;
            // words of two languages cannot be compared, so that meaning stands in for them
            let shared = if foreign[sentence.hit] { meaning } else { held.share };
            MEANING * meaning + WORDS * shared + RANK * rank
        })
        .collect();
    place_rivals(&held, &mut scores);
    sentences.iter_mut().zip(scores).for_each(|(sentence, score)| sentence.score = score);
    sentences.sort_by(|a, b| {
        b.score.total_cmp(&a.score).then((a.hit, a.number).cmp(&(b.hit, b.number)))
    });
    Ok(sentences)
}

/// Which hits are in another language than the question, as far as both are known.
fn foreign(question: &str, hits: &[Hit]) -> Vec<bool> {
    let asked = document::guess_lang(question);
    let differs = |hit: &Hit| {
        let written = document::guess_lang(&hit.text);
        asked.zip(written).is_some_and(|(asked, written)| asked != written)
    };
    hits.iter().map(differs).collect()
}

/// Whether a sentence of a hit, if it is a row of a table, is one that the question is about: it
/// holds a word of the question, or all of them stand over it. Of a table of prices any row is as
/// near to the price of something that is not in it. Each figure of the question must stand in it
/// or over it, and half of the words: the row of another day is not the one of the day asked for.
pub(crate) fn is_of_its_row(question: &str, hit: &Hit, range: &Range<usize>) -> bool {
    let Some(header) = passage::header_over(&hit.text, hit.heading.as_deref(), range) else {
        return true;
    };
    let (asked, row) = (words(question), keys(&hit.text[range.clone()]));
    let name = hit.uri.rsplit(['/', '\\']).next().unwrap_or_default().replace(['-', '_', '.'], " ");
    let over: BTreeSet<String> = hit
        .title
        .iter()
        .chain(&hit.heading)
        .chain([&header, &name])
        .flat_map(|text| keys(text))
        .collect();
    let in_row = |word: &Word| row.contains(&word.key);
    let is_held = |word: &Word| in_row(word) || over.contains(&word.key);
    if asked.iter().any(|word| is_figure(word) && !is_held(word)) {
        return false;
    }
    let held = asked.iter().filter(|word| is_held(word)).count();
    foreign(question, std::slice::from_ref(hit))[0]
        || held == asked.len()
        || (asked.iter().any(in_row) && held * 2 >= asked.len())
}

/// What is quoted of ranked sentences: the best one, with the next if it comes close, in the order
/// of the document if they are of one; nothing where the best is a row of something else.
pub(crate) fn quoted<'s>(
    question: &str,
    ranked: &'s [Sentence],
    hits: &[Hit],
) -> Vec<&'s Sentence> {
    let is_fit =
        |sentence: &&Sentence| is_of_its_row(question, &hits[sentence.hit], &sentence.range);
    let Some(best) = ranked.first().filter(is_fit) else { return Vec::new() };
    let text = |sentence: &Sentence| hits[sentence.hit].text[sentence.range.clone()].trim();
    let next = ranked[1..].iter().find(|sentence| text(sentence) != text(best));
    let close = next.filter(|next| next.score >= best.score - CLOSE && is_fit(next));
    let mut quoted: Vec<&Sentence> = std::iter::once(best).chain(close).collect();
    if quoted.iter().all(|sentence| sentence.hit == best.hit) {
        quoted.sort_by_key(|sentence| sentence.number);
    }
    quoted
}

/// A sentence as its meaning is judged: a row of a table with the names of its columns, a field
/// with the title of what it is a field of.
fn told(hit: &Hit, range: &Range<usize>) -> String {
    let text = &hit.text[range.clone()];
    match passage::header_over(&hit.text, hit.heading.as_deref(), range) {
        Some(header) => format!("{header}\n{text}"),
        None if is_field(text) => match &hit.title {
            Some(title) => format!("{title}\n{text}"),
            None => text.to_owned(),
        },
        None => text.to_owned(),
    }
}

/// Whether a sentence is a line such as `owner: Ada Lovelace`: it says whose owner nowhere.
fn is_field(text: &str) -> bool {
    let Some((key, value)) = text.trim().split_once(':') else { return false };
    let is_key = (1..=FIELD_WORDS).contains(&key.split_whitespace().count());
    is_key && value.starts_with(char::is_whitespace) && !text.trim().contains('\n')
}

/// What a sentence holds of a question.
struct Held<'a> {
    /// The words of the question that stand in it.
    words: BTreeSet<&'a Word>,
    /// Their share of the question, by weight.
    share: f32,
    /// Whether it holds a figure that the question does not.
    has_other_figure: bool,
}

impl<'a> Held<'a> {
    fn of(asked: &'a BTreeSet<Word>, text: &str) -> Self {
        let said = words(text);
        let keys: BTreeSet<&str> = said.iter().map(|word| word.key.as_str()).collect();
        let held: BTreeSet<&Word> =
            asked.iter().filter(|word| keys.contains(word.key.as_str())).collect();
        let is_asked = |word: &Word| asked.iter().any(|other| other.key == word.key);
        let weight = |words: &mut dyn Iterator<Item = &Word>| -> f32 {
            words.map(|word| word.kind.weight()).sum()
        };
        let total = weight(&mut asked.iter());
        let found = weight(&mut held.iter().copied());
        Self {
            share: if total > 0.0 { found / total } else { 0.0 },
            has_other_figure: said.iter().any(|word| is_figure(word) && !is_asked(word)),
            words: held,
        }
    }

    /// Whether this says the same of something else: all that it has in common with the question,
    /// `other` has too, and one of the question's figures besides, in whose place this has a figure
    /// of its own.
    fn is_rival_of(&self, other: &Self) -> bool {
        self.has_other_figure
            && self.words.is_subset(&other.words)
            && other.words.difference(&self.words).any(|word| is_figure(word))
    }
}

fn is_figure(word: &Word) -> bool {
    word.kind == WordKind::Number
}

/// Puts each sentence behind the best one that it is a rival of: what was found of buoy 1234 comes
/// before what is told in the same words of buoy 2377. To an encoder one number is as good as
/// another, so that meaning must not decide here.
fn place_rivals(held: &[Held<'_>], scores: &mut [f32]) {
    // most questions hold no figure, and few sentences one of the question's
    let with_figure: Vec<(&Held<'_>, f32)> = held
        .iter()
        .zip(scores.iter().copied())
        .filter(|(held, _)| held.words.iter().any(|word| is_figure(word)))
        .collect();
    for (sentence, score) in held.iter().zip(scores) {
        let better = with_figure.iter().filter(|(other, _)| sentence.is_rival_of(other));
        if let Some(best) = better.map(|(_, given)| *given).reduce(f32::max) {
            *score = score.min(best.next_down());
        }
    }
}

/// Each hit cut down to the `count` sentences in a row that hold its best one in their middle.
///
/// # Errors
/// Whatever `cosines` fails with.
pub fn focus(question: &str, hits: &[Hit], count: usize, cosines: Cosines<'_>) -> Result<Vec<Hit>> {
    Ok(focus_on(&sentences(question, hits, cosines)?, hits, count))
}

/// As [`focus`], with sentences that are ranked already.
pub(crate) fn focus_on(ranked: &[Sentence], hits: &[Hit], count: usize) -> Vec<Hit> {
    let mut focused = Vec::with_capacity(hits.len());
    for (index, hit) in hits.iter().enumerate() {
        let ranges = passage::sentences(&hit.text);
        let best = ranked.iter().find(|sentence| sentence.hit == index);
        let Some(best) = best.filter(|_| ranges.len() > count) else {
            focused.push(hit.clone());
            continue;
        };
        let first = best.number.saturating_sub(count / 2).min(ranges.len() - count);
        let range = ranges[first].start..ranges[first + count - 1].end;
        // rows that are cut off from the header of their table take it along
        let header = passage::header_over(&hit.text, hit.heading.as_deref(), &ranges[first]);
        let is_new = |header: &String| {
            !hit.heading.as_deref().is_some_and(|heading| heading.ends_with(header.as_str()))
        };
        let mut part = hit.slice(range);
        if let Some(header) = header.filter(is_new) {
            let above = part.heading.take().map(|heading| format!("{heading} > "));
            part.heading = Some(format!("{}{header}", above.unwrap_or_default()));
        }
        focused.push(part);
    }
    focused
}

impl Hit {
    /// A part of this hit. Bytes of the source are those of the whole: where a part of it stands,
    /// the document knows.
    fn slice(&self, range: Range<usize>) -> Self {
        Self {
            start: self.start + range.start,
            end: self.start + range.end,
            text: self.text[range].to_owned(),
            ..self.clone()
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn hit(text: &str) -> Hit {
        Hit {
            passage_id: 1,
            uri: "a.txt".to_owned(),
            start: 100,
            end: 100 + text.len(),
            text: text.to_owned(),
            ..Hit::default()
        }
    }

    /// Every sentence means the same, so that words and ranks decide.
    fn alike(_: &str, texts: &[&str]) -> Result<Vec<f32>> {
        Ok(vec![0.5; texts.len()])
    }

    const LONG: &str = "One mill stands here. Two barns stand there. The bridge was built in 1899. \
                        Three cows graze. Four hens sleep.";

    #[test]
    fn words_of_the_question_decide_among_sentences_that_mean_the_same() {
        let hits = [hit("Nothing of it."), hit(LONG)];
        let ranked = sentences("When was the bridge built?", &hits, &alike).unwrap();
        assert_eq!(ranked.len(), 6);
        assert_eq!((ranked[0].hit, ranked[0].number), (1, 2));
        assert_eq!(hits[1].text[ranked[0].range.clone()].trim(), "The bridge was built in 1899.");
        assert!(ranked.is_sorted_by(|a, b| a.score >= b.score));
        assert!(sentences("When?", &[], &alike).unwrap().is_empty());
    }

    #[test]
    fn the_row_that_is_asked_for_is_the_best_sentence() {
        let rows: Vec<String> = (1..30).map(|n| format!("Person {n}\tR{n}\t55-10{n:02}")).collect();
        let mut hits =
            [hit(&format!("name\troom\tphone\n{}", rows.join("\n"))), hit(&rows.join("\n"))];
        hits[1].heading = Some("name | room | phone".to_owned());
        for question in ["What is the phone of Person 17?", "Person 17"] {
            let ranked = sentences(question, &hits, &alike).unwrap();
            assert_eq!(&hits[ranked[0].hit].text[ranked[0].range.clone()], rows[16], "{question}");
        }
    }

    #[test]
    fn rows_are_shown_with_the_header_of_their_table() {
        let rows: Vec<String> = (1..30).map(|n| format!("Person {n}\tR{n}\t55-10{n:02}")).collect();
        let table = Hit {
            heading: Some("Staff".to_owned()),
            ..hit(&format!("name\troom\tphone\n{}", rows.join("\n")))
        };
        let shown = |question: &str| {
            let one = std::slice::from_ref(&table);
            focus(question, one, 3, &alike).unwrap().remove(0)
        };
        let far = shown("What is the phone of Person 17?");
        assert_eq!(far.heading.as_deref(), Some("Staff > name | room | phone"));
        assert_eq!(far.text, rows[15..18].join("\n"));
        // the header is among them
        let near = shown("What is the phone of Person 1?");
        assert_eq!(near.heading.as_deref(), Some("Staff"));
    }

    #[test]
    fn a_field_is_judged_with_the_title_it_belongs_to() {
        let fields = "title: Nightly backup\n\nowner: Ada Lovelace\n\nseverity: SEV-2";
        let backup = Hit { title: Some("Nightly backup".to_owned()), ..hit(fields) };
        for (question, answer) in [
            ("Who is the owner of the nightly backup?", "owner: Ada Lovelace"),
            ("What is the severity of the nightly backup?", "severity: SEV-2"),
        ] {
            let best = sentences(question, std::slice::from_ref(&backup), &alike).unwrap();
            assert_eq!(backup.text[best[0].range.clone()].trim(), answer);
        }
        assert!(!is_field("The job starts at one: it copies all.") && !is_field("a:b"));
    }

    /// Sentences of other numbers mean more, as encoders happen to find.
    #[test]
    fn what_is_told_of_another_number_comes_after_what_is_told_of_the_one_asked_for() {
        let note = |n: u32, day: u32| hit(&format!("Buoy number {n} was serviced on day {day}."));
        let hits = [note(1234, 42), note(2377, 1234 - 7), note(12, 8)];
        let likes_others = |_: &str, texts: &[&str]| -> Result<Vec<f32>> {
            Ok(texts.iter().map(|text| if text.contains("2377") { 0.9 } else { 0.8 }).collect())
        };
        let question = "On what day was buoy number 1234 serviced?";
        let ranked = sentences(question, &hits, &likes_others).unwrap();
        assert_eq!(ranked[0].hit, 0);
        assert!(ranked.is_sorted_by(|a, b| a.score >= b.score));
        // one that has no figure of its own is about nothing else
        let hits = [note(1234, 42), hit("It was serviced again in spring.")];
        let likes_spring = |_: &str, texts: &[&str]| -> Result<Vec<f32>> {
            Ok(texts.iter().map(|text| f32::from(u8::from(text.contains("spring")))).collect())
        };
        let ranked = sentences(question, &hits, &likes_spring).unwrap();
        assert_eq!(ranked[0].hit, 1);
    }

    #[test]
    fn meaning_decides_among_sentences_without_the_words() {
        let likes_hens = |_: &str, texts: &[&str]| -> Result<Vec<f32>> {
            Ok(texts.iter().map(|text| f32::from(u8::from(text.contains("hens")))).collect())
        };
        let ranked = sentences("Poultry?", &[hit(LONG)], &likes_hens).unwrap();
        assert_eq!(ranked[0].number, 4);
    }

    #[test]
    fn two_sentences_are_quoted_where_both_may_answer() {
        let hits =
            [hit("The old bridge was built in 1899. The new bridge was built in 1950. Hens.")];
        let ranked = sentences("When was the bridge built?", &hits, &alike).unwrap();
        let numbers = |quoted: Vec<&Sentence>| -> Vec<usize> {
            quoted.into_iter().map(|sentence| sentence.number).collect()
        };
        assert_eq!(numbers(quoted("When was the bridge built?", &ranked, &hits)), [0, 1]);
        // one that is far behind is not quoted
        let hits = [hit(LONG)];
        let ranked = sentences("When was the bridge built?", &hits, &alike).unwrap();
        assert_eq!(numbers(quoted("When was the bridge built?", &ranked, &hits)), [2]);
        // what stands twice is quoted once
        let hits = [hit(LONG), hit(LONG)];
        let ranked = sentences("When was the bridge built?", &hits, &alike).unwrap();
        assert_eq!(numbers(quoted("When was the bridge built?", &ranked, &hits)), [2]);
        assert!(quoted("When?", &[], &[]).is_empty());
    }

    #[test]
    fn a_row_is_quoted_to_who_asks_for_it_or_for_its_table() {
        let table = Hit {
            title: Some("Visiter le laboratoire".to_owned()),
            ..hit("Tarifs\n\nVisiteur\tPrix\nAdulte\t8 euros\n\u{c9}tudiant\t5 euros")
        };
        let row = |text: &str| {
            let start = table.text.find(text).unwrap();
            start..start + text.len()
        };
        let asks = |question: &str| is_of_its_row(question, &table, &row("\u{c9}tudiant\t5 euros"));
        assert!(!asks("Quel est le prix du p\u{e9}trole ?"));
        assert!(asks("Quel est le prix pour un \u{e9}tudiant ?"));
        assert!(asks("Quel est le prix ?"));
        // each figure of the question, and half of its words
        assert!(!asks("Quel est le prix pour un \u{e9}tudiant en 2024 ?"));
        assert!(!asks("Combien de billets un \u{e9}tudiant peut-il acheter par personne ?"));
        let prose = hit("La visite est gratuite. Elle dure une heure.");
        assert!(is_of_its_row("Quel est le prix du p\u{e9}trole ?", &prose, &(0..23)));
    }

    #[test]
    fn a_sentence_in_another_language_is_ranked_by_its_meaning() {
        let near =
            hit("Le laboratoire ouvre ses portes au public du premier avril au mois d'octobre.");
        let far =
            hit("The laboratory was founded by two friends, and that was in the year of 1995.");
        let knows = |_: &str, texts: &[&str]| -> Result<Vec<f32>> {
            Ok(texts
                .iter()
                .map(|text| if text.contains("founded") { 0.86 } else { 0.84 })
                .collect())
        };
        let question = "En quelle ann\u{e9}e le laboratoire a-t-il \u{e9}t\u{e9} fond\u{e9} ?";
        let ranked = sentences(question, &[near, far], &knows).unwrap();
        assert_eq!(ranked[0].hit, 1);
    }

    #[test]
    fn a_hit_is_cut_to_the_sentences_around_its_best_one() {
        let question = "When was the bridge built?";
        let cut = focus(question, &[hit(LONG), hit("Short.")], 3, &alike).unwrap();
        assert!(cut[0].text.starts_with("Two barns") && cut[0].text.contains("Three cows"));
        assert!(!cut[0].text.contains("mill") && !cut[0].text.contains("hens"));
        let place = LONG.find("Two").unwrap();
        assert_eq!((cut[0].start, cut[0].end), (100 + place, 100 + place + cut[0].text.len()));
        assert_eq!(cut[1], hit("Short."));
        // more than there are leaves it whole
        assert_eq!(focus(question, &[hit(LONG)], 9, &alike).unwrap(), [hit(LONG)]);
    }
}
