//! The folders that a knowledge base mirrors, as their user named them.
//!
//! A document is known by its real path, so that one folder under two names gives one document. A
//! name may come to lead elsewhere, when a link is switched to the next release; only the name then
//! tells that what lies there now stands for what lay there before.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::store::Store;

/// The setting that holds them: a JSON object from each name, absolute, to the real path at the
/// last sync.
const SETTING: &str = "roots";
/// Names kept. Who names more files one by one has no folder whose place could change.
const MAX_NAMES: usize = 1000;

/// A folder or file to mirror.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Root {
    /// Its absolute name, links as they were given.
    name: String,
    /// Where it leads.
    pub(super) place: PathBuf,
    /// Where it led at the last sync, if that was elsewhere and no other name leads there.
    pub(super) before: Option<PathBuf>,
}

/// What was remembered of earlier syncs.
#[derive(Debug, Default)]
pub(super) struct Roots {
    held: BTreeMap<String, String>,
}

impl Roots {
    /// What the file says; nothing if it was never synced or says nonsense.
    ///
    /// # Errors
    /// Store if its row is damaged.
    pub(super) fn of(store: &Store) -> Result<Self> {
        let held = store.setting(SETTING)?.and_then(|held| serde_json::from_str(&held).ok());
        Ok(Self { held: held.unwrap_or_default() })
    }

    /// Where `path` leads now, and where the same name led before.
    ///
    /// # Errors
    /// Io if it leads nowhere.
    pub(super) fn root(&self, path: &Path) -> Result<Root> {
        let io = |source| Error::io(path, source);
        let name = std::path::absolute(path).map_err(io)?.to_string_lossy().into_owned();
        let place = path.canonicalize().map_err(io)?;
        let before = self.held.get(&name).map(PathBuf::from);
        let before = before.filter(|before| {
            let mut others = self.held.iter().filter(|(other, _)| **other != name);
            let is_covered = others.any(|(_, place)| before.starts_with(place));
            !is_covered && !before.starts_with(&place) && !place.starts_with(before)
        });
        Ok(Root { name, place, before })
    }

    /// Remembers where `roots` lead; writes only what is new. One whose documents of before are
    /// kept though they are `missing` is left as it was: else nothing would tell any more where
    /// they came from.
    ///
    /// # Errors
    /// Store and Busy.
    pub(super) fn remember(
        mut self,
        roots: &[Root],
        missing: &[PathBuf],
        store: &Store,
    ) -> Result<()> {
        let mut is_new = false;
        for Root { name, place, before } in roots {
            let is_before = |path: &PathBuf| before.as_ref().is_some_and(|at| path.starts_with(at));
            if missing.iter().any(is_before) {
                continue;
            }
            let place = place.to_string_lossy().into_owned();
            let has_room = self.held.len() < MAX_NAMES || self.held.contains_key(name);
            if has_room && self.held.get(name) != Some(&place) {
                self.held.insert(name.clone(), place);
                is_new = true;
            }
        }
        if !is_new {
            return Ok(());
        }
        let held = serde_json::to_string(&self.held)
            .map_err(|cause| Error::internal_cause("names of folders do not fit JSON", cause))?;
        store.put_setting(SETTING, &held)
    }
}

impl Root {
    /// Whether a document at `path` came from here.
    pub(super) fn holds(&self, path: &Path) -> bool {
        path.starts_with(&self.place) || self.moved(path).is_some()
    }

    /// Where a document that lay at `path` lies now that the name leads elsewhere.
    pub(super) fn moved(&self, path: &Path) -> Option<PathBuf> {
        let rest = path.strip_prefix(self.before.as_ref()?).ok()?;
        // joining nothing would add a slash to the name of a file
        Some(if rest.as_os_str().is_empty() { self.place.clone() } else { self.place.join(rest) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(pairs: &[(&str, &str)]) -> Roots {
        let owned = |(name, place): &(&str, &str)| ((*name).to_owned(), (*place).to_owned());
        Roots { held: pairs.iter().map(owned).collect() }
    }

    #[test]
    fn a_switched_link_says_where_its_documents_lie_now() -> Result<()> {
        let place = std::path::absolute("src").and_then(|path| path.canonicalize());
        let place = place.map_err(|source| Error::io(Path::new("src"), source))?;
        let name = place.to_string_lossy().into_owned();
        let root = held(&[(&name, "/before")]).root(&place)?;
        assert_eq!(root.moved(Path::new("/before/a/b.txt")), Some(place.join("a/b.txt")));
        assert!(root.holds(Path::new("/before/a")) && root.holds(&place.join("x")));
        assert!(!root.holds(Path::new("/beforehand")));
        Ok(())
    }

    #[test]
    fn a_folder_that_has_a_name_of_its_own_did_not_move() -> Result<()> {
        let place = std::path::absolute("src").and_then(|path| path.canonicalize());
        let place = place.map_err(|source| Error::io(Path::new("src"), source))?;
        let name = place.to_string_lossy().into_owned();
        for roots in [
            held(&[(&name, "/before"), ("/own", "/before")]),
            held(&[(&name, "/before/inner"), ("/own", "/before")]),
            held(&[(&name, &name)]),
            held(&[]),
        ] {
            assert_eq!(roots.root(&place)?.before, None);
        }
        Ok(())
    }
}
