use super::*;
use crate::document::SourceMap;
use crate::store::PassageRow;

/// Passages cut before the given words of a text.
fn passages(text: &str, cuts: &[&str]) -> Vec<PassageRow> {
    let mut starts: Vec<usize> = vec![0];
    starts.extend(cuts.iter().map(|cut| text.find(cut).unwrap()));
    let ends = starts[1..].iter().copied().chain([text.len()]).collect::<Vec<_>>();
    let row = |(ordinal, (start, end)): (usize, (usize, usize))| {
        let piece = &text[start..end];
        let start = start + piece.len() - piece.trim_start().len();
        let heading = (ordinal > 0).then(|| "Stock > name | size".to_owned());
        let text = piece.trim().to_owned();
        let end = start + text.len();
        let (id, uri) = (ordinal as i64 + 1, "/docs/a".to_owned());
        PassageRow {
            id,
            document_id: 7,
            uri,
            title: None,
            ordinal,
            start,
            end,
            page: None,
            heading,
            text,
        }
    };
    starts.into_iter().zip(ends).enumerate().map(row).collect()
}

fn found_in(kind: &str, lang: Option<&str>, passages: &[PassageRow]) -> Vec<DataTable> {
    let map = SourceMap::default();
    tables(&Stored { document_id: 7, kind, title: None, lang, passages, map: &map })
}

pub(super) fn found(kind: &str, text: &str) -> Vec<DataTable> {
    found_in(kind, None, &passages(text, &[]))
}

fn rows(table: &DataTable) -> Vec<Vec<&str>> {
    (0..table.row_count()).map(|row| table.row(row).collect()).collect()
}

fn kinds(table: &DataTable) -> Vec<ColumnKind> {
    table.info.columns.iter().map(|column| column.kind).collect()
}

fn names(table: &DataTable) -> Vec<&str> {
    table.info.columns.iter().map(|column| column.name.as_str()).collect()
}

#[test]
fn a_table_has_names_types_and_places() {
    let text = "Stock\n\nname\tsize\tprice\nrod\t12\t3,5 \u{20ac}\nwire\t8\t1 200,25 \u{20ac}";
    let tables = found("csv", text);
    let table = &tables[0];
    assert_eq!((table.info.id.as_str(), table.info.title.as_deref()), ("7.1", Some("Stock")));
    assert_eq!(names(table), ["name", "size", "price"]);
    assert_eq!(kinds(table), [ColumnKind::Text, ColumnKind::Integer, ColumnKind::Currency]);
    assert_eq!(table.info.columns[2].unit.as_deref(), Some("\u{20ac}"));
    assert_eq!(&text[table.span(1, 0)], "wire");
    assert_eq!(table.reading(2).unwrap().value(table.cell(1, 2)), Some(120_025));
    assert_eq!(rows(table)[0], ["rod", "12", "3,5 \u{20ac}"]);
    assert_eq!(table.cell(9, 0), "");
    assert_eq!(table.span(0, 9), 0..0);
}

#[test]
fn passages_are_put_together_with_the_tabs_between_them() {
    let text = "name\tsize\nrod\t12\n\t8\nwire\t9\ncord\t7";
    let cut = passages(text, &["\t8", "wire"]);
    assert_eq!(cut[1].text, "8");
    let table = &found_in("csv", None, &cut)[0];
    assert_eq!(rows(table)[1], ["", "8"]);
    assert_eq!(&text[table.span(3, 1)], "7");
}

#[test]
fn a_page_whose_rows_do_not_line_up_is_not_computed() {
    let table = &found("html", "a\tb\tc\nrod\t12\nwire\t9\t1")[0];
    assert!(table.flaw().unwrap().contains("line up"));
    // one empty cell shows that the page was read as pages are now
    let table = &found("html", "a\tb\tc\nrod\t12\nwire\t\t1")[0];
    assert_eq!((table.flaw(), table.cell(1, 2), table.cell(0, 2)), (None, "1", ""));
}

#[test]
fn markdown_and_text_have_tables_too() {
    let text =
        "# Fees\n\n| berth | fee |\n|---|---:|\n| **A** | 3 |\n| B \\| C | 4 |\n\nEnd | of | it.";
    let tables = found("markdown", text);
    assert_eq!(tables.len(), 1);
    assert_eq!(names(&tables[0]), ["berth", "fee"]);
    assert_eq!(rows(&tables[0]), [["A", "3"], ["B \\| C", "4"]]);
    assert_eq!(tables[0].info.title.as_deref(), Some("Fees"));
    assert_eq!(found("text", "name\tsize\nrod\t12\n")[0].row_count(), 1);
    assert!(found("text", "fn a() {\n\tb();\n\tc();\n}").is_empty());
    assert!(found("markdown", "a\tb\nc\td").is_empty());
}

#[test]
fn titles_headers_of_two_rows_and_totals_are_no_rows() {
    let text =
        "Sales\nregion\tYear\tYear\nregion\t2019\t2020\nNorth\t1\t2\nSouth\t3\t4\nTotal\t4\t6";
    let table = &found("xlsx", text)[0];
    assert_eq!(table.info.title.as_deref(), Some("Sales"));
    assert_eq!(table.row_count(), 2, "{:?}", rows(table));
    assert!(table.info.notes.iter().any(|note| note.contains("Total")));
    assert_eq!(table.flaw(), None);
    let odd = &found("xlsx", "region\tsum\nNorth\t1\nTotal\t9")[0];
    assert!(odd.flaw().unwrap().contains("not the sum"));
}

#[test]
fn what_is_not_certain_is_said() {
    let note = |text: &str| found("csv", text)[0].info.columns[1].note.clone().unwrap_or_default();
    assert!(note("name\tsize\na\t1,234\nb\t2,345").contains("two numbers"));
    assert!(note("name\tsize\na\t3 kg\nb\t2 m").contains("units differ"));
    assert!(note("name\tday\na\t03/04/2026\nb\t05/04/2026").contains("two days"));
    assert!(note("name\tsize\na\t=A1+2\nb\t3").contains("formulas"));
    assert!(note("name\tsize\na\t1\nb\t2\nc\t3\nd\tlate").contains("1 of 4"));
    assert!(note("name\tname\na\tb").contains("another column"));
    let bare = &found("csv", "rod\t12\nwire\t8")[0];
    assert!(bare.info.notes[0].contains("no header"));
    assert_eq!(names(bare), ["column 1", "column 2"]);
}

#[test]
fn the_marks_of_one_column_tell_those_of_another() {
    let table = &found("csv", "name\tsize\tfee\na\t1,234\t2.5\nb\t2,345\t1.25")[0];
    assert_eq!(kinds(table), [ColumnKind::Text, ColumnKind::Integer, ColumnKind::Number]);
    assert_eq!(table.reading(1).unwrap().value("1,234"), Some(1234));
    let french = found_in("csv", Some("fr"), &passages("nom\ttaux\na\t3,5\nb\t12,25", &[]));
    assert_eq!(french[0].reading(1).unwrap().value("3,5"), Some(350));
}

#[test]
fn many_rows_and_three_hundred_columns_are_read() {
    let mut text = "name\tsize".to_owned();
    for row in 0..100_000 {
        text.push_str(&format!("\nitem {row}\t{row}"));
    }
    let table = &found("csv", &text)[0];
    assert_eq!((table.row_count(), table.cell(99_999, 1)), (100_000, "99999"));
    let wide: Vec<String> = (0..300).map(|column| format!("c{column}")).collect();
    let values: Vec<String> = (0..300).map(|column| column.to_string()).collect();
    let table = &found("csv", &format!("{}\n{}", wide.join("\t"), values.join("\t")))[0];
    assert_eq!((table.info.columns.len(), table.cell(0, 299)), (300, "299"));
}
