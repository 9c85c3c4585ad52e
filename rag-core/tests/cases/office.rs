//! Office formats.
