//! A conversation as JSON, and back. What is read is not trusted.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::model::{Message, Role};

use super::Last;

const FORMAT: &str = "rag-chat";
/// The version that is written, and the newest that is read.
const VERSION: u32 = 1;
const MAX_BYTES: usize = 16 << 20;
const MAX_TURNS: usize = 10_000;

/// What every version begins with.
#[derive(Deserialize)]
struct Header {
    format: String,
    version: u32,
}

/// Version 1.
#[derive(Serialize, Deserialize)]
struct Saved {
    format: String,
    version: u32,
    turns: Vec<Message>,
    last: Option<SavedLast>,
}

#[derive(Serialize, Deserialize)]
struct SavedLast {
    question: String,
    answered: bool,
}

pub(super) fn write(history: &[Message], last: Option<&Last>) -> Result<String> {
    let last = last
        .map(|last| SavedLast { question: last.question.clone(), answered: last.turn_count > 0 });
    let turns = history.to_vec();
    let saved = Saved { format: FORMAT.to_owned(), version: VERSION, turns, last };
    serde_json::to_string(&saved)
        .map_err(|cause| Error::internal_cause("a conversation does not fit JSON", cause))
}

pub(super) fn read(saved: &str) -> Result<(Vec<Message>, Option<Last>)> {
    if saved.len() > MAX_BYTES {
        return Err(invalid(format!("{} bytes, at most {MAX_BYTES} are read", saved.len())));
    }
    let header: Header = parse(saved)?;
    if header.format != FORMAT {
        return Err(invalid(format!("its format is {:?}, not {FORMAT:?}", header.format)));
    }
    if header.version != VERSION {
        let found = header.version;
        return Err(invalid(format!("version {found}, this library reads version {VERSION}")));
    }
    let saved: Saved = parse(saved)?;
    if saved.turns.len() > MAX_TURNS {
        return Err(invalid(format!("{} turns, at most {MAX_TURNS}", saved.turns.len())));
    }
    let last = saved.last.map(|last| checked(last, &saved.turns)).transpose()?;
    Ok((saved.turns, last))
}

/// The last question; an answered one must be what the turns end with.
fn checked(last: SavedLast, turns: &[Message]) -> Result<Last> {
    if last.question.trim().is_empty() {
        return Err(invalid("its last question is empty"));
    }
    if !last.answered {
        return Ok(Last { question: last.question, turn_count: 0 });
    }
    match turns {
        [.., question, answer]
            if (question.role, answer.role) == (Role::User, Role::Assistant)
                && question.content == last.question =>
        {
            Ok(Last { question: last.question, turn_count: 2 })
        }
        _ => Err(invalid("its last question is answered, and its turns do not end with it")),
    }
}

fn parse<'a, T: Deserialize<'a>>(saved: &'a str) -> Result<T> {
    serde_json::from_str(saved).map_err(|error| invalid(format!("no saved conversation: {error}")))
}

fn invalid(reason: impl Into<String>) -> Error {
    Error::invalid("saved chat", reason)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn turn(role: Role, content: &str) -> Message {
        Message { role, content: content.to_owned() }
    }

    #[test]
    fn what_is_written_is_read_back() {
        let turns = [turn(Role::User, "Who?"), turn(Role::Assistant, "\"Ada\"\n\u{1F600}")];
        let last = Last { question: "Who?".to_owned(), turn_count: 2 };
        let text = write(&turns, Some(&last)).unwrap();
        assert!(text.starts_with(r#"{"format":"rag-chat","version":1,"turns":[{"role":"user","#));
        assert_eq!(read(&text).unwrap(), (turns.to_vec(), Some(last)));
        assert_eq!(read(&write(&[], None).unwrap()).unwrap(), (Vec::new(), None));
    }

    #[test]
    fn what_is_no_saved_conversation_is_refused_by_name() {
        let message = |text: &str| read(text).unwrap_err().to_string();
        assert!(message("").contains("no saved conversation"));
        assert!(message("[1]").starts_with("invalid saved chat: no saved conversation"));
        assert!(message(r#"{"format":"other","version":1}"#).contains("format is \"other\""));
        assert!(message(r#"{"format":"rag-chat","version":9,"x":1}"#).contains("version 9, this"));
        assert!(message(r#"{"format":"rag-chat","version":1}"#).contains("turns"));
        let with = |turns: &str, last: &str| {
            message(&format!(
                r#"{{"format":"rag-chat","version":1,"turns":[{turns}],"last":{last}}}"#
            ))
        };
        assert!(with(r#"{"role":"tool","content":""}"#, "null").contains("tool"));
        assert!(with("", r#"{"question":"a","answered":true}"#).contains("do not end with it"));
        assert!(with("", r#"{"question":" ","answered":false}"#).contains("empty"));
        let many = vec![r#"{"role":"user","content":""}"#; MAX_TURNS + 1].join(",");
        assert!(with(&many, "null").contains("at most 10000"));
        assert!(message(&" ".repeat(MAX_BYTES + 1)).contains("at most"));
        let deep = "[".repeat(100_000);
        assert!(message(&deep).starts_with("invalid saved chat"));
        assert!(with(&deep, "null").starts_with("invalid saved chat"));
    }

    proptest! {
        #[test]
        fn damaged_text_never_panics(at in 0_usize..200, with in any::<String>()) {
            let turns = [turn(Role::User, "Who?"), turn(Role::Assistant, "Ada")];
            let last = Last { question: "Who?".to_owned(), turn_count: 2 };
            let mut text = write(&turns, Some(&last)).unwrap();
            text.truncate(at.min(text.len()));
            let _ = read(&(text + &with));
        }
    }
}
