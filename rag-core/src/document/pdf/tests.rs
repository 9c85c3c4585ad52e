#![allow(clippy::unwrap_used)]
use std::path::Path;

use proptest::prelude::*;

use super::*;
use crate::document::vocabulary::BlockKind;

/// A PDF with one Helvetica text line a string; `pages` holds content streams.
fn pdf(pages: &[&str]) -> Vec<u8> {
    let mut objects = vec!["<< /Type /Catalog /Pages 2 0 R /Lang (fr-FR) >>".to_owned()];
    let kids: Vec<String> = (0..pages.len()).map(|i| format!("{} 0 R", 5 + 2 * i)).collect();
    objects.push(format!("<< /Type /Pages /Kids [{}] /Count {} >>", kids.join(" "), pages.len()));
    objects.push(
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>"
            .to_owned(),
    );
    objects.push("<< /Title (Le laboratoire) /Author (Ana) >>".to_owned());
    for (index, page) in pages.iter().enumerate() {
        let content = 6 + 2 * index;
        objects.push(format!("<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents {content} 0 R /Resources << /Font << /F 3 0 R >> >> >>"));
        objects.push(format!("<< /Length {} >>\nstream\n{page}\nendstream", page.len()));
    }
    let objects: Vec<&str> = objects.iter().map(String::as_str).collect();
    pdf_of(&objects)
}

/// A PDF of numbered objects: the first is the catalog, the fourth the information.
pub(super) fn pdf_of(objects: &[&str]) -> Vec<u8> {
    let mut bytes = b"%PDF-1.4\n".to_vec();
    let mut offsets = Vec::new();
    for (index, object) in objects.iter().enumerate() {
        offsets.push(bytes.len());
        bytes.extend(format!("{} 0 obj\n{object}\nendobj\n", index + 1).bytes());
    }
    let xref = bytes.len();
    let entries: String = offsets.iter().map(|at| format!("{at:010} 00000 n \n")).collect();
    let size = objects.len() + 1;
    bytes.extend(format!("xref\n0 {size}\n0000000000 65535 f \n{entries}trailer\n<< /Size {size} /Root 1 0 R /Info 4 0 R >>\nstartxref\n{xref}\n%%EOF\n").bytes());
    bytes
}

fn read_pdf(bytes: &[u8]) -> Result<Document> {
    PdfReader.read(&SourceFile::new(Path::new("a.pdf"), bytes))
}

const PAGE: &str = "BT /F 20 Tf 72 770 Td (Histoire) Tj /F 11 Tf 0 -40 Td [(Le la) -2 (bo) -300 (a \\351t\\351 cr\\351\\351 en 1995, c'est une insti-)] TJ 0 -13 Td (tution.) Tj 0 -30 Td (Fin.) Tj ET";

#[test]
fn lines_headings_and_accents_are_read() {
    let document =
        read_pdf(&pdf(&[PAGE, "BT /F 11 Tf 72 700 Td (Deuxi\\350me page.) Tj ET"])).unwrap();
    let expected = "Histoire\n\nLe labo a \u{e9}t\u{e9} cr\u{e9}\u{e9} en 1995, c'est une institution.\n\nFin.\n\nDeuxi\u{e8}me page.";
    assert_eq!(document.text, expected);
    assert_eq!(document.blocks[0].kind, BlockKind::Heading { level: 1 });
    assert_eq!(document.title.as_deref(), Some("Le laboratoire"));
    assert_eq!(document.metadata["author"], "Ana");
    assert_eq!(document.metadata["page_count"], "2");
    assert_eq!(document.lang.as_deref(), Some("fr"));
    let second = document.text.find("Deux").unwrap();
    assert_eq!(document.source_map.page(&(second..second + 4)), Some(2));
    assert_eq!(document.source_map.page(&(0..3)), Some(1));
    assert_eq!(document.source_map.source_bytes(&(0..3)), None);
}

#[test]
fn artifacts_are_left_out_unless_nothing_else_is_there() {
    let marked = "/Artifact BMC BT /F 9 Tf 72 800 Td (Watermark) Tj ET EMC";
    let both = format!("{marked} {PAGE}");
    assert!(!read_pdf(&pdf(&[&both])).unwrap().text.contains("Watermark"));
    assert_eq!(read_pdf(&pdf(&[marked])).unwrap().text, "Watermark");
}

#[test]
fn what_cannot_be_read_says_why() {
    let whole = pdf(&[PAGE]);
    for (bytes, reason) in [
        (pdf(&["0 0 m 9 9 l S"]), "no text (scanned?)"),
        (b"%PDF-1.4\nnothing else".to_vec(), "broken PDF"),
        (whole[..200].to_vec(), "broken PDF"),
    ] {
        let error = read_pdf(&bytes).unwrap_err();
        assert_eq!(error.code(), crate::ErrorCode::Document);
        assert!(error.line().contains(reason), "{}", error.line());
    }
}

#[test]
fn pages_that_failed_are_listed() {
    assert_eq!(page_list(&[1, 2, 3, 7]), "1-3, 7");
    assert_eq!(page_list(&[]), "");
}

#[test]
fn saved_states_without_end_are_counted_not_kept() {
    let page = format!("{} {PAGE}", "q ".repeat(300_000));
    assert!(read_pdf(&pdf(&[&page])).unwrap().text.contains("Histoire"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn a_damaged_file_is_read_or_refused(
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..30),
        cut in proptest::option::of(any::<prop::sample::Index>()),
    ) {
        let mut bytes = pdf(&[PAGE, PAGE]);
        for (at, value) in flips {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        if let Ok(document) = read_pdf(&bytes) {
            for block in &document.blocks {
                prop_assert!(document.text.get(block.range.clone()).is_some());
            }
        }
    }
}

/// Counts what it is given.
struct Counter(std::sync::Mutex<Vec<Option<u32>>>);

impl Recognizer for Counter {
    fn recognize(&self, picture: &Picture<'_>) -> Result<String> {
        self.0.lock().unwrap().push(picture.page);
        Ok("words".to_owned())
    }
}

#[test]
fn a_recognizer_gets_what_a_page_draws_and_not_what_it_only_names() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data/documents/pictures.pdf");
    let mut file = lopdf::Document::load(path).unwrap();
    let pages: Vec<_> = file.page_iter().collect();
    let picture = file.get_page_images(pages[1]).unwrap()[0].id;
    let resources = file.get_dictionary(pages[0]).unwrap().get(b"Resources").unwrap().clone();
    let mut resources = file.dereference(&resources).unwrap().1.as_dict().unwrap().clone();
    let objects = resources.get(b"XObject").unwrap();
    let mut objects = file.dereference(objects).unwrap().1.as_dict().unwrap().clone();
    objects.set("Undrawn", picture);
    resources.set("XObject", objects);
    file.get_dictionary_mut(pages[0]).unwrap().set("Resources", resources);
    let mut bytes = Vec::new();
    file.save_to(&mut bytes).unwrap();
    assert_eq!(file.get_page_images(pages[0]).unwrap().len(), 2);
    let counter = Counter(std::sync::Mutex::default());
    let source =
        SourceFile { recognizer: Some(&counter), ..SourceFile::new(Path::new("a.pdf"), &bytes) };
    PdfReader.read(&source).unwrap();
    assert_eq!(*counter.0.lock().unwrap(), [Some(1), Some(2), Some(3)]);
}
