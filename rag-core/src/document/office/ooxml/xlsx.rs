//! XLSX: sheets as headings, stretches of rows as tables, values as a person sees them.

use std::collections::HashMap;

use super::here::Here;
use super::objects::Objects;
use super::{is_on, properties};
use crate::document::archive::package::Package;
use crate::document::markup::xml::{Tag, Visit, Xml};
use crate::document::office::sheet::{self, CellFormat};
use crate::document::vocabulary::{
    Document, DocumentKind, Reader, SourceFile, Unit, UnreadKind, one_line, unread,
};
use crate::document::writing::draft::{DocumentDraft, part};
use crate::error::Result;

mod around;
mod cells;

/// Reads XLSX and XLSM.
pub(in crate::document) struct XlsxReader;

/// The list of sheets.
const WORKBOOK: &str = "xl/workbook.xml";

impl Reader for XlsxReader {
    fn read(&self, source: &SourceFile<'_>) -> Result<Document> {
        let mut package = Package::open(source)?;
        let mut draft = DocumentDraft::default();
        properties(&mut package, source, &mut draft)?;
        let book = XlsxBook::read(&mut package, source)?;
        let mut objects = Objects::default();
        for tab in &book.sheets {
            let Some(text) = package.text(&tab.target)? else { continue };
            let whole = part(Unit::Row, 1, Some(&tab.place()));
            draft.heading(1, &tab.title(), &whole);
            let xml = || Xml::new(source.path, &tab.target, &text);
            cells::Sheet::new(source, &book, tab, &mut draft, &mut xml())?.read(&mut xml())?;
            let relations = package.relations(&tab.target)?;
            let (package, draft) = (&mut package, &mut draft);
            let here = &mut Here { package, source, draft, location: &whole };
            around::add(here, &relations, tab)?;
            objects.add(here, &relations)?;
        }
        draft.metadata.insert("sheet_count".to_owned(), book.sheets.len().to_string());
        draft.finish(DocumentKind::Xlsx, source)
    }
}

/// A sheet as the workbook lists it.
struct XlsxSheet {
    name: String,
    target: String,
    /// Whether the program shows no tab for it.
    is_hidden: bool,
}

impl XlsxSheet {
    /// The heading; a sheet that nobody is shown says so.
    fn title(&self) -> String {
        format!("{}{}", self.name, if self.is_hidden { " (hidden sheet)" } else { "" })
    }

    /// What a place on it is called.
    fn place(&self) -> String {
        format!("sheet {}", self.name)
    }
}

/// What the sheets share.
struct XlsxBook {
    sheets: Vec<XlsxSheet>,
    strings: Vec<String>,
    /// How each cell style shows numbers.
    formats: Vec<CellFormat>,
    /// Whether days are counted from 1904.
    from_1904: bool,
    /// Whether the program that wrote the file left all calculation to the one that opens it: what
    /// stands as the value of a formula is then a placeholder.
    is_uncalculated: bool,
}

impl XlsxBook {
    fn read(package: &mut Package<'_>, source: &SourceFile<'_>) -> Result<Self> {
        let relations = package.relations(WORKBOOK)?;
        let text = package.required(WORKBOOK)?;
        let mut book = Self {
            sheets: Vec::new(),
            strings: Vec::new(),
            formats: Vec::new(),
            from_1904: false,
            is_uncalculated: false,
        };
        let child = |_: &mut Xml<'_>, tag: &Tag<'_>| {
            match tag.name() {
                "workbookPr" => {
                    book.from_1904 = tag.attribute("date1904").is_some() && is_on(tag, "date1904");
                }
                "calcPr" => {
                    book.is_uncalculated =
                        tag.attribute("fullCalcOnLoad").is_some() && is_on(tag, "fullCalcOnLoad");
                }
                "sheet" => {
                    let id = tag.attribute_named("r:id").or_else(|| tag.attribute("id"));
                    let found = relations.iter().find(|relation| Some(&relation.id) == id.as_ref());
                    let name = one_line(&tag.attribute("name").unwrap_or_default());
                    let is_hidden = tag.attribute("state").is_some_and(|state| state != "visible");
                    book.sheets.extend(found.map(|relation| {
                        let target = relation.target.clone();
                        XlsxSheet { name: name.clone(), target, is_hidden }
                    }));
                }
                _ => {}
            }
            Ok(Visit::Enter)
        };
        Xml::new(source.path, WORKBOOK, &text).each(child, |_| {})?;
        if let Some(relation) = relations.iter().find(|r| r.kind == "sharedStrings") {
            book.strings = shared_strings(package, source, &relation.target)?;
        }
        if let Some(relation) = relations.iter().find(|r| r.kind == "styles") {
            book.formats = formats(package, source, &relation.target)?;
        }
        Ok(book)
    }
}

/// Bytes of a cell; a sheet holds at most 32,767 characters in one.
const MAX_CELL_BYTES: usize = 4 * 32_767;

fn shared_strings(
    package: &mut Package<'_>,
    source: &SourceFile<'_>,
    name: &str,
) -> Result<Vec<String>> {
    let Some(text) = package.text(name)? else { return Ok(Vec::new()) };
    let mut strings = Vec::new();
    let child = |xml: &mut Xml<'_>, tag: &Tag<'_>| {
        Ok(match tag.name() {
            "si" => {
                let mut string = rich_text(xml)?;
                if string.len() > MAX_CELL_BYTES {
                    string.truncate(string.floor_char_boundary(MAX_CELL_BYTES));
                    unread::note(UnreadKind::BeyondLimit, 1);
                }
                strings.push(string);
                Visit::Done
            }
            _ => Visit::Enter,
        })
    };
    Xml::new(source.path, name, &text).each(child, |_| {})?;
    Ok(strings)
}

/// A text with runs, without its phonetic guide.
fn rich_text(xml: &mut Xml<'_>) -> Result<String> {
    let mut text = String::new();
    let child = |xml: &mut Xml<'_>, tag: &Tag<'_>| {
        Ok(match tag.name() {
            // Threads of comments use a name of their own.
            "t" | "text" => {
                text.push_str(&xml.text()?);
                Visit::Done
            }
            "rPh" | "rPr" => Visit::Skip,
            _ => Visit::Enter,
        })
    };
    xml.each(child, |_| {})?;
    Ok(sheet::unescaped(text))
}

/// How the cells of each style show numbers (ECMA-376 part 1, 18.8.30).
fn formats(
    package: &mut Package<'_>,
    source: &SourceFile<'_>,
    name: &str,
) -> Result<Vec<CellFormat>> {
    let Some(text) = package.text(name)? else { return Ok(Vec::new()) };
    let mut codes: HashMap<u32, String> = HashMap::new();
    let mut formats = Vec::new();
    let mut known: HashMap<u32, CellFormat> = HashMap::new();
    let mut in_cells = false;
    let child = |_: &mut Xml<'_>, tag: &Tag<'_>| {
        match tag.name() {
            "numFmt" => {
                let id = tag.number("numFmtId").unwrap_or(0);
                codes.insert(id, tag.attribute("formatCode").unwrap_or_default());
            }
            "cellXfs" => in_cells = true,
            "cellStyleXfs" | "cellStyles" | "dxfs" => in_cells = false,
            "xf" if in_cells => {
                let id: u32 = tag.number("numFmtId").unwrap_or(0);
                let format = known.entry(id).or_insert_with(|| match codes.get(&id) {
                    Some(code) => CellFormat::of_code(code),
                    None => CellFormat::built_in(id),
                });
                formats.push(format.clone());
            }
            _ => {}
        }
        Ok(Visit::Enter)
    };
    Xml::new(source.path, name, &text).each(child, |_| {})?;
    Ok(formats)
}
