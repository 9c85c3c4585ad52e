//! Layers of a PDF (optional content, ISO 32000-1, 8.11) that are switched off.

use std::collections::HashSet;

use lopdf::{Dictionary, Document, Object, ObjectId};

/// The groups that viewers do not show when they open the file.
pub(super) struct Layers {
    off: HashSet<ObjectId>,
}

impl Layers {
    pub(super) fn of(file: &Document) -> Self {
        Self { off: off(file).unwrap_or_default() }
    }

    /// Whether `object`, a group or what stands for several, is switched off.
    pub(super) fn is_off(&self, file: &Document, object: &Object) -> bool {
        if self.off.is_empty() {
            return false;
        }
        if let Ok(id) = object.as_reference()
            && self.off.contains(&id)
        {
            return true;
        }
        let Ok((_, Object::Dictionary(membership))) = file.dereference(object) else {
            return false;
        };
        let Ok(groups) = membership.get(b"OCGs") else { return false };
        let groups = match file.dereference(groups) {
            Ok((_, Object::Array(groups))) => groups.iter().collect(),
            _ => vec![groups],
        };
        let is_off = |group: &&Object| group.as_reference().is_ok_and(|id| self.off.contains(&id));
        let policy = membership.get_deref(b"P", file).and_then(Object::as_name);
        match policy.unwrap_or(b"AnyOn") {
            b"AllOn" => groups.iter().any(is_off),
            b"AnyOff" => !groups.iter().any(is_off),
            b"AllOff" => !groups.iter().all(is_off),
            _ => !groups.is_empty() && groups.iter().all(is_off),
        }
    }
}

fn off(file: &Document) -> Option<HashSet<ObjectId>> {
    let properties = file.catalog().ok()?.get_deref(b"OCProperties", file).ok()?.as_dict().ok()?;
    let config = properties.get_deref(b"D", file).ok()?.as_dict().ok()?;
    let ids = |dictionary: &Dictionary, key: &[u8]| -> HashSet<ObjectId> {
        let list = dictionary.get_deref(key, file).and_then(Object::as_array);
        list.into_iter().flatten().filter_map(|object| object.as_reference().ok()).collect()
    };
    let base = config.get_deref(b"BaseState", file).and_then(Object::as_name);
    let all_off = base.is_ok_and(|state| state == b"OFF");
    let mut off = if all_off { ids(properties, b"OCGs") } else { HashSet::new() };
    ids(config, b"ON").iter().for_each(|id| {
        off.remove(id);
    });
    off.extend(ids(config, b"OFF"));
    Some(off)
}
