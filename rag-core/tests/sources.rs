//! What stands at the place of a source, and what a file of somebody else's may lead to: no call
//! waits, and nothing is opened that was not a document.
#![cfg(unix)]
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use rag_core::cite::{Citation, Status};
use rag_core::document::SourceMap;
use rag_core::encode::{Encoder, EncoderIdentity, OwnEncoder, TextEncoder, TextRole};
use rag_core::passage::Passage;
use rag_core::store::{Access, NewDocument, Store};
use rag_core::{
    Abstain, Answer, AskOptions, Call, ErrorCode, KnowledgeBase, NO_LLM, OpenOptions, SyncOptions,
    Trust, Writer,
};

/// Far more than any of these calls takes.
const HANG: Duration = Duration::from_secs(30);

/// Counts letters: near enough to meaning for these texts.
struct Letters;

impl TextEncoder for Letters {
    fn encode(&self, _: TextRole, texts: &[&str]) -> rag_core::Result<Vec<f32>> {
        let count = |text: &str, letter: u8| {
            text.bytes().filter(|byte| byte.eq_ignore_ascii_case(&letter)).count() as f32
        };
        let row = |text: &&str| (b'a'..=b'z').map(|letter| count(text, letter)).collect::<Vec<_>>();
        Ok(texts.iter().flat_map(row).collect())
    }
}

fn letters() -> Arc<Encoder> {
    let about = OwnEncoder { name: "letters".to_owned(), dim: 26, max_tokens: 64 };
    Arc::new(Encoder::own(about, Box::new(Letters)).unwrap())
}

fn options(trust: Trust) -> OpenOptions {
    let llm = Some(NO_LLM.to_owned());
    OpenOptions { loaded_encoder: Some(letters()), llm, trust, ..OpenOptions::default() }
}

/// Runs on a thread of its own: a call that never returns is a failure, not a test that never ends.
fn ends<T: Send + 'static>(call: impl FnOnce() -> T + Send + 'static) -> T {
    let (done, result) = channel();
    thread::spawn(move || done.send(call()));
    result.recv_timeout(HANG).expect("the call did not end")
}

fn fifo(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

const TEXT: &str = "The reactor was shut down on 3 May 2019.";
const QUESTION: &str = "When was the reactor shut down?";

fn ask(knowledge_base: KnowledgeBase, writer: Writer) -> Answer {
    ends(move || {
        let options = AskOptions { abstain: Abstain::Never, writer, ..AskOptions::default() };
        knowledge_base.ask_with(QUESTION, &options, Call::new()).unwrap()
    })
}

/// A folder with one indexed document, and a citation of it.
fn indexed() -> (tempfile::TempDir, PathBuf, Citation) {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().canonicalize().unwrap();
    let document = place.join("docs/plant.txt");
    fs::create_dir(place.join("docs")).unwrap();
    fs::write(&document, TEXT).unwrap();
    let knowledge_base =
        KnowledgeBase::open(place.join("kb.rag"), &options(Trust::Trusted)).unwrap();
    let sync = SyncOptions::default();
    knowledge_base.sync_with(&[place.join("docs")], &sync, Call::new()).unwrap();
    let answer = ask(knowledge_base, Writer::Passages);
    assert_eq!(answer.citations[0].status, Status::Ok);
    (folder, document, answer.citations[0].clone())
}

fn verified(place: &Path, trust: Trust, citation: &Citation) -> Status {
    let (path, citation) = (place.join("kb.rag"), citation.clone());
    ends(move || KnowledgeBase::open(path, &options(trust)).unwrap().verify(&citation).unwrap())
}

#[test]
fn whatever_takes_a_sources_place_is_named_at_once() {
    let (folder, document, citation) = indexed();
    let place = folder.path().canonicalize().unwrap();
    let status = || verified(&place, Trust::Trusted, &citation);

    fs::write(&document, format!("New. {TEXT}")).unwrap();
    assert_eq!(status(), Status::Moved);
    fs::write(&document, "The reactor was shut down on 4 May 2019.").unwrap();
    assert_eq!(status(), Status::Changed);
    fs::write(&document, [0, 159, 146, 150].repeat(10)).unwrap();
    assert_eq!(status(), Status::Changed);
    fs::File::create(&document).unwrap().set_len(1 << 40).unwrap();
    assert_eq!(status(), Status::Changed, "a terabyte of nothing is not read");
    fs::write(&document, TEXT).unwrap();
    assert_eq!(status(), Status::Ok);

    fs::set_permissions(&document, fs::Permissions::from_mode(0o0)).unwrap();
    if fs::read(&document).is_err() {
        assert_eq!(status(), Status::Missing);
    }
    fs::remove_file(&document).unwrap();
    assert_eq!(status(), Status::Missing);
    fifo(&document);
    assert_eq!(status(), Status::Missing);
    fs::remove_file(&document).unwrap();
    for target in ["/dev/zero", "/dev/null", "/dev/tty", "/"] {
        symlink(target, &document).unwrap();
        let found = status();
        assert!(matches!(found, Status::Missing | Status::Changed), "{target}: {found:?}");
        fs::remove_file(&document).unwrap();
    }
    fs::create_dir(&document).unwrap();
    assert_eq!(status(), Status::Missing);
    fs::remove_dir(&document).unwrap();
    let _listener = UnixListener::bind(&document).unwrap();
    assert_eq!(status(), Status::Missing);
}

#[test]
fn an_answer_says_which_of_its_sources_changed_wherever_it_is_shown() {
    let (folder, document, _) = indexed();
    let place = folder.path().canonicalize().unwrap();
    fs::remove_file(&document).unwrap();
    fifo(&document);
    let open = |trust| KnowledgeBase::open(place.join("kb.rag"), &options(trust)).unwrap();
    let answer = ask(open(Trust::Trusted), Writer::Passages);
    assert_eq!(answer.source_notes(), "1 source missing");
    for page in [answer.explain_html(), answer.to_html()] {
        assert!(page.contains("source missing"), "{page}");
    }
    let answer = ask(open(Trust::Untrusted), Writer::Passages);
    assert_eq!(answer.source_notes(), "1 source not verified");
}

#[test]
fn a_file_that_is_not_trusted_is_asked_and_nothing_else_is_touched() {
    let (folder, document, citation) = indexed();
    let place = folder.path().canonicalize().unwrap();
    assert_eq!(verified(&place, Trust::Untrusted, &citation), Status::Unverified);
    fs::remove_file(&document).unwrap();
    assert_eq!(verified(&place, Trust::Untrusted, &citation), Status::Unverified);

    let also = vec![place.join("other.rag")];
    let error = KnowledgeBase::open(
        place.join("kb.rag"),
        &OpenOptions { also, ..options(Trust::Untrusted) },
    );
    assert_eq!(error.unwrap_err().code(), ErrorCode::InvalidArgument);
    // its own texts can be verified in the file itself
    let knowledge_base =
        KnowledgeBase::open(place.join("kb.rag"), &options(Trust::Untrusted)).unwrap();
    let note = "Note: the pump was painted green in June.";
    knowledge_base.add("note", note).unwrap();
    let cited = Citation { uri: "note".to_owned(), ..citation };
    assert_ne!(knowledge_base.verify(&cited).unwrap(), Status::Unverified);
}

/// A knowledge base as somebody might send it, with one document at `uri` and an encoder called
/// `encoder`.
fn forged(place: &Path, uri: &str, encoder: &str) -> PathBuf {
    let path = place.join("forged.rag");
    let store = Store::open(&path, Access::Create).unwrap();
    let fingerprint = letters().identity().fingerprint.clone();
    let name = encoder.to_owned();
    store.bind_encoder(&EncoderIdentity { fingerprint, name, dim: 26, max_tokens: 64 }).unwrap();
    let document = NewDocument {
        uri,
        size_bytes: TEXT.len() as u64,
        mtime_ns: 1,
        hash: [7; 32],
        kind: "text",
        title: None,
        lang: Some("en"),
        text: TEXT,
        source_map: &SourceMap::identity(TEXT.len()).to_bytes(),
        metadata: &BTreeMap::new(),
        unread: &[],
    };
    let passage = Passage { range: 0..TEXT.len(), heading: None, page: None, token_count: 9 };
    let vector = letters().encode_passages(&[TEXT.to_owned()]).unwrap().data;
    store.put_document(&document, &[passage], &vector).unwrap();
    path
}

#[test]
fn the_paths_of_a_forged_file_lead_nowhere() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().canonicalize().unwrap();
    let pipe = place.join("pipe");
    fifo(&pipe);
    for uri in [
        pipe.to_str().unwrap(),
        "/dev/zero",
        "/dev/stdin",
        "../../../../../../../etc/passwd",
        "/usr/../etc/passwd",
        "text:0123",
    ] {
        for trust in [Trust::Trusted, Trust::Untrusted] {
            let path = forged(&place, uri, "own:letters");
            let answer =
                ask(KnowledgeBase::open(&path, &options(trust)).unwrap(), Writer::Passages);
            let status = answer.citations[0].status;
            let expected = match trust {
                Trust::Trusted => Status::Missing,
                Trust::Untrusted => Status::Unverified,
            };
            assert_eq!(status, expected, "{uri}");
            fs::remove_file(path).unwrap();
        }
    }
}

#[test]
fn the_encoder_of_a_forged_file_is_never_opened_as_a_path() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().canonicalize().unwrap();
    let pipe = place.join("pipe");
    fifo(&pipe);
    let absolute = place.join("model");
    fs::create_dir(&absolute).unwrap();
    for name in [
        pipe.to_str().unwrap(),
        absolute.to_str().unwrap(),
        "../../../../../../../../etc/passwd",
        "/etc/passwd",
        "/dev/zero",
        "src",
        ".",
        "a/../../b",
        "c:\\model",
        "",
    ] {
        let path = forged(&place, "/docs/plant.txt", name);
        let wanted = path.clone();
        let error = ends(move || {
            let without = OpenOptions { llm: Some(NO_LLM.to_owned()), ..OpenOptions::default() };
            let knowledge_base = KnowledgeBase::open(wanted, &without).unwrap();
            knowledge_base.encoder().map(|_| ()).unwrap_err()
        });
        assert_eq!(error.code(), ErrorCode::NotFound, "{name:?}: {}", error.line());
        fs::remove_file(path).unwrap();
    }
}
