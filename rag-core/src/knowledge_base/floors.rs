//! The cosine that a related question must reach, for each file: measured at the first question
//! after a change, kept in the file, and in memory for files that are only read.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::encode::Encoder;
use crate::error::{Error, Result};
use crate::progress::CancelToken;
use crate::search::{self, Floor};
use crate::store::Store;

use super::KnowledgeBase;

/// The setting that holds the measured floor; emptied by every change of the passages.
const FLOOR: &str = "floor";

/// The floors of files that do not hold their own, by number, each with the state of its file.
#[derive(Debug, Default)]
pub(super) struct Floors(Mutex<HashMap<usize, (u64, Option<Floor>)>>);

impl KnowledgeBase {
    /// The floor of all files asked as one: that of the file which unrelated questions come closest
    /// to.
    pub(super) fn floor(&self, cancel: &CancelToken) -> Result<Option<Floor>> {
        let encoder = self.encoder()?;
        let mut greatest: Option<Floor> = None;
        for (number, store) in self.stores().into_iter().enumerate() {
            let Some(floor) = self.floors.of(number, store, encoder, cancel)? else { continue };
            if greatest.is_none_or(|most| floor.cosine() > most.cosine()) {
                greatest = Some(floor);
            }
        }
        Ok(greatest)
    }

    /// Called by every change of the passages.
    pub(super) fn forget_floor(&self) -> Result<()> {
        self.store.put_setting(FLOOR, "")
    }
}

impl Floors {
    fn of(
        &self,
        number: usize,
        store: &Store,
        encoder: &Encoder,
        cancel: &CancelToken,
    ) -> Result<Option<Floor>> {
        if let Some(kept) = store.setting(FLOOR)?.filter(|kept| !kept.is_empty())
            && let Ok(floor) = serde_json::from_str(&kept)
        {
            return Ok(Some(floor));
        }
        let change = store.change()?;
        let kept = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, floor)) = kept().get(&number).filter(|kept| kept.0 == change) {
            return Ok(*floor);
        }
        let floor = search::measure_floor(store, encoder, cancel)?;
        if let Some(floor) = &floor {
            let text = serde_json::to_string(floor)
                .map_err(|source| Error::internal_cause("cannot write the floor", source))?;
            if store.put_setting(FLOOR, &text).is_ok() {
                return Ok(Some(*floor));
            }
        }
        // a file that cannot be written now answers all the same
        kept().insert(number, (change, floor));
        Ok(floor)
    }
}
