use proptest::prelude::*;

use super::*;

fn read(text: &str) -> (NumberKind, String, Option<String>) {
    let numbers = Numbers::read(text).unwrap_or_else(|fault| panic!("{text}: {fault:?}"));
    let Number { kind, digits, extension } = numbers.main;
    assert!(numbers.others.is_empty(), "{text}");
    (kind, digits, extension)
}

#[test]
fn a_mobile_is_one_number_however_it_is_written() {
    for text in [
        "13800138000",
        " 138 0013 8000 ",
        "138-0013-8000",
        "138–0013—8000",
        "(138)00138000",
        "１３８００１３８０００",
        "１３８－００１３－８０００",
        "+86 138 0013 8000",
        "+8613800138000",
        "＋８６（１３８）００１３８０００",
        "(+86)13800138000",
        "0086-13800138000",
        "86 13800138000",
        "8613800138000",
        "'13800138000",
        "\u{202d}13800138000\u{202c}",
        "\t13800138000\n",
    ] {
        assert_eq!(read(text), (NumberKind::Mobile, "13800138000".into(), None), "{text}");
        assert_eq!(Number::for_sms(text).unwrap().dialled(), "13800138000");
    }
}

#[test]
fn an_extension_is_kept_and_never_becomes_digits_of_the_number() {
    for text in [
        "18412348075转7839",
        "18412348075 转 7839",
        "18412348075-7839",
        "184-1234-8075-7839",
        "18412348075x7839",
        "18412348075X7839",
        "18412348075#7839",
        "18412348075＃7839＃",
        "18412348075 ext. 7839",
        "18412348075EXT7839",
        "18412348075分机7839",
        "18412348075转分机：7839",
        "18412348075分机号 7839",
        "18412348075,7839",
        "+86 18412348075，7839",
        "１８４１２３４８０７５转７８３９",
    ] {
        assert_eq!(read(text), (NumberKind::Mobile, "18412348075".into(), Some("7839".into())), "{text}");
        assert_eq!(Number::for_sms(text).unwrap().dialled(), "18412348075", "{text}");
    }
}

#[test]
fn a_landline_and_a_short_code_are_read_and_take_no_sms() {
    for (text, digits, extension) in [
        ("0571-88001234", "057188001234", None),
        ("(0571)88001234", "057188001234", None),
        ("010 6888 8888", "01068888888", None),
        ("+86 571 8800 1234", "57188001234", None),
        ("0086-0571-88001234", "057188001234", None),
        ("021-68888888-801", "02168888888", Some("801")),
        ("0571-88001234转12", "057188001234", Some("12")),
        ("400-812-3456", "4008123456", None),
        ("88001234", "88001234", None),
        ("8800123", "8800123", None),
    ] {
        assert_eq!(read(text), (NumberKind::Landline, digits.into(), extension.map(str::to_owned)), "{text}");
        assert_eq!(Number::for_sms(text), Err(NumberFault::Landline), "{text}");
    }
    for text in ["10086", "95338", "12345", "110", "9 5 5 8 8", "１００８６"] {
        assert_eq!(read(text).0, NumberKind::ShortCode, "{text}");
        assert_eq!(Number::for_sms(text), Err(NumberFault::ShortCode), "{text}");
    }
}

#[test]
fn a_foreign_number_keeps_its_country_code_and_its_plus() {
    for (text, dialled) in [
        ("+1 415 555 0100", "+14155550100"),
        ("+852 9123 4567", "+85291234567"),
        ("+44 (20) 7946-0958", "+442079460958"),
        ("＋８１ ９０ １２３４ ５６７８", "+819012345678"),
        ("00852 9123 4567", "+85291234567"),
        ("+1 415 555 0100 ext 12", "+14155550100"),
    ] {
        assert_eq!(read(text).0, NumberKind::International, "{text}");
        assert_eq!(Number::for_sms(text).unwrap().dialled(), dialled, "{text}");
    }
    for (text, fault) in [
        ("+1 234", NumberFault::TooShort),
        ("+12345678901234567", NumberFault::TooLong),
        ("+0 4155550100", NumberFault::Shape),
        ("+", NumberFault::Marks),
        ("1+4155550100", NumberFault::Marks),
        ("+86 138001380001", NumberFault::TooLong),
    ] {
        assert_eq!(Numbers::read(text), Err(fault), "{text}");
    }
}

#[test]
fn a_mobile_with_a_plus_and_without_86_is_sent_neither_abroad_nor_here() {
    for text in [
        "+13800138000",
        "+1 3800138000",
        "+138 0013 8000",
        "＋１３８００１３８０００",
        "(+138)00138000",
        "0013800138000",
        "+18412348075转7839",
        "+19912345678",
        "+16612345678",
        "+17312345678",
        // Also a number of Los Angeles.
        "+1 310 555 0100",
        "+1-984-555-0100",
    ] {
        assert_eq!(Numbers::read(text), Err(NumberFault::PlusWithout86), "{text}");
        assert_eq!(Number::for_sms(text), Err(NumberFault::PlusWithout86), "{text}");
    }
    // The other number does not make up for it.
    assert_eq!(Numbers::read("+13800138000/13900139000"), Err(NumberFault::PlusWithout86));
    for text in ["+86 13800138000", "0086 13800138000", "86 13800138000", "13800138000"] {
        assert_eq!(read(text).0, NumberKind::Mobile, "{text}");
    }
}

#[test]
fn a_number_of_north_america_has_an_area_code_and_an_exchange_that_there_can_be() {
    for text in ["+1 212 555 0100", "+1 (415) 555-0100", "001 212 555 0100", "+1 541 555 0100", "+1 604 555 0100"] {
        assert_eq!(read(text).0, NumberKind::International, "{text}");
    }
    for (text, fault) in [
        ("+1 015 555 0100", NumberFault::Shape),
        ("+1 115 555 0100", NumberFault::Shape),
        ("+10013800138", NumberFault::Shape),
        ("+1 212 055 0100", NumberFault::Shape),
        ("+1 415 155 0100", NumberFault::Shape),
        ("+1380013800", NumberFault::TooShort),
        ("+138001380001", NumberFault::TooLong),
        ("001 212 555 010", NumberFault::TooShort),
    ] {
        assert_eq!(Numbers::read(text), Err(fault), "{text}");
    }
}

#[test]
fn a_damaged_text_has_no_number_and_says_why() {
    use NumberFault::*;
    for (text, fault) in [
        ("138****8000", Masked),
        ("138＊＊＊＊8000", Masked),
        ("138XXXX8000", Masked),
        ("138••••8000", Masked),
        ("1*******00", Masked),
        ("138******00/13900139000", Masked),
        ("18412348075转****", Masked),
        ("1.38E+10", Spreadsheet),
        ("1.38e10", Spreadsheet),
        ("１．３８Ｅ＋１０", Spreadsheet),
        ("1,38E+10", Spreadsheet),
        ("13800138000.0", Spreadsheet),
        ("13800138000.00", Spreadsheet),
        ("########", Spreadsheet),
        ("#N/A", Spreadsheet),
        ("13800l38000", Letters),
        ("13800138OOO", Letters),
        ("张三13800138000", Letters),
        ("tel 13800138000", Letters),
        ("无", Letters),
        ("13800138000a", Letters),
        ("13800138000!", Marks),
        ("138=00138000", Marks),
        ("00083100831\u{202e}", Marks),
        ("1380013800", TooShort),
        ("138 0013", TooShort),
        ("861380013800", TooShort),
        ("1", TooShort),
        ("0", TooShort),
        ("10086转1", TooShort),
        ("138001380001", TooLong),
        ("1380013800013900139000", TooLong),
        ("13800138000 7839", TooLong),
        ("13800138000-13900139000", TooLong),
        ("12345678901", Shape),
        ("013800138000", Shape),
        ("18412348075转", Extension),
        ("18412348075转1234567", Extension),
        ("18412348075转78 39", Extension),
        ("", Empty),
        (" - ", Empty),
        ("/,、", Empty),
    ] {
        assert_eq!(Numbers::read(text), Err(fault), "{text}");
        assert!(Number::for_sms(text).is_err(), "{text}");
    }
    assert_eq!(Numbers::read(&"1".repeat(5_000)), Err(TooLong));
    assert_eq!(Numbers::of(&Personal::from_bytes(&[1, 0, 9]).unwrap()), Err(Sealed));
}

#[test]
fn of_two_numbers_the_first_mobile_counts_and_the_other_is_kept() {
    for text in [
        "13800138000/13900139000",
        "13800138000,13900139000",
        "13800138000，13900139000",
        "13800138000、13900139000",
        "13800138000;13900139000",
        "13800138000；13900139000",
        "13800138000 13900139000",
        "138 0013 8000 139-0013-9000",
        "13800138000\n13900139000",
        "+86 13800138000 +86 13900139000",
    ] {
        let numbers = Numbers::read(text).unwrap_or_else(|fault| panic!("{text}: {fault:?}"));
        let others: Vec<&str> = numbers.others().iter().map(Number::digits).collect();
        assert_eq!((numbers.main().digits(), others.as_slice()), ("13800138000", ["13900139000"].as_slice()), "{text}");
    }
    for (text, main, other) in [
        ("0571-88001234/13800138000", "13800138000", "057188001234"),
        ("13800138000 0571-88001234", "13800138000", "057188001234"),
        ("10086/18412348075转7839", "18412348075", "10086"),
        ("+85291234567/13800138000", "13800138000", "85291234567"),
        ("88001234/+85291234567", "85291234567", "88001234"),
    ] {
        let numbers = Numbers::read(text).unwrap_or_else(|fault| panic!("{text}: {fault:?}"));
        assert_eq!((numbers.main().digits(), numbers.others()[0].digits()), (main, other), "{text}");
    }
    let two = Numbers::read("13800138000/18412348075转7839").unwrap();
    assert_eq!((two.main().extension(), two.others()[0].extension()), (None, Some("7839")));
    // A text is read as a whole or not at all.
    assert_eq!(Numbers::read("13800138000/1390013900"), Err(NumberFault::TooShort));
}

#[test]
fn a_number_does_not_show_itself_in_debug() {
    let shown = format!("{:?}", Numbers::read("13800138000转12/0571-88001234").unwrap());
    assert!(!shown.chars().any(|c| c.is_ascii_digit()), "{shown}");
}

/// The digits of a text, with one `|` for each run of characters that are more than a way of writing.
fn runs(text: &str) -> String {
    let mut out = String::new();
    for c in marks::plain(text).chars() {
        match c {
            ' ' | '-' => {}
            digit if digit.is_ascii_digit() => out.push(digit),
            _ => out.push('|'),
        }
    }
    out
}

/// Texts that resemble numbers.
fn texts() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => "[0-9]{1,11}",
        2 => "1[3-9][0-9]{9}",
        1 => "0[1-9][0-9]{1,2}",
        1 => "[０-９]{1,11}",
        3 => prop::sample::select(vec![" ", "-", "(", ")", "+", "+86", "0086", "转", "x", "#", "ext", "分机", ",", "、", "/", ";"])
            .prop_map(str::to_owned),
        1 => prop::sample::select(vec!["*", ".", "E+", "a", "张", "'", "\u{202e}", "\u{200b}"]).prop_map(str::to_owned),
    ];
    prop::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_digits_of_a_number_stand_together_in_the_text(text in prop_oneof![texts(), any::<String>()]) {
        let Ok(numbers) = Numbers::read(&text) else { return Ok(()) };
        let runs = runs(&text);
        for number in std::iter::once(numbers.main()).chain(numbers.others()) {
            prop_assert!(runs.contains(number.digits()), "{:?} in {text:?}", number.digits());
            prop_assert!(number.extension().is_none_or(|extension| runs.contains(extension)), "{text:?}");
            prop_assert!(number.digits().bytes().all(|byte| byte.is_ascii_digit()));
        }
    }

    #[test]
    fn a_number_that_was_read_reads_as_itself(text in texts()) {
        let Ok(number) = Number::for_sms(&text) else { return Ok(()) };
        let again = Number::for_sms(&number.dialled()).unwrap();
        prop_assert_eq!((again.kind(), again.digits()), (number.kind(), number.digits()));
    }
}
