//! A conversation over a knowledge base.

use std::ffi::c_char;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rag_core::{Answer, AskOptions, Call, Chat, Conversation, Error, Result};

use crate::answer::rag_answer;
use crate::boundary::{self, Output};
use crate::error::{rag_error, rag_status, run};
use crate::handles::{Shared, rag_kb, shared};
use crate::options::{self, rag_ask_options};
use crate::progress::{self, Pieces, rag_cancel};

/// A conversation: each turn is an ask with the turns before it. Owned by the caller; free it once
/// with rag_chat_free. It keeps its knowledge base open. Threads may share it; turns queue.
pub struct rag_chat {
    kb: Arc<Shared>,
    state: Mutex<State>,
}

struct State {
    conversation: Conversation,
    streaming: Pieces,
}

impl fmt::Debug for rag_chat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("rag_chat").field("kb", &self.kb).finish_non_exhaustive()
    }
}

impl rag_chat {
    fn state(&self) -> Result<MutexGuard<'_, State>> {
        self.kb.enter()?;
        Ok(self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// One turn. The conversation stays as it was if it fails.
    ///
    /// # Safety
    /// The streaming callback may be called.
    unsafe fn turn(
        &self,
        cancel: *const rag_cancel,
        say: impl FnOnce(&mut Chat<'_>, Call<'_>) -> Result<Answer>,
    ) -> Result<Answer> {
        let mut state = self.state()?;
        let streaming = state.streaming;
        // SAFETY: passed on to the caller.
        let call = unsafe { progress::call(cancel) };
        let mut chat = self.kb.enter()?.continue_chat(state.conversation.clone());
        let said = streaming.hear(&self.kb, call, |call| say(&mut chat, call))?;
        state.conversation = chat.into_conversation();
        Ok(said)
    }
}

/// The options of a chat and its streaming callback.
///
/// # Safety
/// `options` is null or valid, and its callbacks callable as long as the results live.
unsafe fn chat_options(
    kb: &Arc<Shared>,
    options: *const rag_ask_options,
) -> Result<(AskOptions, Pieces)> {
    // SAFETY: passed on to the caller.
    let given = unsafe { options::read(options) }?;
    if !given.cancel.is_null() {
        return Err(Error::invalid("cancel", "give it to rag_chat_say, turn by turn"));
    }
    // SAFETY: passed on to the caller.
    unsafe {
        let options = given.over(kb, AskOptions::default())?;
        Ok((options, given.pieces()))
    }
}

/// Starts a conversation over `kb`.
///
/// `options` may be NULL; it is copied, but the callbacks and their data in it must stay valid
/// until the chat is freed, and `cancel` in it must be NULL: each turn takes its own. On success
/// `*chat` is owned by the caller.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rag_kb_chat(
    kb: *const rag_kb,
    options: *const rag_ask_options,
    chat: *mut *mut rag_chat,
    error: *mut *mut rag_error,
) -> rag_status {
    // SAFETY: the pointers are null or valid as the contract above says.
    unsafe {
        run(error, || {
            let chat = Output::required(chat, "chat")?;
            let kb = shared(kb)?;
            kb.enter()?;
            let (options, streaming) = chat_options(&kb, options)?;
            let conversation = kb.enter()?.chat(options).into_conversation();
            chat.set(|| rag_chat { kb, state: Mutex::new(State { conversation, streaming }) });
            Ok(())
        })
    }
}

/// Goes on with a conversation that rag_chat_save wrote: `saved_bytes` bytes at `saved`. Its turns
/// may have been said in any knowledge base.
///
/// `options` may be NULL; it and ownership are as for rag_kb_chat. RAG_INVALID_ARGUMENT: it is no
/// saved conversation, or one of a newer version, or beyond 16 MiB or 10,000 turns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rag_chat_resume(
    kb: *const rag_kb,
    saved: *const c_char,
    saved_bytes: usize,
    options: *const rag_ask_options,
    chat: *mut *mut rag_chat,
    error: *mut *mut rag_error,
) -> rag_status {
    // SAFETY: the pointers are null or valid as the contract above says.
    unsafe {
        run(error, || {
            let chat = Output::required(chat, "chat")?;
            let kb = shared(kb)?;
            kb.enter()?;
            let (options, streaming) = chat_options(&kb, options)?;
            let saved = boundary::sized_text(saved, saved_bytes, "saved")?;
            let conversation = Conversation::resume(saved, options)?;
            chat.set(|| rag_chat { kb, state: Mutex::new(State { conversation, streaming }) });
            Ok(())
        })
    }
}

/// Says something. On success `*answer` is owned by the caller: free it with rag_answer_free;
/// question and answer join the turns if the answer was found. On failure the turns are as before.
/// `cancel` may be NULL.
///
/// Fails as rag_kb_ask does.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rag_chat_say(
    chat: *mut rag_chat,
    text: *const c_char,
    cancel: *const rag_cancel,
    answer: *mut *mut rag_answer,
    error: *mut *mut rag_error,
) -> rag_status {
    // SAFETY: the pointers are null or valid as the contract above says.
    unsafe {
        run(error, || {
            let answer = Output::required(answer, "answer")?;
            let chat = boundary::handle(chat, "chat")?;
            let text = boundary::text(text, "text")?;
            let said = chat.turn(cancel, |chat, call| chat.say_with(text, call))?;
            answer.set(|| said.into());
            Ok(())
        })
    }
}

/// Asks the last question again with another seed; the new answer takes the place of the old one in
/// the turns. Greedy options would give the same answer again, so such a turn is sampled at a
/// temperature of 0.7.
///
/// On success `*answer` is owned by the caller: free it with rag_answer_free. On failure the turns
/// are as before. `cancel` may be NULL. RAG_INVALID_ARGUMENT: nothing was said yet. Fails else as
/// rag_kb_ask does.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rag_chat_regenerate(
    chat: *mut rag_chat,
    seed: u64,
    cancel: *const rag_cancel,
    answer: *mut *mut rag_answer,
    error: *mut *mut rag_error,
) -> rag_status {
    // SAFETY: the pointers are null or valid as the contract above says.
    unsafe {
        run(error, || {
            let answer = Output::required(answer, "answer")?;
            let chat = boundary::handle(chat, "chat")?;
            let said = chat.turn(cancel, |chat, call| chat.regenerate_with(seed, call))?;
            answer.set(|| said.into());
            Ok(())
        })
    }
}

/// The conversation as JSON, for rag_chat_resume; options are not in it. On success `*json` is
/// owned by the caller: free it with rag_string_free.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rag_chat_save(
    chat: *const rag_chat,
    json: *mut *mut c_char,
    error: *mut *mut rag_error,
) -> rag_status {
    // SAFETY: the pointers are null or valid as the contract above says.
    unsafe {
        run(error, || {
            boundary::text_output(json, "json", || {
                boundary::handle(chat, "chat")?.state()?.conversation.save()
            })
        })
    }
}

/// How many turns there are, the person's and the model's counted apart; 0 for NULL and inside a
/// callback.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rag_chat_turn_count(chat: *const rag_chat) -> usize {
    // SAFETY: null or live, by contract.
    let chat = unsafe { chat.as_ref() };
    let count = || Some(chat?.state().ok()?.conversation.history().len());
    boundary::value_or(0, || count().unwrap_or(0))
}

/// The turns as a JSON array of {"role", "content"}. On success `*json` is owned by the caller:
/// free it with rag_string_free.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rag_chat_to_json(
    chat: *const rag_chat,
    json: *mut *mut c_char,
    error: *mut *mut rag_error,
) -> rag_status {
    // SAFETY: the pointers are null or valid as the contract above says.
    unsafe {
        run(error, || {
            boundary::text_output(json, "json", || {
                let state = boundary::handle(chat, "chat")?.state()?;
                serde_json::to_string(state.conversation.history())
                    .map_err(|cause| Error::internal_cause("turns do not fit JSON", cause))
            })
        })
    }
}

/// Forgets the turns so far.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rag_chat_clear(
    chat: *mut rag_chat,
    error: *mut *mut rag_error,
) -> rag_status {
    // SAFETY: the pointers are null or valid as the contract above says.
    unsafe {
        run(error, || {
            boundary::handle(chat, "chat")?.state()?.conversation.clear();
            Ok(())
        })
    }
}

/// Ends a conversation. NULL is allowed and does nothing. Not from inside a callback of the same
/// chat.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rag_chat_free(chat: *mut rag_chat) {
    // SAFETY: null or owned by the caller, by contract.
    unsafe { boundary::free(chat) }
}
