//! What may be asked and answered.

use std::ffi::c_char;

use rag_core::Result;
use rag_core::guard::{Guards, Mask, Rules};

use super::given::{Options, choice, or_default, or_default_of_any, owned_texts, set_all};
use crate::boundary;
use crate::handles::rag_setting;

/// Where personal data is masked: e-mail addresses, phone numbers, IBANs, payment cards, French
/// social security numbers.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum rag_mask {
    /// Nowhere.
    RAG_MASK_OFF = 0,
    /// In what the model is told of the person: question and earlier turns.
    RAG_MASK_QUESTION = 1,
    /// In what is handed out: the answer, its pieces, quotes and passages.
    RAG_MASK_ANSWER = 2,
    /// In both.
    RAG_MASK_BOTH = 3,
}

/// What may be asked and answered. Begin with RAG_GUARDS_INIT; zero in a field is its default.
/// Rules are regular expressions without look-around; case and accents do not count. A question or
/// answer that is refused gives an answer with RAG_OUTCOME_REFUSED, not an error.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct rag_guards {
    /// sizeof(rag_guards); set by RAG_GUARDS_INIT.
    pub struct_size: usize,
    /// Longest question, in characters. 0: 100,000, which is more than most models hold.
    pub max_question_chars: usize,
    /// Questions that match one of these are refused, `deny_count` of them.
    pub deny: *const *const c_char,
    /// How many there are.
    pub deny_count: usize,
    /// Questions that match none of these are refused, `allow_count` of them.
    pub allow: *const *const c_char,
    /// How many there are. 0: off.
    pub allow_count: usize,
    /// Answers that match one of these are refused, `deny_answer_count` of them; `on_piece` then
    /// gets the answer only when it is complete.
    pub deny_answer: *const *const c_char,
    /// How many there are.
    pub deny_answer_count: usize,
    /// Examples of what may be asked, `topic_count` of them; questions that are like none are
    /// refused.
    pub topics: *const *const c_char,
    /// How many there are. 0: off.
    pub topic_count: usize,
    /// Examples of what may not be asked, `off_topic_count` of them; questions like them are
    /// refused.
    pub off_topics: *const *const c_char,
    /// How many there are.
    pub off_topic_count: usize,
    /// Centred cosine to the nearest of `topics` below which a question is refused, -1 to 1,
    /// RAG_ZERO for zero. 0: 0.25.
    pub topic_min: f32,
    /// Centred cosine to the nearest of `off_topics` above which a question is refused, -1 to 1,
    /// RAG_ZERO for zero. 0: 0.4.
    pub off_topic_max: f32,
    /// A rag_mask.
    pub mask: i32,
    /// Zero: the struct ends at a multiple of its largest field.
    pub reserved: i32,
    /// Options by their names in docs/options.md, `setting_count` of them, set after the fields;
    /// among them those that have no field here.
    pub settings: *const rag_setting,
    /// How many.
    pub setting_count: usize,
}

// SAFETY: repr(C), struct_size first, then only integers, floats and pointers.
unsafe impl Options for rag_guards {
    const NAME: &'static str = "rag_guards";
}

impl rag_guards {
    /// Lays what is given over `options`.
    ///
    /// # Safety
    /// The pointers are null or valid.
    pub(crate) unsafe fn lay_over(&self, options: &mut Guards) -> Result<()> {
        // SAFETY: passed on to the caller.
        let rules = |list, count, name| unsafe {
            boundary::texts(list, count, name).and_then(|rules| Rules::parse(&rules))
        };
        options.deny = rules(self.deny, self.deny_count, "deny")?;
        options.allow = rules(self.allow, self.allow_count, "allow")?;
        options.deny_answer = rules(self.deny_answer, self.deny_answer_count, "deny_answer")?;
        let topics = &mut options.topics;
        // SAFETY: passed on to the caller.
        unsafe {
            topics.allowed = owned_texts(self.topics, self.topic_count, "topics")?;
            topics.denied = owned_texts(self.off_topics, self.off_topic_count, "off_topics")?;
        }
        topics.min_allowed = or_default_of_any(self.topic_min, topics.min_allowed);
        topics.max_denied = or_default_of_any(self.off_topic_max, topics.max_denied);
        options.max_question_chars =
            or_default(self.max_question_chars, options.max_question_chars);
        options.mask = choice(self.mask, &Mask::ALL, "mask")?;
        // SAFETY: passed on to the caller.
        unsafe { set_all(options, self.settings, self.setting_count) }
    }
}
