//! Writes GGUF files for tests: sound ones, and ones that lie.

use std::io::Write;

use half::f16;

/// Bytes of a GGUF file under construction.
#[derive(Debug, Clone, Default)]
pub(crate) struct GgufWriter {
    entries: Vec<Vec<u8>>,
    tensors: Vec<(Vec<u8>, Vec<u8>)>,
}

pub(crate) fn string(text: &str) -> Vec<u8> {
    [&(text.len() as u64).to_le_bytes()[..], text.as_bytes()].concat()
}

impl GgufWriter {
    pub(crate) fn raw(mut self, key: &str, kind: u32, value: &[u8]) -> Self {
        self.entries.push([&string(key)[..], &kind.to_le_bytes(), value].concat());
        self
    }

    pub(crate) fn text(self, key: &str, text: &str) -> Self {
        self.raw(key, 8, &string(text))
    }

    pub(crate) fn count(self, key: &str, count: u32) -> Self {
        self.raw(key, 4, &count.to_le_bytes())
    }

    pub(crate) fn number(self, key: &str, number: f32) -> Self {
        self.raw(key, 6, &number.to_le_bytes())
    }

    pub(crate) fn texts(self, key: &str, texts: &[&str]) -> Self {
        let items: Vec<u8> = texts.iter().flat_map(|text| string(text)).collect();
        let head = [&8u32.to_le_bytes()[..], &(texts.len() as u64).to_le_bytes()].concat();
        self.raw(key, 9, &[head, items].concat())
    }

    pub(crate) fn integers(self, key: &str, integers: &[i32]) -> Self {
        let items: Vec<u8> = integers.iter().flat_map(|integer| integer.to_le_bytes()).collect();
        let head = [&5u32.to_le_bytes()[..], &(integers.len() as u64).to_le_bytes()].concat();
        self.raw(key, 9, &[head, items].concat())
    }

    /// A tensor; `dims` as in the file, contiguous one first. The offset is filled in by
    /// [`GgufWriter::bytes`].
    pub(crate) fn tensor(mut self, name: &str, dims: &[u64], kind: u32, data: Vec<u8>) -> Self {
        let mut info = string(name);
        info.extend((dims.len() as u32).to_le_bytes());
        info.extend(dims.iter().flat_map(|dim| dim.to_le_bytes()));
        info.extend(kind.to_le_bytes());
        self.tensors.push((info, data));
        self
    }

    /// A tensor of f32.
    pub(crate) fn floats(self, name: &str, dims: &[u64], values: &[f32]) -> Self {
        self.tensor(name, dims, 0, values.iter().flat_map(|value| value.to_le_bytes()).collect())
    }

    /// A tensor of Q8_0, from values.
    pub(crate) fn q8_0(self, name: &str, dims: &[u64], values: &[f32]) -> Self {
        let mut data = Vec::new();
        for block in values.chunks(32) {
            let largest = block.iter().fold(0f32, |largest, value| largest.max(value.abs()));
            let scale = f16::from_f32(largest / 127.0);
            data.extend(scale.to_le_bytes());
            let quant = |value: &f32| ((value / scale.to_f32()).round() as i8).to_le_bytes()[0];
            data.extend(block.iter().map(quant));
        }
        self.tensor(name, dims, 8, data)
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut bytes = b"GGUF".to_vec();
        bytes.extend(3u32.to_le_bytes());
        bytes.extend((self.tensors.len() as u64).to_le_bytes());
        bytes.extend((self.entries.len() as u64).to_le_bytes());
        bytes.extend(self.entries.concat());
        let mut offset = 0u64;
        for (info, data) in &self.tensors {
            bytes.extend(info);
            bytes.extend(offset.to_le_bytes());
            offset += (data.len() as u64).next_multiple_of(32);
        }
        for (_, data) in &self.tensors {
            bytes.resize(bytes.len().next_multiple_of(32), 0);
            bytes.extend(data);
        }
        bytes.resize(bytes.len().next_multiple_of(32), 0);
        bytes
    }

    pub(crate) fn file(&self) -> tempfile::NamedTempFile {
        file(&self.bytes())
    }
}

pub(crate) fn file(bytes: &[u8]) -> tempfile::NamedTempFile {
    let mut file = tempfile::Builder::new().suffix(".gguf").tempfile().expect("temporary file");
    file.write_all(bytes).expect("temporary file takes bytes");
    file
}
