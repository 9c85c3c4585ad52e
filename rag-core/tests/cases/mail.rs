//! Mail, tables, calendars, cards and PDF.

use rag_core::document::{BlockKind, DocumentKind, UnreadKind};

use super::{read, read_sample, unread};

#[test]
fn the_fuller_version_of_a_mail_counts() {
    let document = read_sample("03-mail-stub/order.eml");
    for right in ["Ostend", "Blue Heron", "3.4 kg", "From: Harbour Parts", "Your order 77-120"] {
        assert!(document.text.contains(right), "{right} in {}", document.text);
    }
    assert!(!document.text.contains("HTML compatible"));
}

#[test]
fn what_outlook_packs_into_one_attachment_is_read() {
    let document = read_sample("12-winmail/berth.eml");
    for right in ["The ferry Calypso moves to berth 9", "06:42"] {
        assert!(document.text.contains(right), "{right} in {}", document.text);
    }
    let tide = document.text.find("06:42").unwrap();
    let place = document.source_map.place(&(tide..tide + 5)).unwrap();
    assert!(place.starts_with("attachment 1 (winmail.dat"), "{place}");
}

#[test]
fn attachments_are_documents_of_their_own_or_noted() {
    let inner = "From: a@b.example\nSubject: Tides\n\nHigh tide at 06:42.\n";
    let event = "BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART:20261207T140000Z\nSUMMARY:Review\nEND:VEVENT\nEND:VCALENDAR\n";
    let mail = format!(
        "From: k@port.example\nTo: ana@lab.example\nSubject: Plan\nMIME-Version: 1.0\n\
         Content-Type: multipart/mixed; boundary=z\n\n--z\n\nSee below.\n--z\nContent-Type: message/rfc822\n\n{inner}\n\
         --z\nContent-Type: text/calendar\n\n{event}\n--z\nContent-Type: application/pkcs7-mime; name=smime.p7m\n\n0\x01\n\
         --z\nContent-Type: image/jpeg; name=pier.jpg\n\n\u{1}\u{2}\n--z\n\
         Content-Type: application/x-dwg; name=\"plan.dwg\"\n\nAC10\x00\x01\n--z--\n"
    );
    let document = read("a.eml", mail);
    assert_eq!(document.kind, DocumentKind::Mail);
    for right in
        ["See below.", "High tide at 06:42.", "Monday 7 December 2026 (2026-12-07), 14:00 (UTC)"]
    {
        assert!(document.text.contains(right), "{right} in {}", document.text);
    }
    for kind in [UnreadKind::Picture, UnreadKind::LockedPart, UnreadKind::Attachment] {
        assert_eq!(unread(&document, kind), 1, "{kind:?} in {:?}", document.unread);
    }
}

#[test]
fn a_line_may_name_the_separator_and_every_passage_knows_the_columns() {
    let document = read_sample("13-csv/sep.csv");
    assert!(document.text.starts_with("name\troom\tphone\nPerson 1\tR1\t55-1001\n"));
    let words = WordTokens;
    let passages = rag_core::passage::split(&document, &words, &Default::default()).unwrap();
    assert!(passages.len() > 3);
    for passage in &passages[1..] {
        assert_eq!(passage.heading.as_deref(), Some("name | room | phone"));
    }
    let text = &document.text[passages[1].range.clone()];
    let rows: Vec<&str> =
        rag_core::passage::sentences(text).into_iter().map(|row| &text[row]).collect();
    assert!(rows.iter().all(|row| row.matches("Person").count() == 1), "{rows:?}");
}

/// Counts words.
struct WordTokens;

impl rag_core::passage::TokenRanges for WordTokens {
    fn token_ranges(&self, text: &str) -> rag_core::Result<Vec<std::ops::Range<usize>>> {
        let start = |word: &str| word.as_ptr().addr() - text.as_ptr().addr();
        Ok(text.split_whitespace().map(|w| start(w)..start(w) + w.len()).collect())
    }
}

#[test]
fn quotes_written_wrongly_lose_no_cell() {
    let document = read_sample("13-csv/quote.csv");
    assert_eq!(
        document.text,
        "item\tsize\tstock\n\"A\" grade steel\t12\t40\n1/2\" pipe\t3\t7\n\"Unclosed name\t5\t9\n\
         Copper wire\t8\t77\nBrass rod\t9\t12"
    );
    assert_eq!(document.metadata["row_count"], "6");
}

#[test]
fn a_table_in_utf16_behind_a_title_is_a_table() {
    let text = "Fees of 2026\r\n\r\nberth;fee\r\nC-17;250,00\r\nC-18;260,50\r\n";
    let wide: Vec<u8> =
        "\u{feff}".encode_utf16().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    let document = read("fees.csv", wide);
    assert_eq!(document.text, "Fees of 2026\n\nberth\tfee\nC-17\t250,00\nC-18\t260,50");
    assert_eq!(document.blocks[1].kind, BlockKind::Table);
}

#[test]
fn calendars_and_cards_are_unfolded_fields() {
    let document = read_sample("17-ics/team.ics");
    assert_eq!(document.kind, DocumentKind::Calendar);
    for right in [
        "lighthouse maintenance contract",
        "Monday 7 December 2026 (2026-12-07), 14:00 to 15:30 (Europe/Paris)",
        "Location: Conference room Albatros, second floor",
        "calibration certificates.\n\nThe minutes",
    ] {
        assert!(document.text.contains(right), "{right} in {}", document.text);
    }
    let card = read_sample("17-ics/people.vcf");
    assert_eq!(card.kind, DocumentKind::Contacts);
    assert_eq!(
        card.text,
        "J\u{f6}rg M\u{fc}ller\n\nPhone (cell): +49 30 5550 1234\n\nNote: Keeper of the lighthouse keys"
    );
}

#[test]
fn a_filled_form_has_its_values_beside_the_labels() {
    let document = read_sample("30-pdf-form/mooring.pdf");
    for right in [
        "Name of the applicant: Ottilie Grant",
        "Length of the boat in metres: 11.4",
        "Berth wanted: C-17",
        "Insurance: \u{2611} insured",
        "Approved by K. Brandt on 3 June 2026",
    ] {
        assert_eq!(document.text.matches(right).count(), 1, "{right} in {}", document.text);
    }
}

#[test]
fn each_value_and_each_box_goes_to_the_label_next_to_it() {
    let document = read_sample("30-pdf-form/boxes.pdf");
    for right in [
        "Surname: Grant\tFirst name: Ottilie",
        "\u{2611} Sailing boat\t\u{2610} Motor boat",
        "Remarks: Line one Line two",
        "signed by O. Grant, 2026-06-03",
        "Stamp by K. Brandt: Approved",
        "Highlight by Noor: Check this",
    ] {
        assert!(document.text.contains(right), "{right} in {}", document.text);
    }
}

#[test]
fn files_inside_a_pdf_are_documents_of_their_own() {
    let document = read_sample("30-pdf-form/portfolio.pdf");
    assert_eq!(document.text, "Cover.\n\nThe fee is 250 euros per year.\n\nberth\trate\nC-17\t250");
    let fee = document.text.find("250 euros").unwrap();
    let place = document.source_map.place(&(fee..fee + 3)).unwrap();
    assert!(place.starts_with("attachment 1 (fee.pdf"), "{place}");
}

#[test]
fn powers_in_a_pdf_are_no_digits_of_the_number_before_them() {
    let document = read_sample("01-exponent/dose.pdf");
    assert_eq!(
        document.text,
        "The dose is 10\u{b9}\u{b9} particles, at most 2.5 x 10\u{207b}\u{2075} per m\u{b3}.\n\n\
         Wash it with H\u{2082}O on the 1st day, as the manual[12] says."
    );
}
