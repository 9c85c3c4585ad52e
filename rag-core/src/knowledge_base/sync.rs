//! Makes a knowledge base mirror folders: compare, then remove, rename, and write what is new.
//!
//! Comparing costs a stat per unchanged file. What is new is read and split on one thread, encoded
//! on another, and written by the caller, so that the encoder never waits for the disk; a few
//! documents are under way at a time. Each document is one transaction.

mod compare;
mod missing;
mod roots;

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::document::{self, Document};
use crate::encode::Encoder;
use crate::error::{Error, ErrorCode, Result, Skipped, Unreadable};
use crate::files::PlainFile;
use crate::index::native::Native;
use crate::options::Options;
use crate::passage::{self, EncoderInput, Passage, SplitOptions};
use crate::progress::{Call, CancelToken, Progress, Stage};
use crate::store::{NewDocument, Seal, SkippedFile, Store};
use crate::walk::{self, Candidate};

use super::KnowledgeBase;
use super::encoding::{self, PassageVectors};
use super::types::{Missing, PartlyRead, Plan, SyncOptions, SyncReport, Trust};
use compare::{Change, Todo, Wanted};
use roots::Roots;

/// Files read ahead of the encoder, and files encoded ahead of the disk; bounds memory to a few
/// documents.
const READ_AHEAD: usize = 16;
const WRITE_BEHIND: usize = 2;
/// Small documents are encoded together, up to about so many passages.
const BATCH_PASSAGES: usize = 64;
/// A file from this size on is encoded alone.
const LARGE_BYTES: u64 = 1 << 20;
/// The coarsest times of file systems (FAT).
const TIME_STEP: Duration = Duration::from_secs(2);
/// How often the caller looks at the cancel token while it waits.
const TICK: Duration = Duration::from_millis(50);

/// A document that was read and encoded, one unit vector per passage.
struct Encoded {
    candidate: Candidate,
    change: Change,
    hash: [u8; 32],
    content: Result<(Document, Vec<Passage>, PassageVectors)>,
}

/// A file that was read, or why it was not.
struct Prepared {
    candidate: Candidate,
    change: Change,
    hash: [u8; 32],
    content: Result<(Document, Vec<Passage>)>,
}

impl KnowledgeBase {
    /// Makes the knowledge base mirror `root`, a folder or file, with [`SyncOptions::default`]; see
    /// [`KnowledgeBase::sync_with`].
    ///
    /// # Errors
    /// As [`KnowledgeBase::sync_with`].
    pub fn sync(&self, root: impl AsRef<Path>) -> Result<SyncReport> {
        self.sync_with(&[root], &SyncOptions::default(), Call::new())
    }

    /// Makes the knowledge base mirror `roots` (folders or files): adds, updates, renames, removes.
    /// [`Call::on_progress`] is told of each file.
    ///
    /// Documents outside the roots stay, and so does text that was added by [`KnowledgeBase::add`].
    /// Documents whose file is missing are removed; but if that were all of a root that is empty,
    /// more than half of its ten or more, or ten of a folder that is there and empty, they are kept
    /// and named in [`SyncReport::missing`], for an unmounted share looks just so ([`Missing`]). A
    /// root is known by the name it is given: if that is a link that leads elsewhere now, its
    /// documents move with it. A file that is gone from another root and appears here unchanged
    /// moved too. Each document is one transaction: a kill or cancel loses none that was reported.
    /// A file that cannot be read is skipped, reported, and not read again until it changes; it
    /// costs only itself. A file is known to be unchanged by its size and time of last change, then
    /// by its BLAKE3 hash; a file changed within two seconds before it was read, or in the future,
    /// is known by its hash only, until a later sync finds it settled. A program that changes bytes
    /// and keeps both size and time hides the change.
    ///
    /// # Errors
    /// Io if a root does not exist; InvalidArgument for no root, a length of passages or a `graph`
    /// out of range; Cancelled; DiskFull if the new files are known not to fit, before anything is
    /// written; ModelMismatch, Store and Busy.
    pub fn sync_with(
        &self,
        roots: &[impl AsRef<Path>],
        options: &SyncOptions,
        call: Call<'_>,
    ) -> Result<SyncReport> {
        let roots: Vec<PathBuf> = roots.iter().map(|root| root.as_ref().to_owned()).collect();
        self.mirror(&roots, options, call)
    }

    fn mirror(
        &self,
        roots: &[PathBuf],
        options: &SyncOptions,
        mut call: Call<'_>,
    ) -> Result<SyncReport> {
        let started = Instant::now();
        if roots.is_empty() {
            return Err(Error::invalid("roots", "name at least one folder or file"));
        }
        options.validate()?;
        // the encoder may take less
        let remembered = Roots::of(&self.store)?;
        let wanted = Wanted {
            paths: roots,
            roots: &remembered,
            options,
            trust: self.trust,
            cancel: call.token(),
        };
        let mut todo = compare::compare(&self.store, &wanted)?;
        let roots = std::mem::take(&mut todo.roots);
        let mut report = todo.take_report();
        match options.plan {
            Plan::Apply => {
                self.apply(todo, options, &mut report, &mut call)?;
                remembered.remember(&roots, &report.missing, &self.store)?;
                self.store.scrub()?;
            }
            Plan::DryRun => todo.count_writes(&mut report),
        }
        report.skipped.sort_by(|a, b| a.path.cmp(&b.path));
        report.seconds = started.elapsed().as_secs_f64();
        Ok(report)
    }

    fn apply(
        &self,
        mut todo: Todo,
        options: &SyncOptions,
        report: &mut SyncReport,
        call: &mut Call<'_>,
    ) -> Result<()> {
        self.store.require_growth(todo.least_bytes())?;
        let changes = !(todo.write.is_empty() && todo.removed.is_empty() && todo.moved.is_empty());
        let touched: Vec<_> = todo
            .touched
            .iter()
            .map(|(row, candidate)| (row.id, candidate.size_bytes, candidate.mtime_ns))
            .collect();
        if !touched.is_empty() {
            self.store.touch_documents(&touched)?;
        }
        for row in &todo.removed {
            call.token().check()?;
            self.store.remove_document(&row.uri)?;
        }
        for (row, candidate) in &todo.renamed {
            self.store.rename_document(row.id, &uri(&candidate.path), candidate.mtime_ns)?;
        }
        for (row, candidate) in std::mem::take(&mut todo.moved) {
            // a time that is not the file's: if all ends here, the next sync compares bytes
            let mtime_ns = candidate.mtime_ns.wrapping_sub(1);
            self.store.rename_document(row.id, &uri(&candidate.path), mtime_ns)?;
            todo.write.push((candidate, Change::Modified));
        }
        if changes {
            self.forget_floor()?;
        }
        if !todo.write.is_empty() {
            self.write_all(todo.write, options, report, call)?;
        }
        let builder = Native { options: options.graph, ..Native::default() };
        self.store.seal_with(Seal::IfNeeded, &builder, call.token())
    }

    fn write_all(
        &self,
        files: Vec<(Candidate, Change)>,
        options: &SyncOptions,
        report: &mut SyncReport,
        call: &mut Call<'_>,
    ) -> Result<()> {
        let cancel = &call.token().clone();
        let encoder = self.bound_encoder()?;
        let split = self.split_options(options)?;
        let total = files.len();
        let total_bytes = files.iter().map(|(file, _)| file.size_bytes).sum();
        let (started, mut done_bytes) = (Instant::now(), 0);
        let (prepared, to_encode) = sync_channel(READ_AHEAD);
        let (encoded, to_write) = sync_channel(WRITE_BEHIND);
        std::thread::scope(|scope| {
            let preparation = Preparation { encoder, split, options, cancel };
            scope.spawn(move || {
                for (candidate, change) in files {
                    let file = preparation.prepare(candidate, change);
                    if prepared.send(file).is_err() {
                        return; // what comes after stopped; so do we
                    }
                }
            });
            let encoding = Encoding { encoder, store: &self.store, cancel };
            scope.spawn(move || encoding.encode_all(&to_encode, &encoded));
            // Owned here, so that leaving early closes the channel and the threads that fill it
            // come to their end.
            let to_write = to_write;
            for done in 1..=total {
                let file = receive(&to_write, cancel)?;
                let path = file.candidate.path.clone();
                done_bytes += file.candidate.size_bytes;
                self.write_one(file, options, report, cancel)?;
                call.report(&Progress {
                    stage: Stage::Index,
                    done,
                    total: Some(total),
                    passage_count: report.passage_count,
                    path: Some(path),
                    done_bytes,
                    total_bytes,
                    elapsed: started.elapsed(),
                });
            }
            Ok(())
        })
    }

    fn write_one(
        &self,
        file: Encoded,
        options: &SyncOptions,
        report: &mut SyncReport,
        cancel: &CancelToken,
    ) -> Result<()> {
        let Encoded { candidate, change, hash, content } = file;
        let uri = uri(&candidate.path);
        match content {
            Ok((document, passages, vectors)) => {
                let row = NewDocument {
                    uri: &uri,
                    size_bytes: candidate.size_bytes,
                    mtime_ns: candidate.mtime_ns,
                    hash,
                    kind: document.kind.name(),
                    title: document.title.as_deref(),
                    lang: document.lang.as_deref(),
                    text: &document.text,
                    source_map: &document.source_map.to_bytes(),
                    metadata: &document.metadata,
                    unread: &document.unread,
                };
                self.put(&row, &passages, &vectors, cancel)?;
                if !document.unread.is_empty() {
                    let (path, unread) = (candidate.path, document.unread);
                    report.unread.push(PartlyRead { path, unread });
                }
                report.passage_count += passages.len();
                match change {
                    Change::New => report.added += 1,
                    Change::Modified => report.updated += 1,
                }
            }
            Err(Error::Cancelled) => return Err(Error::Cancelled),
            Err(error) => {
                // A file that vanished or cannot be opened now is not remembered: it may work next
                // time.
                if error.code() == ErrorCode::Document {
                    let Candidate { size_bytes, mtime_ns, .. } = candidate;
                    let error = &error;
                    let tried_pictures = options.read.recognizer.is_some();
                    let uri = uri.as_str();
                    let file =
                        SkippedFile { uri, size_bytes, mtime_ns, hash, error, tried_pictures };
                    self.store.put_skipped(&file)?;
                }
                report.skipped.push(Skipped { path: candidate.path, error });
            }
        }
        Ok(())
    }
}

/// What files are encoded with.
struct Encoding<'a> {
    encoder: &'a Encoder,
    store: &'a Store,
    cancel: &'a CancelToken,
}

impl Encoding<'_> {
    /// Encodes files as they come, small ones together, until there are none, the encoder fails, or
    /// the writer has stopped.
    fn encode_all(&self, files: &Receiver<Prepared>, encoded: &SyncSender<Result<Encoded>>) {
        while let Ok(first) = files.recv() {
            let mut batch = vec![first];
            while batch.iter().map(Prepared::passage_count).sum::<usize>() < BATCH_PASSAGES
                && batch.iter().all(|file| file.candidate.size_bytes < LARGE_BYTES)
                && let Ok(next) = files.try_recv()
            {
                batch.push(next);
            }
            match self.encode_batch(batch) {
                Ok(files) => {
                    for file in files {
                        if encoded.send(Ok(file)).is_err() {
                            return;
                        }
                    }
                }
                Err(error) => {
                    // nobody is left to tell if the writer has stopped
                    let _ = encoded.send(Err(error));
                    return;
                }
            }
        }
    }

    fn encode_batch(&self, batch: Vec<Prepared>) -> Result<Vec<Encoded>> {
        let Self { encoder, store, cancel } = *self;
        let input = store.encoder_input()?;
        let mut texts = Vec::new();
        for file in &batch {
            texts.extend(file.encoder_texts(encoder, input)?);
        }
        let mut vectors = encoding::encode(encoder, &texts, cancel)?.into_iter();
        let dim = encoder.identity().dim;
        let mut finish = |file: Prepared| {
            let Prepared { candidate, change, hash, content } = file;
            let content = content.map(|(document, passages)| {
                let data = vectors.by_ref().take(passages.len() * dim).collect();
                (document, passages, PassageVectors { input, data })
            });
            Encoded { candidate, change, hash, content }
        };
        Ok(batch.into_iter().map(&mut finish).collect())
    }
}

impl Prepared {
    fn passage_count(&self) -> usize {
        self.content.as_ref().map_or(0, |(_, passages)| passages.len())
    }

    fn encoder_texts(&self, encoder: &Encoder, input: EncoderInput) -> Result<Vec<String>> {
        let Ok((document, passages)) = &self.content else { return Ok(Vec::new()) };
        let Document { title, text, .. } = document;
        encoding::fitted(encoder, &encoding::parts(input, title.as_deref(), text, passages))
    }
}

/// The next file to write; gives up when the call is cancelled.
fn receive(files: &Receiver<Result<Encoded>>, cancel: &CancelToken) -> Result<Encoded> {
    loop {
        cancel.check()?;
        match files.recv_timeout(TICK) {
            Ok(file) => return file,
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => {
                return Err(Error::internal("the encoder's thread ended early"));
            }
        }
    }
}

/// What every file is read and split with.
struct Preparation<'a> {
    encoder: &'a Encoder,
    split: SplitOptions,
    options: &'a SyncOptions,
    cancel: &'a CancelToken,
}

impl Preparation<'_> {
    /// Reads and splits one file; whatever goes wrong is its own affair.
    fn prepare(&self, candidate: Candidate, change: Change) -> Prepared {
        match read_stable(candidate.clone(), self.options.walk.max_file_bytes) {
            Ok((candidate, bytes)) => {
                let path = &candidate.path;
                let read = document::read_with(path, &bytes, &self.options.read, self.cancel);
                let content = read.and_then(|document| {
                    let passages = passage::split(&document, self.encoder, &self.split)?;
                    Ok((document, passages))
                });
                Prepared { candidate, change, hash: *blake3::hash(&bytes).as_bytes(), content }
            }
            Err(error) => Prepared { candidate, change, hash: [0; 32], content: Err(error) },
        }
    }
}

/// The bytes of a file that did not change while it was read. A file that keeps changing is taken
/// as it was read last, with the size and time from before that read: the next sync sees that it
/// changed.
///
/// A time too fresh to tell one change from the next is noted one nanosecond off, so that the next
/// sync compares bytes.
fn read_stable(mut candidate: Candidate, max_file_bytes: u64) -> Result<(Candidate, Vec<u8>)> {
    let mut before = SystemTime::now();
    let mut bytes = read_capped(&candidate.path, max_file_bytes)?;
    let after = walk::stat(&candidate.path)?;
    if (after.size_bytes, after.mtime_ns) != (candidate.size_bytes, candidate.mtime_ns) {
        candidate = after;
        before = SystemTime::now();
        bytes = read_capped(&candidate.path, max_file_bytes)?;
    }
    if !is_settled(&candidate, before) {
        candidate.mtime_ns = candidate.mtime_ns.wrapping_sub(1);
    }
    Ok((candidate, bytes))
}

fn read_capped(path: &Path, max_file_bytes: u64) -> Result<Vec<u8>> {
    use std::io::Read;
    let mut file = PlainFile::open(path).map_err(|source| Error::io(path, source))?;
    let mut bytes = Vec::new();
    file.by_ref()
        .take(max_file_bytes + 1)
        .read_to_end(&mut bytes)
        .map_err(|source| Error::io(path, source))?;
    if bytes.len() as u64 > max_file_bytes {
        return Err(Error::document(
            path,
            Unreadable::TooLarge,
            format!("it grew past {max_file_bytes} bytes"),
        ));
    }
    Ok(bytes)
}

/// Whether the file's time of last change is old enough at `now` that a later change would have
/// another time: file systems count in steps of up to two seconds. A time in the future says
/// nothing.
fn is_settled(file: &Candidate, now: SystemTime) -> bool {
    let now = now.duration_since(UNIX_EPOCH).unwrap_or_default();
    let oldest = now.saturating_sub(TIME_STEP).as_nanos();
    i128::from(file.mtime_ns) < i128::try_from(oldest).unwrap_or(i128::MAX)
}

fn hash_file(path: &Path) -> Option<[u8; 32]> {
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(PlainFile::open(path).ok()?).ok()?;
    Some(*hasher.finalize().as_bytes())
}

/// Paths are kept as text; the walk passes over those that are not UTF-8.
fn uri(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}
