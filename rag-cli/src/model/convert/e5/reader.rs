//! The E5S1 file: every length checked before it is used.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use rag_core::{Error, Result};

use super::{BLOCK, BLOCK_BYTES};

/// Sizes of the network.
#[derive(Debug)]
pub(super) struct Sizes {
    pub(super) hidden: usize,
    pub(super) layers: usize,
    pub(super) heads: usize,
    pub(super) intermediate: usize,
    pub(super) vocabulary: usize,
    pub(super) positions: usize,
    pub(super) types: usize,
    pub(super) eps: f64,
}

/// The Unigram vocabulary.
#[derive(Debug)]
pub(super) struct Vocabulary<'a> {
    pub(super) pieces: Vec<(&'a str, f32)>,
    pub(super) bos: usize,
    pub(super) eos: usize,
    pub(super) pad: usize,
    pub(super) unk: usize,
}

/// How a tensor is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    F32,
    Blocks,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct TensorPlace {
    pub(super) encoding: Encoding,
    pub(super) count: usize,
    offset: usize,
    size_bytes: usize,
}

#[derive(Debug)]
pub(super) struct Directory {
    path: PathBuf,
    places: HashMap<String, TensorPlace>,
}

impl Directory {
    /// The tensor `name`, which must have `count` weights.
    pub(super) fn find(&self, name: &str, count: usize) -> Result<TensorPlace> {
        match self.places.get(name) {
            Some(place) if place.count == count => Ok(*place),
            Some(place) => {
                let found = place.count;
                Err(Error::model(
                    &self.path,
                    format!("tensor {name} has {found} weights, expected {count}"),
                ))
            }
            None => Err(Error::model(&self.path, format!("tensor {name} is missing"))),
        }
    }
}

/// A file taken apart.
#[derive(Debug)]
pub(super) struct Source<'a> {
    path: PathBuf,
    file: &'a [u8],
    pub(super) sizes: Sizes,
    pub(super) vocabulary: Vocabulary<'a>,
    pub(super) directory: Directory,
}

impl<'a> Source<'a> {
    pub(super) fn read(path: &Path, file: &'a [u8]) -> Result<Self> {
        let mut reader = Reader { path, rest: file };
        if reader.take(4)? != b"E5S1" || reader.u32()? != 1 {
            return Err(Error::model(path, "not an E5S1 file of version 1"));
        }
        let sizes = reader.sizes()?;
        let vocabulary = reader.vocabulary()?;
        if vocabulary.pieces.len() > sizes.vocabulary {
            return Err(Error::model(path, "more pieces than rows in the word table"));
        }
        reader.skip_character_map()?;
        let directory = Directory { path: path.to_owned(), places: reader.places()? };
        Ok(Self { path: path.to_owned(), file, sizes, vocabulary, directory })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The bytes of a tensor.
    pub(super) fn bytes(&self, place: &TensorPlace) -> Result<&'a [u8]> {
        let end = place.offset.checked_add(place.size_bytes);
        let bytes = end.and_then(|end| self.file.get(place.offset..end));
        bytes.ok_or_else(|| Error::model(&self.path, "a tensor lies outside the file"))
    }
}

struct Reader<'p, 'a> {
    path: &'p Path,
    rest: &'a [u8],
}

impl<'a> Reader<'_, 'a> {
    fn wrong(&self, what: &str) -> Error {
        Error::model(self.path, format!("{what}: the file is cut short or damaged"))
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8]> {
        let (taken, rest) =
            self.rest.split_at_checked(count).ok_or_else(|| self.wrong("too short"))?;
        self.rest = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        self.take(N)?.try_into().map_err(|_| self.wrong("too short"))
    }

    fn u32(&mut self) -> Result<u32> {
        self.array().map(u32::from_le_bytes)
    }

    fn f32(&mut self) -> Result<f32> {
        self.array().map(f32::from_le_bytes)
    }

    fn size(&mut self) -> Result<usize> {
        let value = self.array().map(i32::from_le_bytes)?;
        usize::try_from(value).map_err(|_| self.wrong("a negative size"))
    }

    fn size64(&mut self) -> Result<usize> {
        let value = self.array().map(u64::from_le_bytes)?;
        usize::try_from(value).map_err(|_| self.wrong("a size too large"))
    }

    fn sizes(&mut self) -> Result<Sizes> {
        let (hidden, layers, heads) = (self.size()?, self.size()?, self.size()?);
        let (intermediate, vocabulary) = (self.size()?, self.size()?);
        let (positions, types) = (self.size()?, self.size()?);
        // as published: 1e-12 rather than the nearest f32
        let eps = format!("{:.5e}", self.f32()?).parse().map_err(|_| self.wrong("a size"))?;
        let largest = [hidden, layers, heads, intermediate, vocabulary, positions, types];
        if self.size()? != BLOCK || largest.iter().any(|size| !(1..1 << 24).contains(size)) {
            return Err(self.wrong("sizes out of range"));
        }
        Ok(Sizes { hidden, layers, heads, intermediate, vocabulary, positions, types, eps })
    }

    fn vocabulary(&mut self) -> Result<Vocabulary<'a>> {
        let count = self.size()?;
        let (bos, eos, pad, unk) = (self.size()?, self.size()?, self.size()?, self.size()?);
        let text_len = self.size64()?;
        let words = |bytes: &[u8]| -> Vec<[u8; 4]> { bytes.as_chunks::<4>().0.to_vec() };
        let too_many = |reader: &Self| reader.wrong("too many pieces");
        let offsets = words(self.take(
            count.checked_add(1).and_then(|n| n.checked_mul(4)).ok_or_else(|| too_many(self))?,
        )?);
        let scores = words(self.take(count.checked_mul(4).ok_or_else(|| too_many(self))?)?);
        let text = self.take(text_len)?;
        let piece = |(ends, score): (&[[u8; 4]], &[u8; 4])| {
            let [start, end] = [ends[0], ends[1]].map(|offset| u32::from_le_bytes(offset) as usize);
            let piece = text.get(start..end).and_then(|bytes| std::str::from_utf8(bytes).ok());
            Some((piece?, f32::from_le_bytes(*score)))
        };
        let pieces: Option<Vec<_>> = offsets.windows(2).zip(&scores).map(piece).collect();
        let pieces = pieces.ok_or_else(|| self.wrong("a piece of the vocabulary"))?;
        Ok(Vocabulary { pieces, bos, eos, pad, unk })
    }

    fn skip_character_map(&mut self) -> Result<()> {
        self.u32()?;
        let len = self.u32()? as usize;
        self.take(len).map(|_| ())
    }

    fn places(&mut self) -> Result<HashMap<String, TensorPlace>> {
        let count = self.size()?;
        let mut places = HashMap::new();
        for _ in 0..count {
            let name_len = self.array().map(u16::from_le_bytes)?;
            let name = String::from_utf8_lossy(self.take(usize::from(name_len))?).into_owned();
            let [kind] = self.array()?;
            let count = self.u32()? as usize;
            let (offset, size_bytes) = (self.size64()?, self.size64()?);
            let (encoding, expected) = match kind {
                0 => (Encoding::F32, count.checked_mul(4)),
                1 if count.is_multiple_of(BLOCK) => {
                    (Encoding::Blocks, (count / BLOCK).checked_mul(BLOCK_BYTES))
                }
                _ => return Err(self.wrong(&format!("tensor {name} of kind {kind}"))),
            };
            if expected != Some(size_bytes) {
                return Err(self.wrong(&format!("tensor {name} has {size_bytes} bytes")));
            }
            places.insert(name, TensorPlace { encoding, count, offset, size_bytes });
        }
        Ok(places)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn damaged_files_are_refused() {
        let mut file = b"E5S1".to_vec();
        file.extend(1u32.to_le_bytes());
        file.extend([32, 1, 4, 64, 8, 16, 2].map(i32::to_le_bytes).concat());
        for len in 0..file.len() {
            let error = Source::read(Path::new("x"), &file[..len]).unwrap_err();
            assert_eq!(error.code(), rag_core::ErrorCode::Model);
        }
        file.extend(1e-12f32.to_le_bytes());
        file.extend([BLOCK as i32, i32::MAX, 0, 2, 1, 3].map(i32::to_le_bytes).concat());
        file.extend(u64::MAX.to_le_bytes());
        assert!(Source::read(Path::new("x"), &file).is_err());
    }
}
