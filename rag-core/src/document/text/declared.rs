//! The encoding that a page or an XML file says it is in.

use encoding_rs::Encoding;

/// The encoding a `<meta>` element names in the first 4 KiB (HTML standard, 13.2.3.2, simplified).
pub(in crate::document) fn declared_encoding(bytes: &[u8]) -> Option<&'static Encoding> {
    let head = bytes.get(..4096).unwrap_or(bytes).to_ascii_lowercase();
    let head = String::from_utf8_lossy(&head);
    let metas = head.split("<meta").skip(1).filter_map(|rest| rest.split('>').next());
    let mut labels = metas.filter_map(|meta| meta.split_once("charset=").map(|(_, label)| label));
    let declaration = head.strip_prefix("<?xml").and_then(|rest| rest.split("?>").next());
    let xml = declaration.and_then(|d| d.split_once("encoding=")).map(|(_, label)| label);
    let label = labels.next().or(xml)?.trim_start_matches(['"', '\'', ' ']);
    let label = label.split(|c: char| !(c.is_ascii_alphanumeric() || "-_:.".contains(c))).next()?;
    Encoding::for_label(label.as_bytes())
}
