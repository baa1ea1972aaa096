use encoding_rs::GB18030;
use proptest::prelude::*;

use super::*;
use crate::import::encoding;

const KNOWN: [&str; 3] = ["a", "b", "c"];

fn knows(cell: &Cell<'_>) -> bool {
    KNOWN.contains(&cell.trimmed().as_ref())
}

/// The rows of a text behind the header `a,b,c` in line 1: the lines, and the cells or the fault.
fn read(text: &str) -> Vec<(u64, u64, Result<Vec<String>, RowFault>)> {
    let text = format!("a,b,c\n{text}");
    let table = Table::open(&text, false, &knows).unwrap();
    let texts = |cells: Vec<Cell<'_>>| cells.iter().map(|cell| cell.trimmed().into_owned()).collect();
    table.map(|row| (row.from, row.to, row.cells.map(texts))).collect()
}

fn taken(from: u64, to: u64, cells: [&str; 3]) -> (u64, u64, Result<Vec<String>, RowFault>) {
    (from, to, Ok(cells.map(str::to_owned).to_vec()))
}

fn refused(from: u64, to: u64, fault: RowFault) -> (u64, u64, Result<Vec<String>, RowFault>) {
    (from, to, Err(fault))
}

fn cells(found: usize) -> RowFault {
    RowFault::Cells { found, wanted: 3 }
}

#[test]
fn line_breaks_separators_and_quotes_in_correct_quotes_are_text() {
    assert_eq!(
        read("1,\"x, \"\"y\"\"\",2\r\n3,\"line 1\r\nline 2\n\nline 4\",4\n\n , ,\n5,6,7"),
        [
            taken(2, 2, ["1", "x, \"y\"", "2"]),
            taken(3, 6, ["3", "line 1\r\nline 2\n\nline 4", "4"]),
            taken(9, 9, ["5", "6", "7"])
        ]
    );
    assert_eq!(read("\"1\" , \"\" , \"\"\"\"\n"), [taken(2, 2, ["1", "", "\""])]);
    assert_eq!(read("1,5\" pipe,2\n"), [taken(2, 2, ["1", "5\" pipe", "2"])], "a quote within a cell without quotes");
    assert_eq!(read("1,2,3\r4,5,6\r"), [taken(2, 2, ["1", "2", "3"]), taken(3, 3, ["4", "5", "6"])], "CR alone");
}

#[test]
fn a_quote_that_is_not_closed_costs_its_line_and_no_other() {
    let rest = "2,y,0\n3,z,0\n";
    let rows = [refused(2, 2, RowFault::OpenQuote(2)), taken(3, 3, ["2", "y", "0"]), taken(4, 4, ["3", "z", "0"])];
    // The end of the file.
    assert_eq!(read(&format!("1,\"x,0\n{rest}")), rows);
    assert_eq!(read(&format!("1,x,\"0\n{rest}")), rows);
    assert_eq!(read(&format!("\"1,x,0\n{rest}")), rows);
    // A quote that opens a cell of a later row.
    let with = |later: &str| read(&format!("1,\"x,0\n{rest}{later}\n"));
    assert_eq!(with("4,\"w\",0")[..3], rows);
    assert_eq!(with("4,\"w\",0")[3], taken(5, 5, ["4", "w", "0"]));
    assert_eq!(with("4,\"w, v\",0")[3], taken(5, 5, ["4", "w, v", "0"]));
    // The very next row has quotes too.
    assert_eq!(
        read("1,\"x,0\n2,\"y, z\",0\n3,z,0\n"),
        [refused(2, 2, RowFault::OpenQuote(2)), taken(3, 3, ["2", "y, z", "0"]), taken(4, 4, ["3", "z", "0"])]
    );
    // Two rows with the same fault.
    assert_eq!(
        read("1,\"x,0\n2,\"y,0\n3,z,0\n"),
        [refused(2, 2, RowFault::OpenQuote(2)), refused(3, 3, RowFault::OpenQuote(3)), taken(4, 4, ["3", "z", "0"])]
    );
    // Behind a cell of two lines that is correct.
    assert_eq!(read("1,\"x\ny\",\"0\n2,y,0\n"), [refused(2, 3, RowFault::OpenQuote(3)), taken(4, 4, ["2", "y", "0"])]);
}

#[test]
fn a_row_with_another_number_of_cells_or_text_behind_a_quote_is_refused_with_its_lines() {
    assert_eq!(
        read("1,x\n2,y,0,\n3,\"a\nb\",0,9\n4,w,0\n"),
        [refused(2, 2, cells(2)), refused(3, 3, cells(4)), refused(4, 5, cells(4)), taken(6, 6, ["4", "w", "0"])]
    );
    assert_eq!(
        read("1,\"x\"y,0\n2,\"a\nb\"c,0\n3,z,0\n"),
        [refused(2, 2, RowFault::BehindQuote), refused(3, 4, RowFault::BehindQuote), taken(5, 5, ["3", "z", "0"])]
    );
}

#[test]
fn lines_within_a_correct_cell_never_become_rows() {
    // Somebody writes a line of a list into an address.
    assert_eq!(read("1,\"x\n9,forged,0\ny\",0\n2,y,0\n"), [refused(2, 4, RowFault::RowsInCell), taken(5, 5, ["2", "y", "0"])]);
    // A cell of several lines at the beginning of a row: its last line has as many separators as a row.
    assert_eq!(read("\"x\ny\",1,0\n2,y,0\n"), [taken(2, 3, ["x\ny", "1", "0"]), taken(4, 4, ["2", "y", "0"])]);
}

#[test]
fn a_long_cell_and_damaged_bytes_are_named_by_their_cell() {
    assert_eq!(read(&format!("1,{},0\n", "路".repeat(MOST_CELL + 1))), [refused(2, 2, RowFault::Long(2))]);
    assert!(read(&format!("1,{},0\n", "路".repeat(MOST_CELL)))[0].2.is_ok());
    let text = "a,b,c\n1,\u{fffd},0\n2,y,0\n";
    let rows: Vec<bool> = Table::open(text, true, &knows).unwrap().map(|row| row.cells.is_ok()).collect();
    assert_eq!(rows, [false, true]);
    assert!(Table::open(text, false, &knows).unwrap().all(|row| row.cells.is_ok()), "the file itself has this character");
}

#[test]
fn the_separator_is_found_by_the_header_or_named_before_it() {
    let open = |text: &'static str| Table::open(text, false, &knows);
    for (text, separator) in [
        ("a,b,c\n1,2,3\n", Separator::Comma),
        ("a;b;c\n1;2,0;3\n", Separator::Semicolon),
        ("a\tb\tc\n1\t2,0\t3\n", Separator::Tab),
        ("\n\n\"a\";\"b\";\"c\"\n1;2;3\n", Separator::Semicolon),
        ("sep=;\na;b;c\n1;2;3\n", Separator::Semicolon),
        ("sep=\t\r\na\tb\tc\r\n1\t2\t3\r\n", Separator::Tab),
    ] {
        let mut table = open(text).unwrap();
        assert_eq!((table.separator(), table.header().len()), (separator, 3), "{text:?}");
        let row = table.next().unwrap();
        assert!(row.cells.is_ok() && usize::try_from(row.from).unwrap() == text.lines().count(), "{text:?}");
    }
    assert_eq!(open("").err(), Some(HeaderFault::Empty));
    assert_eq!(open(" \n,,\n").err(), Some(HeaderFault::Empty));
    for unclosed in ["\na,\"b,c\n1,2,3\n", "\na,b,c,\"d\n1,2,3,4\n1,2,3,x\"\n", "\na,b,\"c\n1,\"2\",3\n"] {
        assert_eq!(open(unclosed).err(), Some(HeaderFault::Quotes(2)), "{unclosed:?}");
    }
    assert_eq!(open("a,\"b\n\",c\n1,2,3\n").unwrap().next().unwrap().from, 3, "a header of two lines");
}

/// Bytes in which quotes, separators and line breaks are frequent.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let often = prop_oneof![
        4 => Just(b"\"".to_vec()), 6 => Just(b",".to_vec()), 4 => Just(b"\n".to_vec()), 1 => Just(b"\r\n".to_vec()),
        1 => Just(b"\r".to_vec()), 3 => Just(b"x".to_vec()), 1 => Just(b" ".to_vec()), 1 => Just("路".as_bytes().to_vec()),
        1 => Just(b";".to_vec()), 2 => Just(b"1,2,3\n".to_vec()), 1 => Just(b"1,\"2\",3\n".to_vec()),
        1 => Just(GB18030.encode("路").0.into_owned()), 1 => prop::collection::vec(any::<u8>(), 1..3),
    ];
    let begins = prop_oneof![4 => Just(&b"a,b,c\n"[..]), 1 => Just(&b"a;b;c\r\n"[..]), 1 => Just(&b"\xef\xbb\xbfa,b,c\r"[..]), 1 => Just(&b"\xff\xfea\0,\0b\0,\0c\0\n\0"[..]), 1 => Just(&b""[..])];
    (begins, prop::collection::vec(often, 0..60)).prop_map(|(begin, parts)| [begin, &parts.concat()].concat())
}

/// The lines of a text: CR LF, LF or CR ends one.
fn lines(text: &str) -> Vec<&str> {
    let mut lines = vec![];
    let mut rest = text;
    while let Some(end) = rest.find(['\r', '\n']) {
        lines.push(&rest[..end]);
        rest = &rest[end + if rest[end..].starts_with("\r\n") { 2 } else { 1 }..];
    }
    lines.push(rest);
    lines
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]
    #[test]
    fn no_line_of_any_file_vanishes(file in bytes()) {
        let Ok(decoded) = encoding::decode(&file) else { return Ok(()) };
        let Ok(mut table) = Table::open(&decoded.text, decoded.damaged, &knows) else { return Ok(()) };
        let lines = lines(&decoded.text);
        let blank: Vec<bool> = lines.iter().map(|line| table.is_blank(line)).collect();
        let header_ends = table.line - 1;
        // Each line behind the header is blank or in exactly one row, and rows come in order without a gap.
        let mut next = header_ends + 1;
        for row in table.by_ref() {
            prop_assert!(next <= row.from && row.from <= row.to && row.to <= lines.len() as u64);
            let gap = usize::try_from(next - 1).unwrap()..usize::try_from(row.from - 1).unwrap();
            prop_assert!(blank[gap].iter().all(|blank| *blank), "lines between rows are blank");
            prop_assert!(!blank[usize::try_from(row.from - 1).unwrap()]);
            if let Ok(cells) = &row.cells {
                prop_assert_eq!(cells.len(), table_width(&decoded.text));
                // All text of the lines is in the cells, but for quotes, separators and breaks.
                let text: String = lines[usize::try_from(row.from - 1).unwrap()..usize::try_from(row.to).unwrap()].concat();
                let bare = |text: &str| text.chars().filter(|c| !matches!(c, '"' | ',' | ';' | '\t' | '\r' | '\n' | ' ')).collect::<String>();
                let said: String = cells.iter().map(|cell| match cell { Cell::Text(text) => bare(text), _ => String::new() }).collect();
                prop_assert_eq!(bare(&text), said);
            }
            next = row.to + 1;
        }
        prop_assert!(blank[usize::try_from(next - 1).unwrap().min(blank.len())..].iter().all(|blank| *blank), "lines behind the last row are blank");
    }
}

fn table_width(text: &str) -> usize {
    Table::open(text, false, &knows).unwrap().header().len()
}

#[test]
fn two_rows_that_share_a_pair_of_quotes_are_refused_and_the_next_is_taken() {
    assert_eq!(read("1,\"x,0\n2,y\",0\n3,z,0\n"), [refused(2, 3, RowFault::RowsInCell), taken(4, 4, ["3", "z", "0"])]);
}
