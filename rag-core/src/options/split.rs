//! Options of how a document is cut into passages.

use super::options;
use crate::error::{Error, Result};

options! {
    /// How to cut.
    #[derive(Debug, Clone)]
    pub struct SplitOptions("sync") {
        /// Most tokens of a passage, its headings included; less where the encoder takes less.
        max_tokens: usize = 200, range(16.0, f64::INFINITY), unit("tokens");
        /// A section with fewer tokens shares its passages with the sections after it, up to a heading of an outer level; 0 for none.
        min_tokens: usize = 0, unit("tokens");
        /// Tokens of the end of a passage that the next one of the same section repeats.
        overlap_tokens: usize = 0, unit("tokens");
        /// Most tokens that the headings above a passage may take of it, half of it at most.
        max_heading_tokens: usize = 32, unit("tokens");
    }
    check(Self::check)
}

impl SplitOptions {
    /// With no more for headings than half of a passage.
    pub(crate) fn settled(&self) -> Self {
        let max_heading_tokens = self.max_heading_tokens.min(self.max_tokens / 2);
        Self { max_heading_tokens, ..self.clone() }
    }

    fn check(&self) -> Result<()> {
        self.settled().check_room()
    }

    /// Whether they leave room for text, with as much for headings as they say.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidArgument`](crate::ErrorCode::InvalidArgument) if they do not.
    pub(crate) fn check_room(&self) -> Result<()> {
        if self.max_heading_tokens >= self.max_tokens {
            let reason = format!(
                "{} tokens leave no room for text after {} for headings",
                self.max_tokens, self.max_heading_tokens
            );
            return Err(Error::invalid("max_tokens", reason));
        }
        if self.min_tokens > self.max_tokens / 2 {
            let reason = format!("{} is over half of {}", self.min_tokens, self.max_tokens);
            return Err(Error::invalid("min_tokens", reason));
        }
        let room = self.max_tokens - self.max_heading_tokens;
        if self.overlap_tokens > room / 2 {
            let reason =
                format!("{} is over half of {room}, the room for text", self.overlap_tokens);
            return Err(Error::invalid("overlap_tokens", reason));
        }
        Ok(())
    }
}
