#![allow(clippy::unwrap_used)]
use std::path::Path;

use super::*;
use crate::document::vocabulary::unread;

fn calendar(text: &str) -> Document {
    CalendarReader.read(&SourceFile::new(Path::new("a.ics"), text.as_bytes())).unwrap()
}

fn contacts(bytes: &[u8]) -> Document {
    ContactsReader.read(&SourceFile::new(Path::new("a.vcf"), bytes)).unwrap()
}

#[test]
fn events_are_sections_with_readable_dates() {
    let text = "BEGIN:VCALENDAR\r\nX-WR-CALNAME:Harbour\r\nBEGIN:VTIMEZONE\r\nTZID:Europe/Paris\r\nEND:VTIMEZONE\r\n\
        BEGIN:VEVENT\r\nDTSTART;TZID=Europe/Paris:20261207T140000\r\nDTEND;TZID=Europe/Paris:20261207T153000\r\n\
        SUMMARY:Review of the mainten\r\n ance contract\r\nLOCATION:Room Albatros\\, second floor\r\n\
        ATTENDEE;CN=\"Haddad, Noor\";PARTSTAT=DECLINED:mailto:noor@x.example\r\n\
        DESCRIPTION:Bring the calibr\r\n\tation papers.\\nNoor writes.\r\n\
        BEGIN:VALARM\r\nDESCRIPTION:Reminder\r\nEND:VALARM\r\nEND:VEVENT\r\n\
        BEGIN:VEVENT\r\nDTSTART;VALUE=DATE:20261224\r\nDTEND;VALUE=DATE:20261227\r\nRRULE:FREQ=YEARLY\r\n\
        STATUS:CANCELLED\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";
    let document = calendar(text);
    let expected = "Harbour\n\nReview of the maintenance contract\n\n\
        When: Monday 7 December 2026 (2026-12-07), 14:00 to 15:30 (Europe/Paris)\n\n\
        Location: Room Albatros, second floor\n\nAttendee: Haddad, Noor <noor@x.example> (declined)\n\n\
        Description: Bring the calibration papers.\n\nNoor writes.\n\nEvent\n\n\
        When: Thursday 24 December 2026 (2026-12-24) to Saturday 26 December 2026 (2026-12-26)\n\n\
        Repeats: every year\n\nStatus: cancelled";
    assert_eq!(document.text, expected);
    assert_eq!(
        (document.title.as_deref(), &*document.metadata["entry_count"]),
        (Some("Harbour"), "2")
    );
    let room = document.text.find("Room").unwrap();
    let range = document.source_map.source_bytes(&(room..room + 4)).unwrap();
    assert!(text[range.start as usize..range.end as usize].starts_with("LOCATION:Room"));
}

#[test]
fn cards_of_all_versions_are_fields() {
    let old = b"BEGIN:VCARD\nVERSION:2.1\nN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:M=C3=BCller;J=C3=B6rg\n\
        TEL;CELL:+49 30 5550 1234\nNOTE;ENCODING=QUOTED-PRINTABLE:Keeper of the =\nlighthouse keys\nEND:VCARD\n\
        BEGIN:VCARD\nVERSION:2.1\nFN;QUOTED-PRINTABLE;CHARSET=ISO-8859-1:Zo=E9\nPHOTO;ENCODING=BASE64:iVBO\n Rw0K\n\nEND:VCARD\n";
    let (document, _) = unread::set_aside(|| contacts(old));
    assert_eq!(
        document.text,
        "J\u{f6}rg M\u{fc}ller\n\nPhone (cell): +49 30 5550 1234\n\nNote: Keeper of the lighthouse keys\n\nZo\u{e9}"
    );
    let new = "BEGIN:VCARD\nVERSION:4.0\nFN:Ana Lopes\nN:Lopes;Ana;;Dr.;\nORG:Port;Pilots\n\
        TEL;VALUE=uri;TYPE=\"voice,work\":tel:+32-59-00\nitem1.EMAIL:ana@x.example\nitem1.X-ABLabel:_$!<Home>!$_\n\
        ADR;TYPE=home:;;Quay 4\\, left;Ostend;;8400;Belgium\nBDAY:19870203\nEND:VCARD\n";
    assert_eq!(
        contacts(new.as_bytes()).text,
        "Ana Lopes\n\nName: Dr. Ana Lopes\n\nOrganization: Port, Pilots\n\nPhone (work): +32-59-00\n\n\
         Email (Home): ana@x.example\n\nAddress (home): Quay 4, left, Ostend, 8400, Belgium\n\n\
         Birthday: Tuesday 3 February 1987 (1987-02-03)"
    );
}

#[test]
fn a_fold_inside_a_character_is_mended() {
    let mut bytes = b"BEGIN:VCARD\r\nFN:Zo\xC3\r\n \xA9 Adam\r\nEND:VCARD\r\n".to_vec();
    assert_eq!(contacts(&bytes).text, "Zo\u{e9} Adam");
    bytes.truncate(20);
    contacts(&bytes);
}
