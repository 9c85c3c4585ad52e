//! Fonts: codes to text and widths (ISO 32000-1, 9.5 to 9.10).

use std::collections::HashMap;

use encoding_rs::Encoding;
use lopdf::{Dictionary, Document, Object};

use super::cmap::CMap;

/// Bytes a font stream may decompress to.
const MAX_STREAM_BYTES: usize = 16 << 20;

/// What is needed to turn shown strings into text.
pub(super) struct Font {
    codes: Codes,
    widths: Widths,
    /// Height of the em in units of the text size: 1 but for bitmap fonts.
    pub(super) em: f32,
    pub(super) is_bold: bool,
    /// Whether all letters are equally wide, as in program listings.
    pub(super) is_fixed: bool,
}

enum Codes {
    /// One byte a code.
    Simple(Box<[Option<String>; 256]>),
    /// Several bytes a code, each mapped by the font.
    Mapped { map: CMap, length: usize },
    /// The strings are text in this encoding.
    Encoded(&'static Encoding),
}

enum Widths {
    Simple(Box<[f32; 256]>),
    Composite { by_code: HashMap<u32, f32>, default: f32 },
}

/// A shown code.
pub(super) struct Glyph {
    /// `None` if the font does not say what it shows.
    pub(super) text: Option<String>,
    /// Advance, in units of the text size.
    pub(super) width: f32,
    /// Whether word spacing applies to it.
    pub(super) is_space_code: bool,
}

impl Font {
    pub(super) fn new(font: &Dictionary, file: &Document, names: &mut GlyphNames) -> Self {
        let subtype = font.get_deref(b"Subtype", file).and_then(Object::as_name).unwrap_or(b"");
        let composite = subtype == b"Type0";
        let inner = if composite { descendant(font, file) } else { Some(font) };
        let inner = inner.unwrap_or(font);
        let name = font.get_deref(b"BaseFont", file).and_then(Object::as_name).unwrap_or(b"");
        let name = String::from_utf8_lossy(name).to_lowercase();
        let descriptor = inner.get_deref(b"FontDescriptor", file).and_then(Object::as_dict).ok();
        let flags =
            descriptor.and_then(|d| d.get_deref(b"Flags", file).ok()?.as_i64().ok()).unwrap_or(0);
        let (scale, em) = if subtype == b"Type3" { type3_scale(font, file) } else { (0.001, 1.0) };
        let contains = |words: &[&str]| words.iter().any(|word| name.contains(word));
        Self {
            codes: if composite {
                composite_codes(font, file)
            } else {
                simple_codes(font, subtype, descriptor, file, names)
            },
            widths: if composite {
                composite_widths(inner, file)
            } else {
                simple_widths(font, descriptor, scale, file, &name)
            },
            em,
            is_bold: contains(&["bold", "black", "heavy", "demi", "cmbx"])
                || flags & (1 << 18) != 0,
            is_fixed: flags & 1 != 0
                || contains(&["courier", "mono", "consol", "typewriter", "cmtt", "menlo"]),
        }
    }

    /// Splits a shown string into glyphs.
    pub(super) fn glyphs(&self, bytes: &[u8], mut each: impl FnMut(Glyph)) {
        match &self.codes {
            Codes::Simple(table) => {
                for &byte in bytes {
                    let text = table.get(usize::from(byte)).cloned().flatten();
                    let width = self.widths.get(u32::from(byte));
                    each(Glyph { text, width, is_space_code: byte == b' ' });
                }
            }
            Codes::Mapped { map, length } => {
                for code in bytes.chunks(*length) {
                    let value = code.iter().fold(0_u32, |value, &b| value << 8 | u32::from(b));
                    let text = map.get(code.len() as u8, value);
                    let width = self.widths.get(value);
                    each(Glyph { text, width, is_space_code: code == b" " });
                }
            }
            Codes::Encoded(encoding) => {
                let (text, _) = encoding.decode_without_bom_handling(bytes);
                for c in text.chars() {
                    let width = if c.is_ascii() { 0.5 } else { 1.0 };
                    each(Glyph { text: Some(c.into()), width, is_space_code: false });
                }
            }
        }
    }
}

impl Widths {
    fn get(&self, code: u32) -> f32 {
        match self {
            Widths::Simple(table) => table.get(code as usize).copied().unwrap_or(0.5),
            Widths::Composite { by_code, default } => {
                by_code.get(&code).copied().unwrap_or(*default)
            }
        }
    }
}

fn descendant<'a>(font: &'a Dictionary, file: &'a Document) -> Option<&'a Dictionary> {
    let fonts = font.get_deref(b"DescendantFonts", file).ok()?.as_array().ok()?;
    file.dereference(fonts.first()?).ok()?.1.as_dict().ok()
}

/// Width unit and em height of a font whose glyphs are drawings.
fn type3_scale(font: &Dictionary, file: &Document) -> (f32, f32) {
    let numbers = |key: &[u8]| -> Vec<f32> {
        let array = font.get_deref(key, file).and_then(Object::as_array);
        array.map(|a| a.iter().filter_map(|o| o.as_float().ok()).collect()).unwrap_or_default()
    };
    let (matrix, bbox) = (numbers(b"FontMatrix"), numbers(b"FontBBox"));
    let unit = |index: usize| matrix.get(index).map_or(0.001, |v: &f32| v.abs());
    let height = match bbox.as_slice() {
        [_, low, _, high] => (high - low).abs() * unit(3),
        _ => 0.0,
    };
    (unit(0), if height > 0.0 { height } else { 1.0 })
}

fn to_unicode(font: &Dictionary, file: &Document) -> Option<CMap> {
    let stream = font.get_deref(b"ToUnicode", file).and_then(Object::as_stream).ok()?;
    Some(CMap::parse(&stream.get_plain_content_with_limit(MAX_STREAM_BYTES).ok()?))
}

fn composite_codes(font: &Dictionary, file: &Document) -> Codes {
    let encoding = font.get_deref(b"Encoding", file).and_then(Object::as_name).unwrap_or(b"");
    let map = to_unicode(font, file);
    if map.is_none()
        && let Some(encoding) = named_encoding(encoding)
    {
        return Codes::Encoded(encoding);
    }
    let map = map.unwrap_or_default();
    let length = map.code_length().unwrap_or(2);
    Codes::Mapped { map, length }
}

/// Predefined maps whose codes are text in a known encoding (ISO 32000-1, table 118).
fn named_encoding(name: &[u8]) -> Option<&'static Encoding> {
    let name = String::from_utf8_lossy(name);
    let has = |part: &str| name.contains(part);
    Some(match () {
        () if has("UCS2") || has("UTF16") => encoding_rs::UTF_16BE,
        () if has("RKSJ") => encoding_rs::SHIFT_JIS,
        () if has("GBK") || has("GB-EUC") || has("GBpc") => encoding_rs::GBK,
        () if has("B5") || has("ETen") => encoding_rs::BIG5,
        () if has("KSC") => encoding_rs::EUC_KR,
        () if name.starts_with("EUC-") => encoding_rs::EUC_JP,
        () => return None,
    })
}

fn simple_codes(
    font: &Dictionary,
    subtype: &[u8],
    descriptor: Option<&Dictionary>,
    file: &Document,
    names: &mut GlyphNames,
) -> Codes {
    let encoding = font.get_deref(b"Encoding", file).ok();
    let differences = encoding.and_then(|e| e.as_dict().ok());
    let base = match (encoding.and_then(|e| e.as_name().ok()), differences) {
        (Some(name), _) => Some(name),
        (None, Some(dict)) => dict.get_deref(b"BaseEncoding", file).and_then(Object::as_name).ok(),
        (None, None) => None,
    };
    let default: &[u8] =
        if subtype == b"TrueType" { b"WinAnsiEncoding" } else { b"StandardEncoding" };
    let mut table = Box::new(base_table(base.unwrap_or(default)));
    if base.is_none() {
        built_in(descriptor, file, |code, name| set(&mut table, code, names.text(name)));
    }
    if let Some(dict) = differences
        && let Ok(list) = dict.get_deref(b"Differences", file).and_then(Object::as_array)
    {
        let mut code = 0_i64;
        for item in list {
            match file.dereference(item).map(|(_, object)| object) {
                Ok(Object::Integer(value)) => code = *value,
                Ok(Object::Name(name)) => {
                    set(&mut table, usize::try_from(code).unwrap_or(256), names.text(name));
                    code = code.saturating_add(1);
                }
                _ => {}
            }
        }
    }
    if let Some(map) = to_unicode(font, file) {
        for (code, entry) in table.iter_mut().enumerate() {
            let text = map.get(1, code as u32).or_else(|| map.get(2, code as u32));
            if let Some(text) = text.filter(|text| !text.is_empty() && text != "\u{fffd}") {
                *entry = Some(text);
            }
        }
    }
    Codes::Simple(table)
}

fn set(table: &mut [Option<String>; 256], code: usize, text: Option<String>) {
    if let Some(entry) = table.get_mut(code) {
        *entry = text;
    }
}

/// The text of each byte in one of the named encodings.
fn base_table(name: &[u8]) -> [Option<String>; 256] {
    let mut font = Dictionary::new();
    font.set("Type", "Font");
    font.set("Encoding", Object::Name(name.to_vec()));
    let empty = Document::new();
    let encoding = font.get_font_encoding(&empty);
    std::array::from_fn(|code| {
        let text = encoding.as_ref().ok()?.bytes_to_string(&[code as u8]).ok()?;
        (!text.is_empty()).then_some(text)
    })
}

/// The encoding inside a Type 1 font program: lines of `dup 65 /A put` before its encrypted part.
fn built_in(descriptor: Option<&Dictionary>, file: &Document, mut each: impl FnMut(usize, &[u8])) {
    let stream = descriptor.and_then(|d| d.get_deref(b"FontFile", file).ok()?.as_stream().ok());
    let Some(program) = stream.and_then(|s| s.get_plain_content_with_limit(MAX_STREAM_BYTES).ok())
    else {
        return;
    };
    let clear = program.get(..16 << 10).unwrap_or(&program);
    let words = clear.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    let words: Vec<&[u8]> = words.take_while(|word| *word != b"eexec").collect();
    for window in words.windows(3) {
        if let [b"dup", code, [b'/', name @ ..]] = window
            && let Ok(code) = String::from_utf8_lossy(code).parse()
        {
            each(code, name);
        }
    }
}

fn simple_widths(
    font: &Dictionary,
    descriptor: Option<&Dictionary>,
    scale: f32,
    file: &Document,
    name: &str,
) -> Widths {
    let number =
        |dict: &Dictionary, key: &[u8]| dict.get_deref(key, file).and_then(Object::as_float).ok();
    let mut table = Box::new([0.0_f32; 256]);
    let widths = font.get_deref(b"Widths", file).and_then(Object::as_array);
    let Ok(widths) = widths else {
        for (code, width) in table.iter_mut().enumerate() {
            *width = if name.contains("courier") { 0.6 } else { usual_width(code as u8) };
        }
        return Widths::Simple(table);
    };
    let missing = descriptor.and_then(|d| number(d, b"MissingWidth")).unwrap_or(0.0);
    table.fill(missing * scale);
    let first = number(font, b"FirstChar").unwrap_or(0.0) as usize;
    for (width, value) in table.iter_mut().skip(first).zip(widths) {
        let value = file.dereference(value).ok().and_then(|(_, object)| object.as_float().ok());
        *width = value.unwrap_or(missing) * scale;
    }
    Widths::Simple(table)
}

/// About what Helvetica and Times have, for the fonts that files need not describe.
fn usual_width(code: u8) -> f32 {
    match code {
        b'i'
        | b'j'
        | b'l'
        | b'f'
        | b't'
        | b'I'
        | b' '..=b'!'
        | b'\''..=b')'
        | b','
        | b'.'..=b'/'
        | b':'
        | b';'
        | b'|' => 0.28,
        b'm' | b'w' | b'M' | b'W' | b'@' | b'%' => 0.85,
        b'A'..=b'Z' => 0.68,
        _ => 0.53,
    }
}

fn composite_widths(font: &Dictionary, file: &Document) -> Widths {
    let default = font.get_deref(b"DW", file).and_then(Object::as_float).unwrap_or(1000.0);
    let mut by_code = HashMap::new();
    let list = font.get_deref(b"W", file).and_then(Object::as_array);
    let items = list.map(Vec::as_slice).unwrap_or_default();
    let mut items = items.iter().filter_map(|item| Some(file.dereference(item).ok()?.1));
    while let Some(first) = items.next().and_then(|o| o.as_i64().ok()) {
        match items.next() {
            Some(Object::Array(widths)) => {
                for (step, width) in widths.iter().enumerate() {
                    if let Ok(width) = width.as_float() {
                        by_code.insert((first as u32).wrapping_add(step as u32), width / 1000.0);
                    }
                }
            }
            Some(last) => {
                let (Ok(last), Some(Ok(width))) =
                    (last.as_i64(), items.next().map(Object::as_float))
                else {
                    break;
                };
                for code in first.max(0)..=last.min(0xFFFF) {
                    by_code.insert(code as u32, width / 1000.0);
                }
            }
            None => break,
        }
    }
    Widths::Composite { by_code, default: default / 1000.0 }
}

/// Glyph names already looked up.
#[derive(Default)]
pub(super) struct GlyphNames {
    known: HashMap<Vec<u8>, Option<String>>,
}

impl GlyphNames {
    /// The text of a glyph name (Adobe Glyph List specification, section 2).
    fn text(&mut self, name: &[u8]) -> Option<String> {
        if let Some(known) = self.known.get(name) {
            return known.clone();
        }
        let base = name.split(|&b| b == b'.').next().unwrap_or_default();
        let parts = base.split(|&b| b == b'_').map(component);
        let text: Option<String> = parts.collect();
        let text = text.filter(|text| !text.is_empty());
        self.known.insert(name.to_vec(), text.clone());
        text
    }
}

/// The text of a name without suffix and underscores: from the library's list, or spelt as `uni`
/// and four hexadecimal digits, or `u` and four to six (Adobe Glyph List Specification, section 2).
fn component(name: &[u8]) -> Option<String> {
    let mut encoding = Dictionary::new();
    encoding.set("Differences", vec![Object::Integer(0), Object::Name(name.to_vec())]);
    let mut font = Dictionary::new();
    font.set("Type", "Font");
    font.set("Encoding", encoding);
    let listed =
        font.get_font_encoding(&Document::new()).ok().and_then(|e| e.bytes_to_string(&[0]).ok());
    if let Some(text) = listed.filter(|text| !text.is_empty()) {
        return Some(text);
    }
    let name = std::str::from_utf8(name).ok()?;
    let hex = |digits: &str| u32::from_str_radix(digits, 16).ok().and_then(char::from_u32);
    match name.strip_prefix("uni") {
        Some(digits) if digits.len() == 4 => hex(digits).map(String::from),
        _ => hex(name.strip_prefix('u').filter(|d| (4..=6).contains(&d.len()))?).map(String::from),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn glyph_names_become_text() {
        let mut names = GlyphNames::default();
        for (name, text) in [
            ("A", "A"),
            ("eacute", "\u{e9}"),
            ("uni00E9", "\u{e9}"),
            ("u1F600", "\u{1F600}"),
            ("f_f_i", "ffi"),
            ("a.alt", "a"),
        ] {
            assert_eq!(names.text(name.as_bytes()).as_deref(), Some(text), "{name}");
        }
        assert_eq!(names.text(b"g123"), None);
    }

    #[test]
    fn named_encodings_have_accents() {
        let table = base_table(b"WinAnsiEncoding");
        assert_eq!(table[0xE9].as_deref(), Some("\u{e9}"));
        assert_eq!(base_table(b"StandardEncoding")[0x41].as_deref(), Some("A"));
    }
}
