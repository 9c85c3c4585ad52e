//! Files that change, lie about their time, have odd names, or are far too many or too large.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use rag_core::store::{Access, Store};
use rag_core::{Call, ErrorCode, KnowledgeBase, Missing, Progress, SyncOptions, SyncReport};

const DAY: Duration = Duration::from_secs(86_400);

/// A folder and a knowledge base beside it, with the smallest encoder there is.
struct Place {
    directory: tempfile::TempDir,
    kb: KnowledgeBase,
}

impl Place {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        fs::create_dir(directory.path().join("docs")).unwrap();
        let kb = super::open(directory.path(), &tiny_encoder());
        Self { directory, kb }
    }

    fn docs(&self) -> PathBuf {
        self.directory.path().join("docs")
    }

    /// Writes a file whose last change was at `time`.
    fn write(&self, name: impl AsRef<Path>, text: &str, time: SystemTime) -> PathBuf {
        let path = self.docs().join(name);
        let mut file = File::create(&path).unwrap();
        file.write_all(text.as_bytes()).unwrap();
        file.set_modified(time).unwrap();
        path
    }

    fn sync(&self) -> SyncReport {
        let docs = [self.docs()];
        self.kb.sync_with(&docs, &SyncOptions::default(), Call::new()).unwrap()
    }

    fn finds(&self, word: &str) -> usize {
        let store = Store::open(self.kb.path(), Access::ReadOnly).unwrap();
        store.lexical(word, 100).unwrap().len()
    }
}

pub(super) fn tiny_encoder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data/encoder/families/bert")
}

/// Added, updated, removed, unchanged.
fn counts(report: &SyncReport) -> [usize; 4] {
    [report.added, report.updated, report.removed, report.unchanged]
}

#[test]
fn a_clock_that_is_set_back_hides_no_change() {
    let place = Place::new();
    let now = SystemTime::now();
    place.write("a.txt", "the first river", now - DAY);
    assert_eq!(counts(&place.sync()), [1, 0, 0, 0]);
    // as long as before, and older than what was read
    place.write("a.txt", "the other brook", now - 3 * DAY);
    assert_eq!(counts(&place.sync()), [0, 1, 0, 0]);
    assert_eq!((place.finds("river"), place.finds("brook")), (0, 1));
    let path = place.write("a.txt", "the third creek", now + 1000 * DAY);
    assert_eq!(counts(&place.sync()), [0, 1, 0, 0]);
    assert_eq!(counts(&place.sync()), [0, 0, 0, 1], "read once, not at each sync");
    // a time in the future tells nothing, so that the bytes do
    place.write("a.txt", "the next  pond.", now + 1000 * DAY);
    assert_eq!(counts(&place.sync()), [0, 1, 0, 0]);
    assert_eq!(place.finds("pond"), 1);
    File::options().write(true).open(&path).unwrap().set_modified(SystemTime::UNIX_EPOCH).unwrap();
    assert_eq!(counts(&place.sync()), [0, 0, 0, 1]);
}

#[test]
fn a_change_within_the_same_tick_of_the_clock_is_seen() {
    let place = Place::new();
    let just_now = SystemTime::now();
    let path = place.write("a.txt", "the first river", just_now);
    assert_eq!(counts(&place.sync()), [1, 0, 0, 0]);
    // same size, same time: a file system that counts in seconds gives this for two quick changes
    place.write("a.txt", "the other brook", just_now);
    assert_eq!(counts(&place.sync()), [0, 1, 0, 0]);
    assert_eq!(place.finds("brook"), 1);
    // once it has settled, its time is believed
    let file = File::options().write(true).open(&path).unwrap();
    file.set_modified(just_now - DAY).unwrap();
    assert_eq!(counts(&place.sync()), [0, 0, 0, 1]);
    place.write("a.txt", "the third creek", just_now - DAY);
    assert_eq!(counts(&place.sync()), [0, 0, 0, 1], "a program that hides its change is believed");
    file.set_modified(just_now - 2 * DAY).unwrap();
    assert_eq!(counts(&place.sync()), [0, 1, 0, 0]);
    assert_eq!(place.finds("creek"), 1);
}

#[test]
fn a_file_may_become_a_folder_and_a_folder_a_file() {
    let place = Place::new();
    let old = SystemTime::now() - DAY;
    let path = place.write("notes", "a river as a file", old);
    assert_eq!(counts(&place.sync()), [1, 0, 0, 0]);
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    place.write("notes/inside.txt", "a bridge in a folder", old);
    assert_eq!(counts(&place.sync()), [1, 0, 1, 0]);
    assert_eq!((place.finds("river"), place.finds("bridge")), (0, 1));
    fs::remove_dir_all(&path).unwrap();
    place.write("notes", "a ferry as a file", old);
    assert_eq!(counts(&place.sync()), [1, 0, 1, 0]);
    assert_eq!((place.finds("bridge"), place.finds("ferry")), (0, 1));
    assert_eq!(place.kb.check().unwrap(), []);
}

/// Replaces files while they are on their way, by what cannot be read: it costs those files, and
/// never blocks.
#[cfg(unix)]
#[test]
fn a_file_that_becomes_a_pipe_or_a_folder_after_it_was_listed_is_skipped() {
    let place = Place::new();
    for number in 0..100 {
        place.write(format!("{number:03}.txt"), "a river", SystemTime::now() - DAY);
    }
    let docs = place.docs();
    let mut first = true;
    let mut replace = |_: &Progress| {
        if std::mem::take(&mut first) {
            let (pipe, folder) = (docs.join("098.txt"), docs.join("099.txt"));
            fs::remove_file(&pipe).unwrap();
            assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
            fs::remove_file(&folder).unwrap();
            fs::create_dir(&folder).unwrap();
        }
    };
    let roots = [place.docs()];
    let report = place
        .kb
        .sync_with(&roots, &SyncOptions::default(), Call::new().on_progress(&mut replace))
        .unwrap();
    assert_eq!((report.added, report.skipped.len()), (98, 2));
    assert!(report.skipped.iter().all(|file| file.error.code() == ErrorCode::Io));
    assert_eq!(counts(&place.sync()), [0, 0, 0, 98]);
}

#[cfg(unix)]
#[test]
fn any_file_name_is_taken_or_told() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    let place = Place::new();
    let old = SystemTime::now() - DAY;
    let long = format!("{}.txt", "n".repeat(251));
    let odd = [
        "line\nbreak.txt",
        "tab\tand \"quotes\".txt",
        "'; DROP TABLE document; --.txt",
        "%s%n\\.txt",
        "\u{202e}txt.evil",
        "\u{1b}[31mred.txt",
        " ",
        "*?[a].txt",
        "-rf",
        "\u{e9}t\u{e9}.txt",
        "e\u{301}te\u{301}.txt",
        &long,
    ];
    for name in odd {
        place.write(name, "a river", old);
    }
    let bytes: [&[u8]; 3] = [b"caf\xe9.txt", b"\xff\xfe\x80", b"cut \xf0\x9f.txt"];
    let mut told = 0;
    for name in bytes {
        // some file systems refuse them
        told += usize::from(fs::write(place.docs().join(OsStr::from_bytes(name)), "x").is_ok());
    }
    let report = place.sync();
    assert_eq!((report.added, report.skipped.len()), (odd.len(), told));
    for skipped in &report.skipped {
        assert_eq!(skipped.error.code(), ErrorCode::Document);
        assert!(skipped.error.line().contains("UTF-8"), "{}", skipped.error.line());
    }
    let store = Store::open(place.kb.path(), Access::ReadOnly).unwrap();
    for name in odd {
        let uri = place.docs().canonicalize().unwrap().join(name);
        assert!(store.document(uri.to_str().unwrap()).unwrap().is_some(), "{name:?}");
    }
    assert_eq!(counts(&place.sync()), [0, 0, 0, odd.len()]);
    fs::remove_dir_all(place.docs()).unwrap();
    fs::create_dir(place.docs()).unwrap();
    let forced = SyncOptions { missing: Missing::Remove, ..SyncOptions::default() };
    let docs = [place.docs()];
    let report = place.kb.sync_with(&docs, &forced, Call::new()).unwrap();
    assert_eq!(report.removed, odd.len());
}

#[test]
fn a_huge_file_is_refused_without_being_read() {
    let place = Place::new();
    place.write("small.txt", "a river", SystemTime::now() - DAY);
    // sparse: it takes no room on the disk, and reading it would give two thousand million zeros
    File::create(place.docs().join("huge.txt")).unwrap().set_len(2 << 30).unwrap();
    let started = Instant::now();
    let report = place.sync();
    assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
    assert_eq!((report.added, report.skipped.len()), (1, 1));
    let line = report.skipped[0].error.line();
    assert!(line.contains("2147483648 bytes") && line.contains("67108864"), "{line}");
}

/// A million of them take as long as this times two hundred: nothing here grows with their square.
#[test]
fn many_tiny_files_cost_what_they_hold() {
    let place = Place::new();
    let old = SystemTime::now() - DAY;
    let count = if std::env::var_os("RAG_LONG").is_some() { 50_000 } else { 5_000 };
    for folder in 0..50 {
        fs::create_dir(place.docs().join(format!("{folder}"))).unwrap();
    }
    for number in 0..count {
        place.write(format!("{}/{number}.txt", number % 50), "river", old);
    }
    let mut last = None;
    let roots = [place.docs()];
    let mut on_progress = |progress: &Progress| last = Some(progress.clone());
    let report = place
        .kb
        .sync_with(&roots, &SyncOptions::default(), Call::new().on_progress(&mut on_progress))
        .unwrap();
    assert_eq!((report.added, report.passage_count, report.skipped.len()), (count, count, 0));
    let last = last.unwrap();
    assert_eq!((last.done_bytes, last.total_bytes), (5 * count as u64, 5 * count as u64));
    assert_eq!(last.remaining(), Some(Duration::ZERO));
    assert!(last.passages_per_second() > 0.0);
    let started = Instant::now();
    assert_eq!(counts(&place.sync()), [0, 0, 0, count]);
    assert!(started.elapsed() < Duration::from_secs(30), "{:?}", started.elapsed());
    let store = Store::open(place.kb.path(), Access::ReadOnly).unwrap();
    assert_eq!(store.lexical("river", 2 * count).unwrap().len(), count);
}

/// What was added before stays, what is gone is skipped; nothing ends the process.
#[cfg(unix)]
#[test]
fn a_folder_that_is_deleted_under_a_sync_costs_what_was_not_read() {
    let place = Place::new();
    for number in 0..300 {
        place.write(format!("{number:03}.txt"), "a river", SystemTime::now() - DAY);
    }
    let docs = place.docs();
    let mut reported = 0;
    let mut delete = |_: &Progress| {
        reported += 1;
        if reported == 5 {
            fs::remove_dir_all(&docs).unwrap();
        }
    };
    let roots = [place.docs()];
    let report = place
        .kb
        .sync_with(&roots, &SyncOptions::default(), Call::new().on_progress(&mut delete))
        .unwrap();
    assert!(report.added >= 5, "{}", report.added);
    assert_eq!(report.added + report.skipped.len(), 300);
    assert!(report.skipped.iter().all(|file| file.error.code() == ErrorCode::Io));
    assert_eq!(place.finds("river").min(100), report.added.min(100));
    assert_eq!(place.kb.check().unwrap(), []);
    // a folder that is not there takes nothing with it, whether that is told as an error or in the
    // report
    let _ = place.kb.sync_with(&roots, &SyncOptions::default(), Call::new());
    assert_eq!(place.kb.info().unwrap().document_count, report.added);
}

/// Deeper than a path can be named: what can be named is read, and the rest is told.
#[cfg(unix)]
#[test]
#[allow(clippy::print_stdout)]
fn four_thousand_levels_of_folders_are_walked_as_far_as_they_have_names() {
    const DIG: &str = "import os, sys\nos.chdir(sys.argv[1])\nfor level in range(4000):\n \
         open('river.txt', 'w').write('a river')if level % 500 == 0 else None\n os.mkdir('d')\n os.chdir('d')\n";
    let place = Place::new();
    let dug = std::process::Command::new("python3").args(["-c", DIG]).arg(place.docs()).status();
    if !dug.is_ok_and(|status| status.success()) {
        println!("SKIP: no python3 to make folders deeper than a path");
        return;
    }
    let started = Instant::now();
    let report = place.sync();
    assert!(started.elapsed() < Duration::from_secs(60), "{:?}", started.elapsed());
    // a path of 4,096 bytes has room for about 2,000 levels
    assert!((4..=5).contains(&report.added), "{}", report.added);
    assert!(!report.skipped.is_empty(), "what lies deeper is dropped without a word");
    assert_eq!(place.kb.check().unwrap(), []);
}

#[test]
fn options_of_the_graph_out_of_range_are_refused_before_anything_is_read() {
    let place = Place::new();
    let mut options = SyncOptions::default();
    for (m, ef_construction) in [(1, 200), (65, 200), (16, 0), (16, 10_001)] {
        options.graph.m = m;
        options.graph.ef_construction = ef_construction;
        let roots = [place.docs()];
        let result = place.kb.sync_with(&roots, &options, Call::new());
        assert_eq!(result.unwrap_err().code(), ErrorCode::InvalidArgument);
    }
}
