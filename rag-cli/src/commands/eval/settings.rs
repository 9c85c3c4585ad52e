//! Ways of searching that are measured side by side.

use rag_core::search::{Fusion, Mode};

/// One way of searching.
#[derive(Debug, Clone)]
pub(super) struct Setting {
    pub(super) mode: Mode,
    pub(super) fusion: Fusion,
    /// As it was asked for.
    pub(super) name: String,
}

/// Every mode, `hybrid` once for each fusion.
pub(super) fn settings(modes: &[Mode], fusions: &[Fusion], names: &[String]) -> Vec<Setting> {
    let mut settings = Vec::new();
    for mode in modes {
        match mode {
            Mode::Hybrid => settings.extend(fusions.iter().zip(names).map(|(fusion, name)| {
                Setting { mode: *mode, fusion: *fusion, name: format!("hybrid {name}") }
            })),
            Mode::Dense | Mode::Lexical => settings.push(Setting {
                mode: *mode,
                fusion: Fusion::default(),
                name: mode.name().to_owned(),
            }),
        }
    }
    settings
}
