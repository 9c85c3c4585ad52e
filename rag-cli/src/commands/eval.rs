//! `rag eval`: how well questions find their documents, on a collection in the BEIR layout.

mod answers;
mod bootstrap;
mod measured;
mod parts;
mod ranking;
mod report;
mod reranking;
mod settings;

use std::cell::OnceCell;
use std::path::PathBuf;

use rag_core::generate::GeneratorOptions;
use rag_core::rerank::DEFAULT_COUNT;
use rag_core::search::{Fusion, Mode};
use rag_core::{AskOptions, Explain, OpenOptions};
use serde::Serialize;

use super::encode;
use super::options::{Encoding, Evaluating, Sorting, check_rerank, model_dirs};
use crate::beir::Collection;
use crate::console::Console;
use crate::failure::{Exit, Failure, Outcome};
use crate::metrics::Metrics;
use crate::options::{Config, Holding, OptionArgs};
use crate::written;
use answers::AnswerMetrics;
use measured::{Measured, Measuring};
use parts::Parts;
use ranking::Ranker;
use reranking::Reranked;
use settings::Setting;

/// What a person may type.
const EXAMPLES: &str = concat!(
    "Examples:\n",
    "  rag eval --corpus corpus.jsonl --queries queries.jsonl --qrels qrels.tsv --mode hybrid --report page.html",
);

/// Measure retrieval on a collection in the BEIR layout, and answers where queries carry them
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// corpus.jsonl: _id, title, text
    #[arg(long, value_name = "FILE")]
    corpus: PathBuf,
    /// queries.jsonl: _id, text, and perhaps answers and lang
    #[arg(long, value_name = "FILE")]
    queries: PathBuf,
    /// qrels.tsv: query id, document id, grade
    #[arg(long, value_name = "FILE")]
    qrels: PathBuf,
    /// Encoder by name, path or hub id
    #[arg(long, value_name = "NAME|PATH", default_value = rag_core::model::DEFAULT_ENCODER)]
    encoder: String,
    /// Which legs answer; several are measured side by side, each against the first
    #[arg(long, value_name = "MODE", value_parser = parse_mode, value_delimiter = ',', default_value = "dense")]
    mode: Vec<Mode>,
    /// How hybrid fuses both legs, convex[:WEIGHT] or rrf[:K]; several are measured side by side
    #[arg(long, value_name = "FUSION", value_delimiter = ',', default_value = "convex")]
    fusion: Vec<String>,
    /// What of each document is searched; several are measured side by side
    #[arg(long, value_name = "PARTS", value_enum, value_delimiter = ',', default_value = "whole")]
    parts: Vec<Parts>,
    /// Also answer the queries that carry answers, with this generator, or with the best sentence
    /// of the passages: none
    #[arg(long, value_name = "NAME|PATH|none")]
    llm: Option<String>,
    /// Ask each of them again with its relevant documents taken out: what is answered then is
    /// invented
    #[arg(long)]
    unanswerable: bool,
    #[command(flatten)]
    pub(super) options: OptionArgs<Evaluating>,
    /// Write each answer with its prompt to this file, a line of JSON each
    #[arg(long, value_name = "FILE.jsonl", requires = "llm")]
    answers: Option<PathBuf>,
    /// Write what was measured and what went wrong to this file, as one HTML page
    #[arg(long, value_name = "FILE.html")]
    report: Option<PathBuf>,
    /// Only each Nth judged query, which spreads a sample over the collection
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..), default_value_t = 1)]
    every: u32,
    /// Only the first N judged queries, of those that --every leaves
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    #[command(flatten)]
    how: OptionArgs<Encoding>,
    #[command(flatten)]
    reranker: OptionArgs<Sorting>,
}

#[derive(Debug, Serialize)]
struct Report {
    /// Of the first setting.
    metrics: AllMetrics,
    query_count: usize,
    document_count: usize,
    answered_count: usize,
    mode: &'static str,
    /// `None` for words only.
    encoder: Option<String>,
    encode_seconds: f64,
    documents_per_second: f64,
    search_seconds: f64,
    settings: Vec<Measured>,
}

#[derive(Debug, Serialize)]
struct AllMetrics {
    #[serde(flatten)]
    retrieval: Metrics,
    #[serde(flatten)]
    answers: Option<AnswerMetrics>,
}

fn parse_mode(word: &str) -> Result<Mode, String> {
    Mode::parse(word).map_err(|error| error.reason())
}

pub(crate) fn run(args: &Args, config: &Config, console: &mut Console<'_>) -> Outcome {
    check_rerank(&args.reranker, &args.options, config)?;
    let options = args.options.options(config)?;
    let fusions: Vec<Fusion> =
        args.fusion.iter().map(|text| Fusion::parse(text)).collect::<Result<_, _>>()?;
    let settings = settings::settings(&args.mode, &fusions, &args.fusion);
    let mut collection = Collection::read(&args.corpus, &args.queries, &args.qrels)?;
    let mut number = 0..;
    collection.queries.retain(|_| number.next().is_some_and(|n: u32| n.is_multiple_of(args.every)));
    collection.queries.truncate(args.limit.unwrap_or(usize::MAX));
    // a page that cannot be written is told before an hour of work
    args.report.as_deref().map(written::check).transpose()?;
    let job = console.job();
    let words_only = args.mode.iter().all(|mode| *mode == Mode::Lexical);
    let encoder = match words_only {
        true => None,
        false => Some(encode::load(&args.encoder, &args.how.options(config)?)?),
    };
    let count = options.search.rerank.unwrap_or(DEFAULT_COUNT);
    let reranked = Reranked::load(&args.reranker.options(config)?, count)?;
    let mut measured: Vec<Measured> = Vec::with_capacity(settings.len() * args.parts.len());
    let mut encode_seconds = 0.0;
    let prints: Vec<_> = collection.documents.iter().map(|_| OnceCell::new()).collect();
    for &parts in &args.parts {
        let ranker = Ranker::build(&collection, parts, encoder.as_ref(), console, job.token())?;
        encode_seconds += ranker.encode_seconds();
        let measuring = Measuring {
            collection: &collection,
            ranker: &ranker,
            parts,
            prints: &prints,
            reranked: reranked.as_ref(),
        };
        for setting in &settings {
            let mut next = measuring.measure(setting, console, job.token())?;
            if let Some(first) = measured.first() {
                next.compare(&first.queries, &collection);
            }
            measured.push(next);
        }
    }
    let (answers, cases) = match &args.llm {
        Some(llm) => {
            let how = args.how_to_answer(args.opening(llm, config)?, options, &settings);
            let (answers, cases) = answers::measure(&collection, &how, console, &job)?;
            (Some(answers), cases)
        }
        None => (None, Vec::new()),
    };
    let encoded_count = collection.documents.len() * args.parts.len();
    let retrieval = measured.first().map(|first| first.metrics).unwrap_or_default();
    let report = Report {
        query_count: collection.queries.len(),
        document_count: collection.documents.len(),
        answered_count: answers.as_ref().map_or(0, |answers| answers.answered_count),
        metrics: AllMetrics { retrieval, answers },
        mode: args.mode.first().map_or("dense", |mode| mode.name()),
        encoder: encoder.map(|encoder| encoder.identity().name.clone()),
        encode_seconds,
        documents_per_second: encoded_count as f64 / encode_seconds.max(1e-9),
        search_seconds: measured.iter().map(|setting| setting.search_seconds).sum(),
        settings: measured,
    };
    if let Some(path) = &args.report {
        let html = report::page(&report, &collection, &cases);
        written::replace(path, html.as_bytes(), &args.corpus)?;
    }
    print(&report, console)?;
    Ok(Exit::Done)
}

impl Args {
    /// What holds for its options.
    pub(crate) fn show(&self, held: &mut Holding<'_>) -> rag_core::Result<()> {
        held.add(&self.how)?;
        held.add(&self.reranker)?;
        held.add_given::<GeneratorOptions>(&Vec::new(), |_| true);
        held.add(&self.options)
    }

    /// With which models answers are made.
    fn opening(&self, llm: &str, config: &Config) -> rag_core::Result<OpenOptions> {
        let mut generator_options = GeneratorOptions::default();
        config.apply(&Vec::new(), |_| true, &mut generator_options)?;
        let OpenOptions { reranker, reranker_options, .. } = self.reranker.options(config)?;
        Ok(OpenOptions {
            reranker,
            reranker_options,
            encoder: Some(self.encoder.clone()),
            encoder_options: self.how.options(config)?,
            llm: Some(llm.to_owned()),
            generator_options,
            model_dirs: model_dirs(),
            ..OpenOptions::default()
        })
    }

    /// Passages for answers are found by the first setting.
    fn how_to_answer(
        &self,
        opening: OpenOptions,
        mut options: AskOptions,
        settings: &[Setting],
    ) -> answers::How<'_> {
        if let Some(first) = settings.first() {
            (options.search.mode, options.search.fusion) = (first.mode, first.fusion);
        }
        options.explain = Explain::Trace;
        answers::How {
            opening,
            options,
            unanswerable: self.unanswerable,
            records: self.answers.as_deref(),
        }
    }
}

fn print(report: &Report, console: &mut Console<'_>) -> Result<(), Failure> {
    if console.is_json() {
        return console.json(report);
    }
    for measured in &report.settings {
        console.line(format_args!("{}", measured.setting))?;
        for (name, value) in measured.metrics.named() {
            let [low, high] = measured.intervals.get(name).copied().unwrap_or_default();
            console
                .line(format_args!("  {name:<12}{value:.5}   95 % from {low:.3} to {high:.3}"))?;
        }
        for (lang, of) in &measured.languages {
            console.line(format_args!(
                "  {lang}: ndcg@10 {:.5}, {} queries",
                of.ndcg_at_10, of.query_count
            ))?;
        }
        if let Some(comparison) = &measured.against_first {
            let [low, high] = comparison.interval;
            console.line(format_args!(
                "  against the first: ndcg@10 {:+.5}, 95 % from {low:+.3} to {high:+.3}; {} queries better, {} worse",
                comparison.difference, comparison.better_count, comparison.worse_count
            ))?;
        }
        console.line(format_args!(
            "  {:.2} ms a query at the median, {:.2} at the 95th percentile",
            measured.p50_ms, measured.p95_ms
        ))?;
    }
    if let Some(answers) = &report.metrics.answers {
        console.line(format_args!("containment {:.5}", answers.containment))?;
        console.line(format_args!("exact_match {:.5}", answers.exact_match))?;
        console.line(format_args!("f1          {:.5}", answers.f1))?;
        console.line(format_args!(
            "found {:.3}, quoted {:.3}, relevant passage shown {:.3}",
            answers.found, answers.quoted, answers.shown
        ))?;
        console.line(format_args!(
            "citations: {:.3} of those of right answers in a relevant document, {:.3} of right answers have one, {:.3} stand in their source",
            answers.citation_precision, answers.citation_recall, answers.citations_verified
        ))?;
        if let Some(refused) = answers.unanswerable_refused {
            console.line(format_args!(
                "refused once the relevant documents were gone: {refused:.3}"
            ))?;
        }
        for [threshold, answerable, unanswerable] in &answers.coverage_curve {
            console.line(format_args!(
                "  coverage below {threshold:.2}: {answerable:.3} of the answerable, {unanswerable:.3} of the others"
            ))?;
        }
    }
    console.line(format_args!(
        "{} queries, {} documents, {:.1} s to encode, {:.1} s to search",
        report.query_count, report.document_count, report.encode_seconds, report.search_seconds
    ))
}
