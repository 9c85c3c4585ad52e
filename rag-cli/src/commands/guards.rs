//! What guards did, for people.

use rag_core::Answer;

use crate::console::Console;

/// Says on standard error how much was masked.
pub(crate) fn note_masked(answer: &Answer, console: &mut Console<'_>) {
    let Some(masked) = &answer.masked else { return };
    for (place, counts) in [("question", masked.question), ("answer", masked.answer)] {
        let kinds = [
            ("e-mail", counts.email),
            ("phone", counts.phone),
            ("IBAN", counts.iban),
            ("card", counts.card),
            ("NIR", counts.nir),
        ];
        let found = kinds.iter().filter(|(_, count)| *count > 0);
        let words: Vec<String> = found.map(|(kind, count)| format!("{count} {kind}")).collect();
        if !words.is_empty() {
            console.note(format_args!("masked in the {place}: {}", words.join(", ")));
        }
    }
}
