//! The scenario files as values. An unknown key is an error: it would be a check that nobody makes.

use std::collections::BTreeMap;

use serde::Deserialize;

/// One file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Scenario {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) needs: Vec<String>,
    pub(crate) encoder: String,
    pub(crate) llm: Option<String>,
    pub(crate) steps: Vec<Step>,
}

/// One step: exactly one of the actions is given.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Step {
    pub(crate) write: Option<BTreeMap<String, String>>,
    pub(crate) write_base64: Option<BTreeMap<String, String>>,
    pub(crate) mkdir: Option<Vec<String>>,
    pub(crate) delete: Option<Vec<String>>,
    pub(crate) rename: Option<BTreeMap<String, String>>,
    pub(crate) sync: Option<Vec<String>>,
    pub(crate) search: Option<String>,
    pub(crate) ask: Option<String>,
    pub(crate) compose: Option<String>,
    pub(crate) reopen: Option<Reopen>,
    #[serde(default = "once")]
    pub(crate) repeat: usize,
    pub(crate) top_k: Option<usize>,
    pub(crate) mode: Option<String>,
    #[serde(default)]
    pub(crate) seed: u64,
    #[serde(default)]
    pub(crate) stream: bool,
    pub(crate) system: Option<String>,
    #[serde(default)]
    pub(crate) options: BTreeMap<String, serde_json::Value>,
    #[serde(default)]
    pub(crate) expect: Expect,
    #[serde(default)]
    pub(crate) expect_refusal: BTreeMap<String, String>,
    pub(crate) expect_error: Option<String>,
}

impl Step {
    /// What it does.
    pub(crate) fn action(&self) -> &'static str {
        let actions = [
            ("sync", self.sync.is_some()),
            ("search", self.search.is_some()),
            ("ask", self.ask.is_some()),
            ("compose", self.compose.is_some()),
            ("reopen", self.reopen.is_some()),
        ];
        actions.iter().find(|(_, is_it)| *is_it).map_or("files", |(name, _)| name)
    }
}

fn once() -> usize {
    1
}

/// How to open again.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Reopen {
    pub(crate) encoder: Option<String>,
    pub(crate) llm: Option<String>,
    pub(crate) kb: Option<String>,
}

/// What must come out.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Expect {
    pub(crate) added: Option<usize>,
    pub(crate) updated: Option<usize>,
    pub(crate) removed: Option<usize>,
    pub(crate) renamed: Option<usize>,
    pub(crate) unchanged: Option<usize>,
    pub(crate) skipped: Option<Vec<ExpectSkip>>,
    pub(crate) count: Option<usize>,
    pub(crate) files: Option<Vec<String>>,
    pub(crate) first_file: Option<String>,
    pub(crate) first_contains: Option<String>,
    #[serde(default)]
    pub(crate) first_slice: bool,
    pub(crate) same_as: Option<usize>,
    pub(crate) found: Option<bool>,
    #[serde(default)]
    pub(crate) contains: Vec<String>,
    pub(crate) cites: Option<Vec<String>>,
    #[serde(default)]
    pub(crate) all_citations_ok: bool,
    pub(crate) pieces_contain: Option<String>,
}

/// A file that must be skipped, and why.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExpectSkip {
    pub(crate) path: String,
    pub(crate) code: String,
}

/// Standard base64 with padding (RFC 4648).
pub(crate) fn base64(text: &str) -> Vec<u8> {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut bytes = Vec::new();
    let (mut bits, mut bit_count) = (0u32, 0);
    for symbol in text.trim_end_matches('=').bytes() {
        let value = ALPHABET.iter().position(|known| *known == symbol).unwrap();
        bits = bits << 6 | u32::try_from(value).unwrap();
        bit_count += 6;
        if bit_count >= 8 {
            bit_count -= 8;
            bytes.push((bits >> bit_count) as u8);
            bits &= (1 << bit_count) - 1;
        }
    }
    bytes
}

#[test]
fn base64_of_any_length() {
    assert_eq!(base64("AAEC"), [0, 1, 2]);
    assert_eq!(base64("TWE="), b"Ma");
    assert_eq!(base64("/w=="), [255]);
}
