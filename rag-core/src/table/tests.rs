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

#[test]
fn an_empty_row_may_stand_between_names_and_values() {
    let text = "Results\n\nIn CHF\t\t\t2023\n\tSales\tCosts\tProfit\n\n\
                North\t12,553\t(81)\t337\nSouth\t9,467\t(97)\t414";
    let table = &found("xlsx", text)[0];
    assert_eq!(names(table), ["In CHF", "Sales", "Costs", "Profit"]);
    assert_eq!((table.caption.as_str(), table.row_count()), ("2023", 2));
    // what stands apart holds values of its own
    let text = "Old\t8\t2\nNew\t9\t3\n\nNorth\t12\t4\nSouth\t9\t5";
    assert_eq!(found("xlsx", text).len(), 2);
}

#[test]
fn a_header_in_two_rows_has_sections_or_a_rule_under_it() {
    let text = "Region\tSales (in thousands)\tSales (in thousands)\tTotal\nRegion\tQ1\tQ2\tTotal\n\
                America\tAmerica\tAmerica\tAmerica\nUSA\t$150\t$180\t$330\nCanada\t$45\t$52\t$97";
    let table = &found("html", text)[0];
    let wanted = ["Region", "Sales (in thousands) Q1", "Sales (in thousands) Q2", "Total"];
    assert_eq!(names(table), wanted);
    assert_eq!(table.row_count(), 2);
    let text = "| | share | share |\n|---|---|---|\n| label | Train | Test |\n| Text | 45.8 | 49.2 |\n\
                | Title | 0.4 | 0.3 |";
    assert_eq!(names(&found("markdown", text)[0]), ["label", "share Train", "share Test"]);
    let text = "| a | b | b |\n|---|---|---|\n| x | 1 | 2 |\n| y | 3 | 4 |";
    assert_eq!(found("markdown", text)[0].row_count(), 2);
}

#[test]
fn a_sign_in_a_cell_of_its_own_belongs_to_the_number() {
    let text = "Item\t\t2021\t2021\t\t\t2020\t2020\t\nCash\t\t$\t16,058,714\t\t\t$\t5,993,388\t\n\
                Tax\t\t\t(66,009\t)\t\t\t(74,487\t)\nLoan\t\t$\t\u{2014}\t\t\t$\t840,243\t";
    let table = &found("html", text)[0];
    assert_eq!(names(table), ["Item", "2021", "2020"]);
    let cells: Vec<_> = (0..3).map(|row| table.shown(row, 1)).collect();
    assert_eq!(cells, ["$16,058,714", "(66,009)", "$\u{2014}"]);
}

#[test]
fn cells_that_go_down_leave_no_rows_of_their_own() {
    let text = "Year\tQuarter\tMonth\tCost\n2025\tQ1\n2025\tQ1\tJanuary\t$162\n\
                2025\tQ1\tMay\t$143\n2025\tQ2\n2025\tQ2\tApril\t$150";
    let table = &found("html", text)[0];
    assert_eq!((table.row_count(), table.flaw()), (3, None));
}

#[test]
fn rows_may_be_fields() {
    let text = "HIP 13044\tHIP 13044\nConstellation\tFornax[2]\nDetails\tDetails\n\
                Mass\t0.8\nRadius\t6.7\nClass\tF2\nStage\tred giant";
    let table = &found("html", text)[0];
    assert_eq!((table.fields, table.row_count()), (Some([0, 1]), 5));
    assert_eq!(found("html", "Order:\tAnseriformes\nFamily:\tAnatidae")[0].fields, Some([0, 1]));
    let row = |at: u32| format!("1.0{at}\t\tName {at}\t\tkV\t:\t{at}30\n");
    let text: String = (1..7).map(row).collect();
    assert_eq!(found("xlsx", text.trim_end())[0].fields, Some([1, 4]));
    // a table of two columns under their names
    let text = "Method\tUse\nPill\t9\nRing\t8\nPatch\tnone\nOther\tsome\nCap\t3";
    assert_eq!(found("html", text)[0].fields, None);
}

#[test]
fn the_words_of_a_link_are_the_cell() {
    let text = "| Method | Use |\n|---|---|\n| [Copper IUD](/wiki/Copper_IUD \"Copper\") | 0.8% |\n\
                | [Ring](/a) and [cap](/b) | 9% |";
    let table = &found("markdown", text)[0];
    assert_eq!(table.cell(0, 0), "Copper IUD");
    assert!(table.cell(1, 0).starts_with("[Ring]"));
}

#[test]
fn a_row_that_begins_a_passage_has_lost_only_what_the_next_row_shows() {
    let text = "Balance\n\n \n\n \n\nASSETS\t\t2021\t2020\nCash\t\t16\t5\nInventory\t\t77\t66\nGoodwill\t\t10\t10";
    let mut passages = passages(text, &["ASSETS"]);
    passages[1].heading = None;
    let table = &found_in("html", None, &passages)[0];
    assert_eq!(names(table), ["ASSETS", "2021", "2020"]);
}

#[test]
fn a_row_of_parquet_with_one_value_is_a_row() {
    let table = &found("parquet", "id\tplace\tfee\nx1\tOrsay\t2.50\nx2\nx3\tParis\t4.00")[0];
    assert_eq!(names(table), ["id", "place", "fee"]);
    assert_eq!((table.row_count(), table.cell(1, 0), table.cell(1, 2)), (3, "x2", ""));
    assert_eq!(table.info.columns[2].kind, ColumnKind::Number);
}
