//! A start tag: the name of an element and its attributes.

/// The start tag being read.
#[derive(Default)]
pub(super) struct StartTag {
    /// In lower case.
    pub(super) name: Vec<u8>,
    /// The attribute whose value comes next.
    pub(super) attribute: Vec<u8>,
    pub(super) attributes: Vec<(Vec<u8>, Vec<u8>)>,
}

impl StartTag {
    /// The value of an attribute.
    pub(super) fn get(&self, name: &[u8]) -> Option<&[u8]> {
        self.attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_slice())
    }

    /// The value of an attribute as trimmed text.
    pub(super) fn text(&self, name: &[u8]) -> Option<String> {
        self.get(name).map(|value| String::from_utf8_lossy(value).trim().to_owned())
    }
}
