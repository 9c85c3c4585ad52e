//! Mail, tables, calendars, cards and PDF.
