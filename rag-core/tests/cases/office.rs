//! Office files: what sheets show, diagrams, embedded files, forms, changes and notes.

use std::io::{Cursor, Write};

use rag_core::document::{BlockKind, Document, UnreadKind};

use super::{read, read_sample, unread};

/// A container with these parts.
fn container(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in parts {
        writer.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// The part that lists what another refers to: id, kind, target.
fn relations(of: &[(&str, &str, &str)]) -> String {
    let one = |(id, kind, target): &(&str, &str, &str)| {
        format!("<Relationship Id='{id}' Type='http://x/{kind}' Target='{target}'/>")
    };
    format!("<Relationships>{}</Relationships>", of.iter().map(one).collect::<String>())
}

/// A text document with this body and further parts.
fn docx(body: &str, refers: &[(&str, &str, &str)], parts: &[(&str, &[u8])]) -> Document {
    let xml = format!("<w:document><w:body>{body}</w:body></w:document>");
    let refers = relations(refers);
    let mut all: Vec<(&str, &[u8])> = vec![
        ("word/document.xml", xml.as_bytes()),
        ("word/_rels/document.xml.rels", refers.as_bytes()),
    ];
    all.extend_from_slice(parts);
    read("a.docx", container(&all))
}

fn run(properties: &str, text: &str) -> String {
    format!("<w:r><w:rPr>{properties}</w:rPr><w:t xml:space='preserve'>{text}</w:t></w:r>")
}

/// A workbook of one sheet with these rows, number formats from 164 on, and further attributes of
/// the workbook.
fn xlsx(rows: &str, formats: &[&str], calculation: &str) -> Document {
    let book =
        format!("<workbook><sheets><sheet name='S' r:id='r1'/></sheets>{calculation}</workbook>");
    let codes = (164..).zip(formats);
    let codes = codes.map(|(id, code)| format!("<numFmt numFmtId='{id}' formatCode='{code}'/>"));
    let styles = (164..164 + formats.len()).map(|id| format!("<xf numFmtId='{id}'/>"));
    let styles = format!(
        "<styleSheet><numFmts>{}</numFmts><cellXfs><xf numFmtId='0'/>{}</cellXfs></styleSheet>",
        codes.collect::<String>(),
        styles.collect::<String>()
    );
    let sheet = format!("<worksheet><sheetData>{rows}</sheetData></worksheet>");
    let refers =
        relations(&[("r1", "worksheet", "worksheets/sheet1.xml"), ("r2", "styles", "styles.xml")]);
    let parts: [(&str, &[u8]); 4] = [
        ("xl/workbook.xml", book.as_bytes()),
        ("xl/_rels/workbook.xml.rels", refers.as_bytes()),
        ("xl/styles.xml", styles.as_bytes()),
        ("xl/worksheets/sheet1.xml", sheet.as_bytes()),
    ];
    read("a.xlsx", container(&parts))
}

/// An OpenDocument of `kind` with these styles and this body.
fn odf(kind: &str, styles: &str, body: &str) -> Document {
    let declared = format!("application/vnd.oasis.opendocument.{kind}");
    let content = format!(
        "<office:document-content><office:automatic-styles>{styles}</office:automatic-styles>\
         <office:body>{body}</office:body></office:document-content>"
    );
    read("a", container(&[("mimetype", declared.as_bytes()), ("content.xml", content.as_bytes())]))
}

fn holds(document: &Document, texts: &[&str]) {
    for text in texts {
        assert!(document.text.contains(text), "{text:?} in {}", document.text);
    }
}

fn lacks(document: &Document, texts: &[&str]) {
    for text in texts {
        assert!(!document.text.contains(text), "{text:?} in {}", document.text);
    }
}

#[test]
fn a_sheet_reads_as_it_shows() {
    let document = read_sample("09-xlsx/stock.xlsx");
    holds(&document, &["Dresden Hall 2\t01099\t042-1007\t\u{20ac} 1,250.00\t4\t=D2*E2"]);
    holds(&document, &["Leipzig\t04315\t099-0012\t\u{20ac} 80.50\t10\t=D3*E3", "=SUM(F2:F3)"]);
    lacks(&document, &["_x000D_"]);
    assert_eq!(unread(&document, UnreadKind::Formula), 3);
}

#[test]
fn formats_show_units_durations_fractions_and_days() {
    let formats = ["0.0\" m\u{b2}\"", "[h]:mm", "# ?/?", "dd\\.mm\\.yyyy", "[$$-409]#,##0"];
    let numbers = ["72.5", "1.5", "2.25", "45326", "1234.5"];
    let cells = (1..).zip(numbers).map(|(style, n)| format!("<c s='{style}'><v>{n}</v></c>"));
    let rows = format!("<row>{}</row>", cells.collect::<String>());
    let document = xlsx(
        &rows,
        &formats.map(|code| code.replace('"', "&quot;")).each_ref().map(|c| c.as_str()),
        "",
    );
    holds(&document, &["72.5 m\u{b2}\t36:00\t2 1/4\t04.02.2024\t$1,235 (1234.5)"]);
}

#[test]
fn formulas_that_nobody_calculated_are_shown_and_noted() {
    let rows = "<row r='2'><c r='A2'><v>3</v></c><c r='B2'><f t='shared' si='0'>A2*2</f></c></row>\
        <row r='3'><c r='A3'><v>4</v></c><c r='B3'><f t='shared' si='0'/><v></v></c></row>\
        <row r='4'><c r='A4' t='e'><f>1/0</f><v>#DIV/0!</v></c><c r='B4' t='str'><f>T(1)</f><v></v></c>\
        <c r='C4' t='b'><v>1</v></c></row>";
    let document = xlsx(rows, &[], "");
    holds(&document, &["3\t=A2*2\n4\t=A3*2\n#DIV/0!\t\tTRUE"]);
    assert_eq!(unread(&document, UnreadKind::Formula), 2);
    // Writers that cannot calculate store 0 and ask for it on opening.
    let rows = "<row r='1'><c r='A1'><f>SUM(B1:C1)</f><v>0</v></c><c r='B1'><v>0</v></c></row>";
    let document = xlsx(rows, &[], "<calcPr fullCalcOnLoad='1'/>");
    holds(&document, &["=SUM(B1:C1)\t0"]);
}

#[test]
fn open_sheets_read_as_they_show_too() {
    let cell = |kind: &str, text: &str| {
        let text = if text.is_empty() { String::new() } else { format!("<text:p>{text}</text:p>") };
        format!("<table:table-cell {kind}>{text}</table:table-cell>")
    };
    let cells = [
        cell("office:value-type='float' office:value='1099'", "01099"),
        cell("office:value-type='currency' office:value='1234.5'", "1,235 \u{20ac}"),
        cell("office:value-type='date' office:date-value='2024-02-04'", "04/02/24"),
        cell("office:value-type='percentage' office:value='0.125'", ""),
        cell("office:value-type='time' office:time-value='PT36H05M00S'", ""),
        cell("table:formula='of:=SUM([.B2:.B5])'", ""),
        cell("office:value-type='boolean' office:boolean-value='true'", ""),
    ];
    let note = "<table:table-cell><office:annotation><dc:creator>Ruth</dc:creator>\
        <dc:date>2024-02-04T10:00:00</dc:date><text:p>Count again</text:p></office:annotation>\
        <text:p>40</text:p></table:table-cell>";
    let body = format!(
        "<office:spreadsheet><table:table table:name='Stock' table:style-name='ta1'><table:table-row>{}{note}\
         </table:table-row></table:table></office:spreadsheet>",
        cells.concat()
    );
    let styles = "<style:style style:name='ta1'><style:table-properties table:display='false'/></style:style>";
    let document = odf("spreadsheet", styles, &body);
    holds(&document, &["01099\t1,235 \u{20ac} (1234.5)\t04/02/24 (2024-02-04)\t12.5%\t36:05:00"]);
    holds(
        &document,
        &["\t=SUM(B2:B5)\tTRUE\t40", "Stock (hidden sheet)", "Ruth, 2024-02-04: Count again"],
    );
    assert_eq!(unread(&document, UnreadKind::Formula), 1);
}

#[test]
fn diagrams_are_read_shape_by_shape() {
    let document = read_sample("10-smartart/plan.pptx");
    holds(&document, &["Report the leak to Ruth Abara", "Close gate 14", "Call the tug Merlin"]);
    let data = b"<dgm:dataModel><dgm:ptLst><dgm:pt modelId='1'><dgm:t><a:p><a:r><a:t>Call Merlin</a:t></a:r></a:p>\
        </dgm:t></dgm:pt></dgm:ptLst></dgm:dataModel>";
    let body = "<w:p><w:r><w:drawing><a:graphic><a:graphicData><dgm:relIds r:dm='d1'/></a:graphicData></a:graphic>\
        </w:drawing></w:r></w:p>";
    let refers = [("d1", "diagramData", "diagrams/data1.xml")];
    let document = docx(body, &refers, &[("word/diagrams/data1.xml", data)]);
    holds(&document, &["Call Merlin"]);
}

#[test]
fn files_that_stand_in_a_text_are_read_by_their_readers() {
    let document = read_sample("11-altchunk/mixed.docx");
    holds(&document, &["46 euros"]);
    let start = document.text.find("46 euros").unwrap();
    assert!(document.text.find("Minutes").unwrap() < start);
    assert!(document.text.find("End of the minutes").unwrap() > start);
    assert_eq!(document.source_map.place(&(start..start + 2)).as_deref(), Some("paragraph 2"));
    let inner = container(&[(
        "word/document.xml",
        "<w:document><w:body><w:p><w:r><w:t>Berth 7 is closed.</w:t></w:r></w:p></w:body></w:document>"
            .as_bytes(),
    )]);
    let page = "MIME-Version: 1.0\r\nContent-Type: multipart/related; boundary=\"b\"\r\n\r\n--b\r\n\
        Content-Type: text/html\r\n\r\n<p>Fee of 12 francs</p>\r\n--b--\r\n";
    let types = "<Types><Override PartName='/word/chunk.dat' ContentType='text/html'/></Types>";
    let refers = [
        ("c1", "aFChunk", "chunk.docx"),
        ("c2", "aFChunk", "chunk.mht"),
        ("c3", "aFChunk", "chunk.txt"),
        ("c4", "aFChunk", "chunk.rtf"),
        ("c5", "aFChunk", "chunk.dat"),
        ("c6", "aFChunk", "gone.html"),
        ("e1", "package", "embeddings/list.xlsx"),
        ("e2", "oleObject", "embeddings/oleObject1.bin"),
        ("i1", "image", "media/image1.png"),
    ];
    let chunks: String = (1..7).map(|n| format!("<w:altChunk r:id='c{n}'/>")).collect();
    let parts: [(&str, &[u8]); 7] = [
        ("[Content_Types].xml", types.as_bytes()),
        ("word/chunk.docx", &inner),
        ("word/chunk.mht", page.as_bytes()),
        ("word/chunk.txt", b"Plain words."),
        ("word/chunk.rtf", b"{\\rtf1 Rich words.}"),
        ("word/chunk.dat", b"A <b>bare</b> fragment."),
        ("word/embeddings/list.xlsx", &inner),
    ];
    let document = docx(&chunks, &refers, &parts);
    holds(&document, &["Berth 7 is closed.", "Fee of 12 francs", "Plain words.", "Rich words."]);
    holds(&document, &["A bare fragment."]);
    assert_eq!(unread(&document, UnreadKind::Picture), 1);
    // The lost chunk and the lost object.
    assert_eq!(unread(&document, UnreadKind::EmbeddedFile), 2);
    assert_eq!(document.text.matches("Berth 7").count(), 2);
}

#[test]
fn powers_of_every_office_format_are_kept() {
    let document = read_sample("01-exponent/leak.docx");
    holds(
        &document,
        &["3 \u{d7} 10\u{207b}\u{2078} mbar l/s", "10\u{b2}\u{b3} molecules", "H\u{2082}O"],
    );
    let styles =
        b"<w:styles><w:style w:type='character' w:styleId='Up'><w:name w:val='Up'/><w:rPr>\
        <w:vertAlign w:val='superscript'/></w:rPr></w:style></w:styles>";
    let body = format!("<w:p>{}{}</w:p>", run("", "2"), run("<w:rStyle w:val='Up'/>", "30"));
    holds(&docx(&body, &[], &[("word/styles.xml", styles)]), &["2\u{b3}\u{2070}"]);
    let styles = "<style:style style:name='T1'><style:text-properties style:text-position='super 58%'/></style:style>";
    let body = "<office:text><text:p>10<text:span text:style-name='T1'>-9</text:span> and m<text:span \
        text:style-name='T1'>2</text:span></text:p></office:text>";
    holds(&odf("text", styles, body), &["10\u{207b}\u{2079} and m\u{b2}"]);
}

#[test]
fn deleted_struck_and_hidden_text_is_left_out_and_noted() {
    let body = format!(
        "<w:p>{}{}<w:del><w:r><w:delText>old</w:delText></w:r></w:del><w:ins>{}</w:ins>{}</w:p>\
         <w:tbl><w:tr><w:trPr><w:del/></w:trPr><w:tc><w:p>{}</w:p></w:tc></w:tr><w:tr><w:tc><w:p>{}</w:p></w:tc>\
         </w:tr></w:tbl>",
        run("<w:strike/>", "14 euros "),
        run("", "19 euros "),
        run("", "new"),
        run("<w:vanish/>", "secret"),
        run("", "row gone"),
        run("<w:strike w:val='0'/>", "row kept"),
    );
    let document = docx(&body, &[], &[]);
    holds(&document, &["19 euros new", "row kept"]);
    lacks(&document, &["14", "old", "secret", "gone"]);
    assert_eq!(unread(&document, UnreadKind::DeletedText), 3);
    assert_eq!(unread(&document, UnreadKind::HiddenText), 1);
    let styles = "<style:style style:name='T1'><style:text-properties style:text-line-through-style='solid'/>\
        </style:style>";
    let body = "<office:text><text:tracked-changes><text:changed-region><text:deletion><text:p>old</text:p>\
        </text:deletion></text:changed-region></text:tracked-changes><text:p><text:span text:style-name='T1'>14 euros\
        </text:span> 19 euros</text:p></office:text>";
    let document = odf("text", styles, body);
    assert_eq!(document.text.trim(), "19 euros");
    assert_eq!(unread(&document, UnreadKind::DeletedText), 2);
}

#[test]
fn boxes_are_ticked_or_not_and_fields_show_what_was_chosen() {
    let control = |state: &str, sign: &str, label: &str| {
        format!(
            "<w:p><w:sdt><w:sdtPr><w14:checkbox><w14:checked w14:val='{state}'/></w14:checkbox></w:sdtPr>\
             <w:sdtContent><w:r>{sign}</w:r></w:sdtContent></w:sdt>{}</w:p>",
            run("", label)
        )
    };
    let field = |inner: &str, label: &str| {
        format!(
            "<w:p><w:r><w:fldChar w:fldCharType='begin'><w:ffData>{inner}</w:ffData></w:fldChar></w:r>\
             <w:r><w:instrText>FORM</w:instrText></w:r><w:r><w:fldChar w:fldCharType='end'/></w:r>{}</w:p>",
            run("", label)
        )
    };
    let body = [
        control("1", "<w:t>\u{2612}</w:t>", " insured"),
        control("0", "<w:t>\u{2610}</w:t>", " fragile"),
        control("1", "<w:sym w:font='Wingdings 2' w:char='F052'/>", " signed"),
        field("<w:checkBox><w:default w:val='0'/><w:checked/></w:checkBox>", "paid"),
        field("<w:checkBox><w:default w:val='0'/></w:checkBox>", "returned"),
        field(
            "<w:ddList><w:result w:val='1'/><w:listEntry w:val='by land'/><w:listEntry w:val='by sea'/></w:ddList>",
            " on Monday",
        ),
    ];
    let document = docx(&body.concat(), &[], &[]);
    holds(&document, &["\u{2611} insured", "\u{2610} fragile", "\u{2611} signed", "\u{2611} paid"]);
    holds(&document, &["\u{2610} returned", "by sea on Monday"]);
    lacks(&document, &["FORM", "by land"]);
    let body = "<office:text><office:forms><form:form><form:checkbox form:label='insured' \
        form:current-state='checked'/><form:checkbox form:label='fragile'/><form:text form:name='Port' \
        form:current-value='Kiel'/></form:form></office:forms><text:p>Sheet</text:p></office:text>";
    holds(&odf("text", "", body), &["\u{2611} insured", "\u{2610} fragile", "Port: Kiel"]);
}

#[test]
fn signs_readings_and_comments_stand_apart() {
    let body = "<w:p><w:r><w:t>5 </w:t><w:sym w:font='Symbol' w:char='F06D'/><w:t>m </w:t></w:r><w:r><w:ruby><w:rt>\
        <w:r><w:t>\u{304b}\u{3093}\u{3058}</w:t></w:r></w:rt><w:rubyBase><w:r><w:t>\u{6f22}\u{5b57}</w:t></w:r>\
        </w:rubyBase></w:ruby></w:r></w:p>";
    let comments = b"<w:comments><w:comment w:id='1' w:author='Ruth Abara' w:date='2024-02-04T10:00:00Z'><w:p><w:r>\
        <w:t>Ask the port.</w:t></w:r></w:p></w:comment></w:comments>";
    let header = b"<w:hdr><w:p><w:r><w:t>Draft of May</w:t></w:r></w:p></w:hdr>";
    let refers = [("h1", "header", "header1.xml")];
    let document =
        docx(body, &refers, &[("word/comments.xml", comments), ("word/header1.xml", header)]);
    holds(&document, &["5 \u{3bc}m \u{6f22}\u{5b57}(\u{304b}\u{3093}\u{3058})"]);
    holds(&document, &["Ruth Abara, 2024-02-04: Ask the port."]);
    assert!(document.blocks.iter().any(|block| block.kind == BlockKind::Quote));
    let noted: Vec<String> = document.unread.iter().map(ToString::to_string).collect();
    assert_eq!(noted, ["1 piece of page furniture (Draft of May)"]);
}

#[test]
fn lists_of_open_documents_keep_their_numbers() {
    let styles = "<text:list-style style:name='L1'><text:list-level-style-number text:level='1' \
        style:num-format='1' style:num-suffix='.'/><text:list-level-style-number text:level='2' \
        style:num-format='a' style:num-suffix=')'/></text:list-style>";
    let body = "<office:text><text:list text:style-name='L1'><text:list-item><text:p>Stop</text:p></text:list-item>\
        <text:list-item><text:p>Drain</text:p><text:list><text:list-item><text:p>valve</text:p></text:list-item>\
        </text:list></text:list-item></text:list><text:list text:style-name='L1' \
        text:continue-numbering='true'><text:list-item><text:p>Lock</text:p></text:list-item></text:list>\
        <text:list><text:list-item><text:p>Loose</text:p></text:list-item></text:list></office:text>";
    let document = odf("text", styles, body);
    assert_eq!(document.text.trim(), "1. Stop\n2. Drain\na) valve\n3. Lock\n- Loose");
}

#[test]
fn lists_of_text_documents_are_numbered_as_they_show() {
    let numbering = b"<w:numbering><w:abstractNum w:abstractNumId='0'><w:styleLink w:val='Steps'/><w:lvl w:ilvl='0'>\
        <w:start w:val='1'/><w:numFmt w:val='upperRoman'/><w:lvlText w:val='%1.'/></w:lvl><w:lvl w:ilvl='1'>\
        <w:start w:val='1'/><w:numFmt w:val='decimal'/><w:isLgl/><w:lvlText w:val='%1.%2'/></w:lvl></w:abstractNum>\
        <w:abstractNum w:abstractNumId='1'><w:numStyleLink w:val='Steps'/></w:abstractNum>\
        <w:num w:numId='5'><w:abstractNumId w:val='1'/></w:num><w:num w:numId='6'><w:abstractNumId w:val='0'/>\
        <w:lvlOverride w:ilvl='0'><w:lvl w:ilvl='0'><w:start w:val='3'/><w:numFmt w:val='lowerLetter'/>\
        <w:lvlText w:val='%1)'/></w:lvl></w:lvlOverride></w:num></w:numbering>";
    let item = |list: u8, level: u8, text: &str| {
        format!(
            "<w:p><w:pPr><w:numPr><w:ilvl w:val='{level}'/><w:numId w:val='{list}'/></w:numPr></w:pPr>{}</w:p>",
            run("", text)
        )
    };
    let body = [item(5, 0, "Stop"), item(5, 0, "Drain"), item(5, 1, "valve"), item(6, 0, "Lock")];
    let document = docx(&body.concat(), &[], &[("word/numbering.xml", numbering)]);
    assert_eq!(document.text, "I. Stop\nII. Drain\n2.1 valve\nc) Lock");
}

#[test]
fn slides_that_are_hidden_or_struck_say_so() {
    let show = "<p:presentation><p:sldIdLst><p:sldId r:id='s1'/></p:sldIdLst></p:presentation>";
    let slide = "<p:sld show='0'><p:cSld><p:spTree><p:sp><p:txBody><a:p><a:r><a:rPr strike='sngStrike'/><a:t>14 euros \
        </a:t></a:r><a:r><a:rPr/><a:t>19 euros for 10</a:t></a:r><a:r><a:rPr baseline='30000'/><a:t>4</a:t></a:r></a:p>\
        </p:txBody></p:sp></p:spTree></p:cSld></p:sld>";
    let book = relations(&[("s1", "slide", "slides/slide1.xml")]);
    let refers = relations(&[("i1", "image", "../media/a.png"), ("v1", "video", "../media/a.mp4")]);
    let parts: [(&str, &[u8]); 4] = [
        ("ppt/presentation.xml", show.as_bytes()),
        ("ppt/_rels/presentation.xml.rels", book.as_bytes()),
        ("ppt/slides/slide1.xml", slide.as_bytes()),
        ("ppt/slides/_rels/slide1.xml.rels", refers.as_bytes()),
    ];
    let document = read("a.pptx", container(&parts));
    assert_eq!(document.text, "19 euros for 10\u{2074}");
    let place = document.source_map.place(&(0..2));
    assert_eq!(place.as_deref(), Some("slide 1 (hidden)"));
    let noted: Vec<String> = document.unread.iter().map(ToString::to_string).collect();
    assert_eq!(noted, ["1 picture", "1 sound or film", "1 piece of deleted text"]);
}

#[test]
fn charts_show_their_numbers_in_their_formats() {
    let points = |code: &str, values: &[&str]| {
        let points = values.iter().map(|v| format!("<c:pt idx='0'><c:v>{v}</c:v></c:pt>"));
        let points = points.collect::<String>();
        format!("<c:numCache><c:formatCode>{code}</c:formatCode>{points}</c:numCache>")
    };
    let chart = format!(
        "<c:chartSpace><c:chart><c:ser><c:cat>{}</c:cat><c:val>{}</c:val></c:ser></c:chart></c:chartSpace>",
        points("yyyy\\-mm\\-dd", &["45326", "45327"]),
        points("General", &["4.4000000000000004", "2.5"]),
    );
    let refers = [("c1", "chart", "charts/chart1.xml")];
    let body = "<w:p><w:r><w:drawing><c:chart r:id='c1'/></w:drawing></w:r></w:p>";
    let document = docx(body, &refers, &[("word/charts/chart1.xml", chart.as_bytes())]);
    holds(&document, &["2024-02-04\t4.4\n2024-02-05\t2.5"]);
}

#[test]
fn comments_on_cells_say_whose_they_are() {
    let book = "<workbook><sheets><sheet name='S' r:id='r1'/></sheets></workbook>";
    let sheet =
        "<worksheet><sheetData><row r='1'><c r='A1'><v>7</v></c></row></sheetData></worksheet>";
    let notes = "<comments><authors><author>Ann Lee</author><author>Bo</author></authors><commentList>\
        <comment ref='A1' authorId='0'><text><t>Too low.</t></text></comment>\
        <comment ref='A1' authorId='1'><text><r><t>Bo:</t></r><r><t> agreed</t></r></text></comment>\
        <comment ref='A1' authorId='9'><text><t>Nobody's.</t></text></comment></commentList></comments>";
    let thread = "<ThreadedComments><threadedComment ref='A1' dT='2026-06-18T17:12:37.41' personId='{P}'>\
        <text>Ask the harbour.</text></threadedComment></ThreadedComments>";
    let people = "<personList><person displayName='Cy Roe' id='{P}'/></personList>";
    let refers = relations(&[("r1", "worksheet", "worksheets/sheet1.xml")]);
    let beside = relations(&[
        ("c1", "comments", "../comments1.xml"),
        ("c2", "threadedComment", "../threadedComments/threadedComment1.xml"),
    ]);
    let document = read(
        "a.xlsx",
        container(&[
            ("xl/workbook.xml", book.as_bytes()),
            ("xl/_rels/workbook.xml.rels", refers.as_bytes()),
            ("xl/worksheets/sheet1.xml", sheet.as_bytes()),
            ("xl/worksheets/_rels/sheet1.xml.rels", beside.as_bytes()),
            ("xl/comments1.xml", notes.as_bytes()),
            ("xl/threadedComments/threadedComment1.xml", thread.as_bytes()),
            ("xl/persons/person.xml", people.as_bytes()),
        ]),
    );
    holds(&document, &["Ann Lee: Too low.", "\n\nBo: agreed", "\n\nNobody's."]);
    holds(&document, &["Cy Roe, 2026-06-18: Ask the harbour."]);
}
