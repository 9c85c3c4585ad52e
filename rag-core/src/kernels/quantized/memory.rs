//! Memory for weights: in large pages where the system has them, so that streaming through hundreds
//! of megabytes for each token does not also wait for page tables.

use memmap2::MmapMut;

/// From this size on, pages of their own are worth it.
const LARGE: usize = 1 << 20;

/// Bytes that begin at a cache line.
pub(super) enum Memory {
    /// From the heap; the bytes begin at the second field.
    Heap(Vec<u8>, usize),
    /// Pages of the system.
    Pages(MmapMut),
}

impl Memory {
    /// `len` zeros, aligned to `line`, a power of two up to 4096; `None` if memory is short.
    pub(super) fn zeroed(len: usize, line: usize) -> Option<Self> {
        if len >= LARGE {
            let pages = MmapMut::map_anon(len).ok()?;
            // a wish: where the system knows no large pages, small ones do
            #[cfg(target_os = "linux")]
            let _ = pages.advise(memmap2::Advice::HugePage);
            return Some(Self::Pages(pages));
        }
        let bytes = len.checked_add(line)?;
        let mut data = Vec::<u8>::new();
        data.try_reserve_exact(bytes).ok()?;
        data.resize(bytes, 0);
        let start = data.as_ptr().align_offset(line);
        Some(Self::Heap(data, start))
    }

    /// Them; on the heap there may be more behind.
    pub(super) fn bytes(&self) -> &[u8] {
        match self {
            Self::Heap(data, start) => &data[*start..],
            Self::Pages(pages) => pages,
        }
    }

    /// The same, to be written.
    pub(super) fn bytes_mut(&mut self) -> &mut [u8] {
        match self {
            Self::Heap(data, start) => &mut data[*start..],
            Self::Pages(pages) => pages,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn memory_is_zeroed_aligned_and_long_enough() {
        for len in [0, 1, 64, LARGE - 1, LARGE, 3 * LARGE + 7] {
            let mut memory = Memory::zeroed(len, 64).unwrap();
            assert!(memory.bytes().len() >= len && memory.bytes()[..len].iter().all(|b| *b == 0));
            assert!(memory.bytes().as_ptr().addr().is_multiple_of(64));
            memory.bytes_mut()[..len].fill(7);
            assert!(memory.bytes()[..len].iter().all(|byte| *byte == 7));
        }
        assert!(Memory::zeroed(usize::MAX - 10, 64).is_none());
    }
}
