//! A SQLite VFS that fails on order. It stands over the system's own and is the default of this
//! process.
//!
//! Every call that reads or writes is counted. At a chosen call it fails once, or says that the
//! disk is full from then on, or cuts the power: all later calls fail, and each file is left with
//! what was synced and a seeded choice of the sectors written since, in no order, some of them
//! torn.
#![expect(unsafe_code, reason = "SQLite's VFS is a table of C functions")]

use std::collections::HashMap;
use std::ffi::{CStr, c_char, c_int, c_void};
use std::fs;
use std::mem::size_of;
use std::path::{Path, PathBuf};
use std::ptr;
use std::sync::{Mutex, MutexGuard, Once, OnceLock, PoisonError};

use rusqlite::ffi;

const SECTOR: usize = 512;

/// What goes wrong, and at which call, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The call fails; those after it do not.
    Io(u64),
    /// The call and every later write find no space.
    Full(u64),
    /// The power is cut at this call; the number seeds what is left.
    PowerCut(u64, u64),
}

/// A file as the disk has it for sure, and what was written since.
#[derive(Debug, Default)]
struct Shadow {
    synced: Vec<u8>,
    pending: Vec<Pending>,
}

#[derive(Debug)]
enum Pending {
    Write(usize, Vec<u8>),
    Truncate(usize),
}

#[derive(Debug, Default)]
struct State {
    fault: Option<Fault>,
    calls: u64,
    is_cut: bool,
    files: HashMap<PathBuf, Shadow>,
}

static STATE: OnceLock<Mutex<State>> = OnceLock::new();

fn state() -> MutexGuard<'static, State> {
    STATE.get_or_init(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner)
}

/// Orders a fault, or none; counting starts again.
pub(crate) fn order(fault: Option<Fault>) {
    *state() = State { fault, ..State::default() };
}

/// Calls since the last order.
pub(crate) fn calls() -> u64 {
    state().calls
}

/// Whether the fault ordered has come about.
pub(crate) fn happened() -> bool {
    let state = state();
    match state.fault {
        Some(Fault::Io(at) | Fault::Full(at) | Fault::PowerCut(at, _)) => state.calls >= at,
        None => false,
    }
}

/// Lets everything work again, on what the fault left.
pub(crate) fn repair() {
    let mut state = state();
    if state.is_cut {
        let Some(Fault::PowerCut(_, seed)) = state.fault else { return };
        let mut random = Random(seed);
        let mut files: Vec<_> = state.files.drain().collect();
        files.sort_by(|a, b| a.0.cmp(&b.0));
        for (path, shadow) in files {
            if path.exists() {
                fs::write(&path, shadow.survivors(&mut random)).unwrap();
            }
        }
    }
    *state = State::default();
}

/// SplitMix64 (Steele et al. 2014).
#[derive(Debug)]
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

impl Shadow {
    fn of(path: &Path) -> Self {
        Self { synced: fs::read(path).unwrap_or_default(), pending: Vec::new() }
    }

    /// Each sector written since the last sync is there, half there, or not.
    fn survivors(self, random: &mut Random) -> Vec<u8> {
        let mut bytes = self.synced;
        for pending in self.pending {
            match pending {
                Pending::Truncate(length) if random.next().is_multiple_of(2) => {
                    bytes.resize(length, 0)
                }
                Pending::Truncate(_) => {}
                Pending::Write(at, data) => {
                    for (number, sector) in data.chunks(SECTOR).enumerate() {
                        let kept = match random.next() % 8 {
                            0..=3 => sector.len(),
                            4 => sector.len() / 2,
                            _ => 0,
                        };
                        let from = at + number * SECTOR;
                        if kept > 0 {
                            bytes.resize(bytes.len().max(from + kept), 0);
                            bytes[from..from + kept].copy_from_slice(&sector[..kept]);
                        }
                    }
                }
            }
        }
        bytes
    }
}

/// Counts a call; the code it fails with, if it does.
fn enter(is_write: bool, code: c_int) -> Option<c_int> {
    let mut state = state();
    state.calls += 1;
    let calls = state.calls;
    match state.fault? {
        Fault::Io(at) => (calls == at).then_some(code),
        Fault::Full(at) => (calls >= at && is_write).then_some(ffi::SQLITE_FULL),
        Fault::PowerCut(at, _) => {
            state.is_cut = calls >= at;
            state.is_cut.then_some(code)
        }
    }
}

/// SQLite's view of an open file: the method table first, then ours, then the system's file.
#[repr(C)]
struct File {
    methods: *const ffi::sqlite3_io_methods,
    path: *mut PathBuf,
}

/// The system's file behind ours.
unsafe fn real(file: *mut ffi::sqlite3_file) -> *mut ffi::sqlite3_file {
    // SAFETY: `szOsFile` leaves room for the system's file right after `File`.
    unsafe { file.cast::<u8>().add(size_of::<File>()).cast() }
}

unsafe fn path_of<'a>(file: *mut ffi::sqlite3_file) -> Option<&'a PathBuf> {
    // SAFETY: every open file starts with `File`, whose path is null or lives until the close.
    unsafe { (*file.cast::<File>()).path.as_ref() }
}

/// Calls a method of the system's file.
macro_rules! forward {
    ($file:expr, $method:ident $(, $arg:expr)*) => {{
        // SAFETY: the system's file was opened by the system's VFS, which filled its methods.
        unsafe {
            let real = real($file);
            ((*(*real).pMethods).$method.unwrap())(real $(, $arg)*)
        }
    }};
}

unsafe extern "C" fn close(file: *mut ffi::sqlite3_file) -> c_int {
    let code = forward!(file, xClose);
    // SAFETY: the path was boxed by `open` and is not used after the close.
    unsafe {
        let path = (*file.cast::<File>()).path;
        if !path.is_null() {
            drop(Box::from_raw(path));
        }
    }
    code
}

unsafe extern "C" fn read(
    file: *mut ffi::sqlite3_file,
    buffer: *mut c_void,
    length: c_int,
    at: i64,
) -> c_int {
    match enter(false, ffi::SQLITE_IOERR_READ) {
        Some(code) => code,
        None => forward!(file, xRead, buffer, length, at),
    }
}

unsafe extern "C" fn write(
    file: *mut ffi::sqlite3_file,
    buffer: *const c_void,
    length: c_int,
    at: i64,
) -> c_int {
    // SAFETY: SQLite hands over `length` bytes.
    let data = unsafe { std::slice::from_raw_parts(buffer.cast::<u8>(), length as usize) };
    // SAFETY: the file is open.
    note(unsafe { path_of(file) }, Pending::Write(at as usize, data.to_vec()));
    match enter(true, ffi::SQLITE_IOERR_WRITE) {
        Some(code) => code,
        None => forward!(file, xWrite, buffer, length, at),
    }
}

unsafe extern "C" fn truncate(file: *mut ffi::sqlite3_file, size: i64) -> c_int {
    // SAFETY: the file is open.
    note(unsafe { path_of(file) }, Pending::Truncate(size as usize));
    match enter(true, ffi::SQLITE_IOERR_TRUNCATE) {
        Some(code) => code,
        None => forward!(file, xTruncate, size),
    }
}

/// Remembers a change that is not synced yet.
fn note(path: Option<&PathBuf>, pending: Pending) {
    let mut state = state();
    if let (Some(path), false) = (path, state.is_cut)
        && matches!(state.fault, Some(Fault::PowerCut(..)))
    {
        state.files.entry(path.clone()).or_default().pending.push(pending);
    }
}

unsafe extern "C" fn sync(file: *mut ffi::sqlite3_file, flags: c_int) -> c_int {
    if let Some(code) = enter(true, ffi::SQLITE_IOERR_FSYNC) {
        return code;
    }
    let code = forward!(file, xSync, flags);
    // SAFETY: the file is open.
    if let Some(path) = unsafe { path_of(file) } {
        let mut state = state();
        if let Some(shadow) = state.files.get_mut(path) {
            *shadow = Shadow::of(path);
        }
    }
    code
}

unsafe extern "C" fn file_size(file: *mut ffi::sqlite3_file, size: *mut i64) -> c_int {
    match enter(false, ffi::SQLITE_IOERR_FSTAT) {
        Some(code) => code,
        None => forward!(file, xFileSize, size),
    }
}

unsafe extern "C" fn lock(file: *mut ffi::sqlite3_file, level: c_int) -> c_int {
    match enter(false, ffi::SQLITE_IOERR_LOCK) {
        Some(code) => code,
        None => forward!(file, xLock, level),
    }
}

unsafe extern "C" fn unlock(file: *mut ffi::sqlite3_file, level: c_int) -> c_int {
    forward!(file, xUnlock, level)
}

unsafe extern "C" fn check_lock(file: *mut ffi::sqlite3_file, held: *mut c_int) -> c_int {
    forward!(file, xCheckReservedLock, held)
}

unsafe extern "C" fn control(file: *mut ffi::sqlite3_file, op: c_int, arg: *mut c_void) -> c_int {
    forward!(file, xFileControl, op, arg)
}

unsafe extern "C" fn sector_size(file: *mut ffi::sqlite3_file) -> c_int {
    forward!(file, xSectorSize)
}

/// No promises: a write may be torn, and writes may change places.
unsafe extern "C" fn characteristics(_file: *mut ffi::sqlite3_file) -> c_int {
    0
}

unsafe extern "C" fn shm_map(
    file: *mut ffi::sqlite3_file,
    page: c_int,
    size: c_int,
    extend: c_int,
    out: *mut *mut c_void,
) -> c_int {
    match enter(extend != 0, ffi::SQLITE_IOERR_SHMMAP) {
        Some(code) => code,
        None => forward!(file, xShmMap, page, size, extend, out),
    }
}

unsafe extern "C" fn shm_lock(
    file: *mut ffi::sqlite3_file,
    from: c_int,
    count: c_int,
    flags: c_int,
) -> c_int {
    forward!(file, xShmLock, from, count, flags)
}

unsafe extern "C" fn shm_barrier(file: *mut ffi::sqlite3_file) {
    forward!(file, xShmBarrier);
}

unsafe extern "C" fn shm_unmap(file: *mut ffi::sqlite3_file, delete: c_int) -> c_int {
    forward!(file, xShmUnmap, delete)
}

static METHODS: ffi::sqlite3_io_methods = ffi::sqlite3_io_methods {
    iVersion: 2,
    xClose: Some(close),
    xRead: Some(read),
    xWrite: Some(write),
    xTruncate: Some(truncate),
    xSync: Some(sync),
    xFileSize: Some(file_size),
    xLock: Some(lock),
    xUnlock: Some(unlock),
    xCheckReservedLock: Some(check_lock),
    xFileControl: Some(control),
    xSectorSize: Some(sector_size),
    xDeviceCharacteristics: Some(characteristics),
    xShmMap: Some(shm_map),
    xShmLock: Some(shm_lock),
    xShmBarrier: Some(shm_barrier),
    xShmUnmap: Some(shm_unmap),
    xFetch: None,
    xUnfetch: None,
};

unsafe extern "C" fn open(
    vfs: *mut ffi::sqlite3_vfs,
    name: ffi::sqlite3_filename,
    file: *mut ffi::sqlite3_file,
    flags: c_int,
    out_flags: *mut c_int,
) -> c_int {
    let ours = file.cast::<File>();
    // SAFETY: SQLite gives `szOsFile` bytes; a null method table says that nothing is open.
    unsafe {
        (*ours).methods = ptr::null();
        (*ours).path = ptr::null_mut();
    }
    if let Some(code) = enter(flags & ffi::SQLITE_OPEN_CREATE != 0, ffi::SQLITE_CANTOPEN) {
        return code;
    }
    // SAFETY: `pAppData` is the system's VFS, put there by `install`; the name is null or a C
    // string.
    unsafe {
        let system = (*vfs).pAppData.cast::<ffi::sqlite3_vfs>();
        let code = ((*system).xOpen.unwrap())(system, name, real(file), flags, out_flags);
        if code != ffi::SQLITE_OK {
            return code;
        }
        (*ours).methods = &raw const METHODS;
        if !name.is_null() {
            let path = PathBuf::from(CStr::from_ptr(name).to_str().unwrap());
            let mut state = state();
            if matches!(state.fault, Some(Fault::PowerCut(..))) {
                state.files.entry(path.clone()).or_insert_with(|| Shadow::of(&path));
            }
            (*ours).path = Box::into_raw(Box::new(path));
        }
        code
    }
}

unsafe extern "C" fn delete(
    vfs: *mut ffi::sqlite3_vfs,
    name: *const c_char,
    sync_folder: c_int,
) -> c_int {
    if let Some(code) = enter(false, ffi::SQLITE_IOERR_DELETE) {
        return code;
    }
    // SAFETY: as in `open`; the name is a C string.
    unsafe {
        state().files.remove(Path::new(CStr::from_ptr(name).to_str().unwrap()));
        let system = (*vfs).pAppData.cast::<ffi::sqlite3_vfs>();
        ((*system).xDelete.unwrap())(system, name, sync_folder)
    }
}

unsafe extern "C" fn access(
    vfs: *mut ffi::sqlite3_vfs,
    name: *const c_char,
    flags: c_int,
    out: *mut c_int,
) -> c_int {
    // SAFETY: as in `delete`.
    unsafe {
        let system = (*vfs).pAppData.cast::<ffi::sqlite3_vfs>();
        ((*system).xAccess.unwrap())(system, name, flags, out)
    }
}

unsafe extern "C" fn full_name(
    vfs: *mut ffi::sqlite3_vfs,
    name: *const c_char,
    length: c_int,
    out: *mut c_char,
) -> c_int {
    // SAFETY: as in `delete`; `out` has `length` bytes.
    unsafe {
        let system = (*vfs).pAppData.cast::<ffi::sqlite3_vfs>();
        ((*system).xFullPathname.unwrap())(system, name, length, out)
    }
}

/// Makes this VFS the default of the process.
pub(crate) fn install() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // SAFETY: SQLite keeps the table for the life of the process, and so does the leaked box;
        // what is not replaced needs no file and works with any table.
        unsafe {
            assert_eq!(ffi::sqlite3_initialize(), ffi::SQLITE_OK);
            let system = ffi::sqlite3_vfs_find(ptr::null());
            let mut vfs = Box::new(*system);
            vfs.iVersion = 2;
            vfs.szOsFile += size_of::<File>() as c_int;
            vfs.zName = c"faults".as_ptr();
            vfs.pAppData = system.cast();
            vfs.xOpen = Some(open);
            vfs.xDelete = Some(delete);
            vfs.xAccess = Some(access);
            vfs.xFullPathname = Some(full_name);
            assert_eq!(ffi::sqlite3_vfs_register(Box::into_raw(vfs), 1), ffi::SQLITE_OK);
        }
    });
}
