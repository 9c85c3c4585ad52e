//! What a question may be about, told by example sentences.

use crate::encode::Encoder;
use crate::error::{Error, Result};
use crate::progress::CancelToken;

use super::{Guard, Refusal};

/// Most example sentences of a kind.
const MAX_EXAMPLES: usize = 1000;

/// Example sentences of what may, and what may not, be asked. Without any, everything may.
///
/// Closeness is the centred cosine: the mean of 32 everyday questions is taken from both vectors before their cosine
/// (after Mu and Viswanath 2018). Encoders that put all texts close together and those that do not then share a
/// scale, so that one default serves both.
///
/// The defaults were found on 32 questions about four subjects (English and French, five examples each) and 128 about
/// something else, `tests/data/guards/topics.json`. At 0.25 a gate of allowed examples keeps 97 % of the questions
/// on the subject with minilm and 100 % with e5-small, and turns away 79 % and 71 % of the others. At 0.4 a gate of
/// denied examples turns away 56 % and 72 % of those like them, and 5 % and 6 % of the others. Both lean towards
/// answering; a subject of your own deserves numbers of its own.
#[derive(Debug, Clone, PartialEq)]
pub struct Topics {
    /// Questions like these may be asked, and no others. Default none: any may.
    pub allowed: Vec<String>,
    /// Questions like these may not be asked.
    pub denied: Vec<String>,
    /// The centred cosine to the nearest of `allowed` below which a question is refused. Default 0.25.
    pub min_allowed: f32,
    /// The centred cosine to the nearest of `denied` above which a question is refused. Default 0.4.
    pub max_denied: f32,
}

impl Default for Topics {
    fn default() -> Self {
        Self { allowed: Vec::new(), denied: Vec::new(), min_allowed: 0.25, max_denied: 0.4 }
    }
}

impl Topics {
    /// Whether there is no example.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.allowed.is_empty() && self.denied.is_empty()
    }

    pub(super) fn validate(&self) -> Result<()> {
        for (argument, examples) in [("topic", &self.allowed), ("off_topic", &self.denied)] {
            if examples.len() > MAX_EXAMPLES {
                let reason = format!("{} examples, at most {MAX_EXAMPLES}", examples.len());
                return Err(Error::invalid(argument, reason));
            }
            if examples.iter().any(|example| example.trim().is_empty()) {
                return Err(Error::invalid(argument, "an example is empty"));
            }
        }
        for (argument, cosine) in
            [("topic_min", self.min_allowed), ("off_topic_max", self.max_denied)]
        {
            if !(-1.0..=1.0).contains(&cosine) {
                return Err(Error::invalid(argument, format!("{cosine} is not from -1 to 1")));
            }
        }
        Ok(())
    }
}

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
        let rows = encoder.encode_queries(everyday, cancel)?;
        let mut centre = vec![0.0; rows.dim];
        for row in rows.rows() {
            centre.iter_mut().zip(row).for_each(|(sum, value)| *sum += value / rows.len() as f32);
        }
        let encode = |examples: &[String]| -> Result<Vec<Vec<f32>>> {
            let rows = encoder.encode_queries(examples, cancel)?;
            Ok(rows.rows().map(|row| centred(row, &centre)).collect())
        };
        let (allowed, denied) = (encode(&topics.allowed)?, encode(&topics.denied)?);
        Ok(Self { topics: topics.clone(), centre, allowed, denied })
    }

    /// Whether it was made for these topics.
    pub(crate) fn is_for(&self, topics: &Topics) -> bool {
        self.topics == *topics
    }

    /// Refuses a question by the nearest examples. `forms` are the vectors of the question: alone, and behind the
    /// one before it in a conversation; the nearer one counts.
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
