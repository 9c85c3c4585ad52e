//! Options of how a file is read.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::{Options, Value, options};
use crate::document::Recognizer;
use crate::error::Result;

options! {
    /// How a file is read.
    #[derive(Clone)]
    pub struct ReadOptions("sync") {
        /// A file that takes longer to read is skipped and reported; the time of a recognizer does not count. In a minute a PDF of
        /// 20,000 pages can be read.
        time_limit: Duration = Duration::from_secs(60), name("max_read_seconds"), unit("seconds");
    }
    code {
        /// What reads the text of pictures, scanned pages among them: gets a picture, gives its text. Without one, pictures are refused
        /// as [`Unreadable::Unsupported`](crate::Unreadable::Unsupported), and what has nothing but scanned pages as
        /// [`Unreadable::NoText`](crate::Unreadable::NoText).
        recognizer: Option<Arc<dyn Recognizer>> = None, is("a callable");
    }
    check(|_| Ok(()))
}

impl fmt::Debug for ReadOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let recognizes = self.recognizer.is_some();
        f.debug_struct("ReadOptions")
            .field("time_limit", &self.time_limit)
            .field("recognizer", &recognizes)
            .finish()
    }
}

impl ReadOptions {
    /// With a time limit in seconds.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidArgument`](crate::ErrorCode::InvalidArgument) if it is not above 0 and below 585 billion years.
    pub fn for_seconds(seconds: f64) -> Result<Self> {
        let mut options = Self::default();
        options.set_all([("max_read_seconds", Value::Number(seconds))])?;
        Ok(options)
    }
}
