//! The keys and values of the tokens seen so far, one growing buffer per layer.

use candle_core::{DType, Device, Result, Tensor};

/// Keys and values of a prefix. Positions from `len` on hold leftovers that nobody reads.
#[derive(Debug)]
pub(super) struct KvCache {
    layers: Vec<(Tensor, Tensor)>,
    kv_head_count: usize,
    head_dim: usize,
    capacity: usize,
    len: usize,
}

impl KvCache {
    /// An empty cache.
    pub(super) fn new(layer_count: usize, kv_head_count: usize, head_dim: usize) -> Result<Self> {
        let mut cache = Self { layers: Vec::new(), kv_head_count, head_dim, capacity: 0, len: 0 };
        let empty = cache.zeros(0)?;
        cache.layers = vec![(empty.clone(), empty); layer_count];
        Ok(cache)
    }

    /// Tokens held.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Forgets all but the first `len` tokens.
    pub(super) fn truncate(&mut self, len: usize) {
        self.len = self.len.min(len);
    }

    /// Makes room for `len` tokens, at least doubling when it grows.
    pub(super) fn reserve(&mut self, len: usize) -> Result<()> {
        if len <= self.capacity {
            return Ok(());
        }
        let capacity = len.max(2 * self.capacity).next_multiple_of(64);
        for index in 0..self.layers.len() {
            let (keys, values) = &self.layers[index];
            let grown = (self.grown(keys, capacity)?, self.grown(values, capacity)?);
            self.layers[index] = grown;
        }
        self.capacity = capacity;
        Ok(())
    }

    /// Writes keys and values `[kv_heads, rows, head_dim]` of one layer at position `at`.
    pub(super) fn write(
        &mut self,
        layer: usize,
        at: usize,
        keys: &Tensor,
        values: &Tensor,
    ) -> Result<()> {
        let (all_keys, all_values) = &self.layers[layer];
        all_keys.slice_set(keys, 1, at)?;
        all_values.slice_set(values, 1, at)
    }

    /// Keys and values `[kv_heads, len, head_dim]` of one layer.
    pub(super) fn read(&self, layer: usize, len: usize) -> Result<(Tensor, Tensor)> {
        let (keys, values) = &self.layers[layer];
        Ok((keys.narrow(1, 0, len)?, values.narrow(1, 0, len)?))
    }

    /// Counts `rows` more tokens as held, after every layer has written them.
    pub(super) fn advance(&mut self, rows: usize) {
        self.len += rows;
    }

    /// A copy that can go another way.
    pub(super) fn fork(&self) -> Result<Self> {
        let mut layers = Vec::with_capacity(self.layers.len());
        for (keys, values) in &self.layers {
            layers.push((keys.copy()?, values.copy()?));
        }
        let (kv_head_count, head_dim) = (self.kv_head_count, self.head_dim);
        Ok(Self { layers, kv_head_count, head_dim, capacity: self.capacity, len: self.len })
    }

    fn grown(&self, old: &Tensor, capacity: usize) -> Result<Tensor> {
        let new = self.zeros(capacity)?;
        if self.len > 0 {
            new.slice_set(&old.narrow(1, 0, self.len)?.contiguous()?, 1, 0)?;
        }
        Ok(new)
    }

    fn zeros(&self, capacity: usize) -> Result<Tensor> {
        Tensor::zeros((self.kv_head_count, capacity, self.head_dim), DType::F32, &Device::Cpu)
    }
}
