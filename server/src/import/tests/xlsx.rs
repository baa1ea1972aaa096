//! Workbooks, made by hand: a ZIP file of stored parts.

use super::*;

fn crc(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0_u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg()))
    })
}

fn zip(parts: &[(String, String)]) -> Vec<u8> {
    let (mut file, mut index) = (Vec::new(), Vec::new());
    for (name, text) in parts {
        let (len, at) = (u32::try_from(text.len()).unwrap(), u32::try_from(file.len()).unwrap());
        let name_len = u16::try_from(name.len()).unwrap();
        let mut about = vec![20, 0, 0, 0, 0, 0, 0, 0, 0x21, 0];
        about.extend([crc(text.as_bytes()), len, len].iter().flat_map(|n| n.to_le_bytes()));
        about.extend(name_len.to_le_bytes());
        about.extend([0, 0]);
        file.extend(b"PK\x03\x04");
        file.extend(&about);
        file.extend(name.as_bytes());
        file.extend(text.as_bytes());
        index.extend(b"PK\x01\x02\x14\0");
        index.extend(&about);
        index.extend([0; 10]);
        index.extend(at.to_le_bytes());
        index.extend(name.as_bytes());
    }
    let (count, at) = (u16::try_from(parts.len()).unwrap().to_le_bytes(), u32::try_from(file.len()).unwrap());
    file.extend(&index);
    file.extend(b"PK\x05\x06\0\0\0\0");
    file.extend(count);
    file.extend(count);
    file.extend(u32::try_from(index.len()).unwrap().to_le_bytes());
    file.extend(at.to_le_bytes());
    file.extend([0, 0]);
    file
}

/// A cell of a sheet.
enum Of<'a> {
    Text(&'a str),
    Number(&'a str),
    /// A number that is shown as a time.
    Time(&'a str),
    Error,
    None,
}
use Of::{Error, None as Nothing, Number, Text, Time};

fn sheet(rows: &[Vec<Of<'_>>]) -> String {
    let cell = |(column, cell): (usize, &Of<'_>), row: usize| {
        let at = format!("{}{row}", char::from(b'A' + u8::try_from(column).unwrap()));
        match cell {
            Text(text) => format!("<c r=\"{at}\" t=\"inlineStr\"><is><t>{text}</t></is></c>"),
            Number(number) => format!("<c r=\"{at}\"><v>{number}</v></c>"),
            Time(number) => format!("<c r=\"{at}\" s=\"1\"><v>{number}</v></c>"),
            Error => format!("<c r=\"{at}\" t=\"e\"><v>#REF!</v></c>"),
            Nothing => String::new(),
        }
    };
    let row = |(n, cells): (usize, &Vec<Of<'_>>)| {
        let cells: String = cells.iter().enumerate().map(|one| cell(one, n + 1)).collect();
        format!("<row r=\"{}\">{cells}</row>", n + 1)
    };
    let rows: String = rows.iter().enumerate().map(row).collect();
    format!(
        "<worksheet xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\"><sheetData>{rows}</sheetData></worksheet>"
    )
}

fn workbook(sheets: &[(&str, String)], since_1904: bool) -> Vec<u8> {
    const MAIN: &str = "xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\"";
    const OFFICE: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    let of = |make: &dyn Fn(usize, &str) -> String| -> String {
        sheets.iter().enumerate().map(|(n, (name, _))| make(n + 1, name)).collect()
    };
    let named = of(&|n, name| format!("<sheet name=\"{name}\" sheetId=\"{n}\" r:id=\"rId{n}\"/>"));
    let related =
        of(&|n, _| format!("<Relationship Id=\"rId{n}\" Type=\"{OFFICE}/worksheet\" Target=\"worksheets/sheet{n}.xml\"/>"));
    let epoch = if since_1904 { "<workbookPr date1904=\"1\"/>" } else { "" };
    let mut parts = vec![
        (
            "_rels/.rels".to_owned(),
            format!(
                "<Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\"><Relationship Id=\"rId1\" Type=\"{OFFICE}/officeDocument\" Target=\"xl/workbook.xml\"/></Relationships>"
            ),
        ),
        (
            "xl/workbook.xml".to_owned(),
            format!("<workbook {MAIN} xmlns:r=\"{OFFICE}\">{epoch}<sheets>{named}</sheets></workbook>"),
        ),
        (
            "xl/_rels/workbook.xml.rels".to_owned(),
            format!(
                "<Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\">{related}<Relationship Id=\"rId99\" Type=\"{OFFICE}/styles\" Target=\"styles.xml\"/></Relationships>"
            ),
        ),
        (
            "xl/styles.xml".to_owned(),
            format!("<styleSheet {MAIN}><cellXfs count=\"2\"><xf numFmtId=\"0\"/><xf numFmtId=\"22\"/></cellXfs></styleSheet>"),
        ),
    ];
    parts.extend(sheets.iter().enumerate().map(|(n, (_, sheet))| (format!("xl/worksheets/sheet{}.xml", n + 1), sheet.clone())));
    zip(&parts)
}

fn header() -> Vec<Of<'static>> {
    ["运单号", "网络", "始发网点", "派件网点", "派件员", "收件人", "收件电话", "收件地址", "代收货款(元)", "应到时间", "集散中心"]
        .map(Text)
        .into()
}

fn row(waybill: Of<'static>, cod: Of<'static>, arrival: Of<'static>) -> Vec<Of<'static>> {
    vec![
        waybill,
        Text("QH"),
        Text("0571"),
        Text("0412"),
        Text("c1"),
        Text("王小花"),
        Number("13800000001"),
        Text("青禾路, 1号"),
        cod,
        arrival,
    ]
}

const NUMBER: &str = "QH310000000001";

#[test]
fn a_workbook_is_read_with_its_numbers_and_times_and_what_it_has_damaged_is_refused() {
    let mut office = Office::new();
    let rows = [
        header(),
        row(Text(NUMBER), Number("128.5"), Time("46356.284722222219")),
        vec![],
        row(Text("QH310000000002"), Nothing, Nothing),
        row(Text("QH310000000003"), Number("5.021"), Nothing),
        row(Text("QH310000000004"), Nothing, Number("46356.25")),
        row(Text("QH310000000005"), Nothing, Error),
        row(Number("3.1E+17"), Nothing, Nothing),
        row(Number("310000000017"), Nothing, Nothing),
        [row(Text("QH310000000006"), Nothing, Nothing), vec![Nothing, Nothing, Text("beyond the header")]]
            .into_iter()
            .flatten()
            .collect(),
    ];
    let done = office.import(workbook(&[("Sheet1", sheet(&rows))], false));
    assert_eq!((done.imported, done.encoding, done.separator), (3, "XLSX", None), "{done:?}");
    assert_eq!(spans(&done), [(5, 5), (7, 7), (8, 8), (9, 9), (10, 10)], "{done:?}");
    let faults: Vec<&str> = done.bad.iter().map(|bad| bad.fault.as_str()).collect();
    assert!(
        faults[2].contains("15 digits") && faults[3].contains("pattern"),
        "an exact number is read, and no waybill here: {faults:?}"
    );
    let parcel = office.parcel(NUMBER).unwrap();
    assert_eq!((parcel.cod, parcel.recipient_phone), (Fen(12_850), plain("13800000001")));
    assert_eq!(parcel.theoretical_arrival, Some(UnixMs(1_795_992_600_000)), "2026-11-30 06:50 in the network's zone");
    assert_eq!(office.parcel("QH310000000004").unwrap().theoretical_arrival, Some(UnixMs(1_795_989_600_000)));
}

#[test]
fn of_several_sheets_the_one_named_parcels_is_read_or_else_the_first() {
    let mut office = Office::new();
    let list = sheet(&[header(), row(Text(NUMBER), Nothing, Nothing)]);
    let other = sheet(&[vec![Text("备注")], vec![Text("x")]]);
    for sheets in [[("说明", other.clone()), ("Parcels", list.clone())], [("清单", list.clone()), ("说明", other.clone())]]
    {
        let done = office.import(workbook(&sheets, false));
        assert_eq!((done.imported, done.notes.len()), (1, 1), "{done:?}");
    }
    assert!(office.refused(workbook(&[("说明", other), ("清单", list)], false)).contains("waybill"));
}

#[test]
fn a_workbook_whose_days_count_from_1904_gives_the_same_times_or_none() {
    let mut office = Office::new();
    let rows = [
        header(),
        row(Text(NUMBER), Nothing, Time("44894.284722222219")),
        row(Text("QH310000000002"), Nothing, Number("44894.284722222219")),
    ];
    let done = office.import(workbook(&[("Sheet1", sheet(&rows))], true));
    assert_eq!((done.imported, spans(&done)), (1, vec![(3, 3)]), "{done:?}");
    assert_eq!(office.parcel(NUMBER).unwrap().theoretical_arrival, Some(UnixMs(1_795_992_600_000)));
}

#[test]
fn a_damaged_workbook_is_refused_and_never_ends_the_program() {
    let mut office = Office::new();
    let whole = workbook(&[("Sheet1", sheet(&[header(), row(Text(NUMBER), Nothing, Nothing)]))], false);
    for cut in (4..whole.len()).step_by(97) {
        assert!(!office.refused(&whole[..cut]).is_empty());
    }
    assert_eq!(office.import(&whole).imported, 1);
}
