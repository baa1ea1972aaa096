use doorstep_domain::{Fen, Parcel, Personal, UnixMs};
use encoding_rs::GB18030;
use proptest::{prelude::*, test_runner::TestRunner};

use super::*;
use crate::{
    admin::Admin,
    open::open,
    store::{db::Store, parcels, references, tx::StoreError},
};

mod xlsx;

const HEADER: &str = "waybill,network,origin_outlet,delivering_outlet,courier,recipient_name,recipient_phone,recipient_address,cod_fen,theoretical_arrival";

/// Head office with two outlets, a hub and two couriers.
struct Office {
    folder: tempfile::TempDir,
    admin: Admin,
}

impl Office {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut admin = Admin::open(folder.path()).unwrap();
        for outlet in ["0571", "0412", "H1"] {
            admin.outlet(outlet, "城西", "West", "1").unwrap();
        }
        for courier in ["c1", "c2"] {
            admin.user(courier, "李明", "courier", "0412").unwrap();
        }
        Self { folder, admin }
    }

    fn import(&mut self, file: impl AsRef<[u8]>) -> Imported {
        self.admin.import_parcels(file.as_ref(), UnixMs(1_772_409_600_000)).unwrap()
    }

    fn refused(&mut self, file: impl AsRef<[u8]>) -> String {
        self.admin.import_parcels(file.as_ref(), UnixMs(0)).unwrap_err().to_string()
    }

    fn store(&self) -> Store {
        open(self.folder.path()).unwrap()
    }

    fn parcel(&self, waybill: &str) -> Option<Parcel> {
        self.store().read(|tx| parcels::get(tx, waybill)).unwrap()
    }

    fn count(&self) -> usize {
        self.store().read(|tx| Ok::<_, StoreError>(parcels::waybills(tx)?.len())).unwrap()
    }

    fn version(&self) -> u64 {
        self.store().read(|tx| references::version(tx, "parcels")).unwrap()
    }
}

fn number(n: u64) -> String {
    format!("QH3100000{n:05}")
}

fn row(n: u64, address: &str, cod: &str) -> String {
    format!("{},QH,0571,0412,c1,王小花{n},1380000{n:04},{address},{cod},2026-03-02 08:00", number(n))
}

fn list(rows: &[String]) -> String {
    format!("{HEADER}\n{}\n", rows.join("\n"))
}

fn plain(text: &str) -> Option<Personal> {
    Some(Personal::plain(text).unwrap())
}

/// The lines of the rows that were left out.
fn spans(done: &Imported) -> Vec<(u64, u64)> {
    done.bad.iter().map(|bad| (bad.line, bad.to)).collect()
}

#[test]
fn a_quote_that_is_not_closed_swallows_no_parcel_and_no_customers_data() {
    let mut office = Office::new();
    let rows = [
        row(1, "\"青禾路1号", "0"),
        row(2, "青禾路2号", "0"),
        row(3, "青禾路3号", "0"),
        row(4, "\"青禾路4号, 2幢\"", "0"),
        row(5, "x", "0"),
    ];
    let done = office.import(list(&rows));
    assert_eq!((done.imported, spans(&done), done.lines, done.taken), (4, vec![(2, 2)], 5, 4), "{done:?}");
    assert!(done.bad[0].fault.contains("not closed") && done.not_taken() == 1, "{done:?}");
    assert!(office.parcel(&number(1)).is_none());
    for (n, address) in [(2, "青禾路2号"), (3, "青禾路3号"), (4, "青禾路4号, 2幢"), (5, "x")] {
        assert_eq!(Some(office.parcel(&number(n)).unwrap().recipient_address), plain(address));
    }
    // A cell of two lines is no fault, and both lines are counted.
    let done = office.import(list(&[row(6, "\"青禾路\r\n6号\"", "0"), row(7, "x", "0")]));
    assert_eq!((done.imported, done.bad.len(), done.lines, done.taken), (2, 0, 3, 3), "{done:?}");
}

#[test]
fn a_separator_without_quotes_shifts_no_column() {
    let mut office = Office::new();
    let done = office.import(list(&[row(1, "青禾路1号,502,5.02", "0"), row(2, "青禾路2号", "502")]));
    assert_eq!((done.imported, spans(&done)), (1, vec![(2, 2)]), "{done:?}");
    assert!(done.bad[0].fault.contains("12 cells") && !done.bad[0].fault.contains("青禾路"), "{done:?}");
    assert_eq!(office.parcel(&number(2)).unwrap().cod, Fen(502));
}

#[test]
fn values_out_of_bounds_are_named_by_their_column_and_never_shown() {
    let mut office = Office::new();
    let with = |from: &str, to: &str| row(1, "青禾路1号", "0").replacen(from, to, 1);
    for (bad, column) in [
        (row(1, "青禾路1号", "-1"), "cod_fen"),
        (row(1, "青禾路1号", "10000001"), "cod_fen"),
        (row(1, "青禾路1号", "5.02"), "cod_fen"),
        (row(1, "青禾路1号", "99999999999999999999999"), "cod_fen"),
        (row(1, &"路".repeat(1_001), "0"), "recipient_address"),
        (row(1, "青禾路\u{0}1号", "0"), "recipient_address"),
        (with("王小花1", &"王".repeat(101)), "recipient_name"),
        (with("王小花1", " "), "recipient_name"),
        (with("13800000001", &"1".repeat(41)), "recipient_phone"),
        (with("2026-03-02", "2062-03-02"), "theoretical_arrival"),
        (with("2026-03-02", "1926-03-02"), "theoretical_arrival"),
        (with("2026-03-02 08:00", "46083.333"), "theoretical_arrival"),
        (with("2026-03-02 08:00", "2026-03-02"), "theoretical_arrival"),
        (with(&number(1), "3.1E+13"), "waybill"),
        (with(&number(1), "QH3100\u{200b}00000001"), "waybill"),
        (with(",0571,", ",,"), "origin_outlet"),
    ] {
        let done = office.import(list(std::slice::from_ref(&bad)));
        let fault = &done.bad.first().unwrap_or_else(|| panic!("{bad}")).fault;
        assert!(fault.contains(column), "{bad}: {fault}");
        assert!(["王", "1380", "青禾路", "5.02", "2062"].iter().all(|said| !fault.contains(said)), "{fault}");
    }
    assert_eq!(office.count(), 0);
    assert_eq!(office.import(list(&[row(1, "x", "10000000")])).imported, 1, "the bound itself");
}

#[test]
fn invisible_characters_and_a_scanners_prefix_around_a_waybill_are_left_out() {
    let mut office = Office::new();
    for written in ["]C1QH310000000001", "\u{200b}QH310000000001", "QH310000000001\u{a0}", "=\"QH310000000001\""] {
        let done = office.import(list(&[row(1, "x", "0").replacen(&number(1), written, 1)]));
        assert_eq!((done.imported, office.count()), (1, 1), "{written:?}: {done:?}");
    }
}

#[test]
fn rows_that_say_the_same_count_once_and_of_different_ones_the_first_is_taken() {
    let mut office = Office::new();
    let rows = [
        row(1, "青禾路1号", "0"),
        row(2, "青禾路2号", "0"),
        row(1, " 青禾路1号 ", "0"),
        row(2, "青禾路9号", "0"),
        row(2, "青禾路2号", "0"),
    ];
    let done = office.import(list(&rows));
    assert_eq!((done.imported, done.lines, done.taken, spans(&done)), (2, 5, 4, vec![(5, 5)]), "{done:?}");
    assert!(done.bad[0].fault.contains("line 3") && done.bad[0].fault.contains("line 5"), "{done:?}");
    assert_eq!((done.notes[0].rows, done.notes[0].lines.as_slice()), (2, &[4, 6][..]), "{done:?}");
    assert_eq!(Some(office.parcel(&number(2)).unwrap().recipient_address), plain("青禾路2号"));
    // A row that is left out is not taken by its copy either.
    let unknown = row(3, "x", "0").replace(",c1,", ",nobody,");
    let done = office.import(list(&[unknown.clone(), unknown]));
    assert_eq!((done.imported, done.taken, spans(&done)), (0, 0, vec![(2, 2), (3, 3)]), "{done:?}");
}

#[test]
fn a_column_that_a_file_lacks_leaves_what_is_known_and_an_empty_cell_takes_it_away() {
    let mut office = Office::new();
    let header = format!("{HEADER},hub,children,entered,virtual_phone,virtual_until");
    let full = format!("{},H1,QH310000000901 QH310000000902,2026-03-01 20:00,95013#1,2026-03-03 20:00", row(1, "x", "0"));
    assert_eq!(office.import(format!("{header}\n{full}\n")).imported, 1);
    let before = office.parcel(&number(1)).unwrap();
    assert_eq!((before.children.len(), before.hub.is_some()), (2, true));
    assert_eq!(before.virtual_number.as_ref().map(|number| number.expires_at.is_some()), Some(true));

    assert_eq!(office.import(list(&[row(1, "x", "100")])).imported, 1);
    assert_eq!(office.parcel(&number(1)).unwrap(), Parcel { cod: Fen(100), ..before.clone() });

    let other = format!("{HEADER},virtual_phone\n{},95013#2\n", row(1, "x", "100"));
    assert_eq!(office.import(other).imported, 1);
    let number_now = office.parcel(&number(1)).unwrap().virtual_number.unwrap();
    assert_eq!((Some(number_now.number), number_now.expires_at), (plain("95013#2"), None), "the end was another number's");

    assert_eq!(office.import(format!("{header}\n{},,,,,\n", row(1, "x", "0"))).imported, 1);
    let emptied = office.parcel(&number(1)).unwrap();
    assert_eq!((emptied.hub, emptied.children.len(), emptied.virtual_number), (None, 0, None));
    assert_eq!(emptied.entered_at, before.entered_at, "the first time is never forgotten");
}

#[test]
fn a_chinese_list_in_any_encoding_with_any_separator_is_read_and_told_how() {
    let table = "应到时间;代收货款（元）; 运单号 ;网络;始发网点;派件网点;派件员;收件人;收件电话;收件地址;集散中心;备注\n\
                 2026/11/30 6:50:00;128.5;QH310000000001;QH;0571;0412;c1;王小花;13800000001;青禾路1号, 2幢;H1;易碎\n";
    let gb = GB18030.encode(table).0.into_owned();
    let utf16: Vec<u8> =
        std::iter::once(0xfeff).chain(table.replace(';', "\t").encode_utf16()).flat_map(u16::to_le_bytes).collect();
    let marked = format!("\u{feff}{}", table.replace("; ", ";").replace("1号, 2幢", "1号，2幢").replace(';', ","));
    for (file, encoding, separator) in [
        (gb, "GB18030", "semicolon"),
        (table.as_bytes().to_vec(), "UTF-8", "semicolon"),
        (utf16, "UTF-16 LE", "tab"),
        (marked.into_bytes(), "UTF-8 with BOM", "comma"),
    ] {
        let mut office = Office::new();
        let done = office.import(file);
        assert_eq!((done.imported, done.encoding, done.separator), (1, encoding, Some(separator)), "{done:?}");
        assert!(done.notes.iter().any(|note| note.text.contains("备注")), "{done:?}");
        let parcel = office.parcel(&number(1)).unwrap();
        assert_eq!((parcel.cod, Some(parcel.recipient_name)), (Fen(12_850), plain("王小花")));
        assert_eq!(parcel.theoretical_arrival, Some(UnixMs(1_795_992_600_000)));
    }
    let mut office = Office::new();
    assert!(office.refused(HEADER.replace("cod_fen", "cod_fen,代收货款(元)")).contains("cod_yuan"));
    assert!(office.refused(HEADER.replace("cod_fen", "代收货款")).contains("代收货款(元)"));
    assert!(office.refused("").contains("empty"));
    assert!(office.refused(b"\xd0\xcf\x11\xe0\xa1\xb1").contains(".xlsx"));
}

#[test]
fn every_column_and_each_of_its_headers_is_in_the_readme() {
    let readme = include_str!("../../README.md");
    for column in &super::parcels::COLUMNS {
        let line = readme.lines().find(|line| line.starts_with(&format!("| `{}` |", column.name))).unwrap_or_default();
        for header in std::iter::once(&column.name).chain(column.others) {
            assert!(line.contains(header), "{}: {header}", column.name);
        }
    }
}

#[test]
fn a_dry_run_says_the_same_and_writes_nothing() {
    let mut office = Office::new();
    let rows = [
        row(1, "x", "0"),
        row(2, "\"x", "0"),
        row(3, "x", "0").replace(",c1,", ",c9,"),
        row(4, "x", "0").replace("0571", "9999"),
        row(1, "x", "0"),
    ];
    let (file, before) = (list(&rows), office.version());
    let mut checked = office.admin.import_parcels_so(file.as_bytes(), (true, None), &mut |_| {}, UnixMs(0)).unwrap();
    assert_eq!((checked.dry_run, office.count(), office.version()), (true, 0, before));
    checked.dry_run = false;
    assert_eq!(checked, office.import(&file));
    assert_eq!(office.count(), 1);
    assert!(office.version() > before, "its readers are told");
}

#[test]
fn a_long_list_is_written_in_parts_and_its_readers_are_told_of_what_changed() {
    let mut office = Office::new();
    let rows: Vec<String> = (1..=1_200).map(|n| row(n, "x", "0")).collect();
    let (file, before) = (list(&rows), office.version());
    // The first thing that is told is told behind a transaction: another process can write then, and sees its rows.
    let (mut told, other) = (Vec::new(), office.store());
    let mut progress = |lines| {
        let count = other.write(|tx| Ok::<_, StoreError>(parcels::waybills(tx)?.len())).unwrap();
        told.push((lines, count));
    };
    let done = office.admin.import_parcels_so(file.as_bytes(), (false, None), &mut progress, UnixMs(0)).unwrap();
    assert_eq!((done.imported, done.lines, done.taken), (1_200, 1_200, 1_200));
    assert_eq!(told, [(500, 500), (1_000, 1_000), (1_200, 1_200)]);
    let after = office.version();
    assert!(after > before);
    office.import(HEADER);
    office.import(&file);
    assert_eq!(office.version(), after, "a list without rows, or with rows that are there already, tells devices nothing");
}

/// Valid rows with quotes, separators and line breaks at any place.
fn lists() -> impl Strategy<Value = String> {
    let odd = prop::sample::select(vec!["\"", ",", "\n", "\r\n", "\"\"", "\"\n\"", ";", " ", "\u{200b}", "\n\n"]);
    (2..8_u64, prop::collection::vec((any::<prop::sample::Index>(), odd), 0..8)).prop_map(|(n, odd)| {
        let mut text: Vec<char> = (1..=n).map(|n| row(n, "\"青禾路, 1号\"", "0") + "\n").collect::<String>().chars().collect();
        for (place, odd) in odd {
            let at = place.index(text.len());
            text.splice(at..at, odd.chars());
        }
        format!("{HEADER}\n{}", text.into_iter().collect::<String>())
    })
}

#[test]
fn every_line_of_a_list_is_taken_or_named() {
    let office = std::cell::RefCell::new(Office::new());
    let mut runner = TestRunner::new(ProptestConfig::with_cases(500));
    let every_line = |file: String| {
        let admin = &mut office.borrow_mut().admin;
        let done = admin.import_parcels_so(file.as_bytes(), (true, None), &mut |_| {}, UnixMs(0)).unwrap();
        let named: u64 = done.bad.iter().map(|bad| bad.to - bad.line + 1).sum();
        prop_assert_eq!(done.taken + named, done.lines);
        // Blank lines count within a cell only.
        let breaks = file.replace("\r\n", "\n").replace('\r', "\n");
        let lines: Vec<&str> = breaks.lines().skip(1).collect();
        let with_text = lines.iter().filter(|line| line.chars().any(|c| !c.is_whitespace() && c != ',')).count() as u64;
        prop_assert!(with_text <= done.lines && done.lines <= lines.len() as u64, "{} lines of {}", done.lines, with_text);
        Ok(())
    };
    runner.run(&lists(), every_line).unwrap();
}

#[test]
fn a_complete_list_of_a_day_ends_its_other_rows_and_none_if_a_line_can_not_be_read() {
    let mut office = Office::new();
    let day = Some("2026-03-02".parse().unwrap());
    let list = |numbers: &[u64]| {
        let row = |n: &u64| format!("{},QH,0571,0412,c1,王小花,13800000000,青禾路1号,0,\n", number(*n));
        format!("{HEADER}\n{}", numbers.iter().map(row).collect::<String>())
    };
    let mut import =
        |file: &str, dry_run| office.admin.import_parcels_so(file.as_bytes(), (dry_run, day), &mut |_| {}, UnixMs(0)).unwrap();
    let first = import(&list(&[1, 2, 3]), false);
    assert_eq!((first.imported, first.ended), (3, 0));
    let torn = import(&format!("{}no row\n", list(&[1])), false);
    assert_eq!((torn.imported, torn.ended, torn.bad.len()), (1, 0, 1), "{torn:?}");
    assert!(torn.notes.iter().any(|note| note.text.contains("no row of the day was ended")), "{torn:?}");
    assert_eq!(import(&list(&[1, 2]), true).ended, 1, "a dry run counts");
    assert_eq!(import(&list(&[1, 2]), false).ended, 1);
    assert_eq!(import(&list(&[1, 2]), false).ended, 0, "it has ended");
}

/// The day of a parcel's row.
fn day(office: &Office, n: u64) -> Option<String> {
    office.parcel(&number(n)).unwrap().details.day.map(|day| day.to_string())
}

/// The note on rows that kept a day before today: how many, and their lines.
fn kept(done: &Imported) -> Option<(u64, Vec<u64>)> {
    let mut of_day = done.notes.iter().filter(|note| note.text.contains("kept one before today"));
    let found = of_day.next().map(|note| (note.rows, note.lines.clone()));
    assert!(of_day.next().is_none(), "one line says it");
    found
}

#[test]
fn a_row_without_a_day_keeps_the_known_one_and_a_new_one_has_the_day_of_the_import() {
    const DAY_MS: i64 = 86_400_000;
    let mut office = Office::new();
    let first = office.import(list(&[row(1, "x", "0"), row(2, "x", "0")]));
    assert_eq!((day(&office, 1).as_deref(), kept(&first)), (Some("2026-03-02"), None), "the import's day");
    let mut later = |file: &str, days: i64, how| {
        let now = UnixMs(1_772_409_600_000 + days * DAY_MS);
        office.admin.import_parcels_so(file.as_bytes(), how, &mut |_| {}, now).unwrap()
    };
    // The next day the same list comes again, with one more parcel.
    let next = list(&[row(1, "x", "0"), row(3, "x", "0"), row(2, "x", "0")]);
    assert_eq!(kept(&later(&next, 1, (true, None))), Some((2, vec![2, 4])), "a dry run says it too");
    assert_eq!(kept(&later(&next, 1, (false, None))), Some((2, vec![2, 4])));
    // Rows whose kept day is not before today are not named.
    assert_eq!(kept(&later(&list(&[row(3, "x", "0")]), 1, (false, None))), None);
    assert_eq!(kept(&later(&list(&[row(3, "x", "0")]), -1, (false, None))), None);
    // A list that says its day is not kept back by what was known.
    let complete = later(&list(&[row(2, "x", "0"), row(4, "x", "0")]), 1, (false, Some("2026-03-04".parse().unwrap())));
    assert_eq!(kept(&complete), None);
    let file = format!("{HEADER},day\n{},2026-03-05\n{},\n{},\n", row(5, "x", "0"), row(6, "x", "0"), row(1, "x", "0"));
    assert_eq!(kept(&later(&file, 1, (false, None))), None);
    let days: Vec<Option<String>> = (1..=6).map(|n| day(&office, n)).collect();
    let days: Vec<Option<&str>> = days.iter().map(Option::as_deref).collect();
    let said = ["2026-03-04", "2026-03-03", "2026-03-04", "2026-03-05", "2026-03-03"];
    assert_eq!(days, [None, Some(said[0]), Some(said[1]), Some(said[2]), Some(said[3]), Some(said[4])]);
}

#[test]
fn a_known_run_stays_only_with_the_day_and_the_time_that_it_belongs_to() {
    let mut office = Office::new();
    let with = |columns: &str, cells: &str| format!("{HEADER}{columns}\n{}{cells}\n", row(1, "x", "0"));
    let run = |office: &Office| office.parcel(&number(1)).unwrap().details.run;
    let known = |office: &mut Office| {
        office.import(with(",day", ",2026-03-02"));
        let store = office.store();
        let set = |tx: &crate::store::tx::Tx<'_>| {
            let mut parcel = parcels::get(tx, &number(1))?.unwrap();
            parcel.details.run = Some("first".into());
            parcels::write(tx, &parcel, UnixMs(0))
        };
        store.write(set).unwrap();
    };
    for (columns, cells, other_time, kept) in [
        ("", "", false, true),
        (",day", ",2026-03-02", false, true),
        (",day", ",2026-03-03", false, false),
        ("", "", true, false),
        (",day", ",2026-03-02", true, false),
        (",run", ",", false, false),
    ] {
        known(&mut office);
        let file = with(columns, cells);
        office.import(if other_time { file.replace("08:00", "15:30") } else { file });
        assert_eq!(run(&office).as_deref(), kept.then_some("first"), "{columns}{cells} {other_time}");
    }
}
