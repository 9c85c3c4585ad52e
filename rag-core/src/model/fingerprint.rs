//! One hash over everything that decides what a model computes.

use std::fmt::Write as _;

/// Collects named parts into a BLAKE3 hash. Names and lengths are hashed too, so parts cannot run
/// together.
#[derive(Debug)]
pub(crate) struct Fingerprint(blake3::Hasher);

impl Fingerprint {
    /// An empty fingerprint for one kind of model; `kind` carries a version, bumped when the parts
    /// change.
    pub(crate) fn new(kind: &str) -> Self {
        let mut fingerprint = Self(blake3::Hasher::new());
        fingerprint.part("kind", kind.as_bytes());
        fingerprint
    }

    /// Adds one part.
    pub(crate) fn part(&mut self, name: &str, bytes: &[u8]) {
        self.0.update(name.as_bytes());
        self.0.update(&[0]);
        self.0.update(&(bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
    }

    /// 64 hexadecimal digits.
    pub(crate) fn finish(&self) -> String {
        hex(self.0.finalize().as_bytes())
    }
}

/// Lower-case hexadecimal digits of `bytes`.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(parts: &[(&str, &str)]) -> String {
        let mut fingerprint = Fingerprint::new("test 1");
        parts.iter().for_each(|(name, bytes)| fingerprint.part(name, bytes.as_bytes()));
        fingerprint.finish()
    }

    #[test]
    fn parts_do_not_run_together() {
        assert_eq!(of(&[("a", "b")]).len(), 64);
        assert_eq!(of(&[("a", "b")]), of(&[("a", "b")]));
        assert_ne!(of(&[("a", "bc"), ("d", "")]), of(&[("a", "b"), ("d", "c")]));
        assert_ne!(of(&[("query", "x")]), of(&[("passage", "x")]));
    }
}
