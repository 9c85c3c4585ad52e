//! What a document counts before anybody asks: how recent it is, and what filters say of it.
//!
//! A score is multiplied by it, as by the prior of a language model (Li and Croft 2003, where it
//! falls exponentially with age). Age is counted from the newest candidate, which changes no order
//! and needs no clock.

use std::fmt;

use super::SearchOptions;
use super::diversity::stretched;
use super::fusion::Fused;
use crate::dates::Date;
use crate::error::{Error, Result};
use crate::store::{DocumentDate, Filter, Store};

/// What a document without a date counts: as one that is a half-life old.
const UNDATED: f32 = 0.5;

/// What the least of the candidates has, where the best has 1.
const LEAST: f32 = 0.1;

/// Greatest weight of a boost.
const MAX_WEIGHT: f32 = 1000.0;

/// Keys of the metadata that say how old a document is, the first one that is there.
const KEYS: [&str; 3] = ["date", "modified", "created"];

const SECONDS_A_DAY: f64 = 86_400.0;

/// How fast documents age.
#[derive(Debug, Clone, PartialEq)]
pub struct Recency {
    /// Days after which a document counts half as much.
    pub half_life_days: f32,
    /// The key of the metadata that holds the date; `None` for `date`, `modified` or `created`, and
    /// for files without one of these the time of their last change.
    pub key: Option<String>,
}

impl Recency {
    /// Reads `DAYS` or `DAYS:KEY`.
    ///
    /// # Errors
    /// InvalidArgument for anything else, or days that are not above 0.
    pub fn parse(text: &str) -> Result<Self> {
        let (days, key) = match text.split_once(':') {
            Some((days, key)) => (days, Some(key.trim().to_owned())),
            None => (text, None),
        };
        let half_life_days = days.trim().parse().map_err(|_| {
            Error::invalid("recency", format!("{text:?} is not DAYS or DAYS:KEY, such as 180"))
        })?;
        let recency = Self { half_life_days, key };
        recency.validate().map(|()| recency)
    }

    pub(crate) fn validate(&self) -> Result<()> {
        let days = self.half_life_days;
        if !(days.is_finite() && days > 0.0) {
            return Err(Error::invalid("recency", format!("{days} days are not above 0")));
        }
        match &self.key {
            Some(key) if key.is_empty() => Err(Error::invalid("recency", "the key is empty")),
            _ => Ok(()),
        }
    }

    /// Days from 1970-01-01 to the date of a document.
    fn day(&self, document: &DocumentDate) -> Option<f64> {
        let said = |key: &str| document.metadata.get(key).and_then(|text| Date::of(text)?.days());
        let day = match &self.key {
            Some(key) => return said(key).map(|day| day as f64),
            None => KEYS.iter().find_map(|key| said(key)),
        };
        let changed = document.modified.map(|seconds| seconds / SECONDS_A_DAY);
        day.map(|day| day as f64).or(changed)
    }
}

/// As [`Recency::parse`] reads it.
impl fmt::Display for Recency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.key {
            None => write!(f, "{}", self.half_life_days),
            Some(key) => write!(f, "{}:{key}", self.half_life_days),
        }
    }
}

/// What documents that pass a filter count.
#[derive(Debug, Clone, PartialEq)]
pub struct Boost {
    /// Which documents.
    pub filter: Filter,
    /// By what their scores are multiplied: above 1 for more, below 1 for less.
    pub weight: f32,
}

impl Boost {
    /// Reads `FILTER ^ WEIGHT`.
    ///
    /// # Errors
    /// InvalidArgument for anything else, a filter beyond its limits, or a weight that is not above
    /// 0 and at most 1,000.
    pub fn parse(text: &str) -> Result<Self> {
        let refused = || {
            let reason = format!("{text:?} is not FILTER ^ WEIGHT, such as \"kind = pdf ^ 2\"");
            Error::invalid("boosts", reason)
        };
        let (filter, weight) = text.rsplit_once('^').ok_or_else(refused)?;
        let weight = weight.trim().parse().map_err(|_| refused())?;
        let boost = Self { filter: Filter::parse(filter)?, weight };
        boost.validate().map(|()| boost)
    }

    pub(crate) fn validate(&self) -> Result<()> {
        if self.weight.is_finite() && self.weight > 0.0 && self.weight <= MAX_WEIGHT {
            return Ok(());
        }
        let reason = format!("the weight {} is not above 0 to {MAX_WEIGHT}", self.weight);
        Err(Error::invalid("boosts", reason))
    }
}

/// As [`Boost::parse`] reads it.
impl fmt::Display for Boost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ^ {}", self.filter, self.weight)
    }
}

/// Whether the options have documents count for more than they say.
pub(super) fn is_asked(options: &SearchOptions) -> bool {
    options.recency.is_some() || !options.boosts.is_empty()
}

/// Multiplies every score by what its document counts. Scores are first stretched over the
/// candidates, from [`LEAST`] to 1: half a cosine would be far below any other, and what is 0 stays
/// 0 whatever its document counts.
pub(super) fn weigh(
    stores: &[&Store],
    ranked: &mut [Fused],
    options: &SearchOptions,
) -> Result<()> {
    let scores = stretched(ranked.iter().map(|fused| fused.score));
    let rest = 1.0 - LEAST;
    ranked.iter_mut().zip(scores).for_each(|(fused, score)| fused.score = LEAST + rest * score);
    for boost in &options.boosts {
        for (number, store) in stores.iter().enumerate() {
            let passing = store.passages_where(&boost.filter)?;
            let own = ranked.iter_mut().filter(|fused| fused.key.store == number);
            own.filter(|fused| passing.binary_search(&fused.key.id).is_ok())
                .for_each(|fused| fused.score *= boost.weight);
        }
    }
    match &options.recency {
        Some(recency) => age(stores, ranked, recency),
        None => Ok(()),
    }
}

fn age(stores: &[&Store], ranked: &mut [Fused], recency: &Recency) -> Result<()> {
    let mut days: Vec<Option<f64>> = vec![None; ranked.len()];
    for (number, store) in stores.iter().enumerate() {
        let own = || (0..ranked.len()).filter(|place| ranked[*place].key.store == number);
        let ids: Vec<i64> = own().map(|place| ranked[place].key.id).collect();
        for (place, date) in own().zip(store.dates_of(&ids)?) {
            days[place] = date.and_then(|date| recency.day(&date));
        }
    }
    let newest = days.iter().flatten().fold(f64::NEG_INFINITY, |most, day| most.max(*day));
    for (fused, day) in ranked.iter_mut().zip(days) {
        fused.score *= day.map_or(UNDATED, |day| factor(newest - day, recency.half_life_days));
    }
    Ok(())
}

/// What is left of a score after so many days.
fn factor(days: f64, half_life_days: f32) -> f32 {
    (-days / f64::from(half_life_days)).exp2() as f32
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn half_is_left_after_a_half_life() {
        assert_eq!(factor(0.0, 30.0), 1.0);
        assert_eq!(factor(30.0, 30.0), 0.5);
        assert_eq!(factor(60.0, 30.0), 0.25);
        assert_eq!(factor(1e9, 0.001), 0.0);
    }

    #[test]
    fn the_date_of_a_document_is_what_it_says_before_what_its_file_says() {
        let document = |pairs: &[(&str, &str)], modified| DocumentDate {
            metadata: pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
            modified,
        };
        let recency = Recency::parse("30").unwrap();
        let day = |document: &DocumentDate| recency.day(document);
        assert_eq!(day(&document(&[("date", "1970-01-11")], Some(0.0))), Some(10.0));
        assert_eq!(day(&document(&[("date", "soon"), ("created", "2 Jan 1970")], None)), Some(1.0));
        assert_eq!(day(&document(&[], Some(86_400.0))), Some(1.0));
        assert_eq!(day(&document(&[], None)), None);
        let keyed = Recency::parse("30: published ").unwrap();
        assert_eq!(keyed.day(&document(&[("date", "1970-01-11")], Some(0.0))), None);
        assert_eq!(keyed.day(&document(&[("published", "1970-01-03")], None)), Some(2.0));
        assert_eq!(DocumentDate { metadata: BTreeMap::new(), modified: None }.modified, None);
    }

    #[test]
    fn both_are_written_as_they_are_read() {
        for text in ["30", "0.5:published"] {
            assert_eq!(Recency::parse(text).unwrap().to_string(), text);
        }
        for text in ["", "0", "-3", "NaN", "inf", "soon", "30:"] {
            assert!(Recency::parse(text).is_err(), "{text}");
        }
        let boost = Boost::parse("kind = pdf AND title = 'a^b' ^ 2.5").unwrap();
        assert_eq!(boost.weight, 2.5);
        assert_eq!(Boost::parse(&boost.to_string()).unwrap(), boost);
        for text in [
            "",
            "kind = pdf",
            "kind = pdf ^",
            "kind = pdf ^ 0",
            "^ 2",
            "kind ^ 2",
            "kind = pdf ^ inf",
        ] {
            assert!(Boost::parse(text).is_err(), "{text}");
        }
    }
}
