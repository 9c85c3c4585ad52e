//! Retrieval collections in the BEIR layout: corpus.jsonl, queries.jsonl, qrels.tsv (Thakur et al.
//! 2021).

use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::path::Path;

use rag_core::files::PlainFile;
use rag_core::{Error, Result};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::metrics::Judgements;

/// One line of corpus.jsonl.
#[derive(Debug, Deserialize)]
pub(crate) struct CorpusDocument {
    #[serde(rename = "_id")]
    pub(crate) id: String,
    #[serde(default)]
    pub(crate) title: String,
    pub(crate) text: String,
}

impl CorpusDocument {
    /// Title and text joined by a space, as the published figures were made.
    pub(crate) fn full_text(&self) -> String {
        match self.title.trim() {
            "" => self.text.clone(),
            title => format!("{title} {}", self.text),
        }
    }
}

/// One line of queries.jsonl.
#[derive(Debug, Deserialize)]
pub(crate) struct Query {
    #[serde(rename = "_id")]
    pub(crate) id: String,
    pub(crate) text: String,
    #[serde(default)]
    pub(crate) answers: Vec<String>,
    /// The language it is asked in.
    #[serde(default)]
    pub(crate) lang: Option<String>,
}

/// A collection whose queries all have at least one relevant document.
#[derive(Debug)]
pub(crate) struct Collection {
    pub(crate) documents: Vec<CorpusDocument>,
    pub(crate) queries: Vec<Query>,
    pub(crate) judgements: HashMap<String, Judgements>,
}

impl Collection {
    /// Reads the three files; queries without a relevant document are left out.
    ///
    /// # Errors
    /// Io if a file cannot be read, InvalidArgument with file and line if it is not in the layout.
    pub(crate) fn read(corpus: &Path, queries: &Path, qrels: &Path) -> Result<Self> {
        let judgements = read_judgements(qrels)?;
        let has_relevant =
            |id: &str| judgements.get(id).is_some_and(|j| j.values().any(|grade| *grade > 0));
        let mut queries: Vec<Query> = read_lines(queries, "queries")?;
        queries.retain(|query| has_relevant(&query.id));
        Ok(Self { documents: read_lines(corpus, "corpus")?, queries, judgements })
    }
}

fn read_lines<T: DeserializeOwned>(path: &Path, argument: &'static str) -> Result<Vec<T>> {
    let mut records = Vec::new();
    for_each_line(path, |number, line| {
        let record = serde_json::from_str(line)
            .map_err(|error| malformed(argument, path, number, &error.to_string()))?;
        records.push(record);
        Ok(())
    })?;
    Ok(records)
}

fn read_judgements(path: &Path) -> Result<HashMap<String, Judgements>> {
    let mut judgements: HashMap<String, Judgements> = HashMap::new();
    for_each_line(path, |number, line| {
        let fields: Vec<&str> = line.split('\t').collect();
        let &[query, document, grade] = fields.as_slice() else {
            return Err(malformed("qrels", path, number, "expected three fields split by tabs"));
        };
        match grade.trim().parse::<i64>() {
            Ok(grade) => {
                let grade = u32::try_from(grade.max(0)).unwrap_or(u32::MAX);
                judgements.entry(query.to_owned()).or_default().insert(document.to_owned(), grade);
                Ok(())
            }
            // The layout begins with a line of column names.
            Err(_) if number == 1 => Ok(()),
            Err(_) => Err(malformed("qrels", path, number, "the score is not a whole number")),
        }
    })?;
    Ok(judgements)
}

fn for_each_line(path: &Path, mut each: impl FnMut(usize, &str) -> Result<()>) -> Result<()> {
    let file = PlainFile::open(path).map_err(|source| Error::io(path, source))?;
    for (index, line) in BufReader::new(file).lines().enumerate() {
        let line = line.map_err(|source| Error::io(path, source))?;
        if !line.trim().is_empty() {
            each(index + 1, &line)?;
        }
    }
    Ok(())
}

fn malformed(argument: &'static str, path: &Path, line: usize, reason: &str) -> Error {
    Error::invalid(argument, format!("{} line {line}: {reason}", path.display()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn only_judged_queries_are_kept() {
        let dir = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = dir.path().join(name);
            fs::write(&path, text).unwrap();
            path
        };
        let corpus = write(
            "c",
            "{\"_id\":\"d1\",\"title\":\"T\",\"text\":\"x\"}\n{\"_id\":\"d2\",\"text\":\"y\"}\n",
        );
        let queries =
            write("q", "{\"_id\":\"1\",\"text\":\"a\"}\n{\"_id\":\"2\",\"text\":\"b\"}\n");
        let qrels = write("r", "query-id\tcorpus-id\tscore\n1\td1\t2\n2\td2\t0\n");
        let collection = Collection::read(&corpus, &queries, &qrels).unwrap();
        assert_eq!(collection.queries.len(), 1);
        assert_eq!(collection.judgements["1"]["d1"], 2);
        assert_eq!(collection.documents[0].full_text(), "T x");
        assert_eq!(collection.documents[1].full_text(), "y");
    }

    #[test]
    fn a_malformed_line_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("c");
        fs::write(&path, "{\"_id\":\"d1\",\"text\":\"x\"}\nnot json\n").unwrap();
        let error = read_lines::<CorpusDocument>(&path, "corpus").unwrap_err();
        assert!(error.line().contains("line 2"), "{}", error.line());
    }
}
