//! Questions and filters that are written as if they were SQL or full-text syntax: they are words
//! and values.

use rag_core::store::{Comparison, Filter, FilterField};
use rag_core::{CancelToken, ErrorCode};

use crate::fixture::Kb;

fn library() -> Kb {
    let kb = Kb::memory(8);
    kb.put("first.txt", &["the bridge near the mill", "or and not"], 1);
    kb.put("o'neil's \"report\".txt", &["the ferry"], 2);
    kb
}

/// Passages found, by id.
fn found(kb: &Kb, question: &str) -> Vec<i64> {
    let hits = kb.store.lexical(question, 100).unwrap();
    let mut ids: Vec<i64> = hits.into_iter().map(|hit| hit.0).collect();
    ids.sort_unstable();
    ids
}

#[test]
fn full_text_syntax_is_words() {
    let kb = library();
    let bridge = found(&kb, "bridge");
    assert_eq!(bridge.len(), 1);
    for question in [
        "\"bridge\"",
        "body:bridge",
        "lexical:bridge*",
        "^bridge",
        "+bridge",
        "{body} : bridge",
        "(bridge",
        "bridge)",
        "bridge*",
        "bridge\"",
        "bridge\0",
        "- {body}: bridge",
        "NEAR(bridge mill, 0)",
        "bridge'); DROP TABLE passage; --",
        "' UNION SELECT value FROM meta --",
        "lexical MATCH 'bridge'",
    ] {
        let hits = found(&kb, question);
        let holds_word = question.contains("bridge");
        assert!(
            hits.len() <= 3 && (!holds_word || hits.contains(&bridge[0])),
            "{question}: {hits:?}"
        );
    }
    // negation and alternatives are words as well: what they would exclude is found
    assert!(found(&kb, "ferry NOT bridge").contains(&bridge[0]));
    assert!(found(&kb, "bridge AND ferry").len() >= 2);
    for question in ["", "*", "\"\"", "()", "- - -", ":", "^", "NEAR()", "\0", "'", "--", "/* */"] {
        let _ = found(&kb, question);
    }
    let long = "bridge OR ".repeat(20_000);
    assert!(found(&kb, &long).contains(&bridge[0]));
    assert_eq!(kb.store.info().unwrap().passage_count, 3);
    assert_eq!(kb.store.check(&CancelToken::new()).unwrap(), []);
}

#[test]
fn values_and_keys_of_filters_are_never_sql() {
    let kb = library();
    let documents = |filter: &Filter| kb.store.list(Some(filter)).unwrap().len();
    for hostile in [
        "x' OR '1'='1",
        "x' OR 1=1 --",
        "x\" OR \"\"=\"",
        "'; DELETE FROM document; --",
        "x') UNION SELECT 1 --",
        "$.a') = json_extract('{}', '$') OR ('1'='1",
        "%",
        "_",
        "\\",
        "?1",
        ":name",
        "\0",
    ] {
        for field in [
            FilterField::Path,
            FilterField::Kind,
            FilterField::Title,
            FilterField::Lang,
            FilterField::Metadata("a".into()),
        ] {
            let filter = Filter::Compare(field, Comparison::Equal, hostile.to_owned());
            assert_eq!(documents(&filter), 0, "{hostile}");
        }
        let key = FilterField::Metadata(hostile.to_owned());
        assert_eq!(documents(&Filter::Compare(key, Comparison::Equal, "x".to_owned())), 0);
        // as text, it parses to a value, or is refused as syntax
        let text = format!("path = '{}'", hostile.replace('\'', "''"));
        match Filter::parse(&text) {
            Ok(filter) => assert_eq!(documents(&filter), 0, "{text}"),
            Err(error) => assert_eq!(error.code(), ErrorCode::InvalidArgument),
        }
        match Filter::parse(&format!("path = '{hostile}'")) {
            Ok(filter) => assert!(documents(&filter) <= 2),
            Err(error) => assert_eq!(error.code(), ErrorCode::InvalidArgument),
        }
    }
    let named = "o'neil's \"report\".txt".to_owned();
    assert_eq!(documents(&Filter::Compare(FilterField::Path, Comparison::Equal, named)), 1);
    assert!(
        kb.store
            .remove_where(&Filter::Compare(
                FilterField::Path,
                Comparison::Equal,
                "' OR 1=1 --".into()
            ))
            .unwrap()
            .is_empty()
    );
    assert_eq!(kb.store.info().unwrap().document_count, 2);
    assert_eq!(kb.store.check(&CancelToken::new()).unwrap(), []);
}
