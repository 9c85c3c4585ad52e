//! Markup, text and data written as text.

use rag_core::document::UnreadKind;

use super::{read, read_sample, sample, unread};

#[test]
fn exponents_of_a_page_are_no_digits_of_the_number() {
    let document = read_sample("01-exponent/pump.html");
    for right in ["10\u{207b}\u{2079} mbar", "10\u{2074} per m\u{b3}", "2\u{b3}\u{2070} rev"] {
        assert!(document.text.contains(right), "{right} in {}", document.text);
    }
    for wrong in ["10-9", "104", "230", "m3"] {
        assert!(!document.text.contains(wrong), "{wrong} in {}", document.text);
    }
    assert!(document.text.contains("revolutions[12]"));
}

#[test]
fn exponents_are_kept_in_every_markup() {
    for (name, source) in [
        ("a.html", "<p>below 10<sup>4</sup> per unit</p>"),
        ("a.md", "below 10<sup>4</sup> per unit\n"),
        ("a.rst", "Title\n=====\n\nbelow 10\\ :sup:`4` per unit\n"),
        ("a.tex", "\\begin{document}below 10\\textsuperscript{4} per unit\\end{document}"),
        ("a.rtf", "{\\rtf1 below 10{\\super 4} per unit\\par}"),
        ("a.xml", "<doc><p>below 10<superscript>4</superscript> per unit</p></doc>"),
    ] {
        let document = read(name, source);
        assert!(document.text.contains("below 10\u{2074} per unit"), "{name}: {}", document.text);
    }
}

#[test]
fn a_picture_written_into_markdown_is_no_text() {
    for name in ["04-base64/report.md", "04-base64/cut.md"] {
        let document = read_sample(name);
        assert!(document.text.len() < 200, "{name}: {}", document.text.len());
        assert!(!document.text.contains("base64"), "{name}");
        assert_eq!(unread(&document, UnreadKind::Picture), 1, "{name}");
        assert!(document.text.contains("214 groupers"), "{name}");
    }
    assert!(read_sample("04-base64/report.md").text.contains("Dora Lindqvist"));
}

#[test]
fn data_written_as_text_is_cut_out_of_every_format() {
    let report = std::fs::read_to_string(sample("04-base64/report.md")).unwrap();
    let start = report.find("base64,").unwrap() + "base64,".len();
    let data = report.get(start..start + 1200).unwrap();
    let uri = format!("data:image/png;base64,{data}");
    for (name, source) in [
        ("a.json", format!("{{\"name\": \"reef\", \"picture\": \"{uri}\", \"raw\": \"{data}\"}}")),
        ("a.html", format!("<p>reef</p><img src='{uri}'><p>{data}</p>")),
        ("a.md", format!("reef ![a][b]\n\n[b]: {uri}\n\n<img src=\"{data}\">\n")),
        ("a.txt", format!("reef\n\n{uri}\n\nkey {data}\n")),
        ("a.xml", format!("<d><p>reef</p><binary>{data}</binary><i>{uri}</i></d>")),
        ("a.yaml", format!("name: reef\nicon: {uri}\nkey: {data}\n")),
    ] {
        let document = read(name, source);
        assert!(document.text.contains("reef"), "{name}");
        assert!(document.text.len() < 120, "{name}: {}", document.text);
        assert_eq!(unread(&document, UnreadKind::Picture), 2, "{name}: {:?}", document.unread);
    }
}

#[test]
fn front_matter_is_text_and_metadata() {
    let document = read_sample("07-front-matter/backup.md");
    assert_eq!(document.title.as_deref(), Some("Nightly backup"));
    assert_eq!(document.metadata["owner"], "Jadwiga Nowak");
    for fact in ["owner: Jadwiga Nowak", "severity: SEV-2", "aliases:\n  - tape rotation"] {
        assert!(document.text.contains(fact), "{fact} in {}", document.text);
    }
    let source = std::fs::read(sample("07-front-matter/backup.md")).unwrap();
    let start = document.text.find("Jadwiga").unwrap();
    let bytes = document.source_map.source_bytes(&(start..start + 7)).unwrap();
    assert_eq!(&source[bytes.start as usize..bytes.end as usize], b"Jadwiga");
}

#[test]
fn one_bad_byte_costs_one_character() {
    let document = read_sample("23-bad-byte/log.txt");
    let source = std::fs::read(sample("23-bad-byte/log.txt")).unwrap();
    assert_eq!(document.text.matches('\u{fffd}').count(), 1);
    assert_eq!(unread(&document, UnreadKind::InvalidBytes), 1);
    assert!(!document.text.contains('\u{c3}'), "mojibake");
    let last = document.text.rfind("\u{141}ukasz").unwrap();
    let bytes = document.source_map.source_bytes(&(last..last + 7)).unwrap();
    assert_eq!(&source[bytes.start as usize..bytes.end as usize], "\u{141}ukasz".as_bytes());
}

#[test]
fn what_a_page_folds_away_is_read_and_what_it_strikes_out_is_not() {
    let page = "<main><h1>Pump</h1><div role=tablist><a role=tab href='#two'>Service</a></div>\
        <div id=two role=tabpanel hidden><p>Change the oil every 2000 hours.</p></div>\
        <aside class=warning><p>Never open the valve under pressure.</p></aside>\
        <p>Now <del>14 euros</del> 19 euros.</p><ol start=4><li>Close it.</li></ol>\
        <p><input type=checkbox checked> tested</p></main>";
    let document = read("a.html", page);
    for right in ["2000 hours", "Never open", "Now 19 euros", "4. Close it.", "\u{2611} tested"] {
        assert!(document.text.contains(right), "{right} in {}", document.text);
    }
    assert_eq!(unread(&document, UnreadKind::DeletedText), 1);
}
