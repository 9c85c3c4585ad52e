//! Our own chat templates, one for each family, for models whose own is missing, does not run or is
//! not wanted.

use crate::model::chat::message::{Message, Role, without_system};
use crate::model::chat::template::TemplateSegment;
use crate::model::tokenizer::vocabulary::Vocabulary;
use crate::options::words;

words! {
    /// A chat template of ours. It writes a conversation as the published template of its family
    /// does, without a system text of its own.
    ///
    /// In [`Llama2`](Self::Llama2), [`Mistral`](Self::Mistral), [`Zephyr`](Self::Zephyr) and
    /// [`Completion`](Self::Completion) the marks of a turn are ordinary text to many models. No content becomes a control
    /// token there either, but content that looks like such a mark is, to the model, the same text.
    pub enum BuiltInTemplate("template") {
        /// `<|im_start|>role ... <|im_end|>` (Qwen, SmolLM and many others).
        ChatMl = "chatml",
        /// `User: ...` and `Assistant: ...`, for models that know no turns.
        Completion = "completion",
        /// `<start_of_turn>role ... <end_of_turn>`, the system text before the first question
        /// (Gemma).
        Gemma = "gemma",
        /// `[INST] ... [/INST]` with the system text between `<<SYS>>` marks (Llama 2).
        Llama2 = "llama2",
        /// `<|start_header_id|>role<|end_header_id|> ... <|eot_id|>` (Llama 3).
        Llama3 = "llama3",
        /// `[INST] ... [/INST]`, the system text before the first question (Mistral and Mixtral
        /// Instruct).
        Mistral = "mistral",
        /// `<|role|> ... <|end|>` (Phi-3).
        Phi3 = "phi3",
        /// `<|role|> ... ` and the end token (Zephyr).
        Zephyr = "zephyr",
    }
}

impl BuiltInTemplate {
    /// The template that a vocabulary was made for, if its control tokens leave no doubt that the
    /// model was taught turns in this form; else [`BuiltInTemplate::Completion`].
    ///
    /// Gemma's base models hold the same tokens as those taught turns, so the file must say that it
    /// is one of the latter.
    pub(in crate::model) fn of(
        vocabulary: &Vocabulary,
        architecture: &str,
        finetune: &str,
    ) -> Self {
        let fits = |template: Self| template.missing_token(vocabulary).is_none();
        let is_taught = ["it", "instruct", "chat"].iter().any(|word| {
            finetune.to_lowercase().split(['-', '_', ' ', '.']).any(|part| part == *word)
        });
        if fits(Self::ChatMl) {
            Self::ChatMl
        } else if fits(Self::Llama3) {
            Self::Llama3
        } else if architecture == "phi3" && fits(Self::Phi3) {
            Self::Phi3
        } else if architecture.starts_with("gemma") && is_taught && fits(Self::Gemma) {
            Self::Gemma
        } else {
            Self::Completion
        }
    }

    /// A control token that it writes and the vocabulary lacks.
    pub(in crate::model) fn missing_token(self, vocabulary: &Vocabulary) -> Option<&'static str> {
        let names: &[&str] = match self {
            Self::ChatMl => &["<|im_start|>", "<|im_end|>"],
            Self::Llama3 => &["<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"],
            Self::Gemma => &["<start_of_turn>", "<end_of_turn>"],
            Self::Phi3 => &["<|user|>", "<|assistant|>", "<|end|>"],
            Self::Llama2 | Self::Mistral | Self::Zephyr => {
                return vocabulary.eos_text().is_empty().then_some("that ends a text");
            }
            Self::Completion => &[],
        };
        names.iter().copied().find(|name| !vocabulary.has_special(name))
    }

    /// The conversation cut into scaffold and content, ready for the answer. `bos` and `eos` are
    /// the texts of the tokens that open and end one.
    pub(in crate::model) fn segments(
        self,
        messages: &[Message],
        bos: &str,
        eos: &str,
    ) -> Vec<TemplateSegment> {
        let merged = match self {
            Self::Gemma | Self::Mistral => without_system(messages),
            _ => None,
        };
        let messages = merged.as_deref().unwrap_or(messages);
        let mut segments = Vec::new();
        let mut scaffold = match self {
            Self::Gemma | Self::Llama3 | Self::Mistral => bos.to_owned(),
            _ => String::new(),
        };
        for (index, message) in messages.iter().enumerate() {
            let follows_system = index > 0 && messages[index - 1].role == Role::System;
            let (before, after) = self.around(message.role, follows_system, bos, eos);
            scaffold.push_str(&before);
            segments.push(TemplateSegment::Scaffold(std::mem::replace(&mut scaffold, after)));
            segments.push(TemplateSegment::Content(self.said(&message.content).to_owned()));
        }
        scaffold.push_str(self.opening());
        segments.push(TemplateSegment::Scaffold(scaffold));
        segments
    }

    /// What the published template leaves of a text.
    fn said(self, content: &str) -> &str {
        match self {
            Self::Llama2 | Self::Llama3 | Self::Gemma => content.trim(),
            _ => content,
        }
    }

    /// What stands before and after a turn.
    fn around(self, role: Role, follows_system: bool, bos: &str, eos: &str) -> (String, String) {
        let name = role.name();
        match self {
            Self::ChatMl => (format!("<|im_start|>{name}\n"), "<|im_end|>\n".to_owned()),
            Self::Llama3 => {
                (format!("<|start_header_id|>{name}<|end_header_id|>\n\n"), "<|eot_id|>".to_owned())
            }
            Self::Gemma => {
                let name = if role == Role::Assistant { "model" } else { name };
                (format!("<start_of_turn>{name}\n"), "<end_of_turn>\n".to_owned())
            }
            Self::Phi3 => (format!("<|{name}|>\n"), "<|end|>\n".to_owned()),
            Self::Zephyr => (format!("<|{name}|>\n"), format!("{eos}\n")),
            Self::Llama2 => match role {
                Role::System => (format!("{bos}[INST] <<SYS>>\n"), "\n<</SYS>>\n\n".to_owned()),
                Role::User if follows_system => (String::new(), " [/INST]".to_owned()),
                Role::User => (format!("{bos}[INST] "), " [/INST]".to_owned()),
                Role::Assistant => (" ".to_owned(), format!(" {eos}")),
            },
            Self::Mistral => match role {
                Role::System | Role::User => ("[INST] ".to_owned(), " [/INST]".to_owned()),
                Role::Assistant => (String::new(), eos.to_owned()),
            },
            Self::Completion => match role {
                Role::System => (String::new(), "\n\n".to_owned()),
                Role::User => ("User: ".to_owned(), "\n".to_owned()),
                Role::Assistant => ("Assistant: ".to_owned(), "\n".to_owned()),
            },
        }
    }

    /// What the answer follows.
    fn opening(self) -> &'static str {
        match self {
            Self::ChatMl => "<|im_start|>assistant\n",
            Self::Llama3 => "<|start_header_id|>assistant<|end_header_id|>\n\n",
            Self::Gemma => "<start_of_turn>model\n",
            Self::Phi3 | Self::Zephyr => "<|assistant|>\n",
            Self::Llama2 | Self::Mistral => "",
            Self::Completion => "Assistant:",
        }
    }
}

#[cfg(test)]
mod tests;
