//! Between the generator and whoever reads the answer as it is written.

use std::ops::ControlFlow;

use super::{Guards, MaskStream, Refusal};
use crate::marks::StripStream;

/// Hands on the pieces of an answer: without marks like those of the engine, masked where the
/// guards say so, and kept to the end where the whole answer must pass before any of it may be
/// seen.
pub(crate) struct Outlet<'a> {
    guards: &'a Guards,
    on_piece: &'a mut dyn FnMut(&str) -> ControlFlow<()>,
    unmarked: StripStream,
    mask: Option<MaskStream>,
    kept: Option<String>,
    stopped: bool,
}

impl<'a> Outlet<'a> {
    pub(crate) fn new(
        guards: &'a Guards,
        on_piece: &'a mut dyn FnMut(&str) -> ControlFlow<()>,
    ) -> Self {
        Self {
            guards,
            on_piece,
            unmarked: StripStream::default(),
            mask: guards.masks_answer().then(MaskStream::default),
            kept: (!guards.deny_answer.is_empty()).then(String::new),
            stopped: false,
        }
    }

    /// Takes a piece from the generator; `Break` ends the generation.
    pub(crate) fn piece(&mut self, piece: &str) -> ControlFlow<()> {
        let piece = self.unmarked.push(piece);
        let masked = self.mask.as_mut().map(|mask| mask.push(&piece));
        self.hand_on(&masked.unwrap_or(piece))
    }

    /// The end of the answer `text`, all of which was given in pieces; why it may not be seen, if
    /// so.
    pub(crate) fn finish(mut self, text: &str) -> Option<Refusal> {
        let refusal = self.guards.check_answer(text);
        if refusal.is_none() && !self.stopped {
            let end = std::mem::take(&mut self.unmarked).finish();
            let rest = match self.mask.take() {
                Some(mut mask) => mask.push(&end) + &mask.finish().0,
                None => end,
            };
            let kept = self.kept.take().unwrap_or_default();
            // there is nothing left to end
            let _ = self.hand_on(&(kept + &rest));
        }
        refusal
    }

    /// An answer that is complete already, in one piece.
    pub(crate) fn whole(mut self, text: &str) -> Option<Refusal> {
        // there is nothing left to end
        let _ = self.piece(text);
        self.finish(text)
    }

    fn hand_on(&mut self, text: &str) -> ControlFlow<()> {
        if text.is_empty() {
            return ControlFlow::Continue(());
        }
        if let Some(kept) = &mut self.kept {
            kept.push_str(text);
            return ControlFlow::Continue(());
        }
        let flow = (self.on_piece)(text);
        self.stopped = flow.is_break();
        flow
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guard::{Mask, Rules};

    fn pieces(guards: &Guards, given: &[&str]) -> Vec<String> {
        let mut seen = Vec::new();
        let mut on_piece = |piece: &str| {
            seen.push(piece.to_owned());
            ControlFlow::Continue(())
        };
        let mut outlet = Outlet::new(guards, &mut on_piece);
        given.iter().for_each(|piece| assert!(outlet.piece(piece).is_continue()));
        outlet.finish(&given.concat());
        seen
    }

    #[test]
    fn pieces_pass_as_they_come_without_guards() {
        assert_eq!(pieces(&Guards::default(), &["a@", "b.fr"]), ["a@", "b.fr"]);
    }

    #[test]
    fn marks_that_a_model_copied_are_not_seen() {
        let given = ["It shut ", "down ", "[1", "] policy", ".md [", "see] in 2031"];
        let seen = pieces(&Guards::default(), &given).concat();
        assert_eq!(seen, "It shut down policy.md [see] in 2031");
    }

    #[test]
    fn personal_data_is_masked_across_pieces() {
        let guards = Guards { mask: Mask::Both, ..Guards::default() };
        let seen = pieces(&guards, &["write to j", "o@site.", "fr, or call"]);
        assert_eq!(seen, ["write to ", "[EMAIL], or ", "call"]);
    }

    #[test]
    fn nothing_is_seen_before_the_whole_answer_passed() {
        let deny_answer = Rules::parse(&["secret"]).unwrap_or_default();
        let guards = Guards { deny_answer, mask: Mask::Answer, ..Guards::default() };
        assert_eq!(pieces(&guards, &["one ", "jo@site.fr"]), ["one [EMAIL]"]);
        assert!(pieces(&guards, &["one ", "secret"]).is_empty());
    }

    #[test]
    fn a_reader_that_left_gets_nothing_more() {
        let guards = Guards { mask: Mask::Answer, ..Guards::default() };
        let mut count = 0;
        let mut on_piece = |_: &str| {
            count += 1;
            ControlFlow::Break(())
        };
        let mut outlet = Outlet::new(&guards, &mut on_piece);
        assert!(outlet.piece("a b").is_break());
        outlet.finish("a b");
        assert_eq!(count, 1);
    }
}
