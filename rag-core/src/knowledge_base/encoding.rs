//! Passages to vectors: what the encoder is given of them is what their file says.

use crate::encode::Encoder;
use crate::error::{Error, Result};
use crate::passage::{EncoderInput, EncoderText, Passage};
use crate::progress::{Call, CancelToken};
use crate::store::NewDocument;

use super::KnowledgeBase;

/// Vectors of the passages of a document, one unit row each, and what they were made from.
pub(super) struct PassageVectors {
    pub(super) input: EncoderInput,
    pub(super) data: Vec<f32>,
}

impl KnowledgeBase {
    /// Writes a document whose passages are to be encoded. Returns their ids in order.
    pub(super) fn encode_and_put(
        &self,
        document: &NewDocument<'_>,
        passages: &[Passage],
        cancel: &CancelToken,
    ) -> Result<Vec<i64>> {
        let encoder = self.bound_encoder()?;
        loop {
            let input = self.store.encoder_input()?;
            let NewDocument { title, text, .. } = *document;
            let texts = fitted(encoder, &parts(input, title, text, passages))?;
            let data = encode(encoder, &texts, cancel)?;
            let written = self.store.put_document_from(input, document, passages, &data)?;
            if let Some(ids) = written {
                return Ok(ids);
            }
        }
    }

    /// Writes a document with its vectors; they are made again if a reindex began meanwhile, which
    /// has new passages encoded otherwise.
    pub(super) fn put(
        &self,
        document: &NewDocument<'_>,
        passages: &[Passage],
        vectors: &PassageVectors,
        cancel: &CancelToken,
    ) -> Result<()> {
        let PassageVectors { input, data } = vectors;
        if self.store.put_document_from(*input, document, passages, data)?.is_none() {
            self.encode_and_put(document, passages, cancel)?;
        }
        Ok(())
    }
}

/// What the encoder may read of the passages of a document, in order.
pub(super) fn parts<'a>(
    input: EncoderInput,
    title: Option<&'a str>,
    text: &'a str,
    passages: &'a [Passage],
) -> Vec<EncoderText<'a>> {
    let part = |passage: &'a Passage| {
        let body = text.get(passage.range.clone()).unwrap_or_default();
        EncoderText::of(input, title, passage.heading.as_deref(), body)
    };
    passages.iter().map(part).collect()
}

/// What the encoder is given of each.
pub(super) fn fitted(encoder: &Encoder, texts: &[EncoderText<'_>]) -> Result<Vec<String>> {
    let limit = encoder.passage_budget_tokens();
    texts.iter().map(|text| text.fitted(encoder, limit)).collect()
}

/// One unit vector per text, row after row.
pub(super) fn encode(
    encoder: &Encoder,
    texts: &[String],
    cancel: &CancelToken,
) -> Result<Vec<f32>> {
    let embeddings = encoder.encode_passages_with(texts, Call::new().cancel(cancel))?;
    if let Some(row) = embeddings.truncated.first() {
        return Err(Error::internal(format!("passage {row} is longer than the encoder takes")));
    }
    Ok(embeddings.data)
}
