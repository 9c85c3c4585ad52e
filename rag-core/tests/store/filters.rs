//! Searches limited to some documents: by what a filter says, on both legs, and whatever the filter
//! says.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use rag_core::search::{self, Mode, SearchOptions};
use rag_core::store::{
    Comparison, Filter, FilterField, IndexMode, LexicalOptions, NearestOptions, NewDocument, Seal,
};
use rag_core::{CancelToken, ErrorCode};

use crate::fixture::{Kb, clustered, passage, unit};

const DIM: usize = 16;

/// Forty documents of three passages; every fifth is a PDF, years run from 2000 to 2019.
fn library() -> Kb {
    let kb = Kb::memory(DIM);
    for number in 0..40u64 {
        let kind = if number % 5 == 0 { "pdf" } else { "markdown" };
        let folder = if number % 2 == 0 { "drafts" } else { "final" };
        let metadata = BTreeMap::from([
            ("year".to_owned(), (2000 + number % 20).to_string()),
            ("author".to_owned(), format!("O'Neil \"{}\" [x]", number % 3)),
            ("it's 100%".to_owned(), "odd key".to_owned()),
        ]);
        let text = format!("bridge number{number}\nriver\nfield");
        let document = NewDocument {
            uri: &format!("/home/lab/{folder}/{number}.{kind}"),
            size_bytes: number,
            mtime_ns: number as i64 * 86_400_000_000_000,
            hash: [0; 32],
            kind,
            title: (number % 4 == 0).then_some("A title"),
            lang: Some("en"),
            text: &text,
            source_map: &[],
            metadata: &metadata,
            unread: &[],
        };
        let first = text.find('\n').unwrap();
        let passages = [
            passage(0..first, None),
            passage(first + 1..first + 6, None),
            passage(first + 7..first + 12, None),
        ];
        let vectors: Vec<f32> = (0..3).flat_map(|n| unit(DIM, number * 10 + n)).collect();
        kb.store.put_document(&document, &passages, &vectors).unwrap();
    }
    kb
}

/// The numbers of the documents whose passages pass.
fn numbers(kb: &Kb, filter: &Filter) -> BTreeSet<u64> {
    let ids = kb.store.passages_where(filter).unwrap();
    assert!(ids.is_sorted() && ids.len().is_multiple_of(3));
    ids.iter().map(|id| (*id as u64 - 1) / 3).collect()
}

fn expected(keep: impl Fn(u64) -> bool) -> BTreeSet<u64> {
    (0..40).filter(|number| keep(*number)).collect()
}

#[test]
fn filters_say_what_they_mean() {
    let kb = library();
    let check = |text: &str, keep: &dyn Fn(u64) -> bool| {
        assert_eq!(numbers(&kb, &Filter::parse(text).unwrap()), expected(keep), "{text}");
    };
    check("kind = pdf", &|n| n % 5 == 0);
    check("kind != pdf and size < 10", &|n| n % 5 != 0 && n < 10);
    check("year >= 2015", &|n| n % 20 >= 15);
    check("year > 2015 or year = 2000", &|n| n % 20 > 15 || n % 20 == 0);
    check("NOT year < 2019", &|n| n % 20 == 19);
    check("path glob '/home/lab/drafts/*'", &|n| n % 2 == 0);
    check("path glob 'drafts/1?.*'", &|n| n % 2 == 0 && (10..20).contains(&n));
    check("path glob '*.pdf'", &|n| n % 5 == 0);
    check("uri = '/home/lab/final/7.markdown'", &|n| n == 7);
    check("title = 'A title'", &|n| n % 4 == 0);
    check("NOT title = 'A title'", &|n| n % 4 != 0);
    check("missing != 3", &|_| false);
    check("author = 'O''Neil \"1\" [x]'", &|n| n % 3 == 1);
    check("author glob 'O''*[12]*'", &|n| n % 3 != 0);
    check("'it''s 100%' = 'odd key'", &|_| true);
    check("kind in (pdf, text) AND (year = 2005 OR year = 2010)", &|n| {
        n % 5 == 0 && (n % 20 == 5 || n % 20 == 10)
    });
    check("modified < 432000", &|n| n < 5);
    check("lang = en", &|_| true);
    assert_eq!(numbers(&kb, &Filter::All(Vec::new())).len(), 40);
    assert_eq!(numbers(&kb, &Filter::Any(Vec::new())).len(), 0);
    let typed = Filter::kind("pdf").and(Filter::metadata("year", Comparison::AtMost, "2004"));
    assert_eq!(numbers(&kb, &typed), expected(|n| n % 5 == 0 && n % 20 <= 4));
}

#[test]
fn both_legs_find_only_what_passes_and_all_of_it() {
    let kb = library();
    for seal in [false, true] {
        if seal {
            kb.store.seal(Seal::Now, &CancelToken::new()).unwrap();
            kb.store.remove_document("/home/lab/drafts/0.pdf").unwrap();
        }
        let filter = Filter::parse("kind = pdf").unwrap();
        let allowed: BTreeSet<i64> =
            kb.store.passages_where(&filter).unwrap().iter().copied().collect();
        assert_eq!(allowed.len(), if seal { 21 } else { 24 });
        for mode in [Mode::Dense, Mode::Lexical, Mode::Hybrid] {
            for index in [IndexMode::Flat, IndexMode::Hnsw] {
                let options = SearchOptions {
                    top_k: 100,
                    mode,
                    index,
                    filter: Some(filter.clone()),
                    ..SearchOptions::default()
                };
                let question = "bridge river field";
                let hits =
                    search::search(&kb.store, question, Some(&unit(DIM, 5)), &options).unwrap();
                let found: BTreeSet<i64> = hits.iter().map(|hit| hit.passage_id).collect();
                assert_eq!(found, allowed, "{mode:?} {index:?}");
            }
        }
    }
}

#[test]
fn a_limited_search_is_exact_and_a_limited_walk_nearly() {
    let count = 4000;
    let kb = Kb::memory(DIM);
    let vectors = clustered(count, DIM, 1);
    for (number, rows) in vectors.chunks(50 * DIM).enumerate() {
        kb.put_vectors(&format!("{number}"), &["passage"; 50], rows);
    }
    kb.store.seal(Seal::Now, &CancelToken::new()).unwrap();
    let every: Vec<i64> = (1..=count as i64).step_by(100).collect();
    let (mut found, mut wanted) = (0, 0);
    for query in clustered(30, DIM, 2).chunks_exact(DIM) {
        let all = kb.store.nearest(query, count, IndexMode::Flat).unwrap();
        for among in [&every[..], &every[..7], &[], &[1, 2, 3, 9_999_999]] {
            let options = NearestOptions { among: Some(among), ..NearestOptions::default() };
            let hits = kb.store.nearest_with(query, 10, &options).unwrap();
            let truth: Vec<(i64, f32)> =
                all.iter().filter(|hit| among.contains(&hit.0)).take(10).copied().collect();
            assert_eq!(hits, truth);
        }
        let few = NearestOptions { ef_search: Some(10), mode: IndexMode::Hnsw, among: None };
        let many = NearestOptions { ef_search: Some(500), ..few };
        let recall = |options: &NearestOptions<'_>| {
            let near = kb.store.nearest_with(query, 10, options).unwrap();
            all[..10].iter().filter(|hit| near.contains(hit)).count()
        };
        assert!(recall(&many) >= recall(&few).min(9));
        found += recall(&many);
        wanted += 10;
    }
    assert!(found * 100 >= wanted * 99, "{found} of {wanted}");
}

#[test]
fn a_filter_removes_what_passes_and_nothing_else() {
    let kb = library();
    let removed = kb.store.remove_where(&Filter::parse("year < 2010").unwrap()).unwrap();
    assert_eq!(removed.len(), 20);
    assert!(removed.is_sorted());
    assert_eq!(numbers(&kb, &Filter::All(Vec::new())), expected(|n| n % 20 >= 10));
    assert_eq!(kb.store.check(&CancelToken::new()).unwrap(), []);
    let nothing = kb.store.remove_where(&Filter::kind("'; DROP TABLE passage; --")).unwrap();
    assert_eq!(nothing, [""; 0]);
}

#[test]
fn filters_beyond_their_limits_are_refused() {
    let kb = library();
    let refused = |filter: &Filter| {
        let error = kb.store.passages_where(filter).unwrap_err();
        assert_eq!(error.code(), ErrorCode::InvalidArgument);
    };
    refused(&Filter::Any(vec![Filter::kind("x"); 500]));
    refused(&(0..100).fold(Filter::kind("x"), |inner, _| Filter::Not(Box::new(inner))));
    refused(&Filter::path("*a".repeat(100)));
    refused(&Filter::kind("x".repeat(5000)));
}

/// Any field, compared with any value in any way.
fn any_filter() -> impl Strategy<Value = Filter> {
    use Comparison::{AtLeast, AtMost, Equal, Greater, Less, Unequal};
    let field = prop_oneof![
        Just(FilterField::Kind),
        Just(FilterField::Path),
        Just(FilterField::Title),
        Just(FilterField::Lang),
        Just(FilterField::Size),
        Just(FilterField::Modified),
        any::<String>().prop_map(FilterField::Metadata),
        r#"[a-z'";%$.\x00\[\]-]{0,9}"#.prop_map(FilterField::Metadata),
    ];
    let value = prop_oneof![any::<String>(), r#"[0-9a-z'";%$.\x00\[*?-]{0,9}"#];
    let how = prop::sample::select(vec![Equal, Unequal, Less, AtMost, Greater, AtLeast]);
    let leaf =
        (field, how, value, any::<bool>()).prop_map(|(field, how, value, glob)| match glob {
            true => Filter::Glob(field, value.chars().filter(|c| *c != '*').take(40).collect()),
            false => Filter::Compare(field, how, value.chars().take(1000).collect()),
        });
    leaf.prop_recursive(4, 20, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Filter::All),
            prop::collection::vec(inner.clone(), 0..4).prop_map(Filter::Any),
            inner.prop_map(|inner| Filter::Not(Box::new(inner))),
        ]
    })
}

#[test]
fn any_filter_is_answered_and_its_negation_is_the_rest() {
    let kb = library();
    let config = ProptestConfig {
        cases: 1000,
        failure_persistence: None,
        rng_seed: proptest::test_runner::RngSeed::Fixed(1),
        ..ProptestConfig::default()
    };
    let mut runner = proptest::test_runner::TestRunner::new(config);
    let checked = runner.run(&any_filter(), |filter| {
        let passing = numbers(&kb, &filter);
        let rest = numbers(&kb, &Filter::Not(Box::new(filter.clone())));
        prop_assert!(passing.is_disjoint(&rest));
        prop_assert_eq!(passing.len() + rest.len(), 40);
        let among = kb.store.passages_where(&filter).unwrap();
        let options = LexicalOptions { among: Some(&among), ..LexicalOptions::default() };
        let found = kb.store.lexical_with("bridge", 100, &options).unwrap();
        prop_assert_eq!(found.len(), passing.len());
        Ok(())
    });
    checked.unwrap();
    assert_eq!(kb.store.check(&CancelToken::new()).unwrap(), []);
}

#[test]
fn a_filter_asked_again_sees_what_changed_since() {
    let kb = library();
    let filter = Filter::parse("kind = pdf AND path glob 'drafts/*' AND modified >= 0").unwrap();
    let count = || kb.store.passages_where(&filter).unwrap().len();
    let first = count();
    assert!(first > 0 && count() == first);
    let uri = "/home/lab/drafts/0.pdf";
    let row = kb.store.document(uri).unwrap().unwrap();
    kb.store.rename_document(row.id, "/home/lab/final/0.pdf", row.mtime_ns).unwrap();
    assert_eq!(count(), first - 3, "renamed out of the folder");
    kb.store.rename_document(row.id, uri, row.mtime_ns).unwrap();
    assert_eq!(count(), first);
    kb.store.touch_document(row.id, 1, -1_000_000_000).unwrap();
    assert_eq!(count(), first - 3, "touched to a time before 1970");
    assert!(kb.store.remove_document("/home/lab/drafts/10.pdf").unwrap());
    assert_eq!(count(), first - 6, "removed");
}
