//! Attention: of an encoder's tokens to each other, and of a decoder's to those before them.

pub(crate) mod bidirectional;
pub(crate) mod causal;
pub(crate) mod kv_page;
mod kv_q8;

/// Positions of a page of keys and values.
pub(crate) const PAGE: usize = 64;

/// The keys, the values or the angles of the first `count` positions of a page, for one head.
#[derive(Clone, Copy)]
struct PagePart<A> {
    area: A,
    /// Numbers of a position.
    width: usize,
    count: usize,
}

/// Some groups of sixteen positions, from `first` on.
#[derive(Clone, Copy)]
struct KeyGroups<A> {
    keys: PagePart<A>,
    first: usize,
}

/// Which numbers of which rows.
#[derive(Clone, Copy)]
struct Weighing<A> {
    values: PagePart<A>,
    at: usize,
    row: usize,
}
