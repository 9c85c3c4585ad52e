//! Plain files, opened so that none of them is a knowledge base which this process has open.
//!
//! Closing any descriptor of a file drops every POSIX lock that the process holds on it (SQLite,
//! "How To Corrupt An SQLite Database File", section 2.2); another program then takes a log that is
//! in use for abandoned and deletes it. So each path of somebody else's is opened here, by device
//! and inode: a file that is open as a knowledge base is refused under any name, and a descriptor
//! whose file became one meanwhile is kept until that knowledge base is closed.
//!
//! The register of these files is the library's one piece of global state: locks belong to the
//! process, so what must be known of them does too, as SQLite's own list of open inodes.

mod door;
mod names;

use std::collections::BTreeMap;
use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Read};
use std::ops::{Deref, DerefMut};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use self::door::Door;
pub(crate) use self::names::{require_one_link, require_one_name};
use crate::error::{Error, Result};

/// What SQLite appends to the name of a database for the files beside it.
const SIDES: [&str; 2] = ["-wal", "-shm"];

/// What tells a file from any other, whatever its names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct FileId {
    device: u64,
    number: u64,
}

impl FileId {
    /// The file at `path`, links followed; `None` if there is none.
    pub(crate) fn of(path: &Path) -> Option<Self> {
        Self::from(&fs::metadata(path).ok()?)
    }

    #[cfg(unix)]
    pub(crate) fn from(metadata: &Metadata) -> Option<Self> {
        use std::os::unix::fs::MetadataExt;
        Some(Self { device: metadata.dev(), number: metadata.ino() })
    }

    /// Elsewhere locks belong to a handle, and a file that is open cannot be replaced: nothing
    /// needs to be told apart.
    #[cfg(not(unix))]
    pub(crate) fn from(_: &Metadata) -> Option<Self> {
        None
    }
}

/// A file that is open as a knowledge base.
#[derive(Debug)]
struct Held {
    /// Its one real name, which also names its log.
    name: PathBuf,
    claims: usize,
    /// The log and the shared memory beside it.
    sides: Vec<FileId>,
    /// Whether nobody else may have it for now.
    is_exclusive: bool,
    /// Descriptors that must not be closed before its locks are given up.
    kept: Vec<File>,
}

impl Held {
    /// Whether this is its log or its shared memory. SQLite deletes both as it closes, before the
    /// claim is given up, and another file may have the number of one by then: while it is open
    /// nobody can.
    fn has_beside(&self, id: FileId) -> bool {
        let is_there = |side| FileId::of(&beside(&self.name, side)) == Some(id);
        self.sides.contains(&id) && SIDES.into_iter().any(is_there)
    }
}

static HELD: Mutex<BTreeMap<FileId, Held>> = Mutex::new(BTreeMap::new());

type Register = MutexGuard<'static, BTreeMap<FileId, Held>>;

fn register() -> Register {
    // no code of ours panics while it holds this
    HELD.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The knowledge base that a file is, or lies beside.
fn holder(register: &mut Register, id: Option<FileId>) -> Option<&mut Held> {
    let id = id?;
    if register.contains_key(&id) {
        return register.get_mut(&id);
    }
    register.values_mut().find(|held| held.has_beside(id))
}

/// Whether this process has the file at `path` open as a knowledge base, or as the log of one,
/// under any name.
#[must_use]
pub fn is_knowledge_base(path: &Path) -> bool {
    holder(&mut register(), FileId::of(path)).is_some()
}

/// Whether a regular file of this size is a knowledge base, or the log of one, open or not.
///
/// A knowledge base is an SQLite database with our application id (SQLite file format, section
/// 1.3); a log is known by its name beside one.
#[must_use]
pub fn is_of_knowledge_base(path: &Path, size_bytes: u64) -> bool {
    is_log(path) || has_header(path, size_bytes)
}

/// Whether the name is that of a log, a journal or the shared memory of a knowledge base beside it.
/// The file itself is not opened: closing it again would drop the locks of one that is just being
/// opened.
fn is_log(path: &Path) -> bool {
    let is_base = |base: &Path| {
        fs::symlink_metadata(base)
            .is_ok_and(|metadata| metadata.is_file() && has_header(base, metadata.len()))
    };
    let Some(name) = path.to_str() else { return false };
    // a log of other data that was set aside has one more ending
    let log = name.rsplit_once(".aside").map_or(name, |(log, _)| log);
    let mut bases = ["-wal", "-shm", "-journal"].iter().filter_map(|end| log.strip_suffix(end));
    bases.any(|base| is_base(Path::new(base)))
}

fn has_header(path: &Path, size_bytes: u64) -> bool {
    let mut header = [0_u8; 72];
    // Pages are at least 512 bytes and files whole pages: spares most files the reading.
    if size_bytes == 0 || !size_bytes.is_multiple_of(512) {
        return false;
    }
    match PlainFile::open(path).and_then(|mut file| file.read_exact(&mut header)) {
        Ok(()) => header.starts_with(b"SQLite format 3\0") && header.ends_with(b"RAG1"),
        Err(error) => is_held(&error),
    }
}

/// A regular file, open to be read or written. Dropping it leaves the locks of an open knowledge
/// base alone.
#[derive(Debug)]
pub struct PlainFile {
    id: Option<FileId>,
    /// `None` only while it is dropped.
    file: Option<File>,
}

impl PlainFile {
    /// Opens a regular file, never waiting: what is or becomes a pipe or a device is refused.
    ///
    /// # Errors
    /// As for any file; `InvalidInput` if it is no regular file; `ResourceBusy` if this process has
    /// it open as a knowledge base, or as the log of one.
    pub fn open(path: &Path) -> io::Result<Self> {
        let listed = fs::metadata(path)?;
        regular(&listed)?;
        if holder(&mut register(), FileId::from(&listed)).is_some() {
            return Err(held());
        }
        let file = without_waiting().read(true).open(path)?;
        let opened = file.metadata()?;
        let plain = Self { id: FileId::from(&opened), file: Some(file) };
        regular(&opened)?;
        // another thread may have made it a knowledge base meanwhile: the descriptor is then kept
        // as it is dropped
        plain.unless_held()
    }

    /// Opens a regular file to be written from its beginning, and makes it if there is none, for
    /// its owner alone (0600): what is written so comes from documents.
    ///
    /// # Errors
    /// As [`PlainFile::open`], `InvalidInput` too if it is a knowledge base or the log of one; the
    /// file is left as it is then.
    pub fn create(path: &Path) -> io::Result<Self> {
        if is_knowledge_base(path) {
            return Err(held());
        }
        if is_log(path) {
            return Err(taken());
        }
        let mut options = without_waiting();
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.write(true).create(true).truncate(false).open(path)?;
        let opened = file.metadata()?;
        let plain = Self { id: FileId::from(&opened), file: Some(file) }.unless_held()?;
        regular(&opened)?;
        if has_header(path, opened.len()) {
            return Err(taken());
        }
        plain.set_len(0)?;
        Ok(plain)
    }

    fn unless_held(self) -> io::Result<Self> {
        let is_held = holder(&mut register(), self.id).is_some();
        if is_held { Err(held()) } else { Ok(self) }
    }
}

impl io::Write for PlainFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        (**self).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        (**self).flush()
    }
}

impl Deref for PlainFile {
    type Target = File;

    fn deref(&self) -> &File {
        self.file.as_ref().expect("taken only when it is dropped")
    }
}

impl DerefMut for PlainFile {
    fn deref_mut(&mut self) -> &mut File {
        self.file.as_mut().expect("taken only when it is dropped")
    }
}

impl Read for PlainFile {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        (**self).read(buffer)
    }
}

impl io::Seek for PlainFile {
    fn seek(&mut self, to: io::SeekFrom) -> io::Result<u64> {
        (**self).seek(to)
    }
}

impl Drop for PlainFile {
    fn drop(&mut self) {
        let mut register = register();
        match holder(&mut register, self.id) {
            Some(held) => held.kept.extend(self.file.take()),
            // closed under the lock, so that nobody opens it as a knowledge base in between
            None => drop(self.file.take()),
        }
    }
}

/// The bytes of a regular file.
///
/// # Errors
/// As [`PlainFile::open`].
pub fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut file = PlainFile::open(path)?;
    let mut bytes = Vec::new();
    bytes.try_reserve(usize::try_from(file.metadata()?.len()).unwrap_or(usize::MAX))?;
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The text of a regular file.
///
/// # Errors
/// As [`PlainFile::open`]; `InvalidData` if it is not UTF-8.
pub fn read_text(path: &Path) -> io::Result<String> {
    String::from_utf8(read(path)?)
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}

/// Whether an error of [`PlainFile::open`] says that the file is open as a knowledge base.
pub(crate) fn is_held(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::ResourceBusy && error.raw_os_error().is_none()
}

fn held() -> io::Error {
    io::Error::new(
        io::ErrorKind::ResourceBusy,
        "it is a knowledge base, or the log of one, that this process has open",
    )
}

fn taken() -> io::Error {
    let reason = "it is a knowledge base, or the log of one; name another file";
    io::Error::new(io::ErrorKind::InvalidInput, reason)
}

fn regular(metadata: &Metadata) -> io::Result<()> {
    if metadata.is_file() {
        return Ok(());
    }
    Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"))
}

/// Opening what has become a pipe since it was looked at would wait for ever.
fn without_waiting() -> OpenOptions {
    #[allow(unused_mut, reason = "only some systems have such a flag")]
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.custom_flags(rustix::fs::OFlags::NONBLOCK.bits().cast_signed());
    }
    options
}

/// Whether a knowledge base may be opened to be written: its mode allows it, and it has one name.
/// The file is not opened.
#[must_use]
pub fn may_write(path: &Path) -> bool {
    #[cfg(unix)]
    let allowed = {
        use rustix::fs::{Access, AtFlags, CWD, accessat};
        accessat(CWD, path, Access::WRITE_OK, AtFlags::EACCESS).is_ok()
    };
    #[cfg(not(unix))]
    let allowed = fs::metadata(path).is_ok_and(|found| !found.permissions().readonly());
    allowed && require_one_name(path).is_ok()
}

/// Makes the file empty if there is none; which file it is.
fn make_empty(register: &mut Register, path: &Path) -> Result<Option<FileId>> {
    // made and closed under the lock: another thread may be as fast, and have it open already
    let io = |source| Error::io(path, source);
    let file = without_waiting().write(true).create(true).truncate(false).open(path);
    let file = file.map_err(io)?;
    let metadata = file.metadata().map_err(io)?;
    let id = FileId::from(&metadata);
    match holder(register, id) {
        Some(held) => held.kept.push(file),
        None => drop(file),
    }
    if !metadata.is_file() {
        return Err(Error::store(path, "not a rag file: not a regular file"));
    }
    Ok(id)
}

/// What a store holds while SQLite has its file open: taken before the first connection, dropped
/// after the last.
#[derive(Debug)]
pub(crate) struct Claim {
    id: Option<FileId>,
    name: PathBuf,
    /// Held while the file is being opened or closed.
    door: Option<Door>,
}

impl Claim {
    /// Claims the file at `path`; `None` if there is none.
    ///
    /// # Errors
    /// Store if it is no regular file, or this process has it open under another name; Io.
    pub(crate) fn take(path: &Path) -> Result<Option<Self>> {
        let metadata = match fs::metadata(path) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(Error::io(path, source)),
        };
        if !metadata.is_file() {
            return Err(Error::store(path, "not a rag file: not a regular file"));
        }
        let id = FileId::from(&metadata);
        let name = Self::enter(&mut register(), id, path)?;
        Ok(Some(Self { id, name, door: None }))
    }

    /// As [`Claim::take`], for a file that is made empty if there is none.
    ///
    /// # Errors
    /// As [`Claim::take`]; Io if it cannot be made.
    pub(crate) fn create(path: &Path) -> Result<Self> {
        let mut register = register();
        let id = make_empty(&mut register, path)?;
        let name = Self::enter(&mut register, id, path)?;
        Ok(Self { id, name, door: None })
    }

    /// As [`Claim::take`], to connect to the file: no other thread of this process opens or closes
    /// it until
    /// [`Claim::opened`].
    ///
    /// # Errors
    /// As [`Claim::take`].
    pub(crate) fn take_to_open(path: &Path) -> Result<Option<Self>> {
        let door = Door::enter(FileId::of(path));
        let mut claim = Self::take(path)?;
        if let Some(claim) = &mut claim {
            claim.door = Some(door);
        }
        Ok(claim)
    }

    /// As [`Claim::create`], to connect to the file.
    ///
    /// # Errors
    /// As [`Claim::create`].
    pub(crate) fn create_to_open(path: &Path) -> Result<Self> {
        // not claimed before the door: whoever closes it meanwhile would leave a claim on a log
        // that is gone
        make_empty(&mut register(), path)?;
        Self::take_to_open(path)?.ok_or_else(|| Error::store(path, "it vanished while it was made"))
    }

    /// The file is open: others may open and close it too.
    pub(crate) fn opened(&mut self) {
        self.door = None;
    }

    /// The last connections are about to be closed: others wait until the claim is given up.
    pub(crate) fn closing(&mut self) {
        if self.door.is_none() {
            self.door = Some(Door::enter(self.id));
        }
    }

    fn enter(register: &mut Register, id: Option<FileId>, path: &Path) -> Result<PathBuf> {
        let name = path.canonicalize().map_err(|source| Error::io(path, source))?;
        let Some(id) = id else { return Ok(name) };
        if let Some(held) = register.values().find(|held| held.has_beside(id)) {
            let reason = format!("it is the log of {}, which is open", held.name.display());
            return Err(Error::store(path, reason));
        }
        let new = || Held {
            name: name.clone(),
            claims: 0,
            sides: Vec::new(),
            is_exclusive: false,
            kept: Vec::new(),
        };
        let held = register.entry(id).or_insert_with(new);
        if held.is_exclusive {
            return Err(Error::store(path, "it is being restored in this process: wait for that"));
        }
        if held.name != name {
            let other = held.name.display();
            let reason =
                format!("it is open in this process as {other}: use that name, or close it");
            return Err(Error::store(path, reason));
        }
        let log = FileId::of(&beside(&held.name, "-wal"));
        if !held.sides.is_empty() && log.is_none_or(|log| !held.sides.contains(&log)) {
            let reason = "its log (-wal) was deleted or replaced while this process has it open: close it first";
            return Err(Error::store(path, reason));
        }
        held.claims += 1;
        Ok(name)
    }

    /// Its one real name, links followed: what SQLite names the log after.
    pub(crate) fn name(&self) -> &Path {
        &self.name
    }

    /// Which file it is.
    pub(crate) fn id(&self) -> Option<FileId> {
        self.id
    }

    /// Notes the log and the shared memory that SQLite has made beside the file by now.
    pub(crate) fn note_sides(&self) {
        let mut register = register();
        if let Some(held) = self.id.and_then(|id| register.get_mut(&id)) {
            held.sides =
                SIDES.iter().filter_map(|side| FileId::of(&beside(&held.name, side))).collect();
        }
    }

    /// Runs `look`, which may open and close the file as it likes, unless another handle of this
    /// process has it open or is about to. `look` must not open a [`PlainFile`].
    pub(crate) fn alone<T>(&self, look: impl FnOnce() -> T) -> Option<T> {
        let register = register();
        let is_alone = |id| register.get(&id).is_none_or(|held| held.claims <= 1);
        self.id.is_none_or(is_alone).then(look)
    }

    /// As [`Claim::alone`]; where `look` gives something, nobody else may claim the file while this
    /// claim stands.
    pub(crate) fn exclude<T>(&self, look: impl FnOnce() -> Option<T>) -> Option<T> {
        let mut register = register();
        let Some(held) = self.id.and_then(|id| register.get_mut(&id)) else { return look() };
        if held.claims > 1 {
            return None;
        }
        let found = look();
        held.is_exclusive = found.is_some();
        found
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        let mut register = register();
        let Some(id) = self.id else { return };
        let Some(held) = register.get_mut(&id) else { return };
        held.claims -= 1;
        if held.claims == 0 {
            register.remove(&id);
        }
    }
}

/// The name of a file that belongs to the one at `path`.
pub(crate) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

#[cfg(all(test, unix))]
mod tests;
