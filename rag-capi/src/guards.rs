//! What may be asked and answered, how an answer ended, and how it came about as a page.

use std::ffi::c_char;
use std::ptr;

use rag_core::Outcome;
use rag_core::guard::Guard;

use crate::answer::rag_answer;
use crate::boundary;
use crate::error::{rag_error, rag_status, run};

/// How a question ended.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum rag_outcome {
    /// The documents hold an answer.
    RAG_OUTCOME_ANSWERED = 0,
    /// They do not: see rag_answer_reason.
    RAG_OUTCOME_NOT_FOUND = 1,
    /// A guard refused: see rag_answer_guard.
    RAG_OUTCOME_REFUSED = 2,
}

impl From<Outcome> for rag_outcome {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Answered => Self::RAG_OUTCOME_ANSWERED,
            Outcome::NotFound => Self::RAG_OUTCOME_NOT_FOUND,
            Outcome::Refused => Self::RAG_OUTCOME_REFUSED,
        }
    }
}

/// Which guard refused.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum rag_guard {
    /// None.
    RAG_GUARD_NONE = 0,
    /// The question is too long.
    RAG_GUARD_LENGTH = 1,
    /// The question matches a deny rule.
    RAG_GUARD_DENY = 2,
    /// The question matches no allow rule.
    RAG_GUARD_ALLOW = 3,
    /// The question is close to an example of what may not be asked.
    RAG_GUARD_OFF_TOPIC = 4,
    /// The question is close to no example of what may be asked.
    RAG_GUARD_TOPIC = 5,
    /// The answer matches a rule on answers.
    RAG_GUARD_DENY_ANSWER = 6,
}

impl From<Guard> for rag_guard {
    fn from(guard: Guard) -> Self {
        match guard {
            Guard::Length => Self::RAG_GUARD_LENGTH,
            Guard::Deny => Self::RAG_GUARD_DENY,
            Guard::Allow => Self::RAG_GUARD_ALLOW,
            Guard::OffTopic => Self::RAG_GUARD_OFF_TOPIC,
            Guard::Topic => Self::RAG_GUARD_TOPIC,
            Guard::DenyAnswer => Self::RAG_GUARD_DENY_ANSWER,
        }
    }
}

/// How the question ended; RAG_OUTCOME_NOT_FOUND for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rag_answer_outcome(answer: *const rag_answer) -> rag_outcome {
    // SAFETY: null or live, by contract.
    let answer = unsafe { answer.as_ref() };
    answer.map_or(rag_outcome::RAG_OUTCOME_NOT_FOUND, |answer| answer.answer.outcome.into())
}

/// Which guard refused; RAG_GUARD_NONE if none did and for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rag_answer_guard(answer: *const rag_answer) -> rag_guard {
    // SAFETY: null or live, by contract.
    let refusal = unsafe { answer.as_ref() }.and_then(|answer| answer.answer.refusal.as_ref());
    refusal.map_or(rag_guard::RAG_GUARD_NONE, |refusal| refusal.guard.into())
}

/// Why the guard refused, for whoever set it up: it names the rule or the nearest example. Lent
/// until the answer is freed; NULL if none refused and for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rag_answer_refusal(answer: *const rag_answer) -> *const c_char {
    // SAFETY: null or live, by contract.
    unsafe { answer.as_ref() }.map_or(ptr::null(), |answer| answer.refusal)
}

/// How the answer came about, as one HTML page that needs nothing else: question, answer with its
/// cited spans, ranks, what the prompt and the time were spent on, the prompt. Ask with
/// RAG_EXPLAIN_TRACE, or most of it is missing.
///
/// On success `*html` is owned by the caller: free it with rag_string_free.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rag_answer_explain_html(
    answer: *const rag_answer,
    html: *mut *mut c_char,
    error: *mut *mut rag_error,
) -> rag_status {
    // SAFETY: the pointers are null or valid as the contract above says.
    unsafe {
        run(error, || {
            boundary::text_output(html, "html", || {
                Ok(boundary::handle(answer, "answer")?.answer.explain_html())
            })
        })
    }
}
