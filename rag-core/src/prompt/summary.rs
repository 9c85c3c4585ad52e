//! What the generator is asked when it summarises, in French and English.

use super::user;
use crate::marks;
use crate::model::{Message, Role};
use crate::words::Language;

/// What a summary is made from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SummaryRequest<'a> {
    /// Passages, or summaries of parts of them, in order.
    pub(crate) texts: &'a [&'a str],
    /// What the summary is to be about; `None` for everything.
    pub(crate) about: Option<&'a str>,
    /// Persona and rules of the caller.
    pub(crate) system: Option<&'a str>,
    /// Most sentences.
    pub(crate) max_sentences: usize,
}

/// The conversation that asks for a summary, in the language of the question or else of the texts.
pub(crate) fn summary(request: &SummaryRequest<'_>) -> Vec<Message> {
    let texts: Vec<_> = request.texts.iter().map(|text| marks::disarm(text.trim())).collect();
    let texts = texts.join("\n\n");
    let language = Language::of(request.about.unwrap_or(&texts));
    let rules = match language {
        Language::English => "You summarize the texts you are given.",
        Language::French => "Tu r\u{e9}sumes les textes qui te sont donn\u{e9}s.",
    };
    let system = match request.system {
        Some(persona) => format!("{}\n{rules}", persona.trim()),
        None => rules.to_owned(),
    };
    let count = request.max_sentences;
    let instruction = match (language, request.about.map(str::trim)) {
        (Language::English, None) => {
            format!("Summarize the text above in at most {count} sentences, using only its facts.")
        }
        (Language::English, Some(about)) => format!(
            "Summarize in at most {count} sentences, using only its facts, what the text above says about: {about}"
        ),
        (Language::French, None) => format!(
            "R\u{e9}sume en fran\u{e7}ais le texte ci-dessus en {count} phrases au plus, en utilisant uniquement ses faits."
        ),
        (Language::French, Some(about)) => format!(
            "R\u{e9}sume en fran\u{e7}ais, en {count} phrases au plus et en utilisant uniquement ses faits, ce que dit le texte \
             ci-dessus sur : {about}"
        ),
    };
    let asked = format!("{texts}\n\n{instruction}");
    vec![Message { role: Role::System, content: system }, user(asked)]
}
