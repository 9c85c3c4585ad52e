//! Text: from bytes in any encoding, without data written as text, in which language; and plain
//! text itself.

pub(super) mod declared;
pub(super) mod decoded;
pub(super) mod encoding;
pub(super) mod inline_data;
pub(super) mod language;
pub(super) mod plain;
