//! What a part of an office file shows beside its own text: charts, diagrams, embedded files; and,
//! as not read, pictures, sound and film.

use std::collections::HashSet;

use super::here::Here;
use super::{chart, diagram};
use crate::document::archive::package::Relation;
use crate::document::office::office97::ole;
use crate::document::vocabulary::{Unit, UnreadKind, unread};
use crate::error::{Result, Unreadable};

/// Lets the file be read although one part of it that stands beside its text cannot be, which is
/// noted.
///
/// # Errors
/// What is no fault of the part.
pub(super) fn spare(result: Result<()>, part: &str) -> Result<()> {
    let Err(error) = result else { return Ok(()) };
    let kind = match error.unreadable() {
        Some(Unreadable::TooLarge) => UnreadKind::BeyondLimit,
        Some(Unreadable::Encrypted) => UnreadKind::LockedPart,
        Some(Unreadable::Broken) => UnreadKind::BrokenPart,
        _ => return Err(error),
    };
    unread::note_named(kind, part);
    Ok(())
}

/// The objects of one file, each of which is read or counted once however often it is shown.
#[derive(Default)]
pub(super) struct Objects {
    seen: HashSet<String>,
    embedded: u32,
}

impl Objects {
    /// Adds what `relations` refer to, without charts and diagrams, which have a place in the text.
    pub(super) fn add(&mut self, here: &mut Here<'_, '_>, relations: &[Relation]) -> Result<()> {
        for relation in relations {
            let kind = match relation.kind.as_str() {
                "image" => UnreadKind::Picture,
                "audio" | "video" | "media" => UnreadKind::Media,
                "ctrlProp" | "control" => UnreadKind::FormField,
                "package" | "oleObject" => UnreadKind::EmbeddedFile,
                _ => continue,
            };
            if !self.seen.insert(relation.target.clone()) {
                continue;
            }
            match kind {
                UnreadKind::EmbeddedFile => {
                    self.embed(here, &relation.target)?;
                }
                kind => unread::note(kind, 1),
            }
        }
        Ok(())
    }

    /// As [`Objects::add`], with charts and diagrams in the order of the relations.
    pub(super) fn add_all(
        &mut self,
        here: &mut Here<'_, '_>,
        relations: &[Relation],
    ) -> Result<()> {
        for relation in relations {
            self.add_shown(here, relation)?;
        }
        self.add(here, relations)
    }

    /// Adds the chart or diagram that `relation` refers to.
    pub(super) fn add_shown(&mut self, here: &mut Here<'_, '_>, relation: &Relation) -> Result<()> {
        let is_shown = matches!(relation.kind.as_str(), "chart" | "chartEx" | "diagramData");
        if !is_shown || !self.seen.insert(relation.target.clone()) {
            return Ok(());
        }
        let part = relation.target.as_str();
        let result = match relation.kind.as_str() {
            "diagramData" => diagram::add(here, part),
            _ => chart::add(here, part),
        };
        spare(result, part)
    }

    /// Reads an embedded file as what it is; one that cannot be read is noted by its name.
    fn embed(&mut self, here: &mut Here<'_, '_>, part: &str) -> Result<()> {
        let Here { package, source, draft, location } = here;
        let name = part.rsplit('/').next().unwrap_or(part);
        let Ok(Some(bytes)) = package.bytes(part) else {
            unread::note_named(UnreadKind::EmbeddedFile, name);
            return Ok(());
        };
        let file = ole::unwrapped(name, &bytes);
        let (read, notes) = unread::set_aside(|| source.read_inside(&file.name, &file.bytes));
        match read {
            Ok(document) if !document.text.trim().is_empty() => {
                unread::keep(notes);
                self.embedded += 1;
                let name = format!("{}, at {location}", file.name);
                draft.append(&document, Unit::Attachment, self.embedded, &name);
                draft.check(source)
            }
            _ => {
                unread::note_named(UnreadKind::EmbeddedFile, &file.name);
                Ok(())
            }
        }
    }
}
