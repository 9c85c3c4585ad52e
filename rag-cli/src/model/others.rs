//! Whether others may put something in place of a model.

use std::fs;
use std::path::{Path, PathBuf};

/// The first folder, from `path` up, in which another user may put a file of his own in place of
/// one of ours, and who: one that everybody may write, or that belongs to neither us nor root.
/// `None` where nobody may, or nothing is known.
///
/// In a folder above, with the sticky bit, each may take away only what is his own.
#[cfg(unix)]
#[must_use]
pub fn who_may_write(path: &Path) -> Option<(PathBuf, String)> {
    use std::os::unix::fs::MetadataExt;
    const STICKY: u32 = 0o1000;
    const EVERYBODY: u32 = 0o002;
    let path = fs::canonicalize(path).ok()?;
    let us = owner_of_this_process()?;
    path.ancestors().find_map(|folder| {
        let metadata = fs::metadata(folder).ok()?;
        let is_sticky = folder != path && metadata.mode() & STICKY != 0;
        let who = match metadata.uid() {
            _ if metadata.mode() & EVERYBODY != 0 && !is_sticky => "everybody".to_owned(),
            owner if owner != us && owner != 0 => format!("user {owner}"),
            _ => return None,
        };
        Some((folder.to_owned(), who))
    })
}

/// Elsewhere folders have no such owners and modes.
#[cfg(not(unix))]
#[must_use]
pub fn who_may_write(_: &Path) -> Option<(PathBuf, String)> {
    None
}

/// The user whom a new file of ours belongs to.
#[cfg(unix)]
fn owner_of_this_process() -> Option<u32> {
    use std::os::unix::fs::MetadataExt;
    tempfile::tempfile().ok()?.metadata().ok().map(|metadata| metadata.uid())
}

#[cfg(all(test, unix))]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn folders_that_everybody_may_write_are_told() {
        let folder = tempfile::tempdir().unwrap();
        let models = folder.path().join("cache/models");
        fs::create_dir_all(&models).unwrap();
        assert_eq!(who_may_write(&models), None);
        assert_eq!(who_may_write(&folder.path().join("missing")), None);
        for open in [models.clone(), folder.path().join("cache")] {
            fs::set_permissions(&open, fs::Permissions::from_mode(0o777)).unwrap();
            let (found, who) = who_may_write(&models).unwrap();
            assert_eq!((found, who.as_str()), (fs::canonicalize(&open).unwrap(), "everybody"));
            fs::set_permissions(&open, fs::Permissions::from_mode(0o755)).unwrap();
        }
        // what stands in /tmp is safe by its sticky bit, what is fetched into such a folder is not
        fs::set_permissions(&models, fs::Permissions::from_mode(0o1777)).unwrap();
        assert!(who_may_write(&models).is_some());
    }
}
