//! Between the generator and whoever reads the answer as it is written.

use std::ops::ControlFlow;

use super::{Guards, MaskStream, Refusal};
use crate::marks::StripStream;
use crate::progress::{OnRetract, Retraction, shorter_retract};

/// Hands on the pieces of an answer: without marks like those of the engine, masked where the
/// guards say so, and kept to the end where the whole answer must pass before any of it may be
/// seen. What was handed on can be withdrawn where somebody listens for that.
pub(crate) struct Outlet<'a> {
    guards: &'a Guards,
    on_piece: &'a mut dyn FnMut(&str) -> ControlFlow<()>,
    on_retract: Option<OnRetract<'a>>,
    unmarked: StripStream,
    mask: Option<MaskStream>,
    kept: Option<String>,
    /// Whether something was handed on and not withdrawn.
    is_told: bool,
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
            on_retract: None,
            unmarked: StripStream::default(),
            mask: guards.masks_answer().then(MaskStream::default),
            kept: (!guards.deny_answer.is_empty()).then(String::new),
            is_told: false,
            stopped: false,
        }
    }

    /// Tells `on_retract` what is withdrawn.
    pub(crate) fn retracting<'b: 'a>(self, on_retract: Option<OnRetract<'b>>) -> Self {
        Self { on_retract: shorter_retract(on_retract), ..self }
    }

    /// Whether what is handed on may still be withdrawn.
    pub(crate) fn can_retract(&self) -> bool {
        self.on_retract.is_some()
    }

    /// Begins anew: what was handed on is withdrawn, and what was not is forgotten. Who has nothing
    /// of it, or does not listen for this, hears nothing.
    pub(crate) fn retract(&mut self, why: Retraction) {
        self.unmarked = StripStream::default();
        self.mask = self.guards.masks_answer().then(MaskStream::default);
        self.kept.iter_mut().for_each(String::clear);
        if let (true, Some(on_retract)) = (std::mem::take(&mut self.is_told), &mut self.on_retract)
        {
            on_retract(why);
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
    pub(crate) fn finish(&mut self, text: &str) -> Option<Refusal> {
        let refusal = self.guards.check_answer(text);
        if refusal.is_some() {
            self.retract(Retraction::Guard);
        } else if !self.stopped {
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
    pub(crate) fn whole(&mut self, text: &str) -> Option<Refusal> {
        if !self.stopped {
            // there is nothing left to end
            let _ = self.piece(text);
        }
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
        self.is_told = true;
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

    /// What is seen of pieces, then of a text in their place if there is one; `!` and the word
    /// where something is withdrawn.
    fn withdrawn(guards: &Guards, given: &[&str], instead: Option<&str>) -> Vec<String> {
        let seen = std::cell::RefCell::new(Vec::new());
        let mut on_piece = |piece: &str| {
            seen.borrow_mut().push(piece.to_owned());
            ControlFlow::Continue(())
        };
        let mut on_retract = |why: Retraction| seen.borrow_mut().push(format!("!{why}"));
        let mut outlet = Outlet::new(guards, &mut on_piece).retracting(Some(&mut on_retract));
        assert!(outlet.can_retract());
        given.iter().for_each(|piece| assert!(outlet.piece(piece).is_continue()));
        outlet.retract(Retraction::Unsure);
        if let Some(text) = instead {
            outlet.whole(text);
        }
        drop(outlet);
        seen.into_inner()
    }

    #[test]
    fn what_was_handed_on_is_withdrawn_before_another_text_takes_its_place() {
        let open = Guards::default();
        assert_eq!(
            withdrawn(&open, &["one ", "two"], Some("three")),
            ["one", " two", "!unsure", "three"]
        );
        assert_eq!(withdrawn(&open, &["one"], None), ["one", "!unsure"]);
        // nobody has anything to give back; the beginning of a mark was held
        assert_eq!(withdrawn(&open, &[], Some("three")), ["three"]);
        assert_eq!(withdrawn(&open, &["["], Some("1] three")), ["1] three"]);
    }

    #[test]
    fn what_masks_and_guards_hold_back_is_never_seen_and_needs_no_retraction() {
        let masked = Guards { mask: Mask::Answer, ..Guards::default() };
        let seen = withdrawn(&masked, &["write to jo@site"], Some("call"));
        assert_eq!(seen, ["write to ", "!unsure", "call"]);
        let deny_answer = Rules::parse(&["secret"]).unwrap_or_default();
        let guarded = Guards { deny_answer, ..Guards::default() };
        assert_eq!(withdrawn(&guarded, &["a ", "secret"], Some("three")), ["three"]);
        assert!(withdrawn(&guarded, &["one"], Some("secret")).is_empty());
    }

    #[test]
    fn a_text_that_a_guard_refuses_is_withdrawn_if_it_was_handed_on() {
        let deny_answer = Rules::parse(&["secret"]).unwrap_or_default();
        let guards = Guards { deny_answer, ..Guards::default() };
        let (mut told, mut on_piece) = (Vec::new(), |_: &str| ControlFlow::Continue(()));
        let mut on_retract = |why: Retraction| told.push(why);
        let mut outlet = Outlet::new(&guards, &mut on_piece).retracting(Some(&mut on_retract));
        // no guard lets pieces through that may yet be refused; if one did
        outlet.kept = None;
        assert!(outlet.piece("secret").is_continue());
        assert!(outlet.finish("secret").is_some());
        drop(outlet);
        assert_eq!(told, [Retraction::Guard]);
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
        // nor what takes the place of that
        outlet.retract(Retraction::Unsupported);
        outlet.whole("c d");
        drop(outlet);
        assert_eq!(count, 1);
    }
}
