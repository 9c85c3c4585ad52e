//! Compound files (MS-CFB): a small file system of storages and streams in one file.
//!
//! Every chain of sectors is cut at the number of sectors there are, so a circle ends.

use super::{u16_at, u32_at};
use crate::document::vocabulary::SourceFile;
use crate::error::{Error, Result, Unreadable};

/// The first bytes of every compound file.
pub(in crate::document) const SIGNATURE: [u8; 8] = [0xD0, 0xCF, 0x11, 0xE0, 0xA1, 0xB1, 0x1A, 0xE1];

/// Sector numbers from here on are marks, not numbers.
const MAX_SECTOR: u32 = 0xFFFF_FFFA;

/// Bytes of a directory entry.
const ENTRY_BYTES: usize = 128;

/// Storages inside storages.
const MAX_DEPTH: usize = 16;

/// An open compound file.
pub(in crate::document) struct Compound<'a> {
    bytes: &'a [u8],
    sector_bytes: usize,
    /// The sector after each sector.
    fat: Vec<u32>,
    /// As `fat`, for the small sectors inside the root stream.
    mini_fat: Vec<u32>,
    mini: Vec<u8>,
    mini_bytes: usize,
    /// Streams shorter than this lie in small sectors.
    cutoff: usize,
    streams: Vec<Stream>,
}

struct Stream {
    path: String,
    start: u32,
    length: usize,
}

impl<'a> Compound<'a> {
    pub(in crate::document) fn open(source: &SourceFile<'a>) -> Result<Self> {
        let broken = || Error::document(source.path, Unreadable::Broken, "broken compound file");
        Self::parse(source.bytes).ok_or_else(broken)
    }

    fn parse(bytes: &'a [u8]) -> Option<Self> {
        bytes.starts_with(&SIGNATURE).then_some(())?;
        let shift = u16_at(bytes, 0x1E).filter(|shift| (7..=16).contains(shift))?;
        let mini_shift = u16_at(bytes, 0x20).filter(|shift| (4..=12).contains(shift))?;
        let mut file = Self {
            bytes,
            sector_bytes: 1 << shift,
            fat: Vec::new(),
            mini_fat: Vec::new(),
            mini: Vec::new(),
            mini_bytes: 1 << mini_shift,
            cutoff: usize::try_from(u32_at(bytes, 0x38)?).ok()?,
            streams: Vec::new(),
        };
        file.read_fat()?;
        let mini_fat = file.chain(u32_at(bytes, 0x3C)?, usize::MAX);
        file.mini_fat = numbers(&mini_fat);
        let directory = file.chain(u32_at(bytes, 0x30)?, usize::MAX);
        let root = directory.get(..ENTRY_BYTES)?;
        let length = usize::try_from(u32_at(root, 0x78)?).ok()?;
        file.mini = file.chain(u32_at(root, 0x74)?, length);
        file.list(&directory);
        Some(file)
    }

    fn sector(&self, number: u32) -> Option<&'a [u8]> {
        let start = usize::try_from(number).ok()?.checked_add(1)?.checked_mul(self.sector_bytes)?;
        let end = start.checked_add(self.sector_bytes)?.min(self.bytes.len());
        self.bytes.get(start..end).filter(|sector| !sector.is_empty())
    }

    fn sector_count(&self) -> usize {
        self.bytes.len() / self.sector_bytes + 1
    }

    /// Joins the sectors of the allocation table: 109 are named in the header, the others in a
    /// chain.
    fn read_fat(&mut self) -> Option<()> {
        let mut names = numbers(self.bytes.get(0x4C..0x200)?);
        let mut next = u32_at(self.bytes, 0x44)?;
        for _ in 0..self.sector_count() {
            let Some(sector) = self.sector(next).filter(|_| next < MAX_SECTOR) else { break };
            let mut more = numbers(sector);
            next = more.pop().unwrap_or(u32::MAX);
            names.extend(more);
        }
        names.retain(|&name| name < MAX_SECTOR);
        names.truncate(self.sector_count());
        for name in names {
            let Some(sector) = self.sector(name) else { continue };
            self.fat.extend(numbers(sector));
        }
        Some(())
    }

    /// The bytes of a chain of sectors, at most `length`.
    fn chain(&self, start: u32, length: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut next = start;
        for _ in 0..self.sector_count() {
            let Some(sector) = self.sector(next).filter(|_| next < MAX_SECTOR) else { break };
            bytes.extend_from_slice(sector);
            if bytes.len() >= length {
                break;
            }
            next = self.fat.get(next as usize).copied().unwrap_or(u32::MAX);
        }
        bytes.truncate(length);
        bytes
    }

    fn mini_chain(&self, start: u32, length: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut next = start;
        for _ in 0..self.mini.len() / self.mini_bytes + 1 {
            let at = (next as usize).saturating_mul(self.mini_bytes);
            let end = at.saturating_add(self.mini_bytes).min(self.mini.len());
            let Some(sector) = self.mini.get(at..end).filter(|s| !s.is_empty()) else { break };
            bytes.extend_from_slice(sector);
            if bytes.len() >= length {
                break;
            }
            next = self.mini_fat.get(next as usize).copied().unwrap_or(u32::MAX);
        }
        bytes.truncate(length);
        bytes
    }

    /// Walks the tree of directory entries.
    fn list(&mut self, directory: &[u8]) {
        let count = directory.len() / ENTRY_BYTES;
        let mut seen = vec![false; count];
        let entry = |index: usize| directory.get(index * ENTRY_BYTES..(index + 1) * ENTRY_BYTES);
        let child = entry(0).and_then(|root| u32_at(root, 0x4C)).unwrap_or(u32::MAX);
        let mut waiting = vec![(child, String::new(), 0)];
        while let Some((index, folder, depth)) = waiting.pop() {
            let index = index as usize;
            let Some(bytes) = entry(index).filter(|_| depth <= MAX_DEPTH) else { continue };
            match seen.get_mut(index) {
                Some(seen) if !*seen => *seen = true,
                _ => continue,
            }
            let name_bytes = usize::from(u16_at(bytes, 0x40).unwrap_or(0)).clamp(2, 64) - 2;
            let name = utf16_name(bytes.get(..name_bytes).unwrap_or_default());
            let path = if folder.is_empty() { name } else { format!("{folder}/{name}") };
            for at in [0x44, 0x48] {
                waiting.push((u32_at(bytes, at).unwrap_or(u32::MAX), folder.clone(), depth));
            }
            match bytes.get(0x42) {
                Some(1) => {
                    let child = u32_at(bytes, 0x4C).unwrap_or(u32::MAX);
                    waiting.push((child, path, depth + 1));
                }
                Some(2) => self.streams.push(Stream {
                    path,
                    start: u32_at(bytes, 0x74).unwrap_or(u32::MAX),
                    length: u32_at(bytes, 0x78).unwrap_or(0) as usize,
                }),
                _ => {}
            }
        }
        self.streams.sort_by(|a, b| a.path.cmp(&b.path));
    }

    /// Paths of all streams, in order.
    pub(in crate::document) fn paths(&self) -> impl Iterator<Item = &str> {
        self.streams.iter().map(|stream| stream.path.as_str())
    }

    pub(in crate::document) fn has(&self, path: &str) -> bool {
        self.streams.iter().any(|stream| stream.path == path)
    }

    /// The bytes of a stream, as far as they are there.
    pub(in crate::document) fn stream(&self, path: &str) -> Option<Vec<u8>> {
        let stream = self.streams.iter().find(|stream| stream.path == path)?;
        Some(if stream.length < self.cutoff {
            self.mini_chain(stream.start, stream.length)
        } else {
            self.chain(stream.start, stream.length)
        })
    }
}

fn numbers(bytes: &[u8]) -> Vec<u32> {
    bytes.as_chunks::<4>().0.iter().map(|&number| u32::from_le_bytes(number)).collect()
}

fn utf16_name(bytes: &[u8]) -> String {
    super::utf16(bytes)
}
