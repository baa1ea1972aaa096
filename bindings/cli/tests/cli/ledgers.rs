//! The ledgers of outlet finance.

use super::*;

/// Finance of the delivering outlet on a store of its own, after the courier has told of a parcel.
fn finance(world: &World) -> impl Fn(&[&str]) -> Said {
    world.enrol();
    assert_eq!(world.run(&["fail", PARCEL, "--reason", "DF-NOBODY"]).code, 0);
    assert_eq!(world.run(&["sync"]).code, 0);
    let mut admin = Admin::open(&world.path("server")).unwrap();
    admin.user("f1", "孙会计", "outlet_finance", "0412").unwrap();
    let code = admin.code("f1", now()).unwrap().code;
    let store = world.path("finance");
    let server = format!("http://{}", world.link);
    assert_eq!(run(&store, &["enrol", "--server", &server, "--code", &code]).code, 0);
    move |args| run(&store, args)
}

#[test]
fn an_outlet_without_lines_is_told_that_there_are_none() {
    let world = World::new();
    let finance = finance(&world);
    let said = finance(&["ledgers"]);
    assert!(
        said.code == 0 && said.out.contains("没有账本记录") && said.out.contains("no ledger lines"),
        "{}{}",
        said.out,
        said.err
    );
    let ledgers = finance(&["ledgers", "--json"]).json();
    assert_eq!((&ledgers["lines"], &ledgers["totals"]), (&json!([]), &json!([])));
}

#[test]
fn each_line_is_shown_with_its_case_and_the_day_with_its_totals() {
    let world = World::new();
    let finance = finance(&world);
    for amount in ["12.50", "30"] {
        let said = finance(&["ledger", PARCEL, "--book", "cod", "--change", "collected", "--amount", amount]);
        assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    }
    let said = finance(&["ledgers"]).out;
    assert!(said.contains(PARCEL) && said.contains("总部未收") && said.contains("42.50"), "{said}");
    assert_eq!(finance(&["sync"]).code, 0);
    assert!(!finance(&["ledgers"]).out.contains("总部未收"));
    let ledgers = finance(&["ledgers", "--book", "cod", "--json"]).json();
    assert_eq!(ledgers["lines"].as_array().map(Vec::len), Some(2));
    assert!(ledgers["lines"].as_array().unwrap().iter().all(|line| line["waybill"] == PARCEL && line["case"].is_string()));
    assert_eq!((&ledgers["totals"][0]["amount"], &ledgers["totals"][0]["lines"]), (&json!(4_250), &json!(2)));
    assert_eq!(finance(&["ledgers", "--book", "freight_collect", "--json"]).json()["lines"], json!([]));
}

#[test]
fn who_keeps_no_ledger_reads_none() {
    let world = World::new();
    world.enrol();
    let said = world.run(&["ledgers", "--json"]);
    let error = said.json()["error"].clone();
    assert_eq!((said.code != 0, &error["kind"]), (true, &json!("rule")));
    assert!(error["en"].as_str().unwrap().contains("does not read the ledgers"), "{error}");
}
