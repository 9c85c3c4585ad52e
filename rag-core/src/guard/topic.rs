//! What a question may be about, told by example sentences.

use crate::encode::Encoder;
use crate::error::Result;
use crate::options::guards::Topics;
use crate::progress::{Call, CancelToken};

use super::{Guard, Refusal};

/// The examples as vectors, made once per knowledge base and list.
#[derive(Debug)]
pub(crate) struct TopicGate {
    topics: Topics,
    centre: Vec<f32>,
    allowed: Vec<Vec<f32>>,
    denied: Vec<Vec<f32>>,
}

impl TopicGate {
    /// Encodes the examples, and `everyday` questions for the centre.
    ///
    /// # Errors
    /// Model; Cancelled.
    pub(crate) fn new(
        topics: &Topics,
        everyday: &[&str],
        encoder: &Encoder,
        cancel: &CancelToken,
    ) -> Result<Self> {
        let rows = encoder.encode_queries_with(everyday, Call::new().cancel(cancel))?;
        let mut centre = vec![0.0; rows.dim];
        for row in rows.rows() {
            centre.iter_mut().zip(row).for_each(|(sum, value)| *sum += value / rows.len() as f32);
        }
        let encode = |examples: &[String]| -> Result<Vec<Vec<f32>>> {
            let rows = encoder.encode_queries_with(examples, Call::new().cancel(cancel))?;
            Ok(rows.rows().map(|row| centred(row, &centre)).collect())
        };
        let (allowed, denied) = (encode(&topics.allowed)?, encode(&topics.denied)?);
        Ok(Self { topics: topics.clone(), centre, allowed, denied })
    }

    /// Whether it was made for these topics.
    pub(crate) fn is_for(&self, topics: &Topics) -> bool {
        self.topics == *topics
    }

    /// Refuses a question by the nearest examples. `forms` are the vectors of the question: alone,
    /// and behind the one before it in a conversation; the nearer one counts.
    pub(crate) fn check<'a>(&self, forms: impl Iterator<Item = &'a [f32]>) -> Option<Refusal> {
        let forms: Vec<Vec<f32>> = forms.map(|form| centred(form, &self.centre)).collect();
        let denied = nearest(&forms, &self.denied);
        if let Some((index, cosine)) = denied.filter(|found| found.1 > self.topics.max_denied) {
            let example = self.topics.denied.get(index).map_or("", String::as_str);
            let reason = format!("too close to {example:?}, which may not be asked ({cosine:.2})");
            return Some(Refusal { guard: Guard::OffTopic, reason });
        }
        let (_, cosine) = nearest(&forms, &self.allowed)?;
        (cosine < self.topics.min_allowed).then(|| {
            let reason = format!("not close to anything that may be asked (nearest {cosine:.2})");
            Refusal { guard: Guard::Topic, reason }
        })
    }
}

/// The nearest example, the first of equals, and its cosine.
fn nearest(forms: &[Vec<f32>], examples: &[Vec<f32>]) -> Option<(usize, f32)> {
    let cosine = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
    let best = |example: &Vec<f32>| {
        forms.iter().map(|form| cosine(form, example)).fold(f32::NEG_INFINITY, f32::max)
    };
    let scored = examples.iter().map(best).enumerate();
    scored.reduce(|first, next| if next.1 > first.1 { next } else { first })
}

/// The vector less `centre`, of length 1; zero if nothing is left.
fn centred(row: &[f32], centre: &[f32]) -> Vec<f32> {
    let mut moved: Vec<f32> = row.iter().zip(centre).map(|(value, mean)| value - mean).collect();
    let length = moved.iter().map(|value| value * value).sum::<f32>().sqrt();
    if length > 0.0 {
        moved.iter_mut().for_each(|value| *value /= length);
    }
    moved
}
