//! Bytes that were read as text.

use std::ops::Range;

use crate::document::vocabulary::SourceMap;

/// The text of a file.
pub(in crate::document) struct Decoded {
    pub(in crate::document) text: String,
    pub(in crate::document) source_map: SourceMap,
    /// The name of the encoding in the WHATWG standard, `"UTF-8"` for most files.
    pub(in crate::document) encoding: &'static str,
}

impl Decoded {
    pub(super) fn empty(encoding: &'static str) -> Self {
        Self { text: String::new(), source_map: SourceMap::default(), encoding }
    }

    /// Adds `text`, decoded from `bytes`, which stand at `range` of the file.
    pub(super) fn push(&mut self, text: &str, range: Range<usize>, bytes: &[u8]) {
        let start = self.text.len();
        self.text.push_str(text);
        if text.as_bytes() == bytes {
            self.source_map.push_exact(start..self.text.len(), range.start as u64);
        } else {
            let source = range.start as u64..range.end as u64;
            self.source_map.push_whole(start, text, source);
        }
    }
}
