//! What each command of LaTeX does to the text around it.

use unicode_normalization::UnicodeNormalization;

use crate::document::writing::script::Script;

/// The effect of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CommandEffect {
    /// Its arguments are text.
    Keep,
    /// So many arguments, and the optional ones before them, are no text.
    Drop(usize),
    Heading(u8),
    Begin,
    End,
    Item,
    /// Space or a line break.
    Break,
    /// Read with the preamble.
    Title,
    Text(&'static str),
    /// Its argument is set above or below the line.
    Script(Script),
    /// Its argument is struck out.
    Deleted,
    /// A picture from another file.
    Picture,
    /// Its argument is a text apart from the sentence it stands in.
    Note,
    Accent(char),
}

pub(super) fn effect(name: &str) -> CommandEffect {
    match name {
        "part" | "chapter" => CommandEffect::Heading(0),
        "section" => CommandEffect::Heading(1),
        "subsection" => CommandEffect::Heading(2),
        "subsubsection" => CommandEffect::Heading(3),
        "paragraph" | "subparagraph" => CommandEffect::Heading(4),
        "begin" => CommandEffect::Begin,
        "end" => CommandEffect::End,
        "item" | "bibitem" => CommandEffect::Item,
        "title" | "author" | "date" => CommandEffect::Title,
        "newline" | "par" | "quad" | "qquad" | "hfill" | "vfill" | "linebreak" | "newpage"
        | "clearpage" | "smallskip" | "medskip" | "bigskip" | "hline" | "toprule" | "midrule"
        | "bottomrule" | "noindent" | "centering" | "maketitle" | "tableofcontents" => {
            CommandEffect::Break
        }
        "textsuperscript" | "up" | "fup" | "textsu" => CommandEffect::Script(Script::Superscript),
        "textsubscript" => CommandEffect::Script(Script::Subscript),
        "sout" | "st" | "xout" => CommandEffect::Deleted,
        "includegraphics" => CommandEffect::Picture,
        "footnote" | "footnotetext" | "thanks" | "marginpar" | "marginnote" => CommandEffect::Note,
        "label" | "ref" | "eqref" | "pageref" | "cite" | "citep" | "citet" | "nocite" | "input"
        | "include" | "bibliography" | "bibliographystyle" | "usepackage" | "documentclass"
        | "vspace" | "hspace" | "pagestyle" | "thispagestyle" | "color" | "hypersetup"
        | "index" | "phantom" | "vskip" | "cline" | "cmidrule" | "href" | "textcolor"
        | "colorbox" | "selectlanguage" | "pagenumbering" | "autoref" | "cref" | "Cref"
        | "graphicspath" | "theoremstyle" | "foreignlanguage" => CommandEffect::Drop(1),
        "setlength" | "addtolength" | "setcounter" | "newcommand" | "renewcommand"
        | "providecommand" | "definecolor" | "newtheorem" | "multicolumn" | "fontsize"
        | "addcontentsline" | "rule" | "raisebox" => CommandEffect::Drop(2),
        "newenvironment" | "renewenvironment" => CommandEffect::Drop(3),
        "c" => CommandEffect::Accent('\u{327}'),
        "v" => CommandEffect::Accent('\u{30c}'),
        "u" => CommandEffect::Accent('\u{306}'),
        "H" => CommandEffect::Accent('\u{30b}'),
        "r" => CommandEffect::Accent('\u{30a}'),
        "k" => CommandEffect::Accent('\u{328}'),
        _ => special(name).map_or(CommandEffect::Keep, CommandEffect::Text),
    }
}

fn special(name: &str) -> Option<&'static str> {
    Some(match name {
        "ss" => "\u{df}",
        "oe" => "\u{153}",
        "OE" => "\u{152}",
        "ae" => "\u{e6}",
        "AE" => "\u{c6}",
        "o" => "\u{f8}",
        "O" => "\u{d8}",
        "aa" => "\u{e5}",
        "AA" => "\u{c5}",
        "l" => "\u{142}",
        "L" => "\u{141}",
        "i" => "i",
        "ldots" | "dots" | "cdots" => "\u{2026}",
        "ier" => "er",
        "iere" => "\u{e8}re",
        "ieme" => "e",
        "iers" => "ers",
        "iemes" => "es",
        "no" => "n\u{b0}",
        "LaTeX" => "LaTeX",
        "TeX" => "TeX",
        "og" => "\u{ab}",
        "fg" => "\u{bb}",
        "textbackslash" => "\\",
        "textasciitilde" => "~",
        "textendash" => "\u{2013}",
        "textemdash" => "\u{2014}",
        "euro" => "\u{20ac}",
        "degree" => "\u{b0}",
        "times" => "\u{d7}",
        _ => return None,
    })
}

/// The combining mark of an accent that is written as a symbol.
pub(super) fn accent(symbol: char) -> Option<char> {
    Some(match symbol {
        '\'' => '\u{301}',
        '`' => '\u{300}',
        '^' => '\u{302}',
        '"' => '\u{308}',
        '~' => '\u{303}',
        '=' => '\u{304}',
        '.' => '\u{307}',
        _ => return None,
    })
}

/// `base` with the mark on it.
pub(super) fn letter(base: char, mark: char) -> String {
    [base, mark].into_iter().nfc().collect()
}

/// Environments that stand apart from the text around them.
pub(super) fn is_paragraph(name: &str) -> bool {
    matches!(
        name,
        "document"
            | "abstract"
            | "itemize"
            | "enumerate"
            | "description"
            | "center"
            | "figure"
            | "table"
            | "equation"
            | "align"
            | "gather"
            | "displaymath"
            | "theorem"
            | "lemma"
            | "proof"
            | "definition"
            | "thebibliography"
            | "minipage"
            | "flushleft"
            | "flushright"
    )
}
