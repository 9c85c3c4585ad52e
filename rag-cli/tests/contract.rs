//! The shell contract that scripts rely on: commands, JSON keys, exit codes, which stream holds
//! what.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use common::{Place, assert_keys, json, model, rag, run_with_input};
use serde_json::{Value, json};

#[test]
fn wrong_usage_exits_2_and_leaves_stdout_empty() {
    for arguments in [
        &["nonsense"][..],
        &[],
        &["search", "kb.rag"],
        &["search", "kb.rag", "q", "-k", "many"],
        &["search", "kb.rag", "q", "--mode", "psychic"],
        &["sync", "kb.rag", ".", "--watch", "--dry-run"],
        &["sync", "kb.rag", ".", "--hnsw-m", "many"],
        &["sync", "kb.rag", ".", "--force", "--keep-missing"],
        &["sync", "kb.rag", ".", "--force", "--watch"],
        &["search", "kb.rag", "a question", "--filter", "kind ="],
        &["remove", "kb.rag"],
        &["summarize", "kb.rag"],
        &["compose", "kb.rag"],
        &["compose", "kb.rag", "a task", "--kind", "poem"],
        &["summarize", "kb.rag", "a question", "--document", "a.txt"],
        &["ask", "kb.rag", "a question", "--order", "worst-first"],
        &["ask", "kb.rag", "a question", "--rewrite", "variants:9"],
        &["generate", "--prompt", "a", "--messages", "b"],
        &["generate"],
        &["generate", "--prompt", "a", "--regex", "a", "--grammar", "b"],
        &["generate", "--prompt", "a", "--kv", "q4"],
        &["generate", "--prompt", "a", "--template", "none"],
    ] {
        let output = rag(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(output.stdout.is_empty(), "{arguments:?}");
        assert!(!output.stderr.is_empty(), "{arguments:?}");
    }
}

#[test]
fn help_and_version_are_data() {
    for argument in ["--help", "--version"] {
        let output = rag(&[argument]).output().unwrap();
        assert_eq!(output.status.code(), Some(0));
        assert!(!output.stdout.is_empty() && output.stderr.is_empty());
    }
}

#[cfg(unix)]
#[test]
fn arguments_that_are_not_utf8_are_refused() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    let odd = OsStr::from_bytes(b"\xff\xfe");
    let output = rag(&[OsStr::new("search"), OsStr::new("kb.rag"), odd]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let output = rag(&[OsStr::new("info"), odd]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn a_nul_in_an_argument_is_an_error() {
    for arguments in [&["rag", "info", "a\0b"][..], &["rag", "read", "a\0b"]] {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let code = rag_cli::run(arguments.iter().map(Into::into), &mut out, &mut err);
        assert_eq!(code, 1, "{arguments:?}");
        assert!(err.starts_with(b"rag: "), "{}", String::from_utf8_lossy(&err));
    }
}

#[test]
fn an_error_is_one_line_and_with_json_an_object() {
    let place = Place::new();
    let missing = place.path("missing.rag");
    let output = rag(&["info", &missing]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.starts_with("rag: ") && stderr.ends_with('\n'), "{stderr:?}");
    assert_eq!(stderr.lines().count(), 1);
    assert!(output.stdout.is_empty());
    let value = json(&["info", &missing, "--json"], 1);
    assert_eq!(value["error"]["code"], "Io");
    assert!(value["error"]["message"].as_str().unwrap().contains("missing.rag"));
}

#[test]
fn a_file_that_is_not_ours_is_refused_and_unchanged() {
    let place = Place::new();
    let notes = place.path("docs/bridge.txt");
    let before = fs::read(&notes).unwrap();
    assert_eq!(json(&["info", &notes, "--json"], 1)["error"]["code"], "Store");
    let report = json(&["check", &notes, "--json"], 1);
    assert_eq!(report["sound"], false);
    assert_keys(&report["damage"][0], &["part", "message", "repairable"]);
    assert_eq!(fs::read(&notes).unwrap(), before);
}

#[test]
fn read_prints_the_document_and_a_verdict_per_file() {
    let place = Place::new();
    place.write("broken.pdf", "%PDF-1.7 and no more");
    let document = json(&["read", &place.path("docs/bees.md")], 0);
    assert_keys(&document, &["kind", "title", "text", "blocks", "source_map"]);
    assert_eq!(document["kind"], "markdown");

    let output = rag(&["read", "--check", &place.path("docs"), "--json"]).output().unwrap();
    assert_eq!(output.status.code(), Some(4));
    let lines = lines(&output.stdout);
    assert_eq!(lines.len(), 3);
    for line in &lines {
        assert_keys(line, &["path", "kind", "verdict", "code", "characters", "milliseconds"]);
    }
    let refused: Vec<&Value> = lines.iter().filter(|line| line["verdict"] == "refused").collect();
    assert_eq!(refused.len(), 1);
    assert_eq!(refused[0]["code"], "Document");
    assert_eq!(json(&["read", &place.path("docs/none.txt"), "--json"], 1)["error"]["code"], "Io");
}

fn lines(stdout: &[u8]) -> Vec<Value> {
    let text = std::str::from_utf8(stdout).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn knowledge_base_commands_keep_their_keys() {
    let Some(encoder) = model("minilm") else { return };
    let place = Place::new();
    let (kb, docs) = (place.path("kb.rag"), place.path("docs"));
    let sync = ["sync", &kb, &docs, "--encoder", &encoder, "--json"];

    let report = json(&sync, 0);
    assert_keys(&report, &["added", "updated", "removed", "unchanged", "skipped", "seconds"]);
    assert_eq!(report["added"], 2);
    let planned = json(&[&sync[..], &["--dry-run"]].concat(), 0);
    assert_eq!((&planned["added"], &planned["unchanged"]), (&json!(0), &json!(2)));

    place.write("broken.pdf", "%PDF-1.7 and no more");
    let report = json(&sync, 4);
    assert_keys(&report["skipped"][0], &["path", "code", "message"]);
    assert_eq!(report["skipped"][0]["code"], "Document");

    let info = json(&["info", &kb, "--json"], 0);
    assert_keys(
        &info,
        &["document_count", "passage_count", "encoder", "dim", "generation", "bytes"],
    );
    assert_eq!((&info["document_count"], &info["dim"]), (&json!(2), &json!(384)));
    assert_eq!(json(&["check", &kb, "--json"], 0), json!({"sound": true, "damage": []}));
    let listed = json(&["list", &kb, "--json"], 0);
    let keys =
        ["uri", "kind", "title", "lang", "size_bytes", "passage_count", "metadata", "skipped"];
    listed["documents"].as_array().unwrap().iter().for_each(|one| assert_keys(one, &keys));
    let skipped = json(&["list", &kb, "--skipped", "--json"], 0);
    assert_eq!(skipped["documents"][0]["skipped"]["code"], "Document");
    let kept = json(&["list", &kb, "--filter", "path glob '*.pdf'", "--json"], 0);
    assert_eq!(kept, json!({"documents": []}));

    for mode in ["dense", "lexical", "hybrid"] {
        let search =
            ["search", &kb, "When was the bridge opened?", "-k", "1", "--mode", mode, "--json"];
        let found = json(&[&search[..], &["--encoder", &encoder]].concat(), 0);
        let hits = found["hits"].as_array().unwrap();
        assert_eq!(hits.len(), 1, "{mode}");
        let keys =
            ["passage_id", "score", "uri", "start", "end", "page", "heading", "text", "ranks"];
        assert_keys(&hits[0], &keys);
        assert_keys(&hits[0]["ranks"], &["dense", "lexical"]);
        assert!(hits[0]["uri"].as_str().unwrap().ends_with("bridge.txt"), "{mode}");
    }
    let human = rag(&["search", &kb, "bridge", "-k", "1", "--encoder", &encoder]).output().unwrap();
    let human = String::from_utf8(human.stdout).unwrap();
    assert!(human.contains("bridge.txt:0-") && human.contains("1871"), "{human}");

    let limited = |filter| {
        let search = ["search", &kb, "bridge", "--filter", filter, "--encoder", &encoder, "--json"];
        json(&search, 0)["hits"].as_array().unwrap().len()
    };
    assert_eq!((limited("path glob '*.md'"), limited("kind = pdf")), (1, 0));

    let (copy, new) = (place.path("copy.rag"), place.path("new.rag"));
    assert_keys(&json(&["backup", &kb, &copy, "--json"], 0), &["bytes"]);
    assert_eq!(json(&["backup", &kb, &copy, "--json"], 1)["error"]["code"], "InvalidArgument");
    let repaired = json(&["repair", &copy, &new, "--json"], 0);
    assert_eq!((&repaired["document_count"], &repaired["lost"]), (&json!(3), &json!([])));
    assert_eq!(json(&["check", &new, "--json"], 0)["sound"], true);
    let restored = json(&["restore", &copy, &kb, "--json"], 0);
    assert_eq!((&restored["document_count"], &restored["skipped_count"]), (&json!(2), &json!(1)));
    let notes = place.path("docs/bees.md");
    assert_eq!(json(&["restore", &copy, &notes, "--json"], 1)["error"]["code"], "Store");
    let removed = json(&["remove", &new, "--filter", "path glob '*.md'", "--json"], 0);
    assert_eq!(removed["uris"].as_array().unwrap().len(), 1);

    assert_keys(&json(&["vacuum", &kb, "--json"], 0), &["bytes_before", "bytes_after"]);
    let reindexed = json(&["reindex", &kb, "--json"], 0);
    assert_eq!((&reindexed["passage_count"], &reindexed["encoded"]), (&json!(0), &json!(0)));
    assert_keys(&json(&["reindex", &kb, "--dry-run", "--json"], 0), &["seconds"]);
    assert_eq!(json(&["info", &kb, "--json"], 0)["encoder_input"], "title");
    assert_eq!(json(&["reindex", &place.path("none.rag"), "--json"], 1)["error"]["code"], "Io");
    let uri = fs::canonicalize(place.path("docs/bees.md")).unwrap();
    let remove = ["remove", &kb, uri.to_str().unwrap(), "--json"];
    assert_eq!(json(&remove, 0), json!({"removed": true}));
    assert_eq!(json(&remove, 3), json!({"removed": false}));

    let added = run_with_input(
        &["add", &kb, "note:1", "--encoder", &encoder, "--json"],
        b"The tide is caused by the moon.",
    );
    assert_eq!(added.status.code(), Some(0));
    assert_keys(&lines(&added.stdout)[0], &["passage_ids"]);
}

#[test]
fn a_damaged_file_exits_1_and_says_where() {
    let Some(encoder) = model("minilm") else { return };
    let place = Place::new();
    let (kb, docs) = (place.path("kb.rag"), place.path("docs"));
    json(&["sync", &kb, &docs, "--encoder", &encoder, "--json"], 0);
    let mut bytes = fs::read(&kb).unwrap();
    let needle = b"stored honey";
    let at = bytes.windows(needle.len()).position(|window| window == needle).unwrap();
    bytes[at] ^= 1;
    fs::write(&kb, bytes).unwrap();
    let report = json(&["check", &kb, "--json"], 1);
    assert_eq!(report["sound"], false);
    assert_keys(&report["damage"][0], &["part", "message", "repairable"]);
}

#[cfg(unix)]
#[test]
fn a_watched_folder_is_taken_over_until_interrupted() {
    let Some(encoder) = model("minilm") else { return };
    let place = Place::new();
    let (kb, docs) = (place.path("kb.rag"), place.path("docs"));
    let sync =
        ["sync", &kb, &docs, "--encoder", &encoder, "--json", "--watch", "--include", "*.txt"];
    let mut child = rag(&sync).stdout(Stdio::piped()).spawn().unwrap();
    let mut reports = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut next = || -> Value { serde_json::from_str(&reports.next().unwrap().unwrap()).unwrap() };
    assert_eq!(next()["added"], 1);
    // told by the system, in a folder that did not exist before: the next look by time alone comes
    // after ten seconds
    let started = Instant::now();
    place.write("later.txt", "A river flows under the new bridge.");
    place.write("later.md", "No text file.");
    assert_eq!(next()["added"], 1);
    fs::create_dir_all(place.path("docs/new/folder")).unwrap();
    place.write("new/folder/deep.txt", "A ferry crosses the river.");
    assert_eq!(next()["added"], 1);
    fs::rename(place.path("docs/later.txt"), place.path("docs/renamed.txt")).unwrap();
    assert_eq!(next()["renamed"], 1);
    fs::remove_dir_all(place.path("docs/new")).unwrap();
    assert_eq!(next()["removed"], 1);
    assert!(started.elapsed() < Duration::from_secs(9), "{:?}", started.elapsed());
    let interrupt = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(interrupt.success());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_folder_that_is_empty_takes_no_documents_with_it_until_forced() {
    let Some(encoder) = model("minilm") else { return };
    let place = Place::new();
    let (kb, docs) = (place.path("kb.rag"), place.path("docs"));
    let sync = ["sync", &kb, &docs, "--encoder", &encoder, "--json"];
    assert_eq!(json(&sync, 0)["added"], 2);
    fs::remove_dir_all(&docs).unwrap();
    fs::create_dir(&docs).unwrap();
    for (extra, code) in [(&[][..], 4), (&["--dry-run"], 4), (&["--keep-missing"], 0)] {
        let report = json(&[&sync[..], extra].concat(), code);
        assert_eq!(
            (&report["removed"], report["missing"].as_array().unwrap().len()),
            (&json!(0), 2)
        );
    }
    let output = rag(&sync[..5]).output().unwrap();
    assert_eq!(output.status.code(), Some(4));
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(told.contains("kept 2 documents") && told.contains("--force"), "{told}");
    let output = rag(&[&sync[..5], &["--force"]].concat()).output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && told.contains("removing 2 documents"), "{told}");
    assert_eq!(json(&["info", &kb, "--json"], 0)["document_count"], 0);
}

#[test]
fn what_was_not_read_is_told_by_sync_list_and_read() {
    let Some(encoder) = model("minilm") else { return };
    let place = Place::new();
    let (kb, docs) = (place.path("kb.rag"), place.path("docs"));
    let mail = "From: a@example.org\r\nSubject: Plan\r\nMIME-Version: 1.0\r\n\
        Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nThe plan.\r\n--b\r\n\
        Content-Type: image/png\r\nContent-Disposition: attachment; filename=plan.png\r\n\
        Content-Transfer-Encoding: base64\r\n\r\niVBORw0KGgo=\r\n--b--\r\n";
    place.write("plan.eml", mail);
    let report = json(&["sync", &kb, &docs, "--encoder", &encoder, "--json"], 0);
    let unread = &report["unread"][0];
    assert!(unread["path"].as_str().unwrap().ends_with("plan.eml"), "{report}");
    assert_eq!(
        (&unread["unread"][0]["kind"], &unread["unread"][0]["count"]),
        (&json!("picture"), &json!(1))
    );
    let listed = json(&["list", &kb, "--json"], 0);
    let named = |document: &&Value| document["uri"].as_str().unwrap().ends_with("plan.eml");
    let document = listed["documents"].as_array().unwrap().iter().find(named).unwrap();
    assert_eq!(document["unread"], unread["unread"]);
    let output = rag(&["list", &kb]).output().unwrap();
    assert!(String::from_utf8_lossy(&output.stdout).contains("not read: 1 picture"));
    let output = rag(&["read", &place.path("docs/plan.eml")]).output().unwrap();
    assert!(String::from_utf8_lossy(&output.stderr).contains("not read: 1 picture"));
}

#[test]
fn sync_acknowledges_each_document_as_a_line() {
    let Some(encoder) = model("minilm") else { return };
    let place = Place::new();
    let (kb, docs) = (place.path("kb.rag"), place.path("docs"));
    let sync = ["sync", &kb, &docs, "--encoder", &encoder, "--json-progress", "--quiet"];
    let output = rag(&sync).output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    let acknowledged = lines(&output.stderr);
    assert_eq!(acknowledged.len(), 2);
    assert_keys(&acknowledged[0], &["path", "done", "total", "passage_count"]);
    assert_keys(&acknowledged[0], &["passages_per_second", "remaining_seconds"]);
    assert_eq!(acknowledged[1]["remaining_seconds"], 0.0);
}

#[test]
fn encode_writes_npy_or_json_lines() {
    let Some(encoder) = model("minilm") else { return };
    let output = run_with_input(&["encode", "--encoder", &encoder], b"one\n\nthree\n");
    assert_eq!(output.status.code(), Some(0));
    assert!(output.stdout.starts_with(b"\x93NUMPY\x01\x00"));
    assert!(String::from_utf8_lossy(&output.stdout).contains("'shape': (3, 384)"));
    assert_eq!(output.stdout.len() % 64, (3 * 384 * 4) % 64);

    let output = run_with_input(&["encode", "--encoder", &encoder, "--query", "--json"], b"one\n");
    let rows = lines(&output.stdout);
    let norm: f64 = rows[0].as_array().unwrap().iter().map(|v| v.as_f64().unwrap().powi(2)).sum();
    assert!((norm - 1.0).abs() < 1e-5);

    let output = run_with_input(&["encode", "--encoder", &encoder, "--json"], b"\xff\n");
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(lines(&output.stdout)[0]["error"]["code"], "InvalidArgument");
}

#[test]
fn eval_reports_every_metric() {
    let Some(encoder) = model("minilm") else { return };
    let place = Place::new();
    place.write(
        "corpus.jsonl",
        "{\"_id\":\"a\",\"title\":\"Bridge\",\"text\":\"The bridge was opened in 1871.\"}\n\
         {\"_id\":\"b\",\"title\":\"\",\"text\":\"Bees live on honey in winter.\"}\n",
    );
    place.write(
        "queries.jsonl",
        "{\"_id\":\"1\",\"text\":\"When was the bridge opened?\"}\n\
         {\"_id\":\"2\",\"text\":\"What do bees eat in winter?\"}\n{\"_id\":\"3\",\"text\":\"unjudged\"}\n",
    );
    place.write("qrels.tsv", "query-id\tcorpus-id\tscore\n1\ta\t1\n2\tb\t2\n");
    for mode in ["dense", "lexical", "hybrid"] {
        let value = json(
            &[
                "eval",
                "--corpus",
                &place.path("docs/corpus.jsonl"),
                "--queries",
                &place.path("docs/queries.jsonl"),
                "--qrels",
                &place.path("docs/qrels.tsv"),
                "--encoder",
                &encoder,
                "--mode",
                mode,
                "--json",
            ],
            0,
        );
        assert_eq!(value["query_count"], 2, "{mode}");
        for metric in ["ndcg@10", "recall@1", "recall@10", "recall@100", "mrr@10", "map@100"] {
            assert_eq!(value["metrics"][metric], 1.0, "{mode} {metric}");
        }
    }
}

/// What titles bring is measured by taking them out, and each language by itself.
#[test]
fn eval_measures_the_parts_of_documents_and_languages_apart() {
    let place = Place::new();
    let corpus = "{\"_id\":\"a\",\"title\":\"Tide gauges\",\"text\":\"They are read each hour of the day by the keeper.\"}\n\
         {\"_id\":\"b\",\"title\":\"Lanterns\",\"text\":\"They are read each hour of the day by the keepers.\"}\n";
    place.write("corpus.jsonl", corpus);
    place.write(
        "queries.jsonl",
        "{\"_id\":\"1\",\"text\":\"tide gauges\",\"lang\":\"en\"}\n{\"_id\":\"2\",\"text\":\"lanterns each hour\",\"lang\":\"fr\"}\n",
    );
    place.write("qrels.tsv", "query-id\tcorpus-id\tscore\n1\ta\t1\n2\tb\t1\n");
    let [corpus, queries, qrels] = ["corpus.jsonl", "queries.jsonl", "qrels.tsv"]
        .map(|file| place.path(&format!("docs/{file}")));
    let mut words = vec!["eval", "--corpus", &corpus, "--queries", &queries, "--qrels", &qrels];
    words.extend(["--mode", "lexical", "--parts", "whole,fields,text,title", "--json"]);
    let value = json(&words, 0);
    let settings = value["settings"].as_array().unwrap();
    let of = |place: usize| &settings[place];
    assert_eq!(of(0)["setting"], "lexical");
    assert_eq!(of(1)["setting"], "lexical, title as a field");
    for place in [0, 1, 3] {
        assert_eq!(of(place)["metrics"]["ndcg@10"], 1.0, "{place}");
    }
    // without titles nothing tells which
    assert!(of(2)["languages"]["en"]["ndcg@10"].as_f64().unwrap() < 1.0, "{value}");
    assert_eq!(of(2)["languages"]["fr"]["query_count"], 1);
    // both say the same of the second question
    assert_eq!(of(2)["metrics"]["copies@10"], 0.25);
}

/// Questions and documents are hostile as ever: nothing of them becomes markup.
#[test]
fn eval_writes_a_page_of_what_went_wrong() {
    let Some(encoder) = model("minilm") else { return };
    let place = Place::new();
    place.write(
        "corpus.jsonl",
        "{\"_id\":\"a\",\"title\":\"\",\"text\":\"The bridge <script>alert(1)</script> was opened in 1871.\"}\n\
         {\"_id\":\"b\",\"title\":\"\",\"text\":\"The bridge over the river Velden was built of stone.\"}\n",
    );
    place.write(
        "queries.jsonl",
        "{\"_id\":\"1\",\"text\":\"When was the <b>bridge</b> opened?\",\"answers\":[\"1902\"]}\n",
    );
    place.write("qrels.tsv", "query-id\tcorpus-id\tscore\n1\ta\t1\n");
    let (page, nowhere) = (place.path("docs/page.html"), place.path("docs/none/page.html"));
    let files =
        ["corpus.jsonl", "queries.jsonl", "qrels.tsv"].map(|f| place.path(&format!("docs/{f}")));
    let command = |report: &str| -> Vec<String> {
        let [corpus, queries, qrels] = files.clone();
        let rest =
            ["--mode", "hybrid,dense", "--llm", "none", "--unanswerable", "--report", report];
        let mut command = vec!["eval".to_owned(), "--corpus".into(), corpus, "--queries".into()];
        command.extend([queries, "--qrels".into(), qrels, "--encoder".into(), encoder.clone()]);
        command.extend(rest.map(str::to_owned));
        command
    };
    let run = |report: &str| {
        let command = command(report);
        rag(&command.iter().map(String::as_str).collect::<Vec<_>>()).output().unwrap()
    };
    assert_eq!(run(&page).status.code(), Some(0));
    let html = fs::read_to_string(&page).unwrap();
    for wanted in [
        "<h2>Finding</h2>",
        "<h2>Answers</h2>",
        "Answers without a gold answer: 1",
        "When was the &lt;b&gt;bridge&lt;/b&gt; opened?",
        "<dd>1902</dd>",
        "&lt;script&gt;",
        "nDCG@10",
    ] {
        assert!(html.contains(wanted), "{wanted}\n{html}");
    }
    assert!(!html.contains("<script") && html.contains("default-src 'none'"));
    let output = run(&nowhere);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("page.html"));
    // answers are looked for in as many reranked passages as is said
    let reranker = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/data/reranker/bert");
    let records = place.path("docs/answers.jsonl");
    let mut command = command(&page);
    command.extend(
        ["--reranker", reranker, "--rerank", "1", "--answers", &records].map(str::to_owned),
    );
    let command: Vec<&str> = command.iter().map(String::as_str).collect();
    assert_eq!(rag(&command).output().unwrap().status.code(), Some(0));
    let record = &lines(&fs::read(&records).unwrap())[0];
    let hits = record["answer"]["trace"]["hits"].as_array().unwrap();
    let reranked = hits.iter().filter(|hit| !hit["ranks"]["rerank"].is_null()).count();
    assert_eq!((hits.len(), reranked), (2, 1));
}

#[test]
fn a_reader_that_leaves_ends_the_command_quietly() {
    let place = Place::new();
    place.write("long.txt", "a line of text\n".repeat(200_000));
    let mut child = rag(&["read", &place.path("docs/long.txt")])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let mut stderr = String::new();
    child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0), "{stderr}");
    assert_eq!(stderr, "");
}

/// A folder as `transformers` saves it is a generator like any other.
#[test]
fn generate_and_inspect_take_a_transformers_folder() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/data/generator/families/llama");
    let expected = fs::read(Path::new(folder).join("expected.json")).unwrap();
    let expected: Value = serde_json::from_slice(&expected).unwrap();
    let text = expected["texts"][0]["text"].as_str().unwrap();
    let found = json(
        &[
            "generate",
            "--llm",
            folder,
            "--raw",
            "--prompt",
            text,
            "--max-new-tokens",
            "8",
            "--json",
        ],
        0,
    );
    assert_eq!(found["token_ids"], expected["greedy"]);
    let report = json(&["model", "inspect", folder, "--json"], 0);
    assert_eq!((&report["kind"], &report["quantisation"]), (&"generator".into(), &"BF16".into()));
}

#[test]
fn generate_is_held_to_a_form_and_takes_a_template() {
    let Some(llm) = model("smollm2") else { return };
    let place = Place::new();
    let (schema, grammar) = (place.path("schema.json"), place.path("yes.lark"));
    fs::write(
        &schema,
        r#"{"type": "array", "items": {"enum": [1, 2]}, "minItems": 2, "maxItems": 2}"#,
    )
    .unwrap();
    fs::write(&grammar, "start: \"yes\" | \"no\"").unwrap();
    let generate = |more: &[&str], code: i32| {
        let common =
            ["generate", "--llm", &llm, "--prompt", "Once", "--json", "--temperature", "1.5"];
        json(&[&common[..], more].concat(), code)
    };
    let list = generate(&["--json-schema", &schema, "--kv", "q8"], 0);
    let list: Vec<u8> = serde_json::from_str(list["text"].as_str().unwrap()).unwrap();
    assert!(list.len() == 2 && list.iter().all(|item| [1, 2].contains(item)), "{list:?}");
    let year = generate(&["--regex", "[0-9]{4}"], 0);
    assert!(year["text"].as_str().unwrap().parse::<u32>().is_ok());
    assert_eq!((&year["stop_reason"], year.get("template")), (&json!("end_of_turn"), None));
    let word = generate(&["--grammar", &grammar, "--chat", "--template", "completion"], 0);
    assert!(["yes", "no"].contains(&word["text"].as_str().unwrap()));
    assert_eq!(word["template"], "completion");
    fs::write(&schema, "{\"type\": \"objekt\"}").unwrap();
    let error = generate(&["--json-schema", &schema], 1);
    assert!(error.to_string().contains("invalid json_schema"), "{error}");
}

#[test]
fn generators_are_run_by_the_backend_that_is_asked_for() {
    let Some(llm) = model("smollm2") else { return };
    let measured = |backend: &str| {
        let few = ["--prompt-tokens", "4", "--new-tokens", "2", "--backend", backend];
        let common = ["bench", "generate", "--llm", &llm, "--json"];
        json(&[&common[..], &few[..]].concat(), 0)["backend"].clone()
    };
    assert_eq!((measured("candle"), measured("auto")), (json!("candle"), json!("auto")));
    let common = ["generate", "--llm", &llm, "--prompt", "Once", "--json", "--max-new-tokens", "2"];
    let asked = |backend, code| json(&[&common[..], &["--backend", backend]].concat(), code);
    assert!(asked("candle", 0)["text"].is_string());
    let missing = asked("cuda:99", 1).to_string();
    assert!(missing.contains("cuda:99"), "{missing}");
    let unknown = rag(&[&common[..], &["--backend", "gpu"]].concat()).output().unwrap();
    assert_eq!(unknown.status.code(), Some(2));
}

#[test]
fn generate_and_ask_keep_their_keys() {
    let (Some(encoder), Some(llm)) = (model("minilm"), model("smollm2")) else { return };
    let place = Place::new();
    let generated = json(
        &["generate", "--llm", &llm, "--prompt", "The sea is", "--max-new-tokens", "4", "--json"],
        0,
    );
    assert_keys(
        &generated,
        &[
            "text",
            "token_ids",
            "prompt_token_count",
            "prefill_tokens_per_second",
            "decode_tokens_per_second",
            "time_to_first_token_ms",
            "stop_reason",
        ],
    );
    assert_eq!(generated["token_ids"].as_array().unwrap().len(), 4);

    let (kb, docs) = (place.path("kb.rag"), place.path("docs"));
    json(&["sync", &kb, &docs, "--encoder", &encoder, "--json"], 0);
    let common = ["--encoder", &encoder, "--llm", &llm, "--max-new-tokens", "16", "--json"];
    let ask = ["ask", &kb, "When was the bridge over the Velden opened?", "--abstain", "never"];
    let output = rag(&[&ask[..], &common[..]].concat()).output().unwrap();
    let answer = &lines(&output.stdout)[0];
    assert_keys(answer, &["found", "text", "citations", "timings", "reason"]);
    let exit_code = if answer["found"] == true { 0 } else { 3 };
    assert_eq!(output.status.code(), Some(exit_code));
    for citation in answer["citations"].as_array().unwrap() {
        let keys =
            ["marker", "passage_id", "uri", "page", "start", "end", "quote", "support", "status"];
        assert_keys(citation, &keys);
    }
    let output = rag(&[&ask[..], &common[..], &["--explain"]].concat()).output().unwrap();
    assert_keys(&lines(&output.stdout)[0], &["hits", "trace"]);

    let abstained = ["ask", &kb, "bridge", "--abstain", "1"];
    assert_eq!(json(&[&abstained[..], &common[..]].concat(), 3)["found"], false);
}

#[test]
fn several_files_are_asked_as_one_and_summarized() {
    let Some(encoder) = model("minilm") else { return };
    let place = Place::new();
    let (first, second, docs) = (place.path("kb.rag"), place.path("other.rag"), place.path("docs"));
    json(&["sync", &first, &docs, "--encoder", &encoder, "--json"], 0);
    let mill = place.path("mill.txt");
    fs::write(&mill, "The old mill on the Orne was restored in 2004. It grinds rye on Sundays.")
        .unwrap();
    json(&["sync", &second, &mill, "--encoder", &encoder, "--json"], 0);
    let question = "When was the old mill on the Orne restored?";
    let common = ["--encoder", &encoder, "--also", &second];
    let search = [&["search", &first, question, "-k", "1", "--json"][..], &common].concat();
    let hit = &json(&search, 0)["hits"][0];
    assert_eq!((&hit["uri"], &hit["store"]), (&json!(mill), &json!(1)));
    let alone = json(&["search", &first, question, "-k", "1", "--encoder", &encoder, "--json"], 0);
    assert!(alone["hits"][0].get("store").is_none());
    let ask = [&["ask", &first, question, "--llm", "none"][..], &common].concat();
    let answer = json(&[&ask[..], &["--json"]].concat(), 0);
    assert!(answer["text"].as_str().unwrap().contains("2004"));
    let shown = String::from_utf8(rag(&ask).output().unwrap().stdout).unwrap();
    assert!(shown.contains(&format!(" in {second}: ")), "{shown}");

    let summary =
        ["summarize", &first, "--document", &mill, "--max-sentences", "1", "--llm", "none"];
    let summary = json(&[&summary[..], &common, &["--json"]].concat(), 0);
    assert_keys(&summary, &["found", "text", "citations", "timings", "reason", "outcome"]);
    assert_eq!(summary["citations"][0]["store"], 1);
    let about = ["summarize", &first, question, "--llm", "none", "--json"];
    assert_eq!(json(&[&about[..], &common].concat(), 0)["found"], true);
    let missing = ["summarize", &first, "--document", "nowhere.txt", "--llm", "none", "--json"];
    assert_eq!(json(&[&missing[..], &common].concat(), 1)["error"]["code"], "NotFound");
}

#[test]
fn a_draft_says_whose_words_it_holds() {
    let Some(encoder) = model("minilm") else { return };
    let place = Place::new();
    let kb = place.path("kb.rag");
    let rules = place.path("rules.txt");
    fs::write(&rules, "Leave is asked for two weeks before. The office closes in August.").unwrap();
    json(&["sync", &kb, &rules, "--encoder", &encoder, "--json"], 0);
    let task = "Is this allowed? Ann asks for leave one week before.";
    let compose =
        ["compose", &kb, task, "--kind", "assess", "--encoder", &encoder, "--llm", "none"];
    let draft = json(&[&compose[..], &["--json"]].concat(), 0);
    assert_keys(
        &draft,
        &["kind", "found", "text", "sections", "citations", "unwritten", "outcome", "timings"],
    );
    assert_eq!(draft["sections"][0]["part"], "rule");
    let first = &draft["sections"][0]["sentences"][0];
    assert_eq!((&first["origin"], &first["markers"]), (&json!("cited"), &json!([1])));
    assert_eq!(draft["sections"][1]["sentences"][0]["origin"], "task");
    assert_eq!(draft["unwritten"], json!(["Assessment"]));
    assert!(draft.get("hits").is_none());
    let shown = String::from_utf8(rag(&compose).output().unwrap().stdout).unwrap();
    assert!(shown.contains("## The rule") && shown.contains("two weeks before [1]."), "{shown}");
    assert!(shown.contains("[1] ") && shown.contains("rules.txt"), "{shown}");
    let violin = ["compose", &kb, "Explain how a violin is tuned.", "--encoder", &encoder];
    assert_eq!(json(&[&violin[..], &["--llm", "none", "--json"]].concat(), 3)["found"], false);
}

#[test]
fn worked_examples_are_read_from_a_file() {
    let (Some(encoder), Some(llm)) = (model("minilm"), model("smollm2")) else { return };
    let place = Place::new();
    let (kb, docs, examples) =
        (place.path("kb.rag"), place.path("docs"), place.path("examples.json"));
    json(&["sync", &kb, &docs, "--encoder", &encoder, "--json"], 0);
    let example = json!([{"passages": ["Tilia means linden."], "question": "What is Tilia?", "answer": "A linden."}]);
    fs::write(&examples, example.to_string()).unwrap();
    let question = "When was the bridge over the Velden opened?";
    let common =
        ["--encoder", &encoder, "--llm", &llm, "--max-new-tokens", "4", "--explain", "--json"];
    let prompt = |value: &str| {
        let ask = [
            "ask",
            &kb,
            question,
            "--abstain",
            "never",
            "--order",
            "best-first",
            "--examples",
            value,
        ];
        let answer = &lines(&rag(&[&ask[..], &common].concat()).output().unwrap().stdout)[0];
        answer["trace"]["prompt"].as_str().unwrap().to_owned()
    };
    assert!(prompt(&examples).contains("Tilia means linden."));
    assert!(!prompt("none").contains("lighthouse"));
    let only =
        ["ask", &kb, question, "--encoder", &encoder, "--llm", &llm, "--prompt-only", "--json"];
    let told = json(&only, 0);
    assert_keys(
        &told,
        &["messages", "text", "token_ids", "template", "shown_count", "history_count"],
    );
    assert!(told["text"].as_str().unwrap().contains(question));
    fs::write(&examples, "[{\"question\": 1}]").unwrap();
    let ask = ["ask", &kb, question, "--examples", &examples];
    let refused = rag(&[&ask[..], &common].concat()).output().unwrap();
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("examples"));
}

/// A small model of tests/data.
fn data(path: &str) -> String {
    format!("{}/../tests/data/{path}", env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn a_cross_encoder_sorts_hits_and_is_inspected() {
    let report = json(&["model", "inspect", &data("reranker/xlm-roberta"), "--json"], 0);
    assert_eq!(report["kind"], "reranker");
    assert_keys(&report, &["architecture", "label_count", "output", "max_tokens", "size_bytes"]);
    assert_eq!((&report["method"], &report["judges"]), (&"cross-encoder".into(), &true.into()));
    let report = json(&["model", "inspect", &data("late_interaction/pylate"), "--json"], 0);
    assert_eq!((&report["kind"], &report["dim"]), (&"reranker".into(), &8.into()));
    assert_eq!((&report["method"], &report["judges"]), (&"late-interaction".into(), &false.into()));

    let (place, encoder) = (Place::new(), data("encoder/families/bert"));
    let (kb, docs) = (place.path("kb.rag"), place.path("docs"));
    json(&["sync", &kb, &docs, "--encoder", &encoder, "--json"], 0);
    let search = ["search", &kb, "the bridge", "--json"];
    let plain = json(&search, 0);
    assert_eq!(plain["hits"][0]["ranks"].get("rerank"), None);
    let reranker = data("reranker/bert");
    let reranked = json(&[&search[..], &["--reranker", &reranker]].concat(), 0);
    assert_eq!(reranked["hits"][0]["ranks"]["rerank"], 1);
    assert_eq!(reranked["hits"][1]["ranks"]["rerank"], 2);
    let one = json(&[&search[..], &["--reranker", &reranker, "--rerank", "1"]].concat(), 0);
    assert_eq!(one["hits"][1]["ranks"].get("rerank"), None);
    let wrong = json(&[&search[..], &["--reranker", &encoder]].concat(), 1);
    assert_eq!(wrong["error"]["code"], "Model");
    let missing = json(&[&search[..], &["--reranker", "no-such-model"]].concat(), 1);
    assert_eq!(missing["error"]["code"], "NotFound");
    assert_eq!(
        rag(&[&search[..], &["--rerank", "1"]].concat()).output().unwrap().status.code(),
        Some(2)
    );
}

#[test]
fn encoders_come_from_gguf_and_run_on_candle() {
    let file = data("encoder/gguf/bert-f16.gguf");
    let report = json(&["model", "inspect", &file, "--json"], 0);
    assert_eq!((&report["kind"], &report["pooling"]), (&json!("encoder"), &json!("mean")));
    let encode = |backend: &str| {
        let arguments =
            ["encode", "--encoder", &file, "--backend", backend, "--precision", "f32", "--json"];
        let output = run_with_input(&arguments, b"the bridge\n");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice::<Vec<f64>>(&output.stdout).unwrap()
    };
    let cosine: f64 = encode("auto").iter().zip(encode("candle")).map(|(a, b)| a * b).sum();
    assert!((cosine - 1.0).abs() < 1e-5, "{cosine}");
}
