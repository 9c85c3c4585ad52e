//! What is searched for a question: itself, or what the generator makes of it.

use std::collections::HashMap;

use crate::error::{Error, Result};
use crate::generate::GenerateOptions;
use crate::model::Message;
use crate::progress::Call;
use crate::prompt::{self, Rewriting};
use crate::search::{self, Context, Duplicates, Fusion, Hit, SearchOptions};
use crate::words::{keys, words};

use super::follow_up::{follow_up, stands_alone};
use super::history::told_history;
use super::queries::Queries;
use super::run::Run;
use super::types::Rewrite;

/// Most tokens of what is written for a search.
const MAX_NEW_TOKENS: usize = 96;

impl Run<'_> {
    /// What to search for a question.
    pub(super) fn queries(&self, question: &str) -> Result<Queries> {
        let options = self.options;
        let mut queries = Queries::whole(&follow_up(question, &options.history));
        queries.is_follow_up = !options.history.is_empty() && !stands_alone(question);
        match options.rewrite {
            Rewrite::None => {}
            Rewrite::Standalone if options.history.is_empty() => {}
            Rewrite::Standalone => {
                let written = self.write_query(Rewriting::Standalone, question)?;
                if let Some(text) = prompt::lines(&written).into_iter().next() {
                    queries.rewritten.push(text.clone());
                    // small models repeat the question; the question before it then says more
                    if names_more(&text, question) {
                        queries.texts = vec![text];
                    }
                }
            }
            Rewrite::Variants(count) => {
                if !(1..=Rewrite::MAX_VARIANTS).contains(&count) {
                    let most = Rewrite::MAX_VARIANTS;
                    let reason = format!("{count} variants are not from 1 to {most}");
                    return Err(Error::invalid("rewrite", reason));
                }
                let written = self.write_query(Rewriting::Variants(count), question)?;
                for text in prompt::lines(&written).into_iter().take(count) {
                    if !queries.texts.contains(&text) {
                        queries.rewritten.push(text.clone());
                        queries.texts.push(text);
                    }
                }
            }
            Rewrite::Hypothetical => {
                let written = self.write_query(Rewriting::Passage, question)?;
                if !written.trim().is_empty() {
                    queries.rewritten.push(written.trim().to_owned());
                    queries.hypothetical = Some(written.trim().to_owned());
                }
            }
        }
        Ok(queries)
    }

    /// The hits of all queries; those of several are joined by rank, as two legs would be.
    pub(super) fn found(&self, queries: &Queries, embedding: &[f32]) -> Result<Vec<Hit>> {
        let (knowledge_base, cancel) = (self.knowledge_base, &self.cancel);
        // who writes learns nothing from the same words again
        let duplicates = self.options.search.duplicates.or(Some(Duplicates::Fold));
        let options = &SearchOptions { duplicates, ..self.options.search.clone() };
        let others = &queries.texts[1..];
        if others.is_empty() {
            return knowledge_base.ranked(&queries.texts[0], Some(embedding), options, cancel);
        }
        // what stands beside a hit comes after the lists are one
        let alone = SearchOptions { context: Context::None, ..options.clone() };
        let mut lists =
            vec![knowledge_base.ranked(&queries.texts[0], Some(embedding), &alone, cancel)?];
        for query in others {
            let embedding = knowledge_base.encode_question(query, cancel)?;
            lists.push(knowledge_base.ranked(query, Some(&embedding), &alone, cancel)?);
        }
        search::surround(&knowledge_base.stores(), joined(lists, options.top_k), options.context)
    }

    /// What the generator writes for the search, greedily.
    fn write_query(&self, wanted: Rewriting, question: &str) -> Result<String> {
        let (options, generator) = (self.options, self.knowledge_base.generator()?);
        let budget_tokens = generator.context_len().saturating_sub(MAX_NEW_TOKENS);
        let mut history: Vec<Message> = match wanted {
            Rewriting::Standalone => told_history(generator.chat(), options, budget_tokens / 2)?,
            _ => Vec::new(),
        };
        // two turns before say what a follow-up is about
        history.drain(..history.len().saturating_sub(4));
        let messages = prompt::rewriting(wanted, &options.guards.told(question), &history);
        let rendered = generator.chat().render(&messages)?;
        let needed_tokens = rendered.token_ids.len();
        if needed_tokens > budget_tokens {
            return Err(Error::ContextOverflow { needed_tokens, context_len: budget_tokens });
        }
        let greedy =
            GenerateOptions { max_new_tokens: MAX_NEW_TOKENS, ..GenerateOptions::default() };
        let call = Call::new().cancel(&self.cancel);
        Ok(generator.generate_with(&rendered.token_ids, &greedy, call)?.text)
    }
}

/// Whether a text holds a telling word that the question does not hold.
fn names_more(text: &str, question: &str) -> bool {
    let asked = keys(question);
    words(text).into_iter().any(|word| !asked.contains(&word.key))
}

/// Lists made one by reciprocal ranks (Cormack, Clarke and Buettcher 2009); the score of a hit is
/// their sum.
fn joined(lists: Vec<Vec<Hit>>, limit: usize) -> Vec<Hit> {
    let mut places: HashMap<(usize, i64), usize> = HashMap::new();
    let mut hits: Vec<Hit> = Vec::new();
    for list in lists {
        for (rank, hit) in (1u16..).zip(list) {
            let share = 1.0 / (Fusion::K + f32::from(rank));
            match places.get(&(hit.store, hit.passage_id)) {
                Some(place) => hits[*place].score += share,
                None => {
                    places.insert((hit.store, hit.passage_id), hits.len());
                    hits.push(Hit { score: share, ..hit });
                }
            }
        }
    }
    // stable: of equal ones the first list's
    hits.sort_by(|a, b| b.score.total_cmp(&a.score));
    hits.truncate(limit);
    hits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_several_lists_hold_comes_first() {
        let hit = |store: usize, passage_id: i64| Hit { store, passage_id, ..Hit::default() };
        let lists = vec![vec![hit(0, 1), hit(0, 2)], vec![hit(0, 2), hit(1, 1)]];
        let places: Vec<(usize, i64)> =
            joined(lists, 3).iter().map(|hit| (hit.store, hit.passage_id)).collect();
        assert_eq!(places, [(0, 2), (0, 1), (1, 1)]);
    }

    #[test]
    fn a_rewrite_that_repeats_the_question_names_nothing_more() {
        assert!(names_more("What does the old mill grind?", "And what does it grind?"));
        assert!(!names_more("What does it grind?", "And what does it grind?"));
    }

    #[test]
    fn rewrites_have_names() {
        assert_eq!(Rewrite::parse("variants").ok(), Some(Rewrite::Variants(3)));
        assert_eq!(Rewrite::parse("variants:5").ok(), Some(Rewrite::Variants(5)));
        assert_eq!(Rewrite::parse("hypothetical").ok(), Some(Rewrite::Hypothetical));
        for text in ["", "hyde", "variants:0", "variants:6", "none:1"] {
            assert!(Rewrite::parse(text).is_err(), "{text}");
        }
    }
}
