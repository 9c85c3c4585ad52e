//! What is searched for a question: one text or several, and their vector.

use crate::encode::Encoder;
use crate::error::Result;
use crate::progress::{Call, CancelToken};

/// What is searched for a question.
pub(super) struct Queries {
    /// The first is what the question comes to; the others are searched too.
    pub(super) texts: Vec<String>,
    /// A passage that might answer it.
    pub(super) hypothetical: Option<String>,
    /// Whether the question is understood only with those before it.
    pub(super) is_follow_up: bool,
    /// What the generator wrote, for the record.
    pub(super) rewritten: Vec<String>,
}

impl Queries {
    /// A question that says all there is.
    pub(super) fn whole(question: &str) -> Self {
        Self {
            texts: vec![question.to_owned()],
            hypothetical: None,
            is_follow_up: false,
            rewritten: Vec::new(),
        }
    }

    /// The unit vector of the first query, together with that of the passage that might answer it.
    pub(super) fn embedding(&self, encoder: &Encoder, cancel: &CancelToken) -> Result<Vec<f32>> {
        let mut embedding =
            encoder.encode_queries_with(&self.texts[..1], Call::new().cancel(cancel))?.data;
        if let Some(passage) = &self.hypothetical {
            let other = encoder.encode_passages_with(&[passage], Call::new().cancel(cancel))?.data;
            embedding.iter_mut().zip(&other).for_each(|(sum, more)| *sum += more);
            let length = embedding.iter().map(|x| x * x).sum::<f32>().sqrt();
            // two opposite vectors have no mean direction; the question's own is then as good
            if length < 1e-6 {
                return Ok(encoder
                    .encode_queries_with(&self.texts[..1], Call::new().cancel(cancel))?
                    .data);
            }
            embedding.iter_mut().for_each(|x| *x /= length);
        }
        Ok(embedding)
    }
}
