//! A backup put in the place of a file: checked first, whole or not at all, and never beside the
//! log of what it replaces.

use std::fs;
use std::path::Path;

use super::pool::ConnectionPool;
use super::types::Access;
use super::{Info, Store, backup, log};
use crate::error::{Error, Result};
use crate::files::Claim;
use crate::progress::CancelToken;

/// Copies the knowledge base at `from` to `to`, in place of what is there.
pub(super) fn restore(from: &Path, to: &Path, cancel: &CancelToken) -> Result<Info> {
    let source = Store::open(from, Access::ReadOnly)?;
    if let Some(damage) = source.check(cancel)?.first() {
        let reason = format!("the backup is damaged: {}; nothing was restored", damage.message);
        return Err(Error::store(from, reason));
    }
    // a link keeps pointing at the file
    let place = to.canonicalize().unwrap_or_else(|_| to.to_owned());
    let Some(claim) = Claim::take(&place)? else {
        put(&source.pool, &place, cancel)?;
        return source.info();
    };
    let busy =
        || Error::store(&place, "it is open: close it, then restore again; nothing was restored");
    // others are kept out until the copy has its name; then they see the copy
    let hold = claim.exclude(|| log::hold(&place)).ok_or_else(busy)?;
    let replaced = hold.require_ours(&place).and_then(|()| put(&source.pool, &place, cancel));
    // dropped first: closing it must find the file as it was claimed
    drop(hold);
    replaced?;
    source.info()
}

fn put(source: &ConnectionPool, to: &Path, cancel: &CancelToken) -> Result<()> {
    let part = backup::part(to);
    let copied = backup::create_part(&part, source.path())
        .and_then(|()| backup::copy(source, &part, cancel).map_err(|fault| fault.at(to)));
    let moved = copied.and_then(|()| {
        // as open to others as what it replaces, or else as its source
        let like = if to.exists() { to } else { source.path().as_path() };
        let modes =
            fs::metadata(like).and_then(|found| fs::set_permissions(&part, found.permissions()));
        modes.map_err(|source| Error::io(&part, source))?;
        backup::put_in_place(&part, to)
    });
    if moved.is_err() {
        let _ = fs::remove_file(&part);
        return moved;
    }
    log::clear(to);
    Ok(())
}
