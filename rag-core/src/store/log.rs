//! Whose the log beside a file is, told before SQLite sees either: replayed over other data, a log
//! destroys them.
//!
//! A log that is left behind when a copy is put over its file still has sound checksums. It belongs
//! to the file if the file stands at one of the log's commits, or at the one before its first
//! ([`super::link`]); whatever cannot be told for sure counts as belonging. A log of other data is
//! renamed, never read into the file and never deleted.
//!
//! Formats: SQLite's "Database File Format", sections 1.6 (pages), 2.1 (records) and 4 (logs).

use std::fs::{self, File};
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use super::page::{self, Row};
use super::{link, schema};
use crate::error::{Error, Result};
use crate::files::beside;

/// Bytes before the first frame, and before the page in each.
const LOG_HEADER: usize = 32;
const FRAME_HEADER: usize = 24;
/// The first word of a log; one more if its checksums are over big-endian words.
const LOG_MAGIC: u32 = 0x377f_0682;
/// Names tried for a log that is set aside.
const MAX_ASIDE: u32 = 1000;
/// A journal that was begun when its file was empty: magic, then the file's size in pages at byte
/// 16.
const JOURNAL: [u8; 8] = [0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7];

/// Looks at what lies beside the file and renames it if it belongs to other data; the new name is
/// returned.
///
/// Nobody else in this process may have the file open, and who has it open elsewhere is left alone.
///
/// # Errors
/// Store if it belongs to other data and cannot be renamed.
pub(super) fn settle(path: &Path) -> Result<Option<PathBuf>> {
    let lies = |suffix| fs::metadata(beside(path, suffix)).is_ok_and(|file| file.len() > 0);
    let suspects: Vec<&str> = ["-wal", "-journal"].into_iter().filter(|side| lies(side)).collect();
    if suspects.is_empty() {
        return Ok(None);
    }
    // another program that has it open goes on with its own log
    let (mut file, writable) = match File::options().read(true).write(true).open(path) {
        Ok(file) => (file, true),
        Err(_) => match File::open(path) {
            Ok(file) => (file, false),
            Err(_) => return Ok(None),
        },
    };
    if writable && !lock(&file) {
        return Ok(None);
    }
    for side in suspects {
        let name = beside(path, side);
        let mut is_other = || match side {
            "-wal" => is_other_log(&mut file, &name).unwrap_or(false),
            _ => is_other_journal(&mut file, &name).unwrap_or(false),
        };
        // without the lock another program may be writing while we look: looked at twice
        if is_other() && (writable || is_other()) {
            return set_aside(path, &name).map(Some);
        }
    }
    Ok(None)
}

/// Takes every lock of the file, as SQLite does before it is alone with it; closing the file gives
/// them up.
#[cfg(unix)]
fn lock(file: &File) -> bool {
    rustix::fs::fcntl_lock(file, rustix::fs::FlockOperation::NonBlockingLockExclusive).is_ok()
}

#[cfg(not(unix))]
fn lock(_: &File) -> bool {
    true
}

fn set_aside(path: &Path, log: &Path) -> Result<PathBuf> {
    let free = (1..MAX_ASIDE).map(|number| beside(log, &format!(".aside{number}")));
    let to = free.into_iter().find(|name| fs::symlink_metadata(name).is_err());
    let to = to.unwrap_or_else(|| beside(log, ".aside"));
    fs::rename(log, &to).map_err(|source| Error::Store {
        path: path.to_owned(),
        reason: format!(
            "{} is the log of other data and cannot be renamed; it would destroy this file: move it away",
            log.display()
        ),
        source: Some(Box::new(source)),
    })?;
    link::forget(path);
    Ok(to)
}

/// A file of which this process holds every lock; SQLite waits elsewhere.
#[derive(Debug)]
pub(super) struct Hold(File);

/// Holds the file, unless another process has it open. Nobody else in this one may have it open or
/// open it.
pub(super) fn hold(path: &Path) -> Option<Hold> {
    let file = File::options().read(true).write(true).open(path).ok()?;
    lock(&file).then_some(Hold(file))
}

impl Hold {
    /// Refuses a file that is not ours, and not empty: it is not for us to replace.
    ///
    /// # Errors
    /// Store.
    pub(super) fn require_ours(&self, path: &Path) -> Result<()> {
        let mut header = Vec::new();
        let read = (&self.0).take(100).read_to_end(&mut header);
        read.map_err(|source| Error::io(path, source))?;
        let ours =
            header.starts_with(b"SQLite format 3\0") && word(&header, 68) == schema::APPLICATION_ID;
        if ours || header.is_empty() {
            return Ok(());
        }
        Err(Error::store(path, "not a rag file: move it away, then restore again"))
    }
}

/// Removes the logs beside a file that was just put in the place of another, unless somebody has
/// opened it by now: who did has set them aside.
pub(super) fn clear(path: &Path) {
    let Some(_hold) = hold(path) else { return };
    for side in ["-wal", "-journal"] {
        let _ = fs::remove_file(beside(path, side));
    }
}

/// The commit that the file alone stands at, without its log.
fn standing(file: &mut File) -> io::Result<Row> {
    let mut header = [0; 100];
    file.seek(SeekFrom::Start(0))?;
    file.read_exact(&mut header)?;
    Ok(page_bytes(word(&header, 16) >> 16).map_or(Row::Unknown, |size| page::in_file(file, size)))
}

/// Whether the log has commits, and none of them is where the file stands or follows that.
fn is_other_log(file: &mut File, log: &Path) -> io::Result<bool> {
    let at = match standing(file)? {
        Row::Found(link) => link.name,
        Row::Absent => 0,
        Row::Unknown => return Ok(false),
    };
    let Some(mut commits) = Commits::open(log)? else { return Ok(false) };
    let mut met = false;
    while let Some(row) = commits.next()? {
        let (name, before) = match row {
            Row::Found(link) => (link.name, link.before),
            Row::Absent => (0, 0),
            Row::Unknown => continue,
        };
        if name == at || (!met && before == at) {
            return Ok(false);
        }
        met = true;
    }
    Ok(met)
}

/// Whether the journal would empty a file that has had commits since it was made.
fn is_other_journal(file: &mut File, journal: &Path) -> io::Result<bool> {
    let mut header = [0; 20];
    if File::open(journal)?.read_exact(&mut header).is_err() {
        return Ok(false);
    }
    let empties = header.starts_with(&JOURNAL) && word(&header, 16) == 0;
    Ok(empties && matches!(standing(file)?, Row::Found(link) if link.count > 0))
}

/// What the commits of a log say of themselves, in order, as far as SQLite would replay it.
struct Commits {
    log: BufReader<File>,
    big_endian: bool,
    salts: [u8; 8],
    sum: (u32, u32),
    frame: Vec<u8>,
}

impl Commits {
    /// `None` if SQLite would not replay anything of it.
    fn open(log: &Path) -> io::Result<Option<Self>> {
        let mut log = BufReader::with_capacity(1 << 16, File::open(log)?);
        let mut header = [0; LOG_HEADER];
        if log.read_exact(&mut header).is_err() {
            return Ok(None);
        }
        let big_endian = match word(&header, 0) {
            LOG_MAGIC => false,
            magic if magic == LOG_MAGIC + 1 => true,
            _ => return Ok(None),
        };
        let Some(size) = page_bytes(word(&header, 8)) else { return Ok(None) };
        let (summed, rest) = header.split_at(LOG_HEADER - 8);
        let sum = checksum(big_endian, (0, 0), summed);
        if sum != (word(rest, 0), word(rest, 4)) {
            return Ok(None);
        }
        let mut salts = [0; 8];
        salts.copy_from_slice(&header[16..24]);
        Ok(Some(Self { log, big_endian, salts, sum, frame: vec![0; FRAME_HEADER + size] }))
    }

    /// The row of the next commit, unknown if it did not write it; `None` at the end of what is
    /// sound.
    fn next(&mut self) -> io::Result<Option<Row>> {
        let mut row = Row::Unknown;
        loop {
            match self.log.read_exact(&mut self.frame) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
                Err(error) => return Err(error),
            }
            let (header, image) = self.frame.split_at(FRAME_HEADER);
            let sum = checksum(self.big_endian, self.sum, &header[..8]);
            self.sum = checksum(self.big_endian, sum, image);
            if header[8..16] != self.salts || self.sum != (word(header, 16), word(header, 20)) {
                return Ok(None);
            }
            match page::on_page(image, word(header, 0)) {
                Row::Unknown => {}
                known => row = known,
            }
            let is_commit = word(header, 4) != 0;
            if is_commit {
                return Ok(Some(row));
            }
        }
    }
}

/// The checksum of a log, over pairs of words (section 4.2); `bytes` is a multiple of 8 long.
fn checksum(big_endian: bool, (mut first, mut second): (u32, u32), bytes: &[u8]) -> (u32, u32) {
    let word = |bytes: [u8; 4]| match big_endian {
        true => u32::from_be_bytes(bytes),
        false => u32::from_le_bytes(bytes),
    };
    for pair in bytes.as_chunks::<8>().0 {
        let [a, b, c, d, e, f, g, h] = *pair;
        first = first.wrapping_add(word([a, b, c, d])).wrapping_add(second);
        second = second.wrapping_add(word([e, f, g, h])).wrapping_add(first);
    }
    (first, second)
}

/// The size of a page as headers give it, where a 1 stands for 65,536.
fn page_bytes(header: u32) -> Option<usize> {
    let size = if header == 1 { 65_536 } else { header as usize };
    (size.is_power_of_two() && (512..=65_536).contains(&size)).then_some(size)
}

fn word(bytes: &[u8], at: usize) -> u32 {
    let bytes = bytes.get(at..at + 4).and_then(|bytes| bytes.try_into().ok());
    bytes.map_or(0, u32::from_be_bytes)
}
