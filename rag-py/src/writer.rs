//! A Python callable that writes answers in the generator's place.

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyIterator, PyList};
use rag_core::model::Message;

use crate::error::raised;
use rag_core::progress::OnPiece;

/// What a writer gave.
enum Given {
    Whole(String),
    Pieces(Py<PyIterator>),
}

/// Calls `callable` with the turns of a conversation, as dicts; it gives the answer, or its pieces
/// one by one.
pub(crate) fn write(
    callable: &Py<PyAny>,
    turns: &[Message],
    on_piece: OnPiece<'_>,
) -> rag_core::Result<()> {
    match Python::attach(|py| given(callable.bind(py), turns)).map_err(raised)? {
        Given::Whole(text) => {
            // there is nothing left to end
            let _ = on_piece(&text);
        }
        // the interpreter is let go while a piece is handed on
        Given::Pieces(pieces) => {
            while let Some(piece) = Python::attach(|py| next(pieces.bind(py))).map_err(raised)? {
                if on_piece(&piece).is_break() {
                    break;
                }
            }
        }
    }
    Ok(())
}

fn given(callable: &Bound<'_, PyAny>, turns: &[Message]) -> PyResult<Given> {
    let py = callable.py();
    let list = PyList::empty(py);
    for turn in turns {
        let dict = PyDict::new(py);
        dict.set_item("role", turn.role.name())?;
        dict.set_item("content", &turn.content)?;
        list.append(dict)?;
    }
    let given = callable.call1((list,))?;
    if let Ok(whole) = given.extract() {
        return Ok(Given::Whole(whole));
    }
    match given.try_iter() {
        Ok(pieces) => Ok(Given::Pieces(pieces.unbind())),
        Err(_) => {
            let kind = given.get_type().name()?;
            let reason = format!("writer must give a str or an iterable of them, not {kind}");
            Err(PyTypeError::new_err(reason))
        }
    }
}

fn next(pieces: &Bound<'_, PyIterator>) -> PyResult<Option<String>> {
    pieces.clone().next().transpose()?.map(|piece| piece.extract()).transpose()
}
