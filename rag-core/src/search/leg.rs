//! What one leg of a search, vectors or words, says of the passages.

/// A passage of one of several files: which file, and its number there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub(super) struct Key {
    pub(super) store: usize,
    pub(super) id: i64,
}

/// What a leg found, best first, and what it says of passages that it did not find itself.
#[derive(Debug, Clone, Default)]
pub(super) struct Leg {
    pub(super) found: Vec<(Key, f32)>,
    pub(super) also: Vec<(Key, f32)>,
}
