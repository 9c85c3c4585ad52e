//! The passages as points of a plane, for people to look at.

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::progress::CancelToken;
use crate::search::Plane;
use crate::store::{Filter, PassageRow};

use super::{KnowledgeBase, check_question};

/// Most passages of a map: of more, every second is drawn, or third, and so on.
const MAX_POINTS: usize = 5000;
/// Characters of a passage that its point carries.
const TEXT_CHARS: usize = 200;

/// A passage as a point.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MapPoint {
    /// Its number, as [`Hit::passage_id`](crate::search::Hit::passage_id).
    pub passage_id: i64,
    /// The document.
    pub uri: String,
    /// Title of the document.
    pub title: Option<String>,
    /// Page on which it begins, from 1.
    pub page: Option<u32>,
    /// How it begins: 200 characters at most, on one line.
    pub text: String,
    /// How far it lies along the direction in which passages differ most.
    pub x: f32,
    /// The same along the second such direction.
    pub y: f32,
}

/// A question as a point among passages.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MapQuestion {
    /// As it was asked.
    pub text: String,
    /// As [`MapPoint::x`].
    pub x: f32,
    /// As [`MapPoint::y`].
    pub y: f32,
}

/// Passages by meaning: what lies together says like things. [`PassageMap::to_html`] draws it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PassageMap {
    /// In the order of the file.
    pub points: Vec<MapPoint>,
    /// In the order they were given.
    pub questions: Vec<MapQuestion>,
    /// How many passages there are; 5,000 at most are points.
    pub passage_count: usize,
    /// The share of all differences between the points that lies along each direction, from 0 to 1.
    pub shares: [f32; 2],
}

impl KnowledgeBase {
    /// The passages of the documents that pass `filter`, or of all, in two dimensions: the first
    /// two principal components of their vectors (Pearson 1901). The same file gives the same map.
    ///
    /// `questions` are put among them, which loads the encoder; passages alone need no model. Of
    /// more than 5,000 passages as many are taken, spread over the file. Those of
    /// [`OpenOptions::also`](super::OpenOptions::also) are not among them.
    ///
    /// # Errors
    /// InvalidArgument for an empty question or a filter beyond its limits; NotFound, Model and
    /// ModelMismatch for the encoder, where there are questions; Store.
    pub fn map(&self, filter: Option<&Filter>, questions: &[&str]) -> Result<PassageMap> {
        questions.iter().try_for_each(|question| check_question(question))?;
        let ids = match filter {
            Some(filter) => self.store.passages_where(filter)?,
            None => self.store.passage_ids()?.into(),
        };
        let step = ids.len().div_ceil(MAX_POINTS).max(1);
        let drawn: Vec<i64> = ids.iter().step_by(step).copied().collect();
        let rows = self.store.passages(&drawn)?;
        let known: Vec<i64> = rows.iter().map(|row| row.id).collect();
        // a passage without a vector lies nowhere
        let (rows, vectors): (Vec<PassageRow>, Vec<Vec<f32>>) = rows
            .into_iter()
            .zip(self.store.vectors_of(&known)?)
            .filter_map(|(row, vector)| Some((row, vector?)))
            .unzip();
        let plane = Plane::of(&vectors);
        let point = |(row, vector): (PassageRow, &Vec<f32>)| {
            let [x, y] = plane.place(vector);
            let text = row.text.split_whitespace().collect::<Vec<_>>().join(" ");
            let text = text.chars().take(TEXT_CHARS).collect();
            let PassageRow { id: passage_id, uri, title, page, .. } = row;
            MapPoint { passage_id, uri, title, page, text, x, y }
        };
        let points = rows.into_iter().zip(&vectors).map(point).collect();
        let question = |text: &&str| {
            let [x, y] = plane.place(&self.encode_question(text, &CancelToken::new())?);
            Ok(MapQuestion { text: (*text).to_owned(), x, y })
        };
        Ok(PassageMap {
            points,
            questions: questions.iter().map(question).collect::<Result<_>>()?,
            passage_count: ids.len(),
            shares: plane.shares,
        })
    }
}
