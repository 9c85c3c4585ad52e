//! What `generate` returns.

use std::time::Duration;

use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::{repr, short};
use crate::dict::word;

/// A token, its log-probability, and the likeliest tokens in its place with theirs.
type Logprob = (u32, f32, Vec<(u32, f32)>);

/// Text that a generator wrote.
#[pyclass(frozen, eq, module = "rag_py._native")]
#[derive(PartialEq)]
pub(crate) struct Generation(pub(crate) rag_core::generate::Generation);

#[pymethods]
impl Generation {
    /// The text, stop string left out.
    #[getter]
    fn text(&self) -> &str {
        &self.0.text
    }

    /// Its tokens.
    #[getter]
    fn token_ids(&self) -> Vec<u32> {
        self.0.token_ids.clone()
    }

    /// For each token, if asked for:
    /// `(token id, log-probability, [(token id, log-probability), ...])`, the last holding the
    /// likeliest tokens in its place.
    #[getter]
    fn logprobs(&self) -> Vec<Logprob> {
        let one = |token: &rag_core::generate::TokenLogprob| {
            (token.token_id, token.logprob, token.likeliest.clone())
        };
        self.0.logprobs.iter().map(one).collect()
    }

    /// Tokens of the prompt.
    #[getter]
    fn prompt_token_count(&self) -> usize {
        self.0.prompt_token_count
    }

    /// Tokens of the prompt that were still in memory from the call before.
    #[getter]
    fn reused_token_count(&self) -> usize {
        self.0.reused_token_count
    }

    /// Tokens of the answer that were guessed from the text so far.
    #[getter]
    fn drafted_token_count(&self) -> usize {
        self.0.drafted_token_count
    }

    /// Guesses that were right: so many passes over the weights were saved.
    #[getter]
    fn accepted_token_count(&self) -> usize {
        self.0.accepted_token_count
    }

    /// Why it ended: "end_of_turn", "stop_string", "max_new_tokens", "context_full" or "callback".
    #[getter]
    fn stop_reason(&self, py: Python<'_>) -> PyResult<String> {
        word(py, &self.0.stop_reason)
    }

    /// Milliseconds to take in the prompt.
    #[getter]
    fn prefill_ms(&self) -> f64 {
        milliseconds(self.0.prefill)
    }

    /// Milliseconds for the tokens after the first.
    #[getter]
    fn decode_ms(&self) -> f64 {
        milliseconds(self.0.decode)
    }

    /// Milliseconds until the first token.
    #[getter]
    fn time_to_first_token_ms(&self) -> f64 {
        milliseconds(self.0.time_to_first_token)
    }

    /// The same as plain values.
    fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let dict = PyDict::new(py);
        dict.set_item("text", self.text())?;
        dict.set_item("token_ids", self.token_ids())?;
        dict.set_item("logprobs", self.logprobs())?;
        dict.set_item("prompt_token_count", self.prompt_token_count())?;
        dict.set_item("reused_token_count", self.reused_token_count())?;
        dict.set_item("drafted_token_count", self.drafted_token_count())?;
        dict.set_item("accepted_token_count", self.accepted_token_count())?;
        dict.set_item("stop_reason", self.stop_reason(py)?)?;
        dict.set_item("prefill_ms", self.prefill_ms())?;
        dict.set_item("decode_ms", self.decode_ms())?;
        dict.set_item("time_to_first_token_ms", self.time_to_first_token_ms())?;
        Ok(dict)
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let text = short(py, &self.0.text)?;
        let stop_reason = repr(py, &self.stop_reason(py)?)?;
        let token_count = self.0.token_ids.len();
        Ok(format!("Generation(text={text}, tokens={token_count}, stop_reason={stop_reason})"))
    }
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}
