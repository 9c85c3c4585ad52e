//! Search over a small store: legs, fusion, order, places in the source.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::ops::Range;

use rag_core::document::SourceMap;
use rag_core::encode::EncoderIdentity;
use rag_core::passage::Passage;
use rag_core::search::{
    Boost, Context, Duplicates, Fusion, Hit, Mode, Ranks, Recency, SearchOptions, SearchQuery,
    coverage, search, search_all, search_for,
};
use rag_core::store::{ADDED_TEXT, Access, Filter, IndexMode, NewDocument, Seal, Store};
use rag_core::{CancelToken, ErrorCode};

const TEXT: &str =
    "The bridge was built in 1899.\nThe river is quiet.\nA mill stands by the river.";
const RANGES: [Range<usize>; 3] = [0..29, 30..49, 50..77];

/// Without documents.
fn empty() -> Store {
    let store = Store::open(":memory:".as_ref(), Access::Create).unwrap();
    let identity = EncoderIdentity {
        fingerprint: "f00d".to_owned(),
        name: "axes".to_owned(),
        dim: 3,
        max_tokens: 64,
    };
    store.bind_encoder(&identity).unwrap();
    store
}

fn store() -> Store {
    let store = empty();
    put(
        &store,
        "notes.txt",
        TEXT,
        Some("en"),
        &RANGES,
        &SourceMap::identity(TEXT.len()).to_bytes(),
    );
    store
}

/// Passage n gets the n-th axis as its vector.
fn put(
    store: &Store,
    uri: &str,
    text: &str,
    lang: Option<&str>,
    ranges: &[Range<usize>],
    map: &[u8],
) {
    let vectors: Vec<f32> = (0..ranges.len()).flat_map(axis).collect();
    put_vectors(store, (uri, text, lang), ranges, map, &vectors);
}

fn put_vectors(
    store: &Store,
    (uri, text, lang): (&str, &str, Option<&str>),
    ranges: &[Range<usize>],
    map: &[u8],
    vectors: &[f32],
) {
    put_document(store, (uri, Some("Notes"), text, lang), ranges, map, vectors);
}

fn put_document(
    store: &Store,
    (uri, title, text, lang): (&str, Option<&str>, &str, Option<&str>),
    ranges: &[Range<usize>],
    map: &[u8],
    vectors: &[f32],
) {
    let document = NewDocument { title, lang, source_map: map, ..document(uri, text) };
    put_passages(store, &document, ranges, vectors);
}

/// A text that was added, without a date.
fn document<'a>(uri: &'a str, text: &'a str) -> NewDocument<'a> {
    const NOTHING: &BTreeMap<String, String> = &BTreeMap::new();
    NewDocument {
        uri,
        size_bytes: text.len() as u64,
        mtime_ns: ADDED_TEXT,
        hash: [0; 32],
        kind: "text",
        title: None,
        lang: None,
        text,
        source_map: &[],
        metadata: NOTHING,
        unread: &[],
    }
}

fn put_passages(
    store: &Store,
    document: &NewDocument<'_>,
    ranges: &[Range<usize>],
    vectors: &[f32],
) {
    let passages: Vec<Passage> = ranges
        .iter()
        .map(|range| Passage { range: range.clone(), heading: None, page: None, token_count: 5 })
        .collect();
    store.put_document(document, &passages, vectors).unwrap();
}

fn axis(n: usize) -> [f32; 3] {
    let mut axis = [0.0; 3];
    axis[n % 3] = 1.0;
    axis
}

fn run(store: &Store, question: &str, embedding: [f32; 3], mode: Mode) -> Vec<Hit> {
    let options = SearchOptions { mode, ..SearchOptions::default() };
    search(store, question, Some(&embedding), &options).unwrap()
}

fn ids(hits: &[Hit]) -> Vec<i64> {
    hits.iter().map(|hit| hit.passage_id).collect()
}

#[test]
fn each_mode_scores_in_its_own_way() {
    let store = store();
    let dense = run(&store, "river", [0.8, 0.6, 0.0], Mode::Dense);
    assert_eq!(ids(&dense), [1, 2, 3]);
    assert_eq!((dense[0].score, dense[0].cosine), (0.8, Some(0.8)));
    assert_eq!((dense[0].ranks.dense, dense[0].ranks.lexical), (Some(1), None));
    let lexical = run(&store, "a quiet river", [1.0, 0.0, 0.0], Mode::Lexical);
    assert_eq!(ids(&lexical), [2, 3]);
    assert!(lexical[0].score > lexical[1].score && lexical[1].score > 0.0);
    assert_eq!(lexical[0].cosine, None);
    let hybrid = run(&store, "a quiet river", [0.8, 0.6, 0.0], Mode::Hybrid);
    assert_eq!(ids(&hybrid), [2, 1, 3]);
    assert_eq!((hybrid[0].ranks.dense, hybrid[0].ranks.lexical), (Some(2), Some(1)));
    // cosines 0.8, 0.6 and 0 are stretched to 1, 0.75 and 0; it has the best BM25
    assert!((hybrid[0].score - (0.6 * 0.75 + 0.4)).abs() < 1e-6);
    assert_eq!(hybrid[0].cosine, Some(0.6));
    assert_eq!(hybrid[0].bm25, Some(lexical[0].score));
    let fusion = Fusion::ReciprocalRank { k: 60.0 };
    let options = SearchOptions { fusion, ..SearchOptions::default() };
    let by_rank = search(&store, "a quiet river", Some(&[0.8, 0.6, 0.0]), &options).unwrap();
    assert_eq!(ids(&by_rank), [2, 3, 1]);
    assert_eq!(by_rank[0].score, 1.0 / 62.0 + 1.0 / 61.0);
}

#[test]
fn what_stands_beside_a_hit_comes_with_it() {
    let store = store();
    let with = |context| {
        let options =
            SearchOptions { top_k: 1, mode: Mode::Dense, context, ..SearchOptions::default() };
        search(&store, "", Some(&[0.0, 1.0, 0.0]), &options).unwrap()
    };
    assert_eq!(ids(&with(Context::None)), [2]);
    let hits = with(Context::Neighbours(1));
    assert_eq!(ids(&hits), [1, 2, 3]);
    assert!(hits.iter().all(|hit| hit.score == hits[1].score));
    assert_eq!((hits[0].cosine, hits[0].ranks), (None, Ranks::default()));
    assert!(hits[0].end <= hits[1].start && hits[1].end <= hits[2].start);
    // no headings: one section
    assert_eq!(ids(&with(Context::Section)), [1, 2, 3]);
    let options = SearchOptions { context: Context::Neighbours(1), ..SearchOptions::default() };
    let all = search(&store, "", Some(&[0.0, 1.0, 0.0]), &options).unwrap();
    assert_eq!(all.len(), 3, "no passage comes twice");
}

/// A document of one passage under a title.
fn put_titled(store: &Store, uri: &str, title: &str, text: &str, vector: [f32; 3]) {
    let title = Some(title).filter(|title| !title.is_empty());
    let whole = 0..text.len();
    put_document(store, (uri, title, text, Some("en")), std::slice::from_ref(&whole), &[], &vector);
}

/// Four documents of which the third is the nearest to any question.
fn called() -> Store {
    let store = empty();
    put_titled(&store, "/docs/AnnualReport2024.txt", "", "Turnover was four million.", axis(0));
    put_titled(&store, "/docs/a.md", "Tides of the bay", "The gauge is read at noon.", axis(1));
    let other = "A report on tides, tides and tides in each annual season of the bay.";
    put_titled(&store, "/docs/b.md", "Other things", other, axis(2));
    put_titled(&store, "/docs/tides/c.md", "", "Boats leave at high water.", axis(1));
    store
}

#[test]
fn documents_are_found_by_their_titles_and_names() {
    let store = called();
    let found = |question: &str| ids(&run(&store, question, axis(2), Mode::Hybrid));
    for name in ["annual report 2024", "AnnualReport2024", "AnnualReport2024.txt"] {
        assert_eq!(found(name)[0], 1, "{name}");
    }
    assert_eq!(found("Tides of the Bay")[0], 2);
    // a word of the folder counts too, and a question that says more names nothing
    assert!(ids(&run(&store, "tides", axis(2), Mode::Lexical)).contains(&4));
    assert_eq!(found("annual report on tides in the bay")[0], 3);
    // what is renamed is found by its new name
    store.rename_document(1, "/docs/ledger.txt", 0).unwrap();
    assert_eq!(found("ledger")[0], 1);
    assert_eq!(found("AnnualReport2024")[0], 3);
    store.remove_document("/docs/ledger.txt").unwrap();
    assert!(ids(&run(&store, "ledger", axis(2), Mode::Lexical)).is_empty());
    assert_eq!(store.check(&CancelToken::new()).unwrap(), []);
}

#[test]
fn marks_say_what_must_be_there() {
    let store = called();
    let found = |typed: &str| {
        let query = SearchQuery::parse(typed);
        let options = SearchOptions::default();
        let hits = search_for(&[&store], &query, Some(&axis(2)), &options).unwrap();
        let mut ids = ids(&hits);
        ids.sort_unstable();
        ids
    };
    assert_eq!(found("\"read at noon\""), [2]);
    assert_eq!(found("\"noon at read\""), [] as [i64; 0]);
    assert_eq!(found("tides -season"), [1, 2, 4]);
    assert_eq!(found("title:tides water"), [2]);
    assert_eq!(found("file:tides/* -title:other"), [4]);
    assert_eq!(found("\"read at noon\" OR \"high water\""), [2, 4]);
    assert_eq!(found("file:*.md"), [2, 3, 4]);
    assert_eq!(found("file:annualreport*.TXT"), [1]);
}

#[test]
fn copies_are_one_hit_that_names_them() {
    let store = empty();
    let text = "The buoy is serviced twice a year, in spring and in autumn.";
    for uri in ["/a/buoy.md", "/b/buoy.md", "/c/buoy (1).md"] {
        put_titled(&store, uri, "", text, axis(0));
    }
    put_titled(&store, "/d/other.md", "", "The mast carries a lamp.", axis(1));
    let hits = |duplicates| {
        let options = SearchOptions { duplicates, ..SearchOptions::default() };
        search(&store, "When is the buoy serviced?", Some(&axis(0)), &options).unwrap()
    };
    assert_eq!(ids(&hits(None)), [1, 2, 3, 4]);
    assert_eq!(ids(&hits(Some(Duplicates::Keep))), [1, 2, 3, 4]);
    let folded = hits(Some(Duplicates::Fold));
    assert_eq!(ids(&folded), [1, 4]);
    let copies: Vec<&str> = folded[0].copies.iter().map(|copy| copy.uri.as_str()).collect();
    assert_eq!(copies, ["/b/buoy.md", "/c/buoy (1).md"]);
}

#[test]
fn copies_that_differ_by_a_word_are_one_hit_if_asked_for() {
    let store = empty();
    let text = "The buoy off the pier is serviced twice a year, in spring and in autumn, by the crew \
                of the harbour tug, who renew its lamp.";
    let texts = [text.to_owned(), text.replace("renew", "replace"), text.replace("twice", "not")];
    for (number, text) in texts.iter().enumerate() {
        put_titled(&store, &format!("/{number}/buoy.md"), "", text, axis(0));
    }
    let hits = |duplicates| {
        let options = SearchOptions { duplicates, ..SearchOptions::default() };
        search(&store, "When is the buoy serviced?", Some(&axis(0)), &options).unwrap()
    };
    assert_eq!(hits(Some(Duplicates::Fold)).len(), 3);
    let near = hits(Some(Duplicates::Near));
    assert_eq!(near.iter().map(|hit| hit.copies.len()).sum::<usize>(), 1);
    let negated = near.iter().find(|hit| hit.uri == "/2/buoy.md");
    assert!(negated.is_some_and(|hit| hit.copies.is_empty()));
}

#[test]
fn an_older_version_names_the_newest() {
    let store = empty();
    let names = ["/a/plan.md", "/a/plan_v2.md", "/a/plan_v10.md", "/b/plan_v11.md", "/a/plans.md"];
    for (number, uri) in names.iter().enumerate() {
        put_titled(&store, uri, "", "The mast carries a lamp.", axis(number));
    }
    let options = SearchOptions::default();
    let mut hits = search(&store, "mast", Some(&axis(0)), &options).unwrap();
    hits.sort_by_key(|hit| hit.passage_id);
    let newer: Vec<Option<&str>> = hits.iter().map(|hit| hit.newer.as_deref()).collect();
    let newest = Some("/a/plan_v10.md");
    assert_eq!(newer, [newest, newest, None, None, None]);
}

#[test]
fn recent_documents_and_those_that_are_favoured_come_first() {
    let store = empty();
    let dated = [("old.md", "2020-01-01"), ("new.md", "2024-01-01"), ("none.md", "")];
    for (uri, date) in dated {
        let pairs = [("date".to_owned(), date.to_owned())].into_iter();
        let metadata: BTreeMap<_, _> = pairs.filter(|_| !date.is_empty()).collect();
        let text = "The mast carries a lamp.";
        let document = NewDocument { metadata: &metadata, ..document(uri, text) };
        put_passages(&store, &document, std::slice::from_ref(&(0..text.len())), &axis(0));
    }
    let found = |mode, recency: Option<&str>, boosts: &[&str]| {
        let options = SearchOptions {
            mode,
            recency: recency.map(|text| Recency::parse(text).unwrap()),
            boosts: boosts.iter().map(|text| Boost::parse(text).unwrap()).collect(),
            ..SearchOptions::default()
        };
        let hits = search(&store, "mast", Some(&axis(0)), &options).unwrap();
        hits.into_iter().map(|hit| (hit.uri, hit.score)).collect::<Vec<_>>()
    };
    for mode in Mode::ALL {
        let uris = |recency, boosts: &[&str]| {
            found(mode, recency, boosts).into_iter().map(|hit| hit.0).collect::<Vec<_>>()
        };
        assert_eq!(uris(None, &[]), ["old.md", "new.md", "none.md"], "{mode}");
        assert_eq!(uris(None, &["path = 'none.md' ^ 2", "date > 2023 ^ 1.5"])[0], "none.md");
    }
    let aged = found(Mode::Hybrid, Some("1461"), &[]);
    assert_eq!(aged[0], ("new.md".to_owned(), 1.0));
    // four years are a half-life, and what has no date is one half-life old
    assert!((aged[1].1 - 0.5).abs() < 1e-3 && (aged[2].1 - 0.5).abs() < 1e-3, "{aged:?}");
    let kept = found(Mode::Hybrid, Some("30:no such key"), &[]);
    assert_eq!(kept[0].0, "old.md");
}

#[test]
fn a_store_with_a_limit_shows_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kb.rag");
    let secret = "The vault opens with the quiet code 4711.";
    {
        let store = Store::open(&path, Access::Create).unwrap();
        let identity = empty().encoder().unwrap().unwrap();
        store.bind_encoder(&identity).unwrap();
        for (uri, title, text) in [
            ("/team/a.md", "Open'; DROP TABLE passage; --", "The mast carries a lamp."),
            ("/board/vault.md", "The vault", secret),
            ("/team/b.md", "Masts", "A mast of steel stands at the quiet pier."),
        ] {
            put_titled(&store, uri, title, text, axis(0));
        }
        store.seal(Seal::Now, &CancelToken::new()).unwrap();
        put_titled(&store, "/board/late.md", "Late", secret, axis(0));
    }
    let limited = |filter: &str| Store::open_limited(&path, &Filter::parse(filter).unwrap());
    let store = limited("path glob '/team/*'").unwrap();
    let everything = Some(Filter::parse("NOT kind = 'none'").unwrap());
    for mode in Mode::ALL {
        for filter in [None, everything.clone()] {
            let options = SearchOptions {
                mode,
                filter,
                context: Context::Neighbours(5),
                ..SearchOptions::default()
            };
            for question in
                ["vault", "quiet code 4711", "\"quiet code\"", "title:vault", "file:*", "mast"]
            {
                let query = SearchQuery::parse(question);
                let hits = search_for(&[&store], &query, Some(&axis(0)), &options).unwrap();
                assert!(hits.iter().all(|hit| hit.uri.starts_with("/team/")), "{question}");
            }
        }
    }
    let uris: Vec<String> = store.list(None).unwrap().into_iter().map(|row| row.uri).collect();
    assert_eq!(uris, ["/team/a.md", "/team/b.md"]);
    assert_eq!(store.documents().unwrap().len(), 2);
    assert!(store.document("/board/vault.md").unwrap().is_none());
    assert!(store.passage(2).unwrap().is_none() && store.passage(1).unwrap().is_some());
    assert!(store.passages_of(2).unwrap().is_empty() && store.source_map(2).unwrap().is_none());
    let (before, after) = store.neighbours(2, 0, 9).unwrap();
    assert!(before.is_empty() && after.is_empty());
    assert_eq!(store.passages_holding("quiet code").unwrap(), [] as [i64; 0]);
    assert_eq!(store.passages_titled("vault").unwrap(), [] as [i64; 0]);
    let vectors = store.vectors_of(&[1, 2, 4]).unwrap();
    assert_eq!(vectors.iter().map(Option::is_some).collect::<Vec<_>>(), [true, false, false]);
    assert_eq!(store.coverage("vault code", &[2, 1], None).unwrap().shares, [0.0, 0.0]);
    assert_eq!(store.nearest(&axis(0), 10, IndexMode::Auto).unwrap().len(), 2);
    assert_eq!(store.info().unwrap().document_count, 2);
    let cancel = CancelToken::new();
    let copy = folder.path().join("copy.rag");
    for refused in [
        store.backup(&copy, &cancel).unwrap_err(),
        store.check(&cancel).unwrap_err(),
        store.vacuum().unwrap_err(),
        store.remove_document("/team/a.md").unwrap_err(),
    ] {
        let said = refused.line();
        assert!(said.contains("filter") || said.contains("read-only"), "{said}");
    }
    assert!(!copy.exists());
    drop(store);
    // what a document is called counts, and what nobody can be called shows nothing
    assert_eq!(
        limited("title = 'Open''; DROP TABLE passage; --'").unwrap().list(None).unwrap().len(),
        1
    );
    assert_eq!(limited("year >= 2020").unwrap().list(None).unwrap().len(), 0);
    assert!(limited("title = 'a\0b'").is_err());
    // others write meanwhile, and what passes is there at once
    let store = limited("path glob '/team/*'").unwrap();
    let writer = Store::open(&path, Access::ReadWrite).unwrap();
    put_titled(&writer, "/team/c.md", "", "A third mast is planned.", axis(1));
    put_titled(&writer, "/board/plan.md", "", "A secret mast is planned.", axis(1));
    assert_eq!(store.list(None).unwrap().len(), 3);
    let hits = search(&store, "planned", Some(&axis(1)), &SearchOptions::default()).unwrap();
    assert!(hits.iter().all(|hit| hit.uri.starts_with("/team/")) && hits[0].uri == "/team/c.md");
}

#[test]
fn a_diverse_search_leaves_repetitions_for_last() {
    let store = empty();
    let axes = [("a", [0.8, 0.6, 0.0]), ("again", [0.8, 0.6, 0.0]), ("b", [0.6, 0.0, 0.8])];
    for (uri, vector) in axes {
        put_vectors(&store, (uri, "words", None), std::slice::from_ref(&(0..5)), &[], &vector);
    }
    let with = |diversity| {
        let options = SearchOptions { mode: Mode::Dense, diversity, ..SearchOptions::default() };
        search(&store, "", Some(&[1.0, 0.0, 0.0]), &options).unwrap()
    };
    assert_eq!(ids(&with(None)), [1, 2, 3]);
    assert_eq!(ids(&with(Some(0.0))), [1, 2, 3]);
    assert_eq!(ids(&with(Some(0.8))), [1, 3, 2]);
    let options = SearchOptions { diversity: Some(1.5), ..SearchOptions::default() };
    let error = search(&store, "x", Some(&[1.0, 0.0, 0.0]), &options).unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidArgument);
}

#[test]
fn coverage_is_the_share_of_the_question() {
    let store = store();
    let coverage = store.coverage("Where is the quiet river?", &[1, 2, 3], None).unwrap();
    assert_eq!(coverage.word_count, 2);
    assert_eq!(coverage.shares[1], 1.0);
    assert!(coverage.shares[2] > 0.0 && coverage.shares[2] < 1.0 && coverage.shares[0] == 0.0);
}

#[test]
fn hits_say_where_they_stand() {
    let store = store();
    let hits = run(&store, "mill", [0.0, 0.0, 1.0], Mode::Hybrid);
    let hit = &hits[0];
    assert_eq!(hit.text, &TEXT[50..77]);
    assert_eq!((hit.uri.as_str(), hit.title.as_deref()), ("notes.txt", Some("Notes")));
    assert_eq!((hit.start, hit.end), (50, 77));
    assert_eq!((hit.source_start, hit.source_end), (Some(50), Some(77)));
    put(&store, "added", "A mill.", None, std::slice::from_ref(&(0..7)), &[]);
    let hits = run(&store, "mill", [1.0, 0.0, 0.0], Mode::Hybrid);
    let added = hits.iter().find(|hit| hit.uri == "added").unwrap();
    assert_eq!((added.source_start, added.source_end), (None, None));
}

#[test]
fn french_words_are_found_without_their_accents_or_endings() {
    let store = store();
    let text = "Les \u{153}uvres compl\u{e8}tes.\nLes \u{e9}l\u{e8}ves de l\u{2019}\u{e9}cole.";
    let first = text.find('\n').unwrap();
    put(&store, "fr.txt", text, Some("fr"), &[0..first, first + 1..text.len()], &[]);
    for (question, expected) in
        [("oeuvre", 4), ("\u{153}uvre compl\u{e8}te", 4), ("eleve", 5), ("l'\u{e9}cole", 5)]
    {
        assert_eq!(ids(&run(&store, question, axis(0), Mode::Lexical)), [expected], "{question}");
    }
}

#[test]
fn equal_scores_come_by_id_and_the_order_never_changes() {
    let store = store();
    for n in 0..20 {
        put(
            &store,
            &format!("copy {n}"),
            "The same words.",
            Some("en"),
            std::slice::from_ref(&(0..15)),
            &[],
        );
    }
    let first = run(&store, "same words", axis(0), Mode::Hybrid);
    let expected = ids(&first);
    assert_eq!(first.len(), 5);
    assert!(expected.is_sorted());
    for _ in 0..5 {
        assert_eq!(run(&store, "same words", axis(0), Mode::Hybrid), first);
    }
}

#[test]
fn bad_options_are_refused_and_odd_questions_are_not() {
    let store = store();
    for top_k in [0, 10_001] {
        let options = SearchOptions { top_k, ..SearchOptions::default() };
        let error = search(&store, "river", Some(&axis(0)), &options).unwrap_err();
        assert_eq!(error.code(), ErrorCode::InvalidArgument);
    }
    let error = search(&store, "river", None, &SearchOptions::default()).unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidArgument);
    let options = SearchOptions { mode: Mode::Lexical, ..SearchOptions::default() };
    assert_eq!(search(&store, "river", None, &options).unwrap().len(), 2);
    for question in ["", "\0", "\"", "a AND (", "NEAR(x, y)", "c++", "*", "col:value"] {
        search(&store, question, Some(&axis(0)), &SearchOptions::default()).unwrap();
    }
    assert!(store.check(&CancelToken::new()).unwrap().is_empty());
}

/// Texts with vectors of their own; every second of them goes into the second of two files.
const SCATTERED: [(&str, [f32; 3]); 7] = [
    ("The bridge was built in 1899 by the river.", [0.9, 0.3, 0.1]),
    ("The river is quiet, the river is deep.", [0.2, 0.9, 0.1]),
    ("A mill stands by the river and grinds rye.", [0.5, 0.5, 0.5]),
    ("The miller sells rye bread on Sundays.", [0.1, 0.2, 0.9]),
    ("Bridge tolls were dropped in 1931.", [0.7, 0.1, 0.6]),
    ("Quiet nights by the mill.", [0.3, 0.8, 0.5]),
    ("Nothing of this matters here.", [0.4, 0.4, 0.8]),
];

fn unit(vector: [f32; 3]) -> [f32; 3] {
    let length = vector.iter().map(|x| x * x).sum::<f32>().sqrt();
    vector.map(|x| x / length)
}

fn scattered(held: impl Fn(usize) -> bool) -> Store {
    let store = empty();
    for (number, (text, vector)) in SCATTERED.iter().enumerate().filter(|(n, _)| held(*n)) {
        let (uri, range) = (format!("{number}.txt"), 0..text.len());
        let map = SourceMap::identity(text.len()).to_bytes();
        let ranges = std::slice::from_ref(&range);
        put_vectors(&store, (&uri, text, Some("en")), ranges, &map, &unit(*vector));
    }
    store
}

#[test]
fn several_files_give_the_scores_of_one() {
    let whole = scattered(|_| true);
    let (even, odd) = (scattered(|n| n % 2 == 0), scattered(|n| n % 2 == 1));
    let question = "the quiet river by the mill 1931";
    let embedding = unit([0.3, 0.8, 0.4]);
    let fusions = [Fusion::default(), Fusion::ReciprocalRank { k: 60.0 }];
    for (mode, fusion) in [Mode::Dense, Mode::Lexical, Mode::Hybrid, Mode::Hybrid]
        .into_iter()
        .zip(fusions.into_iter().cycle())
    {
        for (top_k, diversity, context) in [
            (1, None, Context::None),
            (3, None, Context::Neighbours(1)),
            (10, None, Context::None),
            (4, Some(0.5), Context::None),
        ] {
            let options = SearchOptions {
                top_k,
                mode,
                fusion,
                diversity,
                context,
                ..SearchOptions::default()
            };
            let one = search(&whole, question, Some(&embedding), &options).unwrap();
            let several = search_all(&[&even, &odd], question, Some(&embedding), &options).unwrap();
            let what = |hit: &Hit| (hit.uri.clone(), hit.score, hit.cosine, hit.bm25, hit.ranks);
            assert_eq!(
                several.iter().map(what).collect::<Vec<_>>(),
                one.iter().map(what).collect::<Vec<_>>(),
                "{mode:?} {fusion:?} {top_k}"
            );
            for hit in &several {
                let number: usize = hit.uri.trim_end_matches(".txt").parse().unwrap();
                assert_eq!(hit.store, number % 2);
                assert_eq!(hit.text, SCATTERED[number].0);
            }
        }
    }
    let hits = search_all(&[&even, &odd], question, Some(&embedding), &SearchOptions::default());
    let hits = hits.unwrap();
    let several = coverage(&[&even, &odd], question, &hits).unwrap().unwrap();
    let one = search(&whole, question, Some(&embedding), &SearchOptions::default()).unwrap();
    assert_eq!(coverage(&[&whole], question, &one).unwrap().unwrap(), several);
    assert_eq!(coverage(&[&even, &odd], question, &[]).unwrap(), None);
}
