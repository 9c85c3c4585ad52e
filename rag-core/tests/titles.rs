//! Titles are part of what the encoder reads, in files that say so; a reindex makes the others so.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use rag_core::encode::Encoder;
use rag_core::passage::EncoderInput;
use rag_core::search::{Hit, Mode, SearchOptions};
use rag_core::store::{Access, IndexMode, PassageRow, Seal, Store};
use rag_core::{Call, CancelToken, Error, KnowledgeBase, OpenOptions, Plan, SyncOptions};
use rusqlite::Connection;

const HOURS: &str = "It opens at nine in the morning and closes at six, except on public holidays.";

/// A folder of web pages, and knowledge bases beside it.
struct Place {
    directory: tempfile::TempDir,
    encoder: String,
}

impl Place {
    fn new(encoder: &Path) -> Self {
        let directory = tempfile::tempdir().unwrap();
        fs::create_dir(directory.path().join("docs")).unwrap();
        Self { directory, encoder: encoder.to_string_lossy().into_owned() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn page(&self, name: &str, title: &str, body: &str) {
        let page = format!("<html><head><title>{title}</title></head><body>{body}</body></html>");
        fs::write(self.path("docs").join(name), page).unwrap();
    }

    fn options(&self) -> OpenOptions {
        OpenOptions { encoder: Some(self.encoder.clone()), ..OpenOptions::default() }
    }

    fn open(&self, name: &str) -> KnowledgeBase {
        KnowledgeBase::open(self.path(name), &self.options()).unwrap()
    }

    /// A file as versions of before made them: it does not say what the encoder reads.
    fn old(&self, name: &str) -> KnowledgeBase {
        drop(self.open(name));
        tamper(&self.path(name), "DELETE FROM meta WHERE key = 'encoder.input'");
        self.open(name)
    }

    fn synced(&self, kb: KnowledgeBase) -> KnowledgeBase {
        kb.sync(self.path("docs")).unwrap();
        kb
    }

    fn vectors(&self, name: &str) -> Vec<(PassageRow, Vec<f32>)> {
        let store = Store::open(&self.path(name), Access::ReadOnly).unwrap();
        let mut passages = Vec::new();
        for document in store.documents().unwrap() {
            passages.extend(store.passages_of(document.id).unwrap());
        }
        let ids: Vec<i64> = passages.iter().map(|passage| passage.id).collect();
        let vectors = store.vectors_of(&ids).unwrap().into_iter().map(Option::unwrap);
        passages.into_iter().zip(vectors).collect()
    }
}

fn tamper(path: &Path, sql: &str) {
    Connection::open(path).unwrap().execute_batch(sql).unwrap();
}

fn dense(kb: &KnowledgeBase, question: &str) -> Vec<Hit> {
    let options = SearchOptions { mode: Mode::Dense, ..SearchOptions::default() };
    kb.search_with(question, &options, Call::new()).unwrap()
}

fn assert_sound(kb: &KnowledgeBase) {
    assert_eq!(kb.check().unwrap(), []);
}

/// Vectors are kept in half precision.
fn assert_near(a: &[f32], b: &[f32], what: &str) {
    let cosine: f32 = a.iter().zip(b).map(|(a, b)| a * b).sum();
    assert!(cosine > 0.9995, "{what}: {cosine}");
}

/// Each vector is that of this text of its passage.
fn assert_encoded_from(
    encoder: &Encoder,
    vectors: &[(PassageRow, Vec<f32>)],
    text: impl Fn(&PassageRow) -> String,
) {
    let texts: Vec<String> = vectors.iter().map(|(passage, _)| text(passage)).collect();
    let expected = encoder.encode_passages(&texts).unwrap();
    for (((_, vector), expected), text) in vectors.iter().zip(expected.rows()).zip(&texts) {
        assert_near(vector, expected, text);
    }
}

fn with_title(passage: &PassageRow) -> String {
    format!("{}\n{}", passage.title.as_deref().unwrap(), passage.text)
}

#[test]
fn titles_decide_between_passages_that_are_alike() {
    for model in ["minilm", "e5-small"] {
        let Some(encoder) = common::model(model) else { return };
        let place = Place::new(&encoder);
        let titles = ["The museum of clocks", "The swimming pool", "The town library"];
        for title in titles {
            place.page(&format!("{title}.html"), title, &format!("<p>{HOURS}</p>"));
        }
        let kb = place.synced(place.open("kb.rag"));
        for title in titles {
            let hits = dense(&kb, &format!("When does {} open?", title.to_lowercase()));
            assert_eq!(hits[0].title.as_deref(), Some(title), "{model}");
            assert!(hits[0].cosine > hits[1].cosine);
            // only the encoder reads the title
            assert_eq!(hits[0].text, HOURS);
        }
        assert_encoded_from(kb.encoder().unwrap(), &place.vectors("kb.rag"), with_title);
        let old = place.synced(place.old("old.rag"));
        let cosines: Vec<_> = dense(&old, "When does it open?").iter().map(|h| h.cosine).collect();
        assert_eq!(cosines[0], cosines[2], "without titles nothing tells them apart");
    }
}

#[test]
fn a_file_of_before_stays_as_it_is_until_a_reindex() {
    let Some(encoder) = common::model("minilm") else { return };
    let place = Place::new(&encoder);
    place.page("a.html", "The museum of clocks", &format!("<p>{HOURS}</p>"));
    place.page("b.html", "Tides", "<h1>Tides</h1><p>High water comes twice a day.</p>");
    fs::write(place.path("docs").join("c.txt"), "The ferry leaves at noon.").unwrap();
    let kb = place.synced(place.old("kb.rag"));
    place.page("d.html", "The swimming pool", &format!("<p>{HOURS}</p>"));
    kb.sync(place.path("docs")).unwrap();
    let before = place.vectors("kb.rag");
    let plain = |passage: &PassageRow| match &passage.heading {
        Some(heading) => format!("{heading}\n{}", passage.text),
        None => passage.text.clone(),
    };
    assert_encoded_from(kb.encoder().unwrap(), &before, plain);
    let info = kb.info().unwrap();
    assert_eq!((info.encoder_input, info.reindex_count), (EncoderInput::Heading, 2));

    let plan = kb.reindex_with(Plan::DryRun, Call::new()).unwrap();
    assert_eq!((plan.passage_count, plan.encoded), (before.len(), 2));
    assert!(plan.seconds > 0.0);
    assert_eq!(place.vectors("kb.rag"), before, "a dry run writes nothing");

    let reader = KnowledgeBase::open(
        place.path("kb.rag"),
        &OpenOptions { access: Access::ReadOnly, ..place.options() },
    )
    .unwrap();
    let pool = "When does the swimming pool open?";
    dense(&reader, pool);
    let report = kb.reindex().unwrap();
    assert_eq!((report.passage_count, report.encoded), (before.len(), 2));
    let info = kb.info().unwrap();
    assert_eq!((info.encoder_input, info.reindex_count), (EncoderInput::Title, 0));
    let after = place.vectors("kb.rag");
    let rows = |vectors: &[(PassageRow, Vec<f32>)]| {
        vectors.iter().map(|(passage, _)| passage.clone()).collect::<Vec<_>>()
    };
    assert_eq!(rows(&after), rows(&before), "passages keep their ids, places and words");
    place.synced(place.open("new.rag"));
    for ((_, made_new), (passage, vector)) in place.vectors("new.rag").iter().zip(&after) {
        assert_near(vector, made_new, &passage.text);
    }
    assert_eq!(dense(&reader, pool)[0].title.as_deref(), Some("The swimming pool"));
    assert_sound(&kb);
    let again = kb.reindex().unwrap();
    assert_eq!((again.passage_count, again.encoded), (0, 0));
}

#[test]
fn odd_titles_cost_nothing() {
    let Some(encoder) = common::model("minilm") else { return };
    let place = Place::new(&encoder);
    let body = format!("<p>{}</p>", format!("{HOURS} ").repeat(40));
    let long = "A very long title of words ".repeat(400);
    let unbroken = "x".repeat(10_000);
    for (name, title) in
        [("empty", ""), ("blank", " \n"), ("long", &long), ("unbroken", &unbroken), ("bare", "- -")]
    {
        place.page(&format!("{name}.html"), title, &body);
    }
    place.page("heading.html", "Opening hours", &format!("<h1>Opening hours</h1>{body}"));
    let kb = place.synced(place.open("kb.rag"));
    let old = place.synced(place.old("old.rag"));
    assert_sound(&kb);
    let spans = |kb: &KnowledgeBase, name: &str| {
        let uri = place.path("docs").join(name).to_string_lossy().into_owned();
        let passages = kb.passages(&uri).unwrap().into_iter();
        passages.map(|p| (p.start, p.end, p.heading)).collect::<Vec<_>>()
    };
    for name in ["empty", "blank", "long", "unbroken", "bare", "heading"] {
        let page = format!("{name}.html");
        assert!(spans(&kb, &page).len() > 2);
        assert_eq!(spans(&kb, &page), spans(&old, &page), "{name}");
        if name != "heading" {
            assert_eq!(spans(&kb, &page), spans(&kb, "empty.html"), "{name}");
        }
    }
    let pairs = place.vectors("kb.rag").into_iter().zip(place.vectors("old.rag"));
    for ((passage, vector), (_, old)) in pairs {
        let says_more = passage.uri.ends_with("/long.html") || passage.uri.contains("unbroken");
        assert_eq!(vector == old, !says_more, "{}", passage.uri);
    }
}

#[test]
fn the_same_title_everywhere_keeps_equal_passages_equal() {
    let Some(encoder) = common::model("minilm") else { return };
    let place = Place::new(&encoder);
    for number in 0..20 {
        place.page(&format!("{number:02}.html"), "Intranet", &format!("<p>{HOURS}</p>"));
    }
    let kb = place.synced(place.open("kb.rag"));
    let vectors = place.vectors("kb.rag");
    assert!(vectors.iter().all(|(_, vector)| *vector == vectors[0].1));
    assert_encoded_from(kb.encoder().unwrap(), &vectors[..1], with_title);
}

/// Web pages that differ in title and words.
fn many_pages(place: &Place, count: usize) {
    for number in 0..count {
        let body = format!("<p>Room {number} is open. {HOURS}</p>");
        place.page(&format!("{number:04}.html"), &format!("House {}", number % 97), &body);
    }
}

#[test]
fn a_cancelled_reindex_goes_on_where_it_was_and_a_sync_comes_between() {
    let Some(encoder) = common::model("minilm") else { return };
    let place = Place::new(&encoder);
    many_pages(&place, 600);
    let kb = place.synced(place.old("kb.rag"));
    kb.seal(Seal::Now).unwrap();
    let cancel = CancelToken::new();
    let mut on_progress = |_: &_| cancel.cancel();
    let call = Call::new().on_progress(&mut on_progress).cancel(&cancel);
    let stopped = kb.reindex_with(Plan::Apply, call).unwrap_err();
    assert!(matches!(stopped, Error::Cancelled), "{stopped}");
    assert_sound(&kb);
    let info = kb.info().unwrap();
    assert_eq!((info.encoder_input, info.reindex_count), (EncoderInput::Title, 600 - 256));
    assert!(!dense(&kb, "Which room is open?").is_empty());

    place.page("0599.html", "House of changes", "<p>It was rebuilt.</p>");
    place.page("0600.html", "House of news", "<p>It was built.</p>");
    fs::remove_file(place.path("docs/0300.html")).unwrap();
    kb.sync(place.path("docs")).unwrap();
    assert_eq!(kb.info().unwrap().reindex_count, 600 - 256 - 2);

    rescued(&place);
    let report = kb.reindex().unwrap();
    assert_eq!(report.encoded, 600 - 256 - 2);
    assert_encoded_from(kb.encoder().unwrap(), &place.vectors("kb.rag"), with_title);
    assert_sound(&kb);
    let store = Store::open(&place.path("kb.rag"), Access::ReadOnly).unwrap();
    let query = kb.encoder().unwrap().encode_queries(&["house 7"]).unwrap().data;
    let nearest = |mode| store.nearest(&query, 5, mode).unwrap();
    assert_eq!(nearest(IndexMode::Hnsw)[0], nearest(IndexMode::Flat)[0]);
}

/// A repair amid a reindex makes lost vectors from what each was made from.
fn rescued(place: &Place) {
    let damaged = place.path("damaged.rag");
    Store::open(&place.path("kb.rag"), Access::ReadOnly)
        .unwrap()
        .backup(&damaged, &CancelToken::new())
        .unwrap();
    tamper(&damaged, "DELETE FROM vector WHERE id % 7 = 0");
    let made = KnowledgeBase::repair_with(
        &damaged,
        place.path("rescued.rag"),
        &place.options(),
        Call::new(),
    );
    assert!(made.unwrap().vectors_made > 70);
    for ((passage, vector), (_, rescued)) in
        place.vectors("kb.rag").iter().zip(&place.vectors("rescued.rag"))
    {
        assert_near(vector, rescued, &passage.uri);
    }
    let info = place.open("rescued.rag").info().unwrap();
    assert_eq!((info.encoder_input, info.reindex_count), (EncoderInput::Title, 600 - 256 - 2));
}

const CHILD: &str = "RAG_TITLES_TEST_CHILD";

/// Does nothing unless started by the test below.
#[test]
fn child() {
    let Ok(order) = std::env::var(CHILD) else { return };
    let (path, encoder) = order.split_once('|').unwrap();
    let options = OpenOptions { encoder: Some(encoder.to_owned()), ..OpenOptions::default() };
    KnowledgeBase::open(path, &options).unwrap().reindex().unwrap();
}

#[test]
fn a_kill_during_a_reindex_leaves_a_sound_file_and_the_next_goes_on() {
    let Some(encoder) = common::model("minilm") else { return };
    let place = Place::new(&encoder);
    many_pages(&place, 1200);
    drop(place.synced(place.old("kb.rag")));
    let path = place.path("kb.rag");
    let mut left = 1200;
    for round in 0..6 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "child", "--nocapture"])
            .env(CHILD, format!("{}|{}", path.display(), encoder.display()))
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        thread::sleep(Duration::from_millis(300 + 170 * round));
        // It may have finished already.
        let _ = child.kill();
        child.wait().unwrap();
        let kb = place.open("kb.rag");
        assert_sound(&kb);
        assert!(!dense(&kb, "Which room is open?").is_empty());
        let count = kb.info().unwrap().reindex_count;
        assert!(count <= left, "{count} after {left}");
        left = count;
    }
    let kb = place.open("kb.rag");
    assert_eq!(kb.reindex().unwrap().encoded, left);
    assert_encoded_from(kb.encoder().unwrap(), &place.vectors("kb.rag"), with_title);
    assert_sound(&kb);
}

#[test]
fn a_text_without_a_title_and_an_empty_file_have_nothing_to_gain() {
    let Some(encoder) = common::model("minilm") else { return };
    let place = Place::new(&encoder);
    let kb = place.old("kb.rag");
    assert_eq!(kb.reindex_with(Plan::DryRun, Call::new()).unwrap().encoded, 0);
    kb.add("ferry", "The ferry leaves at noon.").unwrap();
    let info = kb.info().unwrap();
    assert_eq!((info.encoder_input, info.reindex_count), (EncoderInput::Heading, 0));
    let report = kb.reindex().unwrap();
    assert_eq!((report.passage_count, report.encoded), (1, 0));
    assert_eq!(kb.info().unwrap().encoder_input, EncoderInput::Title);
    let options = SyncOptions::default();
    kb.sync_with(&[place.path("docs")], &options, Call::new()).unwrap();
}
