//! The keys and values of the tokens seen so far, in pages that grow, are forgotten and are shared.

use std::sync::Arc;

use crate::kernels::attention::PAGE;
use crate::kernels::attention::kv_page::{CacheShape, Page};

/// Keys and values of a prefix. Positions from `len` on hold leftovers that nobody reads.
///
/// Growing adds pages and copies nothing; a fork shares all pages until one side writes to one.
#[derive(Debug, Clone)]
pub(super) struct KvCache {
    shape: CacheShape,
    pages: Vec<Arc<Page>>,
    len: usize,
}

impl KvCache {
    /// An empty cache.
    pub(super) fn new(shape: CacheShape) -> Self {
        Self { shape, pages: Vec::new(), len: 0 }
    }

    /// What it holds.
    pub(super) fn shape(&self) -> CacheShape {
        self.shape
    }

    /// Tokens held.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Forgets all but the first `len` tokens.
    pub(super) fn truncate(&mut self, len: usize) {
        self.len = self.len.min(len);
        self.pages.truncate(self.len.div_ceil(PAGE));
    }

    /// Makes room for `len` tokens.
    pub(super) fn reserve(&mut self, len: usize) {
        while self.pages.len() * PAGE < len {
            self.pages.push(Arc::new(Page::new(self.shape)));
        }
    }

    /// Counts `rows` more tokens as held, after every layer has written them.
    pub(super) fn advance(&mut self, rows: usize) {
        self.len += rows;
    }

    /// A copy that can go another way.
    pub(super) fn fork(&self) -> Self {
        self.clone()
    }

    /// Every page, first positions first.
    pub(super) fn pages(&self) -> &[Arc<Page>] {
        &self.pages
    }

    /// The pages of the tokens that come next. One that is shared must be made unique before it is
    /// written.
    pub(super) fn next_pages(&mut self) -> &mut [Arc<Page>] {
        &mut self.pages[self.len / PAGE..]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::attention::kv_page::{KeyBias, KvPrecision};

    #[test]
    fn growing_moves_no_page_and_forks_share_until_written() {
        let mut cache = KvCache::new(CacheShape {
            layers: 1,
            heads: 1,
            dim: 16,
            precision: KvPrecision::F16,
            bias: KeyBias::Within,
        });
        cache.reserve(1);
        let first = Arc::as_ptr(&cache.pages()[0]);
        cache.reserve(10 * PAGE);
        cache.advance(3 * PAGE + 1);
        assert_eq!((cache.pages().len(), Arc::as_ptr(&cache.pages()[0])), (10, first));
        assert_eq!(cache.next_pages().len(), 7);
        let mut fork = cache.fork();
        assert_eq!(Arc::as_ptr(&fork.pages()[0]), first);
        let written = Arc::make_mut(&mut fork.next_pages()[0]) as *const Page;
        assert_ne!(written, Arc::as_ptr(&cache.pages()[3]));
        cache.truncate(PAGE);
        assert_eq!((cache.len(), cache.pages().len(), fork.len()), (PAGE, 1, 3 * PAGE + 1));
    }
}
