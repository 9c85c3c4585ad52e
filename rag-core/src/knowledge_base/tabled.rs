//! Questions that a table answers: what it holds is computed, not written.

use std::collections::BTreeSet;

use crate::cite::{self, Citation, Evidence};
use crate::error::Result;
use crate::guard::Refusal;
use crate::model::Role;
use crate::options::ask::Tables;
use crate::search::{self, Hit, Mode, SearchOptions};
use crate::store::PassageRow;
use crate::table::{self, DataTable, Planned, TableAnswer, Told};
use crate::words::Language;

use super::follow_up::{MAX_BEFORE, follow_up, stands_alone};
use super::run::{Retrieved, Run, Written};
use super::tables::tables_of;
use super::types::{Abstain, Answer, NotFoundReason, Outcome};

/// Passages that words find, beside those that were found already, in which tables are looked for.
const MORE_HITS: usize = 40;

/// Documents whose tables are looked at for one question.
const MAX_DOCUMENTS: usize = 12;

/// Bytes of the text of a document whose tables are read for a question that asks for a figure of
/// many rows, and for any other: of 100,000 rows that takes seconds, and the row that is asked for
/// is found without it.
const MAX_TEXT_BYTES: u64 = 64 << 20;
const MAX_LOOKUP_BYTES: u64 = 256 << 10;

/// Rows that are cited; of more the first are.
const MAX_CITED: usize = 5;

/// Bytes of what is cited of one row.
const MAX_QUOTE_BYTES: usize = 600;

/// The tables of a document of which a row was found.
struct TabledDocument {
    store: usize,
    passages: Vec<PassageRow>,
    tables: Vec<DataTable>,
}

/// What became of a question that a table may answer.
pub(super) enum Tabled {
    /// A figure, and why it may not be seen, if so.
    Answered(Box<Answer>, Option<Refusal>),
    /// It asks for a figure of a table in a way that is not understood.
    Refused(NotFoundReason),
    /// It is a question as any other.
    Other,
}

impl Run<'_> {
    /// The answer that a table gives, where the question asks for what one holds and all that it
    /// says is understood. A question for a figure of many rows is refused where rows were found
    /// and it was not understood: who writes would guess.
    pub(super) fn tabled(&mut self, retrieved: &mut Retrieved) -> Result<Tabled> {
        if self.options.tables == Tables::Off {
            return Ok(Tabled::Other);
        }
        let documents = {
            let asked = retrieved.asked(self.question);
            let searched = follow_up(asked, &self.options.history);
            self.tabled_documents(&searched, &retrieved.hits)?
        };
        let tables: Vec<(&TabledDocument, &DataTable)> = documents
            .iter()
            .flat_map(|one| one.tables.iter().map(move |table| (one, table)))
            .collect();
        let all: Vec<&DataTable> = tables.iter().map(|(_, table)| *table).collect();
        retrieved.carried = self.carried(retrieved.asked(self.question), &all);
        let retrieved = &*retrieved;
        let asked = retrieved.asked(self.question);
        let planned = match table::plan(asked, &all, &self.cancel) {
            Some(planned) => Some(planned),
            None => self.hinted(asked, &all)?,
        };
        self.cancel.check()?;
        let found = planned.as_ref().and_then(|planned| tables.get(planned.table));
        if let (Some(planned), Some((document, table))) = (&planned, found) {
            let answer = self.computed(retrieved, document, table, planned)?;
            let refusal = self.hand_out(&cite::without_markers(&answer.text));
            return Ok(Tabled::Answered(Box::new(answer), refusal));
        }
        let guesses = self.options.abstain != Abstain::Never && table::asks_for_a_figure(asked);
        let is_row = || retrieved.hits.first().is_some_and(|first| is_rows(first, &tables));
        // one word more and a table would have been asked
        let is_near = || {
            let gaps = table::gaps(asked, &all);
            gaps.first().is_some_and(|gap| gap.words.len() == 1 && gap.names_a_column)
        };
        match guesses && (is_row() || is_near()) {
            true => Ok(Tabled::Refused(NotFoundReason::Uncovered)),
            false => Ok(Tabled::Other),
        }
    }

    /// What a follow-up asks of the tables, if a question before it asked that of something else.
    fn carried(&self, asked: &str, tables: &[&DataTable]) -> Option<String> {
        if tables.is_empty() || stands_alone(asked) {
            return None;
        }
        let turns = self.options.history.iter().filter(|turn| turn.role == Role::User);
        let turns: Vec<&str> = turns.map(|turn| turn.content.as_str()).collect();
        let near = turns.get(turns.len().saturating_sub(MAX_BEFORE)..).unwrap_or_default();
        let is_planned = |text: &str| table::plan(text, tables, &self.cancel).is_some();
        let first = near.iter().rposition(|text| is_planned(text))?;
        let mut whole = near.get(first).map(|text| (*text).to_owned())?;
        for next in near.get(first + 1..).unwrap_or_default() {
            let carried = table::carried_on(&whole, next, tables);
            whole = carried.filter(|text| is_planned(text)).unwrap_or(whole);
        }
        table::carried_on(&whole, asked, tables)
    }

    /// The documents of which rows of tables were found, those of the best hits first.
    fn tabled_documents(&self, asked: &str, hits: &[Hit]) -> Result<Vec<TabledDocument>> {
        let knowledge_base = self.knowledge_base;
        let by_words = SearchOptions {
            mode: Mode::Lexical,
            top_k: MORE_HITS,
            rerank: Some(0),
            filter: self.options.search.filter.clone(),
            ..SearchOptions::default()
        };
        let more = knowledge_base.ranked(asked, None, &by_words, &self.cancel)?;
        let is_row = |hit: &&Hit| hit.text.contains(['\t', '|']);
        let found = hits.iter().chain(&more).filter(is_row);
        let mut names: Vec<(usize, String)> = Vec::new();
        for name in found.map(|hit| (hit.store, hit.uri.clone())).chain(self.named(asked)?) {
            if !names.contains(&name) && names.len() < MAX_DOCUMENTS {
                names.push(name);
            }
        }
        let most = match table::asks_for_a_figure(asked) || table::asks_for_rows(asked) {
            true => MAX_TEXT_BYTES,
            false => MAX_LOOKUP_BYTES,
        };
        let mut documents = Vec::new();
        for (number, uri) in names {
            self.cancel.check()?;
            let store = knowledge_base.store_at(number)?;
            let Some(row) = store.document(&uri)? else { continue };
            let Some(document) = store.stored_document(row.id)? else { continue };
            if document.text_bytes > most {
                continue;
            }
            let (tables, passages) = tables_of(store, &document)?;
            documents.push(TabledDocument { store: number, passages, tables });
        }
        Ok(documents)
    }

    /// The documents whose file a question for rows names.
    fn named(&self, asked: &str) -> Result<Vec<(usize, String)>> {
        if self.options.search.filter.is_some() || !table::asks_for_rows(asked) {
            return Ok(Vec::new());
        }
        let mut named = Vec::new();
        for (number, store) in self.knowledge_base.stores().into_iter().enumerate() {
            let documents = store.documents()?;
            let read = documents.iter().filter(|document| document.skipped.is_none());
            let uris: Vec<&str> = read.map(|document| document.uri.as_str()).collect();
            let files = table::files_named(asked, &uris).into_iter();
            named.extend(files.map(|uri| (number, uri.to_owned())));
        }
        Ok(named)
    }

    /// The figure, the plan in words, and the cells that it came from.
    fn computed(
        &self,
        retrieved: &Retrieved,
        document: &TabledDocument,
        table: &DataTable,
        planned: &Planned,
    ) -> Result<Answer> {
        let asked = retrieved.asked(self.question);
        let mut citations = self.cells_cited(document, table, planned);
        self.settle(&mut citations)?;
        let told = Told {
            plan: &planned.plan,
            row_count: planned.computed.row_count,
            cited_count: citations.len(),
        };
        let words = table::told(table, &told, Language::of(asked));
        let figure = cite::without_markers(&planned.computed.figure);
        let markers: String =
            citations.iter().map(|citation| format!(" [{}]", citation.marker)).collect();
        let written = Written { text: format!("{figure}\n{words}"), ..Written::default() };
        let cited: BTreeSet<i64> = citations.iter().map(|citation| citation.passage_id).collect();
        let hits = self.cited_hits(document, &cited)?;
        let left_out = retrieved.hits.iter().map(|hit| hit.passage_id);
        Ok(Answer {
            found: true,
            text: format!("{figure}{markers}\n{words}"),
            left_out: left_out.filter(|id| !cited.contains(id)).collect(),
            citations,
            hits,
            outcome: Outcome::Answered,
            table: Some(TableAnswer {
                id: table.info.id.clone(),
                uri: table.info.uri.clone(),
                title: table.info.title.clone(),
                plan: planned.plan.clone(),
                words,
                figure,
                row_count: planned.computed.row_count,
            }),
            ..self.unanswered(retrieved, &written)
        })
    }

    /// The passages that are cited, as hits.
    fn cited_hits(&self, document: &TabledDocument, cited: &BTreeSet<i64>) -> Result<Vec<Hit>> {
        let store = self.knowledge_base.store_at(document.store)?;
        let cited: Vec<i64> = cited.iter().copied().collect();
        search::given(store, document.store, &cited)
    }

    /// Of each of the first rows the stretch that holds the cells of the plan.
    fn cells_cited(
        &self,
        document: &TabledDocument,
        table: &DataTable,
        planned: &Planned,
    ) -> Vec<Citation> {
        let columns = table::columns_of(table, &planned.plan);
        let rows = planned.computed.rows.iter().take(MAX_CITED);
        let mut citations: Vec<Citation> = Vec::new();
        for row in rows {
            let spans = columns.iter().map(|column| table.span(*row, *column));
            let spans: Vec<_> = spans.filter(|span| !span.is_empty()).collect();
            let first = spans.iter().map(|span| span.start).min();
            let last = spans.iter().map(|span| span.end).max();
            let Some(whole) = first.zip(last).map(|(start, end)| start..end) else { continue };
            let is_short = whole.len() <= MAX_QUOTE_BYTES;
            let span = spans.last().cloned().unwrap_or_default();
            let wide = is_short.then(|| passage_of(&document.passages, &whole)).flatten();
            let (span, found) = match wide {
                Some(passage) => (whole, Some(passage)),
                None => (span.clone(), passage_of(&document.passages, &span)),
            };
            let Some(passage) = found else { continue };
            let place = span.start - passage.start..span.end - passage.start;
            let Some(quote) = passage.text.get(place) else { continue };
            citations.push(Citation {
                marker: citations.len() + 1,
                passage_id: passage.id,
                uri: passage.uri.clone(),
                page: passage.page,
                start: span.start,
                end: span.end,
                source_start: None,
                source_end: None,
                place: None,
                quote: quote.to_owned(),
                support: 1.0,
                evidence: Evidence::Quote,
                status: cite::Status::Unverified,
                store: document.store,
            });
        }
        citations
    }
}

/// Whether a hit is for the most part rows of tables.
fn is_rows(hit: &Hit, tables: &[(&TabledDocument, &DataTable)]) -> bool {
    let own = tables
        .iter()
        .filter(|(document, table)| document.store == hit.store && table.info.uri == hit.uri);
    let within = |table: &DataTable| {
        table.info.end.min(hit.end).saturating_sub(table.info.start.max(hit.start))
    };
    let bytes: usize = own.map(|(_, table)| within(table)).sum();
    bytes * 2 > hit.end - hit.start
}

/// The passage that holds a stretch of the document's text.
fn passage_of<'a>(
    passages: &'a [PassageRow],
    span: &std::ops::Range<usize>,
) -> Option<&'a PassageRow> {
    let after = passages.partition_point(|passage| passage.start <= span.start);
    let passage = passages.get(after.checked_sub(1)?)?;
    (span.end <= passage.end).then_some(passage)
}
