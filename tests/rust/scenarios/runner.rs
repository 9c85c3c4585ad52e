//! One scenario in its own temporary directory.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::{env, fs};

use rag_core::cite::{Citation, Status};
use rag_core::model::ModelDirs;
use rag_core::options::{Options, Value};
use rag_core::search::{Hit, Mode, SearchOptions};
use rag_core::{
    Answer, AskOptions, Call, ComposeOptions, Error, ErrorCode, KnowledgeBase, OpenOptions,
    Retraction, SyncOptions, SyncReport,
};

use crate::format::{Expect, ExpectSkip, Reopen, Scenario, Step, base64};

/// Options by their names.
type Named = BTreeMap<String, serde_json::Value>;

/// What earlier steps gave, for `same_as`.
enum Outcome {
    Hits(Vec<Hit>),
    Answer(Box<Answer>),
}

pub(crate) struct Runner<'a> {
    scenario: &'a Scenario,
    root: PathBuf,
    docs: PathBuf,
    models: PathBuf,
    knowledge_base: Option<KnowledgeBase>,
    outcomes: BTreeMap<usize, Outcome>,
    transcript: String,
}

impl<'a> Runner<'a> {
    pub(crate) fn new(scenario: &'a Scenario, root: &Path, models: PathBuf) -> Self {
        let root = root.canonicalize().unwrap();
        let docs = root.join("docs");
        fs::create_dir(&docs).unwrap();
        Self {
            scenario,
            root,
            docs,
            models,
            knowledge_base: None,
            outcomes: BTreeMap::new(),
            transcript: String::new(),
        }
    }

    pub(crate) fn run(mut self) {
        self.knowledge_base = Some(self.open(&Reopen::default(), &BTreeMap::new()).unwrap());
        for (number, step) in self.scenario.steps.iter().enumerate() {
            let place = format!("{} step {number}", self.scenario.name);
            let result = self.step(number, step, &place);
            if let Some((option, reason)) = step.expect_refusal.first_key_value() {
                let error = result.unwrap_err();
                assert_eq!(error.code(), ErrorCode::InvalidArgument, "{place}");
                assert_eq!(error.line(), format!("invalid {option}: {reason}"), "{place}");
                self.transcript(number, step.action(), &["refused", option, reason]);
                continue;
            }
            let code = result.as_ref().err().map(|error| error.code().name());
            let line = result.err().map(|error| error.line());
            assert_eq!(code, step.expect_error.as_deref(), "{place}: {line:?}");
        }
        if let Some(folder) = env::var_os("RAG_TRANSCRIPTS") {
            let name = format!("rust-{}.txt", self.scenario.name);
            fs::write(Path::new(&folder).join(name), &self.transcript).unwrap();
        }
    }

    fn open(&self, reopen: &Reopen, named: &Named) -> Result<KnowledgeBase, Error> {
        let encoder = reopen.encoder.as_ref().unwrap_or(&self.scenario.encoder);
        let llm = reopen.llm.as_ref().or(self.scenario.llm.as_ref());
        let mut options = OpenOptions {
            encoder: Some(self.model(encoder)),
            llm: llm.map(|name| self.model(name)),
            model_dirs: ModelDirs::from_variables(|name| env::var_os(name)),
            ..OpenOptions::default()
        };
        set(&mut options, named)?;
        KnowledgeBase::open(self.root.join(reopen.kb.as_deref().unwrap_or("kb.rag")), &options)
    }

    fn model(&self, name: &str) -> String {
        let path = match name.strip_prefix("$DOCS/") {
            Some(rest) => self.docs.join(rest),
            None => self.models.join(name),
        };
        path.to_str().unwrap().to_owned()
    }

    fn step(&mut self, number: usize, step: &Step, place: &str) -> Result<(), Error> {
        if let Some(roots) = &step.sync {
            let roots: Vec<PathBuf> = roots.iter().map(|root| self.path(root)).collect();
            let mut options = SyncOptions::default();
            set(&mut options, &step.options)?;
            let report = self.kb().sync_with(&roots, &options, Call::new())?;
            self.check_report(&step.expect, &report, place);
        } else if let Some(question) = &step.search {
            self.search(number, step, &question.repeat(step.repeat), place)?;
        } else if let Some(question) = &step.ask {
            self.ask(number, step, &question.repeat(step.repeat), place)?;
        } else if let Some(task) = &step.compose {
            self.compose(number, step, &task.repeat(step.repeat), place)?;
        } else if let Some(reopen) = &step.reopen {
            self.knowledge_base = None;
            self.knowledge_base = Some(self.open(reopen, &step.options)?);
        } else {
            self.change_files(step);
        }
        Ok(())
    }

    fn kb(&self) -> &KnowledgeBase {
        self.knowledge_base.as_ref().unwrap()
    }

    fn change_files(&self, step: &Step) {
        for (path, text) in step.write.iter().flatten() {
            self.write(path, text.as_bytes());
        }
        for (path, text) in step.write_base64.iter().flatten() {
            self.write(path, &base64(text));
        }
        for path in step.mkdir.iter().flatten() {
            fs::create_dir_all(self.path(path)).unwrap();
        }
        for path in step.delete.iter().flatten() {
            fs::remove_file(self.path(path)).unwrap();
        }
        for (old, new) in step.rename.iter().flatten() {
            let new = self.path(new);
            fs::create_dir_all(new.parent().unwrap()).unwrap();
            fs::rename(self.path(old), new).unwrap();
        }
    }

    fn write(&self, path: &str, bytes: &[u8]) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    fn search(
        &mut self,
        number: usize,
        step: &Step,
        question: &str,
        place: &str,
    ) -> Result<(), Error> {
        let mode = match step.mode.as_deref() {
            Some("dense") => Mode::Dense,
            Some("lexical") => Mode::Lexical,
            Some("hybrid") | None => Mode::Hybrid,
            Some(other) => panic!("{place}: no mode {other}"),
        };
        let mut options =
            SearchOptions { top_k: step.top_k.unwrap_or(5), mode, ..SearchOptions::default() };
        set(&mut options, &step.options)?;
        let hits = self.kb().search_with(question, &options, Call::new())?;
        self.transcript(number, "search", &[&self.hit_spans(&hits)]);
        self.check_hits(&step.expect, &hits, place);
        self.outcomes.insert(number, Outcome::Hits(hits));
        Ok(())
    }

    fn ask(
        &mut self,
        number: usize,
        step: &Step,
        question: &str,
        place: &str,
    ) -> Result<(), Error> {
        let mut options = AskOptions { system: step.system.clone(), ..AskOptions::default() };
        options.generate.seed = step.seed;
        set(&mut options, &step.options)?;
        let pieces = RefCell::new(String::new());
        let mut on_piece = |piece: &str| {
            pieces.borrow_mut().push_str(piece);
            ControlFlow::Continue(())
        };
        let mut on_retract = |_: Retraction| pieces.borrow_mut().clear();
        let call = Call::new().on_piece(&mut on_piece).on_retract(&mut on_retract);
        let answer = self.kb().ask_with(question, &options, call)?;
        let pieces = pieces.into_inner();
        let state = if answer.found { "found" } else { "not_found" };
        let spans = self.citation_spans(&answer.citations);
        self.transcript(number, "ask", &[state, &spans, &ascii_json(&answer.text)]);
        if step.stream {
            let wanted = step.expect.pieces_contain.as_deref().unwrap_or("");
            assert!(pieces.contains(wanted), "{place}: {wanted:?} is not in {pieces:?}");
        }
        self.check_answer(&step.expect, &answer, place);
        self.outcomes.insert(number, Outcome::Answer(Box::new(answer)));
        Ok(())
    }

    fn compose(
        &mut self,
        number: usize,
        step: &Step,
        task: &str,
        place: &str,
    ) -> Result<(), Error> {
        let mut options = ComposeOptions::default();
        options.ask.generate.seed = step.seed;
        set(&mut options, &step.options)?;
        let draft = self.kb().compose_with(task, &options, Call::new())?;
        let state = if draft.found { "found" } else { "not_found" };
        self.transcript(number, "compose", &[state]);
        let expect = &step.expect;
        assert_eq!(expect.found.unwrap_or(draft.found), draft.found, "{place}: {draft:?}");
        for wanted in &expect.contains {
            assert!(draft.text.contains(wanted), "{place}: {wanted:?} is not in {draft:?}");
        }
        Ok(())
    }

    fn check_report(&self, expect: &Expect, report: &SyncReport, place: &str) {
        for (name, wanted, got) in [
            ("added", expect.added, report.added),
            ("updated", expect.updated, report.updated),
            ("removed", expect.removed, report.removed),
            ("renamed", expect.renamed, report.renamed),
            ("unchanged", expect.unchanged, report.unchanged),
        ] {
            assert_eq!(wanted.unwrap_or(got), got, "{place}: {name} in {report:?}");
        }
        if let Some(wanted) = &expect.skipped {
            let skipped = report.skipped.iter().map(|skipped| ExpectSkip {
                path: self.relative(skipped.path.to_str().unwrap()),
                code: skipped.error.code().name().to_owned(),
            });
            let mut got: Vec<ExpectSkip> = skipped.collect();
            got.sort();
            assert_eq!(wanted, &got, "{place}: skipped in {report:?}");
        }
    }

    fn check_hits(&self, expect: &Expect, hits: &[Hit], place: &str) {
        let files: Vec<String> = hits.iter().map(|hit| self.relative(&hit.uri)).collect();
        assert_eq!(expect.count.unwrap_or(hits.len()), hits.len(), "{place}: count of {files:?}");
        if let Some(wanted) = &expect.files {
            assert_eq!(wanted, &files, "{place}: files");
        }
        if expect.first_file.is_some() {
            assert_eq!(expect.first_file.as_ref(), files.first(), "{place}: first file");
        }
        if let Some(wanted) = &expect.first_contains {
            let text = hits.first().map_or("", |hit| hit.text.as_str());
            assert!(text.contains(wanted.as_str()), "{place}: {wanted:?} is not in {text:?}");
        }
        if expect.first_slice {
            let hit = hits.first().unwrap();
            let bytes = source_bytes(&hit.uri, hit.source_start, hit.source_end);
            assert_eq!(bytes, hit.text.as_bytes(), "{place}: {} is not its file's bytes", hit.text);
        }
        if let Some(earlier) = expect.same_as {
            let Some(Outcome::Hits(before)) = self.outcomes.get(&earlier) else {
                panic!("{place}: step {earlier} is no search")
            };
            assert_eq!(self.hit_spans(before), self.hit_spans(hits), "{place}: hits");
            for (old, new) in before.iter().zip(hits) {
                assert!((old.score - new.score).abs() <= 1e-6, "{place}: score");
            }
        }
    }

    fn check_answer(&self, expect: &Expect, answer: &Answer, place: &str) {
        assert_eq!(expect.found.unwrap_or(answer.found), answer.found, "{place}: {answer:?}");
        for wanted in &expect.contains {
            assert!(answer.text.contains(wanted), "{place}: {wanted:?} is not in {answer:?}");
        }
        if let Some(wanted) = &expect.cites {
            let mut files: Vec<String> = Vec::new();
            for citation in &answer.citations {
                let file = self.relative(&citation.uri);
                if !files.contains(&file) {
                    files.push(file);
                }
            }
            assert_eq!(wanted, &files, "{place}: cited files of {answer:?}");
        }
        if expect.all_citations_ok {
            assert!(!answer.citations.is_empty(), "{place}: no citations in {answer:?}");
            for citation in &answer.citations {
                assert_eq!(citation.status, Status::Ok, "{place}: {citation:?}");
                let bytes = source_bytes(&citation.uri, citation.source_start, citation.source_end);
                assert_eq!(bytes, citation.quote.as_bytes(), "{place}: {citation:?}");
            }
        }
        if let Some(earlier) = expect.same_as {
            let Some(Outcome::Answer(before)) = self.outcomes.get(&earlier) else {
                panic!("{place}: step {earlier} is no question")
            };
            assert_eq!(before.text, answer.text, "{place}: answer");
        }
    }

    fn path(&self, relative: &str) -> PathBuf {
        if relative == "." { self.docs.clone() } else { self.docs.join(relative) }
    }

    fn relative(&self, uri: &str) -> String {
        let path = Path::new(uri).strip_prefix(&self.docs);
        path.map_or(uri.to_owned(), |path| path.to_str().unwrap().replace('\\', "/"))
    }

    fn hit_spans(&self, hits: &[Hit]) -> String {
        let span = |hit: &Hit| format!("{}:{}-{}", self.relative(&hit.uri), hit.start, hit.end);
        hits.iter().map(span).collect::<Vec<_>>().join(" ")
    }

    fn citation_spans(&self, citations: &[Citation]) -> String {
        let span = |c: &Citation| format!("{}:{}-{}", self.relative(&c.uri), c.start, c.end);
        citations.iter().map(span).collect::<Vec<_>>().join(" ")
    }

    fn transcript(&mut self, number: usize, action: &str, fields: &[&str]) {
        let line = format!("T\t{}\t{number}\t{action}\t{}", self.scenario.name, fields.join("\t"));
        println!("{line}");
        self.transcript.push_str(&line);
        self.transcript.push('\n');
    }
}

/// Sets options by their names.
fn set(options: &mut impl Options, named: &Named) -> Result<(), Error> {
    options.set_all(named.iter().map(|(name, value)| (name, Value::from_json(value))))
}

fn source_bytes(uri: &str, start: Option<u64>, end: Option<u64>) -> Vec<u8> {
    let bytes = fs::read(uri).unwrap();
    let (start, end) = (start.unwrap() as usize, end.unwrap() as usize);
    bytes.get(start..end).unwrap().to_vec()
}

/// A JSON string with ASCII only, as Python's `json.dumps` writes it.
fn ascii_json(text: &str) -> String {
    let mut escaped = String::new();
    for unit in serde_json::to_string(text).unwrap().encode_utf16() {
        match char::from_u32(u32::from(unit)).filter(char::is_ascii) {
            Some(character) => escaped.push(character),
            None => escaped.push_str(&format!("\\u{unit:04x}")),
        }
    }
    escaped
}
