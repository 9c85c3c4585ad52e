//! Names of months and days in the languages that a format code may ask for, such as `[$-40C]`.

use ssfmt::Locale;

/// The locale that the first language tag of a format code means; English without one.
pub(super) fn of_code(code: &str) -> Locale {
    let tag = code.split("[$").skip(1).find_map(|rest| {
        let inner = rest.split(']').next()?;
        inner.rsplit_once('-').map(|(before, last)| (before.rsplit('-').next(), last))
    });
    let Some((before, last)) = tag else { return Locale::en_us() };
    let by_number = u32::from_str_radix(last, 16).ok().and_then(|id| language(id & 0x3FF));
    by_number.or_else(|| before.and_then(named)).or_else(|| named(last)).unwrap_or_default()
}

/// By the primary language of a Windows language id (MS-LCID 2.2).
fn language(id: u32) -> Option<Locale> {
    named(match id {
        0x07 => "de",
        0x0A => "es",
        0x0C => "fr",
        0x10 => "it",
        _ => return None,
    })
}

/// By the language of a tag such as `fr-FR`.
fn named(tag: &str) -> Option<Locale> {
    let (short, full, days_short, days) = match tag.to_ascii_lowercase().as_str() {
        "fr" => FRENCH,
        "de" => GERMAN,
        "es" => SPANISH,
        "it" => ITALIAN,
        _ => return None,
    };
    Some(Locale {
        month_names_short: short,
        month_names_full: full,
        day_names_short: days_short,
        day_names_full: days,
        ..Locale::en_us()
    })
}

/// Short and full months, short and full days from Sunday on.
type DateNames = ([&'static str; 12], [&'static str; 12], [&'static str; 7], [&'static str; 7]);

const FRENCH: DateNames = (
    [
        "janv.",
        "f\u{e9}vr.",
        "mars",
        "avr.",
        "mai",
        "juin",
        "juil.",
        "ao\u{fb}t",
        "sept.",
        "oct.",
        "nov.",
        "d\u{e9}c.",
    ],
    [
        "janvier",
        "f\u{e9}vrier",
        "mars",
        "avril",
        "mai",
        "juin",
        "juillet",
        "ao\u{fb}t",
        "septembre",
        "octobre",
        "novembre",
        "d\u{e9}cembre",
    ],
    ["dim.", "lun.", "mar.", "mer.", "jeu.", "ven.", "sam."],
    ["dimanche", "lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi"],
);

const GERMAN: DateNames = (
    ["Jan", "Feb", "M\u{e4}r", "Apr", "Mai", "Jun", "Jul", "Aug", "Sep", "Okt", "Nov", "Dez"],
    [
        "Januar",
        "Februar",
        "M\u{e4}rz",
        "April",
        "Mai",
        "Juni",
        "Juli",
        "August",
        "September",
        "Oktober",
        "November",
        "Dezember",
    ],
    ["So", "Mo", "Di", "Mi", "Do", "Fr", "Sa"],
    ["Sonntag", "Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag"],
);

const SPANISH: DateNames = (
    ["ene", "feb", "mar", "abr", "may", "jun", "jul", "ago", "sep", "oct", "nov", "dic"],
    [
        "enero",
        "febrero",
        "marzo",
        "abril",
        "mayo",
        "junio",
        "julio",
        "agosto",
        "septiembre",
        "octubre",
        "noviembre",
        "diciembre",
    ],
    ["do", "lu", "ma", "mi", "ju", "vi", "s\u{e1}"],
    ["domingo", "lunes", "martes", "mi\u{e9}rcoles", "jueves", "viernes", "s\u{e1}bado"],
);

const ITALIAN: DateNames = (
    ["gen", "feb", "mar", "apr", "mag", "giu", "lug", "ago", "set", "ott", "nov", "dic"],
    [
        "gennaio",
        "febbraio",
        "marzo",
        "aprile",
        "maggio",
        "giugno",
        "luglio",
        "agosto",
        "settembre",
        "ottobre",
        "novembre",
        "dicembre",
    ],
    ["dom", "lun", "mar", "mer", "gio", "ven", "sab"],
    [
        "domenica",
        "luned\u{ec}",
        "marted\u{ec}",
        "mercoled\u{ec}",
        "gioved\u{ec}",
        "venerd\u{ec}",
        "sabato",
    ],
);
