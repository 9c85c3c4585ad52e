//! What each control word of RTF does to the reader.

use encoding_rs::Encoding;

use crate::document::vocabulary::UnreadKind;
use crate::document::writing::script::Script;

/// What to do at a control word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    /// Nothing that matters to the text.
    None,
    /// It stands for a character.
    Text(&'static str),
    /// What follows in the group is no text.
    Skip,
    /// What follows is a value of the document information.
    Info(&'static str),
    Fonts,
    Styles,
    /// The number or bullet of a list follows.
    ListText,
    Unicode,
    Fallback,
    CodePage,
    Charset,
    Font,
    Style,
    Outline,
    Hidden(UnreadKind),
    Script(Option<Script>),
    /// Raised or lowered by half-points.
    Raised,
    Lowered,
    Plain,
    InTable,
    ResetParagraph,
    EndParagraph,
    EndCell,
    EndRow,
}

pub(super) fn action(name: &[u8]) -> Action {
    match name {
        b"par" | b"sect" | b"page" => Action::EndParagraph,
        b"pard" => Action::ResetParagraph,
        b"intbl" => Action::InTable,
        b"cell" | b"nestcell" => Action::EndCell,
        b"row" | b"nestrow" => Action::EndRow,
        b"u" => Action::Unicode,
        b"uc" => Action::Fallback,
        b"ansicpg" => Action::CodePage,
        b"fcharset" => Action::Charset,
        b"f" => Action::Font,
        b"s" => Action::Style,
        b"outlinelevel" => Action::Outline,
        b"v" => Action::Hidden(UnreadKind::HiddenText),
        b"deleted" | b"strike" | b"striked" => Action::Hidden(UnreadKind::DeletedText),
        b"super" => Action::Script(Some(Script::Superscript)),
        b"sub" => Action::Script(Some(Script::Subscript)),
        b"nosupersub" => Action::Script(None),
        b"up" => Action::Raised,
        b"dn" => Action::Lowered,
        b"plain" => Action::Plain,
        b"fonttbl" => Action::Fonts,
        b"stylesheet" => Action::Styles,
        b"listtext" | b"pntext" => Action::ListText,
        b"title" => Action::Info("title"),
        b"author" => Action::Info("author"),
        b"subject" => Action::Info("subject"),
        b"keywords" => Action::Info("keywords"),
        _ => character(name).map_or_else(|| apart(name), Action::Text),
    }
}

fn character(name: &[u8]) -> Option<&'static str> {
    Some(match name {
        b"tab" => "\t",
        // The text of a note stands where its mark does.
        b"footnote" => " ",
        b"line" | b"softline" => "\n",
        b"lquote" => "\u{2018}",
        b"rquote" => "\u{2019}",
        b"ldblquote" => "\u{201c}",
        b"rdblquote" => "\u{201d}",
        b"endash" => "\u{2013}",
        b"emdash" => "\u{2014}",
        b"bullet" => "\u{2022}",
        b"emspace" | b"enspace" | b"qmspace" => " ",
        _ => return None,
    })
}

/// Groups that hold no text of the document.
fn apart(name: &[u8]) -> Action {
    match name {
        b"colortbl"
        | b"pict"
        | b"object"
        | b"objdata"
        | b"fldinst"
        | b"info"
        | b"creatim"
        | b"revtim"
        | b"printim"
        | b"operator"
        | b"company"
        | b"comment"
        | b"doccomm"
        | b"header"
        | b"headerl"
        | b"headerr"
        | b"headerf"
        | b"footer"
        | b"footerl"
        | b"footerr"
        | b"footerf"
        | b"listtable"
        | b"listoverridetable"
        | b"revtbl"
        | b"rsidtbl"
        | b"generator"
        | b"xmlnstbl"
        | b"themedata"
        | b"colorschememapping"
        | b"latentstyles"
        | b"datastore"
        | b"filetbl"
        | b"nonshppict"
        | b"nonesttables"
        | b"bkmkstart"
        | b"bkmkend"
        | b"annotation"
        | b"atnid"
        | b"atnauthor"
        | b"sp"
        | b"xe"
        | b"tc"
        | b"ftnsep"
        | b"ftnsepc"
        | b"aftnsep"
        | b"aftnsepc"
        | b"shpinst_"
        | b"mmathPr"
        | b"wgrffmtfilter"
        | b"falt"
        | b"panose" => Action::Skip,
        _ => Action::None,
    }
}

/// What is noted of a group that is passed over.
pub(super) fn left_out(name: &[u8]) -> Option<UnreadKind> {
    Some(match name {
        b"pict" => UnreadKind::Picture,
        b"object" => UnreadKind::EmbeddedFile,
        b"annotation" => UnreadKind::Comment,
        b"header" | b"headerl" | b"headerr" | b"headerf" | b"footer" | b"footerl" | b"footerr"
        | b"footerf" => UnreadKind::RepeatedText,
        _ => return None,
    })
}

/// Whether a destination marked as new is one whose text we read.
pub(super) fn is_known_destination(rest: &[u8]) -> bool {
    [
        b"\\shpinst".as_slice(),
        b"\\shptxt",
        b"\\shppict",
        b"\\listtext",
        b"\\pntext",
        b"\\nesttableprops",
    ]
    .iter()
    .any(|word| rest.starts_with(word))
}

/// The encoding of a Windows code page.
pub(super) fn code_page(number: i32) -> &'static Encoding {
    let label = match number {
        932 => "shift_jis".to_owned(),
        936 => "gbk".to_owned(),
        949 => "euc-kr".to_owned(),
        950 => "big5".to_owned(),
        10_000 => "macintosh".to_owned(),
        65_001 => "utf-8".to_owned(),
        866 => "ibm866".to_owned(),
        number => format!("windows-{number}"),
    };
    Encoding::for_label(label.as_bytes()).unwrap_or(encoding_rs::WINDOWS_1252)
}

/// The encoding that the character set of a font means; nothing if it is that of the document.
pub(super) fn charset(number: i32) -> Option<&'static Encoding> {
    let page = match number {
        0 => 1252,
        77 => 10_000,
        128 => 932,
        129 => 949,
        134 => 936,
        136 => 950,
        161 => 1253,
        162 => 1254,
        163 => 1258,
        177 => 1255,
        178 => 1256,
        186 => 1257,
        204 => 1251,
        222 => 874,
        238 => 1250,
        _ => return None,
    };
    Some(code_page(page))
}
