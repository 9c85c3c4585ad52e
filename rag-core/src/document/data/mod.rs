//! Data: tables, JSON, notebooks, calendars and address cards.

pub(super) mod cards;
pub(super) mod csv;
pub(super) mod json;
pub(super) mod notebook;
pub(super) mod parquet;
