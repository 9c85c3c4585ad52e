//! Options of a sync.

use super::index::BuildOptions;
use super::read_file::ReadOptions;
use super::split::SplitOptions;
use super::value::{Fault, Value};
use super::walk::WalkOptions;
use super::{OptionValue, options, switch, words};

words! {
    /// What a sync does with documents whose file is missing.
    #[derive(Default)]
    pub enum Missing("missing") {
        /// Removes them; but keeps those of a root if they are all of its documents and no other file is there, or more than half of
        /// ten or more, and those of a folder that is there and empty if they are ten or more: an unmounted share looks just so.
        #[default]
        Guard = "guard",
        /// Removes them all.
        Remove = "remove",
        /// Keeps them all.
        Keep = "keep",
    }
}

/// Whether a sync writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Plan {
    /// Read, encode and write.
    #[default]
    Apply,
    /// Count what would be done and write nothing.
    DryRun,
}

switch!(Plan, Apply, DryRun);

options! {
    /// How to bring a knowledge base in line with folders.
    #[derive(Debug, Clone)]
    pub struct SyncOptions("sync") {
        /// Only say what would be done, and write nothing.
        plan: Plan = Plan::Apply, name("dry_run");
        /// What becomes of documents whose file is missing: guard removes them, but not all or most of a folder at once, which an
        /// unmounted share looks like; remove removes and keep keeps them all.
        missing: Missing = Missing::Guard;
    }
    parts {
        /// How each document is cut into passages.
        split: SplitOptions = SplitOptions::default(), renames(&[]);
        /// Which files count.
        walk: WalkOptions = WalkOptions::default(), renames(&[]);
        /// How each file is read.
        read: ReadOptions = ReadOptions::default(), renames(&[]);
        /// How the vector index is built at the end, if it needs to be and is large enough for a graph (more than
        /// 100,000 passages). It is not kept in the file: a later sync that builds the graph anew says it again.
        graph: BuildOptions = BuildOptions::default(), renames(&[]);
    }
    custom {
        /// Keep documents whose file is missing, all of them.
        keep_missing: Kind::Flag, set(|options, value| options.set_missing(value, Missing::Keep)),
            get(|options| Value::Flag(options.missing == Missing::Keep));
        /// Remove documents whose file is missing, even if they are all or most of a folder.
        force: Kind::Flag, set(|options, value| options.set_missing(value, Missing::Remove)),
            get(|options| Value::Flag(options.missing == Missing::Remove));
    }
    check(|_| Ok(()))
}

impl SyncOptions {
    fn set_missing(&mut self, value: Value, meant: Missing) -> Result<(), Fault> {
        match (bool::read(value)?, self.missing) {
            (true, Missing::Guard) => self.missing = meant,
            (true, missing) if missing != meant => {
                let other = if missing == Missing::Keep { "keep_missing" } else { "force" };
                return Err(Fault::Value(format!("not together with {other}")));
            }
            (false, missing) if missing == meant => self.missing = Missing::Guard,
            _ => {}
        }
        Ok(())
    }
}
