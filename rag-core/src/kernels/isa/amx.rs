//! The permission to use matrix tiles of x86 (AMX), and their setting on a thread.
#![expect(unsafe_code, reason = "instructions without intrinsics, behind run-time detection")]

use std::arch::asm;
use std::arch::x86_64::__cpuid_count;
use std::marker::PhantomData;

use super::Avx512;

/// Rows of a register, and words of one of its rows.
pub(crate) const SIDE: usize = 16;

/// The proof that this CPU has AMX for bf16 and bytes, beside AVX-512, and that the system lets
/// this process use it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Amx(Avx512);

impl Amx {
    /// Asks the CPU and the system. Asking again does no harm.
    pub(crate) fn detect(vectors: Avx512) -> Option<Self> {
        (vectors.has_bf16() && has_tiles() && permission()).then_some(Self(vectors))
    }

    /// The same CPU without tiles.
    pub(crate) fn vectors(self) -> Avx512 {
        self.0
    }

    /// Sets this thread's tiles up until the result is dropped. Not to be nested: dropping one ends
    /// all.
    pub(crate) fn hold(self) -> Held {
        let shapes = Shapes::ALL_WHOLE;
        // SAFETY: the CPU has tiles and the system allows them; the palette is 64 bytes of a valid
        // setting.
        unsafe {
            asm!("ldtilecfg [{}]", in(reg) &raw const shapes, options(nostack, preserves_flags, readonly))
        };
        Held { vectors: self.0, _thread: PhantomData }
    }
}

/// Leaf 7: AMX-BF16, AMX-TILE and AMX-INT8.
fn has_tiles() -> bool {
    const NEEDED: u32 = 1 << 22 | 1 << 24 | 1 << 25;
    __cpuid_count(7, 0).edx & NEEDED == NEEDED
}

/// Linux keeps the registers of tiles only for processes that ask
/// (`Documentation/arch/x86/xstate.rst`). Threads and forks inherit it. Refused where a thread's
/// signal stack is too small for them.
#[cfg(target_os = "linux")]
fn permission() -> bool {
    const ARCH_REQ_XCOMP_PERM: libc::c_int = 0x1023;
    const TILE_DATA: libc::c_ulong = 18;
    // SAFETY: two integers; the call changes nothing but what the kernel keeps for this process.
    unsafe { libc::syscall(libc::SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, TILE_DATA) == 0 }
}

/// Not asked for elsewhere.
#[cfg(not(target_os = "linux"))]
fn permission() -> bool {
    false
}

/// What `ldtilecfg` reads.
#[repr(C)]
struct Shapes {
    palette: u8,
    start_row: u8,
    reserved: [u8; 14],
    row_bytes: [u16; 16],
    rows: [u8; 16],
}

impl Shapes {
    /// Eight registers of sixteen rows of 64 bytes.
    const ALL_WHOLE: Self = {
        let (mut row_bytes, mut rows) = ([0; 16], [0; 16]);
        let mut register = 0;
        while register < 8 {
            row_bytes[register] = 64;
            rows[register] = SIDE as u8;
            register += 1;
        }
        Self { palette: 1, start_row: 0, reserved: [0; 14], row_bytes, rows }
    };
}

/// This thread's tiles are set up.
#[derive(Debug)]
pub(crate) struct Held {
    vectors: Avx512,
    _thread: PhantomData<*const ()>,
}

impl Held {
    /// The arithmetic, as long as they are.
    pub(crate) fn tiles(&self) -> AmxTiles<'_> {
        AmxTiles { vectors: self.vectors, _held: PhantomData }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        // SAFETY: the CPU has tiles. The registers go back to their first state, so that nobody
        // saves them.
        unsafe { asm!("tilerelease", options(nomem, nostack, preserves_flags)) };
    }
}

/// The proof that this thread's tiles are set up.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AmxTiles<'a> {
    pub(crate) vectors: Avx512,
    _held: PhantomData<(&'a Held, *const ())>,
}
