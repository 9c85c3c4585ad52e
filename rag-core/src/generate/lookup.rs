//! Tokens guessed from the text so far: what followed the last few tokens when they came up before
//! (Saxena 2023, prompt lookup decoding).
//!
//! An answer from passages copies them, so the guesses are often right, and checking several tokens
//! in one pass over the weights costs little more than one. A wrong guess costs time only: the
//! sampler decides on every token.

/// Guesses the next tokens. Holds back after wrong guesses, so that text that copies nothing is not
/// slowed down.
#[derive(Debug)]
pub(super) struct Lookup {
    /// Most tokens of the next guess.
    width: usize,
    /// Tokens until the next guess.
    pause: usize,
    /// The pause after the next wrong guess.
    next_pause: usize,
    /// Tokens that must have come up before.
    least_match: usize,
}

/// Tokens that must have come up before where nothing says yet that the text copies.
const SURE_MATCH: usize = 3;
/// The same once a guess was right.
const LEAST_MATCH: usize = 2;
const FIRST_WIDTH: usize = 2;
const MAX_WIDTH: usize = 7;
const FIRST_PAUSE: usize = 2;
const MAX_PAUSE: usize = 16;

impl Lookup {
    pub(super) fn new() -> Self {
        Self { width: FIRST_WIDTH, pause: 0, next_pause: FIRST_PAUSE, least_match: SURE_MATCH }
    }

    /// At most `most` tokens that may follow `history`.
    pub(super) fn guess(&mut self, history: &[u32], most: usize) -> Vec<u32> {
        if self.pause > 0 {
            self.pause -= 1;
            return Vec::new();
        }
        let width = self.width.min(most);
        if width == 0 {
            return Vec::new();
        }
        (self.least_match..=SURE_MATCH)
            .rev()
            .find_map(|len| followers(history, len))
            .map_or(Vec::new(), |after| after[..after.len().min(width)].to_vec())
    }

    /// Learns how many of the `guessed` tokens were right.
    pub(super) fn learn(&mut self, guessed: usize, right: usize) {
        if guessed == 0 {
            return;
        }
        self.least_match = if right > 0 { LEAST_MATCH } else { SURE_MATCH };
        if right == guessed {
            self.width = (2 * self.width + 1).min(MAX_WIDTH);
            self.next_pause = FIRST_PAUSE;
        } else if right == 0 {
            self.width = FIRST_WIDTH;
            self.pause = self.next_pause;
            self.next_pause = (2 * self.next_pause).min(MAX_PAUSE);
        }
    }
}

/// What followed the latest earlier place of the last `len` tokens.
fn followers(history: &[u32], len: usize) -> Option<&[u32]> {
    let at = history.len().checked_sub(len)?;
    let (before, last) = (&history[..history.len() - 1], &history[at..]);
    let place = before.windows(len).rposition(|window| window == last)?;
    Some(&history[place + len..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_earlier_place_of_the_longest_match_is_taken() {
        let mut lookup = Lookup::new();
        assert_eq!(lookup.guess(&[1, 2, 3, 4, 5, 9, 1, 2, 3], 10), [4, 5]);
        assert_eq!(lookup.guess(&[1, 2, 3, 4, 0, 1, 2, 3, 7, 1, 2, 3], 10), [7, 1]);
        assert_eq!(lookup.guess(&[8, 2, 3, 4, 1, 2, 3], 2), [0; 0], "too little to start with");
        lookup.learn(1, 1);
        assert_eq!(lookup.guess(&[8, 2, 3, 4, 1, 2, 3], 2), [4, 1]);
        assert_eq!(lookup.guess(&[5, 5, 5, 5], 10), [5], "an overlap is a place too");
        for nothing in [&[][..], &[1], &[1, 2], &[1, 2, 3, 4]] {
            assert_eq!(lookup.guess(nothing, 10), [0; 0]);
        }
        assert_eq!(lookup.guess(&[1, 2, 3, 1, 2], 0), [0; 0]);
    }

    #[test]
    fn right_guesses_widen_and_wrong_ones_pause_longer_each_time() {
        let history = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 1, 2, 3];
        let mut lookup = Lookup::new();
        lookup.learn(3, 3);
        assert_eq!(lookup.guess(&history, 100).len(), 5);
        for pause in [2, 4, 8, 16, 16] {
            lookup.learn(3, 0);
            for _ in 0..pause {
                assert!(lookup.guess(&history, 100).is_empty());
            }
            assert_eq!(lookup.guess(&history, 100).len(), FIRST_WIDTH);
        }
    }
}
