//! Documents of another kind than a case: what each kind takes, and the golden bytes of a sheet.

use super::*;

fn sheet() -> SheetFacts {
    SheetFacts { network: "QH".parse().unwrap(), outlet: "0412".parse().unwrap(), day: "2026-03-02".parse().unwrap() }
}

fn of_sheet(body: Body, sheet: Option<SheetFacts>) -> NewEntry {
    let author = Author { user: "s1".parse().unwrap(), role: Role::Outlet, outlet: "0412".parse().unwrap() };
    NewEntry { author, sheet, ..entry(body, false) }
}

fn opened() -> Body {
    Body::SheetDay(SheetDay { words: None })
}

fn said(text: &str) -> Body {
    Body::SheetNote(SheetNote { words: Personal::plain(text).unwrap() })
}

fn written(doc: DocRef, entries: &[NewEntry]) -> Result<Change, String> {
    let refused = |error: doorstep_document::WriteError| error.to_string();
    Change::write(doc, &InstallId::new([1; 16]), &Position::default(), entries).map_err(refused)
}

/// A change of any entries, whatever a document takes.
fn forged(kinds: &[&str]) -> Vec<u8> {
    let entries: Vec<NewEntry> = kinds.iter().map(|_| of_sheet(opened(), Some(sheet()))).collect();
    let change = written(sheet().doc(), &entries).unwrap();
    let mut expanded = automerge::Change::from_bytes(change.bytes().to_vec()).unwrap().decode();
    let maps = expanded.operations.iter_mut().filter(|op| op.obj == automerge::legacy::ObjectId::Root);
    for (op, kind) in maps.zip(kinds) {
        let automerge::legacy::Key::Map(name) = &op.key else { panic!() };
        op.key = automerge::legacy::Key::Map(name.replacen("s_day", kind, 1).into());
    }
    automerge::Change::from(expanded).raw_bytes().to_vec()
}

#[test]
fn a_sheet_takes_the_kinds_of_sheets_and_a_case_those_of_cases() {
    let doc = sheet().doc();
    let change = written(doc, &[of_sheet(opened(), Some(sheet())), of_sheet(said("跟件 09:00"), None)]).unwrap();
    assert_eq!((change.kind(), Change::read(doc, change.bytes()).unwrap()), (DocKind::Sheet, change.clone()));
    assert_eq!(Change::read_stored(&doc.id, change.bytes()).unwrap(), change, "its entries say of which kind it is");
    let kind = |result: Result<Change, Refusal>| result.map(|change| change.kind()).map_err(|refusal| refusal.code().to_string());
    let wrong = || Err("kind".to_owned());
    assert_eq!(kind(Change::read(&doc.id, change.bytes())), wrong(), "read as a case");
    assert!(written(doc, &[of_sheet(note("门口"), Some(sheet()))]).unwrap_err().contains("another kind of document"));
    assert!(written((&case().2).into(), &[entry(said("门口"), true)]).unwrap_err().contains("another kind of document"));
    let honest = Writer::new(1).write(vec![note("门口")]);
    assert_eq!(kind(Change::read(DocRef::new(DocKind::Sheet, case().2), honest.bytes())), wrong(), "a case read as a sheet");
    // A newer version may write kinds of entry that this one does not know. Those of sheets are kept. Kinds of cases are refused.
    assert_eq!(kind(Change::read(doc, &forged(&["s_weighing"]))), Ok(DocKind::Sheet));
    for kinds in [&["note"][..], &["t_intake"], &["s_day", "note"], &["note", "s_day"], &["s_day", "t_intake"]] {
        let bytes = forged(kinds);
        assert_eq!(kind(Change::read(doc, &bytes)), wrong(), "{kinds:?}");
        assert!(kinds.len() == 1 || Change::read_stored(&doc.id, &bytes).is_err(), "{kinds:?}");
    }
}

#[test]
fn a_sheet_says_first_whose_day_it_is_and_that_gives_its_id() {
    let doc = sheet().doc();
    let other = SheetFacts { day: "2026-03-03".parse().unwrap(), ..sheet() };
    assert!(written(doc, &[of_sheet(opened(), None)]).unwrap_err().contains("what it is about"));
    assert!(written(doc, &[of_sheet(opened(), Some(other.clone()))]).unwrap_err().contains("another document"));
    assert!(written(other.doc(), &[of_sheet(opened(), Some(other))]).is_ok());
    // A parcel's facts are nothing in a sheet, nor a sheet's in a case.
    let with_parcel = NewEntry { sheet: None, ..of_sheet(opened(), None) };
    assert!(written(doc, &[NewEntry { facts: entry(note(""), true).facts, ..with_parcel }]).is_err());
}

pub(crate) fn golden(name: &str, bytes: &[u8]) {
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../protocol/tests/golden/{name}.hex"));
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    if std::env::var("GOLDEN").is_ok_and(|what| what == "write") {
        std::fs::write(&file, hex.clone() + "\n").unwrap();
    }
    assert_eq!(std::fs::read_to_string(&file).unwrap().trim_end(), hex, "{name}");
}

#[test]
fn a_sheets_change_is_as_specified() {
    let entries = [of_sheet(opened(), Some(sheet())), of_sheet(said("跟件 09:00"), None)];
    let change = written(sheet().doc(), &entries).unwrap();
    golden("sheet-change", change.bytes());
    golden("sheet-pack", &pack::elide_bare(&[change.bytes()]).unwrap());
}
