//! The list and its parts: whose turn it is, in words.

use super::*;

#[test]
fn a_list_says_whose_turn_it_is_in_one_phrase_of_each_language() {
    let world = World::new();
    world.enrol();
    world.json(&["fail", PARCEL, "--reason", "DF-NOBODY"]);
    world.json(&["sync"]);
    let said = world.run(&["cases"]).out;
    let turn = said.lines().find(|line| line.contains("轮到我 / my turn: ")).unwrap_or_else(|| panic!("{said}"));
    let (zh, en) = turn.split_once("） / ").unwrap_or_else(|| panic!("{turn}"));
    assert!(zh.contains("通知寄件网点") && zh.contains("（派件网点 0412，剩"), "{turn}");
    assert!(
        en.contains("Notify the origin outlet") && en.contains("(delivering outlet 0412, ") && en.ends_with("min left)"),
        "{turn}"
    );
    let listed = world.json(&["cases"]);
    let row = &listed["cases"][0];
    assert_eq!(
        (&row["due"]["kind"], &row["due"]["side"], &row["mine"]),
        (&json!("notify_origin"), &json!("delivering_outlet"), &json!(true))
    );
    assert_eq!((&row["turn"]["class"], &row["turn"]["at"]), (&json!("mine"), &row["due"]["until"]));
    assert_eq!((&row["duties"][0], &row["unlisted"]), (&row["due"], &json!(false)));
    // One case has all of them, in both languages.
    let shown = world.run(&["show", PARCEL]).out;
    let turns = shown.lines().filter(|line| line.contains("轮到谁 / whose turn: ")).count();
    assert_eq!(turns, world.json(&["show", PARCEL])["duties"].as_array().unwrap().len(), "{shown}");
    // It waits for the origin outlet once that is notified.
    world.json(&["notice", PARCEL]);
    world.json(&["sync"]);
    let row = |part: &[&str]| world.json(&[&["cases"], part].concat())["cases"].clone();
    assert!(row(&[])[0]["duties"].as_array().unwrap().iter().any(|duty| duty["kind"] == "look_at_notice"));
    assert_eq!(row(&["--answer"]), json!([]), "a courier owes no answer");
    let parts = row(&["--mine"]).as_array().unwrap().len() + row(&["--waiting"]).as_array().unwrap().len();
    assert_eq!(parts, 1);
    assert_eq!(world.run(&["cases", "--mine", "--waiting"]).code, 2, "one part at a time");
}

#[test]
fn waybills_in_no_list_stand_behind_the_others_and_can_be_listed_alone() {
    let world = World::new();
    world.enrol();
    let stranger = "QH310000000055";
    for waybill in [stranger, PARCEL] {
        world.json(&["fail", waybill, "--reason", "DF-NOBODY"]);
    }
    let said = world.run(&["cases"]).out;
    let place = |text: &str| said.find(text).unwrap_or_else(|| panic!("{text}: {said}"));
    assert!(
        place(PARCEL) < place("不在名单的单号 / waybills in no list") && place("waybills in no list") < place(stranger),
        "{said}"
    );
    let waybills = |args: &[&str]| -> Vec<String> {
        let rows = world.json(args)["cases"].clone();
        rows.as_array().unwrap().iter().map(|row| row["waybill"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(waybills(&["cases"]), [PARCEL, stranger]);
    assert_eq!(waybills(&["cases", "--unlisted"]), [stranger]);
}
