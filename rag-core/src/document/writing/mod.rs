//! How readers write: the text of a document in the making, and what many formats write alike.

pub(super) mod civil;
pub(super) mod draft;
pub(super) mod flow;
pub(super) mod grid;
pub(super) mod roman;
pub(super) mod script;
