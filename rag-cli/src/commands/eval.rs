//! `rag eval`: how well questions find their documents, on a collection in the BEIR layout.

mod answers;
mod ranking;
mod reranking;

use std::path::PathBuf;

use rag_core::CancelToken;
use serde::Serialize;

use super::encode;
use super::options::{ModeArg, RerankArgs};
use crate::beir::Collection;
use crate::console::Console;
use crate::failure::{Exit, Failure, Outcome};
use crate::metrics::{Judgements, Metrics};
use answers::AnswerMetrics;
use ranking::Ranker;
use reranking::Reranked;

/// Documents looked at per query; the deepest measure is recall@100.
const DEPTH: usize = 100;

/// Measure retrieval on a collection in the BEIR layout, and answers where queries carry them
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// corpus.jsonl: _id, title, text
    #[arg(long, value_name = "FILE")]
    corpus: PathBuf,
    /// queries.jsonl: _id, text, and perhaps answers
    #[arg(long, value_name = "FILE")]
    queries: PathBuf,
    /// qrels.tsv: query id, document id, grade
    #[arg(long, value_name = "FILE")]
    qrels: PathBuf,
    /// Encoder by name, path or hub id
    #[arg(long, value_name = "NAME|PATH", default_value = rag_core::model::DEFAULT_ENCODER)]
    encoder: String,
    /// Which legs answer
    #[arg(long, value_enum, default_value_t = ModeArg::Dense)]
    mode: ModeArg,
    /// Also answer the queries that carry answers, with this generator
    #[arg(long, value_name = "NAME|PATH")]
    llm: Option<String>,
    /// Only the first N judged queries
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    #[command(flatten)]
    how: encode::How,
    #[command(flatten)]
    rerank: RerankArgs,
}

#[derive(Debug, Serialize)]
struct Report {
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
}

#[derive(Debug, Serialize)]
struct AllMetrics {
    #[serde(flatten)]
    retrieval: Metrics,
    #[serde(flatten)]
    answers: Option<AnswerMetrics>,
}

pub(crate) fn run(args: &Args, console: &mut Console<'_>) -> Outcome {
    let mut collection = Collection::read(&args.corpus, &args.queries, &args.qrels)?;
    collection.queries.truncate(args.limit.unwrap_or(usize::MAX));
    let job = console.job();
    let encoder = match args.mode {
        ModeArg::Lexical => None,
        ModeArg::Dense | ModeArg::Hybrid => Some(encode::load(&args.encoder, &args.how.options())?),
    };
    let ranker = Ranker::build(&collection, encoder.as_ref(), args.mode, console, job.token())?;
    let reranked = Reranked::load(&args.rerank)?;
    let start = std::time::Instant::now();
    let retrieval = measure(&collection, &ranker, reranked.as_ref(), console, job.token())?;
    let search_seconds = start.elapsed().as_secs_f64();
    let answers = match &args.llm {
        Some(llm) => Some(answers::measure(&collection, &args.encoder, llm, console, &job)?),
        None => None,
    };
    let encode_seconds = ranker.encode_seconds();
    let report = Report {
        metrics: AllMetrics { retrieval, answers },
        query_count: collection.queries.len(),
        document_count: collection.documents.len(),
        answered_count: answers.map_or(0, |answers| answers.answered_count),
        mode: mode_name(args.mode),
        encoder: encoder.map(|encoder| encoder.identity().name.clone()),
        encode_seconds,
        documents_per_second: collection.documents.len() as f64 / encode_seconds.max(1e-9),
        search_seconds,
    };
    print(&report, console)?;
    Ok(Exit::Done)
}

fn mode_name(mode: ModeArg) -> &'static str {
    match mode {
        ModeArg::Dense => "dense",
        ModeArg::Lexical => "lexical",
        ModeArg::Hybrid => "hybrid",
    }
}

fn measure(
    collection: &Collection,
    ranker: &Ranker,
    reranked: Option<&Reranked>,
    console: &Console<'_>,
    cancel: &CancelToken,
) -> rag_core::Result<Metrics> {
    let bar = console.bar("searching", Some(collection.queries.len() as u64));
    let none = Judgements::new();
    let mut all = Vec::with_capacity(collection.queries.len());
    for (index, query) in collection.queries.iter().enumerate() {
        cancel.check()?;
        let mut ranked = ranker.rank(index, query, DEPTH)?;
        if let Some(reranked) = reranked {
            reranked.sort(collection, query, &mut ranked, cancel)?;
        }
        let ids: Vec<&str> = ranked
            .iter()
            .filter_map(|document| collection.documents.get(*document))
            .map(|document| document.id.as_str())
            .collect();
        all.push(Metrics::of(&ids, collection.judgements.get(&query.id).unwrap_or(&none)));
        bar.set(index + 1);
    }
    Ok(Metrics::mean(&all))
}

fn print(report: &Report, console: &mut Console<'_>) -> Result<(), Failure> {
    if console.is_json() {
        return console.json(report);
    }
    let metrics = &report.metrics.retrieval;
    for (name, value) in [
        ("ndcg@10", metrics.ndcg_at_10),
        ("recall@1", metrics.recall_at_1),
        ("recall@10", metrics.recall_at_10),
        ("recall@100", metrics.recall_at_100),
        ("mrr@10", metrics.mrr_at_10),
        ("map@100", metrics.map_at_100),
    ] {
        console.line(format_args!("{name:<12}{value:.5}"))?;
    }
    if let Some(answers) = &report.metrics.answers {
        console.line(format_args!("containment {:.5}", answers.containment))?;
        console.line(format_args!("exact_match {:.5}", answers.exact_match))?;
        console.line(format_args!("f1          {:.5}", answers.f1))?;
    }
    console.line(format_args!(
        "{} queries, {} documents, {}, {:.1} s to encode, {:.1} s to search",
        report.query_count,
        report.document_count,
        report.mode,
        report.encode_seconds,
        report.search_seconds
    ))
}
