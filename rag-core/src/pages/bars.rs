//! What the context and the time of an answer were spent on.

use super::page::AnswerPage;
use crate::knowledge_base::{Timings, Trace};

/// One part of a bar.
struct Part {
    name: &'static str,
    amount: f64,
    /// Number of the colour in the style sheet.
    colour: usize,
}

pub(super) fn budget(trace: &Trace, page: &mut AnswerPage) {
    let Some(budget) = &trace.budget else { return };
    let part = |name, tokens: usize, colour| Part { name, amount: tokens as f64, colour };
    let parts = [
        part("persona and rules", budget.system_tokens, 1),
        part("worked examples", budget.example_tokens, 2),
        part("earlier turns", budget.history_tokens, 3),
        part("passages", budget.passage_tokens, 4),
        part("question", budget.question_tokens, 5),
        part("instruction and template", budget.frame_tokens, 6),
        part("kept for the answer", budget.answer_tokens, 7),
    ];
    // The room left is often twenty times the rest, and would leave nothing to be seen of it.
    let taken = budget.context_len.saturating_sub(budget.left_tokens);
    let title = format!("{taken} of {} tokens of context taken", budget.context_len);
    let left = format!("room left {}", budget.left_tokens);
    let bar = Bar { title: &title, parts: &parts, left: Some(&left) };
    bar.draw(|amount| format!("{amount:.0}"), page);
}

pub(super) fn timings(timings: &Timings, page: &mut AnswerPage) {
    let part = |name, amount, colour| Part { name, amount, colour };
    let named = [
        part("loading", timings.load_ms, 6),
        part("search", timings.search_ms, 4),
        part("reading the prompt", timings.prefill_ms, 2),
        part("writing the answer", timings.decode_ms, 7),
    ];
    let rest = timings.total_ms - named.iter().map(|part| part.amount).sum::<f64>();
    let parts: Vec<Part> =
        named.into_iter().chain([part("citations and the rest", rest.max(0.0), 0)]).collect();
    let title = format!("Time: {}", time(timings.total_ms));
    Bar { title: &title, parts: &parts, left: None }.draw(time, page);
}

/// Milliseconds for a person.
fn time(milliseconds: f64) -> String {
    match milliseconds {
        ms if ms >= 1000.0 => format!("{:.2} s", ms / 1000.0),
        ms if ms >= 10.0 => format!("{ms:.0} ms"),
        ms => format!("{ms:.1} ms"),
    }
}

/// Parts drawn to scale, then what each of them is, then `left`, which is not drawn.
struct Bar<'a> {
    title: &'a str,
    parts: &'a [Part],
    left: Option<&'a str>,
}

impl Bar<'_> {
    /// Onto `page`, with amounts as `write` writes them.
    fn draw(&self, write: impl Fn(f64) -> String, page: &mut AnswerPage) {
        let whole: f64 = self.parts.iter().map(|part| part.amount).sum();
        if whole <= 0.0 {
            return;
        }
        let parts = || self.parts.iter().filter(|part| part.amount > 0.0);
        page.section(self.title);
        page.open("div", "bar");
        for part in parts() {
            let title = format!("{}: {}", part.name, write(part.amount));
            page.part(part.amount / whole, part.colour, &title);
        }
        page.close("div");
        page.open("ul", "keys");
        for part in parts() {
            page.key(part.colour, &format!("{} {}", part.name, write(part.amount)));
        }
        self.left.into_iter().for_each(|left| page.key(0, left));
        page.close("ul");
        page.close("section");
    }
}
