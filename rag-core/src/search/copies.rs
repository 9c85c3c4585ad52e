//! Passages that say the same in the same words, as where a file lies in several folders: one hit
//! that names the others.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::Hit;
use super::fusion::Fused;
use super::hits::fill;
use crate::error::Result;
use crate::store::Store;
use crate::store::fold::fold;

/// Fewest words of a passage that is taken for a copy: "Total: 5" says another thing in each file.
const MIN_WORDS: usize = 8;

/// A passage with the words of a hit that stands in another place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HitCopy {
    /// The passage's number in its file.
    pub passage_id: i64,
    /// The document.
    pub uri: String,
    /// Which of several files asked as one it is of, from 0.
    #[serde(default, skip_serializing_if = "super::is_first")]
    pub store: usize,
}

/// The best `count` hits of `ranked`, copies of a better one left out and named with it. Copies
/// that rank far behind the last hit are not looked for.
pub(super) fn folded(stores: &[&Store], ranked: &[Fused], count: usize) -> Result<Vec<Hit>> {
    let mut hits: Vec<Hit> = Vec::with_capacity(count.min(ranked.len()));
    let mut places: HashMap<u128, usize> = HashMap::new();
    for part in ranked.chunks(count.max(1)) {
        if hits.len() >= count {
            break;
        }
        for hit in fill(stores, part)? {
            let key = key(&hit);
            match key.and_then(|key| places.get(&key)) {
                Some(place) => {
                    let Hit { passage_id, uri, store, .. } = hit;
                    hits[*place].copies.push(HitCopy { passage_id, uri, store });
                }
                None if hits.len() < count => {
                    places.extend(key.map(|key| (key, hits.len())));
                    hits.push(hit);
                }
                None => {}
            }
        }
    }
    Ok(hits)
}

/// What two copies have in common: their words and those of the headings above them, case, accents
/// and marks aside.
fn key(hit: &Hit) -> Option<u128> {
    let mut hasher = blake3::Hasher::new();
    let mut count = 0;
    for text in [hit.heading.as_deref().unwrap_or_default(), &hit.text] {
        let folded = fold(text);
        for word in folded.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()) {
            hasher.update(word.as_bytes()).update(&[0]);
            count += 1;
        }
        hasher.update(&[1]);
    }
    let hash = hasher.finalize();
    let half = hash.as_bytes().first_chunk().map(|bytes| u128::from_le_bytes(*bytes));
    half.filter(|_| count >= MIN_WORDS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hit(heading: Option<&str>, text: &str) -> Hit {
        let heading = heading.map(str::to_owned);
        Hit { heading, text: text.to_owned(), ..Hit::default() }
    }

    #[test]
    fn copies_have_the_same_words_under_the_same_headings() {
        let text = "The buoy is serviced twice a year, in spring and in autumn.";
        let first = key(&hit(None, text));
        assert!(first.is_some());
        assert_eq!(first, key(&hit(None, &text.to_uppercase().replace(' ', "\n"))));
        assert_ne!(first, key(&hit(Some("North"), text)));
        assert_ne!(first, key(&hit(None, &text.replace("twice", "once"))));
        // what is short says another thing in each place
        assert_eq!(key(&hit(None, "Total: 5 euros")), None);
    }
}
