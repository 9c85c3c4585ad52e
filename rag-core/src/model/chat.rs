//! A conversation as tokens: who speaks, through which template, and back from tokens to text.

use serde::{Deserialize, Serialize};

use super::generator_folder::GeneratorFolder;
use super::gguf::Gguf;
use super::template::{JinjaTemplate, PlainTemplate, Segment};
use super::tokenizer::Vocabulary;
use crate::error::{Error, Result};

/// Who speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Persona and rules.
    System,
    /// The person.
    User,
    /// The model.
    Assistant,
}

impl Role {
    /// The name that templates and JSON use.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Role::System => "system",
            Role::User => "user",
            Role::Assistant => "assistant",
        }
    }
}

/// One turn of a conversation. Its content is data: no text in it can become a control token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Who speaks.
    pub role: Role,
    /// What is said.
    pub content: String,
}

/// Which template wrote a conversation down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TemplateSource {
    /// The model's own.
    Model,
    /// The model's own, with the system text put before the first question because it takes no system turn.
    ModelWithoutSystem,
    /// Ours, because the model's own is missing or failed.
    BuiltIn,
}

/// A conversation as the model sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    /// The text, template included.
    pub text: String,
    /// Its tokens.
    pub token_ids: Vec<u32>,
    /// Where the template came from.
    pub template: TemplateSource,
}

/// The tokenizer and chat template of a generator. Any thread may use it.
#[derive(Debug)]
pub struct ChatModel {
    vocabulary: Vocabulary,
    own: Option<JinjaTemplate>,
    built_in: PlainTemplate,
}

impl ChatModel {
    /// Reads vocabulary and template. A template that does not compile is replaced by ours, which
    /// [`Rendered::template`] then says.
    pub(crate) fn from_gguf(gguf: &Gguf) -> Result<Self> {
        Ok(Self::new(Vocabulary::from_gguf(gguf)?, gguf.text("tokenizer.chat_template")))
    }

    /// As [`ChatModel::from_gguf`], of a `transformers` folder.
    pub(crate) fn from_folder(folder: &GeneratorFolder) -> Result<Self> {
        let template = folder.chat_template()?;
        Ok(Self::new(Vocabulary::from_folder(folder)?, template.as_deref()))
    }

    fn new(vocabulary: Vocabulary, template: Option<&str>) -> Self {
        let own = template.and_then(|source| {
            JinjaTemplate::new(source, vocabulary.bos_text(), vocabulary.eos_text()).ok()
        });
        let built_in = if vocabulary.has_special("<|im_start|>") {
            PlainTemplate::ChatMl
        } else if vocabulary.has_special("<|start_header_id|>") {
            PlainTemplate::Llama3
        } else {
            PlainTemplate::Completion
        };
        Self { vocabulary, own, built_in }
    }

    /// The tokens of a conversation, ready for the answer; control tokens come only from the template.
    ///
    /// The template is shown random marks in place of what is said; scaffold and content are tokenised apart.
    /// A template that fails is replaced by ChatML, Llama 3 or plain `User:` lines, whichever the vocabulary
    /// has; [`Rendered::template`] says which was used.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidArgument`](crate::ErrorCode::InvalidArgument) if there is no message.
    pub fn render(&self, messages: &[Message]) -> Result<Rendered> {
        if messages.is_empty() {
            return Err(Error::invalid("messages", "at least one is needed"));
        }
        let (segments, template) = self.segments(messages);
        let mut text = String::new();
        let mut token_ids = Vec::new();
        for segment in &segments {
            let before = token_ids.last().copied();
            let (part, ids) = match segment {
                Segment::Scaffold(part) => (part, self.vocabulary.encode_scaffold(part, before)?),
                Segment::Content(part) => (part, self.vocabulary.encode(part, before)?),
            };
            token_ids.extend(ids);
            text.push_str(part);
        }
        if let Some(id) = self.vocabulary.opening_id()
            && token_ids.first() != Some(&id)
        {
            token_ids.insert(0, id);
        }
        Ok(Rendered { text, token_ids, template })
    }

    fn segments(&self, messages: &[Message]) -> (Vec<Segment>, TemplateSource) {
        if let Some(own) = &self.own {
            if let Ok(segments) = own.segments(messages) {
                return (segments, TemplateSource::Model);
            }
            if let Some(merged) = without_system(messages)
                && let Ok(segments) = own.segments(&merged)
            {
                return (segments, TemplateSource::ModelWithoutSystem);
            }
        }
        (self.built_in.segments(messages), TemplateSource::BuiltIn)
    }

    /// The tokens of plain text, with the names of control tokens read as ordinary text.
    ///
    /// # Errors
    /// [`ErrorCode::Internal`](crate::ErrorCode::Internal) if the tokenizer fails.
    pub fn encode(&self, text: &str) -> Result<Vec<u32>> {
        self.vocabulary.encode(text, None)
    }

    /// The tokens of a prompt to continue as it is: the token that opens every prompt, if the model has one, then plain
    /// text, with the names of control tokens read as ordinary text.
    ///
    /// # Errors
    /// As [`ChatModel::encode`].
    pub fn encode_prompt(&self, text: &str) -> Result<Vec<u32>> {
        let mut ids = Vec::from_iter(self.vocabulary.opening_id().filter(|_| !text.is_empty()));
        // the token was put before the text, it is not part of it
        ids.extend(self.vocabulary.encode(text, None)?);
        Ok(ids)
    }

    /// The tokens of a prompt that the caller wrote in full: names of control tokens stand for them, and the
    /// token that opens every prompt is put first if the model has one. Never for text from documents.
    ///
    /// # Errors
    /// As [`ChatModel::encode`].
    pub fn encode_trusted(&self, prompt: &str) -> Result<Vec<u32>> {
        let mut ids = self.vocabulary.encode_scaffold(prompt, None)?;
        if let Some(id) = self.vocabulary.opening_id()
            && ids.first() != Some(&id)
        {
            ids.insert(0, id);
        }
        Ok(ids)
    }

    /// The text of tokens; control tokens are left out, bytes that are not UTF-8 become U+FFFD.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidArgument`](crate::ErrorCode::InvalidArgument) if an id is outside the vocabulary.
    pub fn decode(&self, ids: &[u32]) -> Result<String> {
        self.check_ids(ids)?;
        Ok(self.vocabulary.decode(ids))
    }

    /// Whether `id` is a control token, or another that only the template may write.
    #[must_use]
    pub fn is_control_token(&self, id: u32) -> bool {
        self.vocabulary.is_special(id)
    }

    /// Names and ids of the tokens for which [`ChatModel::is_control_token`] holds, longest name first.
    #[must_use]
    pub fn control_tokens(&self) -> &[(String, u32)] {
        self.vocabulary.special()
    }

    /// Number of tokens in the vocabulary.
    #[must_use]
    pub fn vocabulary_len(&self) -> usize {
        self.vocabulary.len()
    }

    /// Fails on the first id outside the vocabulary.
    pub(crate) fn check_ids(&self, ids: &[u32]) -> Result<()> {
        match ids.iter().find(|id| **id as usize >= self.vocabulary.len()) {
            None => Ok(()),
            Some(id) => Err(Error::invalid(
                "token ids",
                format!("{id} is outside the vocabulary of {} tokens", self.vocabulary.len()),
            )),
        }
    }

    pub(crate) fn vocabulary(&self) -> &Vocabulary {
        &self.vocabulary
    }
}

/// The conversation with its system turns put before the first question, for templates that know no system
/// turn; `None` if there is nothing to move.
fn without_system(messages: &[Message]) -> Option<Vec<Message>> {
    let (system, mut rest): (Vec<Message>, Vec<Message>) =
        messages.iter().cloned().partition(|message| message.role == Role::System);
    if system.is_empty() {
        return None;
    }
    let first = rest.iter_mut().find(|message| message.role == Role::User)?;
    let mut parts: Vec<String> = system.into_iter().map(|message| message.content).collect();
    parts.push(std::mem::take(&mut first.content));
    first.content = parts.join("\n\n");
    Some(rest)
}

#[cfg(test)]
mod tests;
