#![allow(clippy::unwrap_used)]
//! Forms, notes, attached files, layers.
use std::path::Path;

use super::tests::pdf_of;
use super::*;

fn read_pdf(objects: &[&str]) -> (String, Vec<String>) {
    let bytes = pdf_of(objects);
    let (document, notes) = unread::set_aside(|| {
        PdfReader.read(&crate::document::source_file(Path::new("a.pdf"), &bytes)).unwrap()
    });
    unread::keep(notes);
    (document.text, unread::take().iter().map(ToString::to_string).collect())
}

const FONT: &str =
    "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>";
const PAGES: &str = "<< /Type /Pages /Kids [3 0 R] /Count 1 >>";

fn page(more: &str) -> String {
    format!(
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F 5 0 R >> /Properties << /L 7 0 R >> >> {more} >>"
    )
}

fn content(text: &str) -> String {
    format!("<< /Length {} >>\nstream\n{text}\nendstream", text.len())
}

#[test]
fn values_stand_beside_their_labels_once() {
    let shown = "BT /F 11 Tf 72 740 Td (Name:) Tj ET BT /F 11 Tf 72 700 Td (Colour:) Tj ET BT /F 11 Tf 150 700 Td (red) Tj ET \
                 BT /F 11 Tf 90 660 Td (I have a dog) Tj ET BT /F 11 Tf 72 640 Td (Insured:) Tj ET BT /F 11 Tf 90 620 Td (by sea) Tj ET";
    let annotations = "/Annots [6 0 R 7 0 R 8 0 R 9 0 R 10 0 R 11 0 R 12 0 R]";
    let (text, noted) = read_pdf(&[
        "<< /Type /Catalog /Pages 2 0 R >>",
        PAGES,
        &page(annotations),
        &content(shown),
        FONT,
        "<< /Subtype /Widget /FT /Tx /T (name) /V (Ottilie Grant) /Rect [150 735 400 753] >>",
        "<< /Subtype /Widget /FT /Ch /T (colour) /V (r) /Opt [[(r) (red)] [(g) (green)]] /Rect [150 695 400 713] >>",
        "<< /Subtype /Widget /FT /Btn /T (dog) /AS /Off /Rect [72 658 84 670] >>",
        "<< /Subtype /Widget /FT /Btn /T (insured) /AS /Yes /V /Yes /Rect [140 638 152 650] >>",
        "<< /Subtype /Widget /FT /Btn /Ff 32768 /T (way) /V /Sea /AS /Sea /Rect [72 618 84 630] >>",
        "<< /Subtype /Widget /FT /Tx /T (remarks) /V (late) /Rect [72 200 400 300] >>",
        "<< /Subtype /Widget /FT /Tx /T (secret) /F 2 /V (x) /Rect [72 100 400 120] >>",
    ]);
    for line in [
        "Name: Ottilie Grant",
        "\u{2610} I have a dog",
        "Insured: \u{2611} insured",
        "\u{2611} by sea",
        "remarks: late",
    ] {
        assert!(text.contains(line), "{line} in {text}");
    }
    assert_eq!(text.matches("\tred").count(), 1, "{text}");
    assert_eq!(noted, ["1 piece of hidden text"]);
}

#[test]
fn notes_and_attached_files_are_text() {
    let (text, noted) = read_pdf(&[
        "<< /Type /Catalog /Pages 2 0 R /Names << /EmbeddedFiles << /Names [(a) 9 0 R (b) 11 0 R] >> >> >>",
        PAGES,
        &page("/Annots [6 0 R 7 0 R 8 0 R]"),
        &content("BT /F 11 Tf 72 740 Td (The pier is closed.) Tj ET"),
        FONT,
        "<< /Subtype /Text /T (K. Brandt) /Contents (Since when?) /Rect [0 0 9 9] >>",
        "<< /Subtype /FreeText /Contents (Approved on 3 June) /Rect [72 540 400 560] >>",
        "<< /Subtype /Highlight /Rect [0 0 9 9] >>",
        "<< /Type /Filespec /UF (fees.csv) /EF << /F 10 0 R >> >>",
        &content("berth,fee\nC-17,250 euros\n"),
        "<< /Type /Filespec /UF (plan.dwg) /EF << /F 12 0 R >> >>",
        "<< /Length 8 >>\nstream\nAC10\0\x01\x02\x03\nendstream",
    ]);
    let expected = "The pier is closed.\n\nApproved on 3 June\n\nNote by K. Brandt: Since when?\n\n\
                    berth\tfee\nC-17\t250 euros";
    assert_eq!(text, expected);
    assert_eq!(noted, ["1 attachment (plan.dwg)"]);
}

#[test]
fn layers_that_are_off_are_noted() {
    let (text, noted) = read_pdf(&[
        "<< /Type /Catalog /Pages 2 0 R /OCProperties << /OCGs [7 0 R] /D << /OFF [7 0 R] >> >> >>",
        PAGES,
        &page(""),
        &content(
            "BT /F 11 Tf 72 740 Td (Shown.) Tj ET /OC /L BDC BT /F 11 Tf 72 700 Td (Old price) Tj ET EMC",
        ),
        FONT,
        "<< >>",
        "<< /Type /OCG /Name (old) >>",
    ]);
    assert_eq!((text.as_str(), noted), ("Shown.", vec!["1 piece of hidden text".to_owned()]));
}
