//! The surname in a name as it stands on a label, and the promise of a preview: a text that is rendered is head office's own.

use std::sync::LazyLock;

use doorstep_domain::{UnixMs, Waybill};
use doorstep_rules::{
    FIRST_PACK, Pack, SurnamePlace, Variable, Words,
    sms::{Fields, Honorific, Known, Language, TemplateFault, fits, fits_known, render},
};
use proptest::prelude::*;

use crate::story::*;

const SHIPPED: [&str; 4] = ["qinghe-1", "zto-process-1", "nengda-gd-1", "cs-generic-1"];

fn pack_of(name: &str) -> Pack {
    let file = format!("{}/packs/{name}.toml", env!("CARGO_MANIFEST_DIR"));
    Pack::parse(&std::fs::read(file).unwrap()).unwrap()
}

/// Checks names with their surname; an empty one stands for none.
fn are(rows: &[(&str, &str)]) {
    let pack = qinghe();
    for (name, surname) in rows {
        assert_eq!(pack.surname(name).unwrap_or_default(), *surname, "{name}");
    }
}

// rules: SMS-4
#[test]
fn a_name_with_a_dot_is_addressed_by_its_whole_first_part() {
    are(&[
        ("阿依古丽·买买提", "阿依古丽"),
        ("阿依古丽‧买买提", "阿依古丽"),
        ("阿依古丽•买买提", "阿依古丽"),
        ("阿依古丽・买买提", "阿依古丽"),
        ("阿依古丽･买买提", "阿依古丽"),
        ("艾力.吐尔逊", "艾力"),
        ("迪丽热巴 · 迪力木拉提女士", "迪丽热巴"),
        ("马合木提·***", "马合木提"),
        ("欧阳·小明", "欧阳"),
        ("阿**·买买提", ""),
        // A dot before a remark or a number is none of a name.
        ("王小明·收", "王"),
        ("王小明·13800001111", "王"),
        ("A.王小明", "王"),
        ("王小明·", "王"),
    ]);
}

#[test]
fn a_compound_surname_is_found_in_either_form_and_keeps_its_form() {
    are(&[
        ("歐陽修", "歐陽"),
        ("司馬光", "司馬"),
        ("諸葛亮", "諸葛"),
        ("欧阳小明", "欧阳"),
        ("獨孤求敗", "獨孤"),
        ("万俟明", "万俟"),
        ("軒轅小明", "軒轅"),
        ("陳小明", "陳"),
        ("𠮷先生", "𠮷"),
    ]);
    assert_eq!(pack_of("nengda-gd-1").surname("皇甫嵩").as_deref(), Some("皇甫"), "the product knows more than the pack");
    let mut pack = qinghe();
    pack.sms.compound_surnames.push("完颜".into());
    assert_eq!(pack.surname("完顏洪烈").as_deref(), Some("完顏"), "the pack may know more than the product");
}

#[test]
fn a_title_is_neither_a_surname_nor_a_given_name() {
    are(&[
        ("王先生", "王"),
        ("李女士", "李"),
        ("张总", "张"),
        ("陈老师", "陈"),
        ("欧阳小姐", "欧阳"),
        ("王师傅", "王"),
        ("歐陽師傅", "歐陽"),
        ("老王", "王"),
        ("小李", "李"),
        ("Wang先生", "Wang"),
        ("Mr王", "王"),
        ("Dr. Li Wang", "Wang"),
        ("房东李姐", "李"),
        ("先生", ""),
        ("老板娘", ""),
        ("某女士", ""),
        ("小明", ""),
        ("Mrs.", ""),
    ]);
}

#[test]
fn a_company_has_no_surname_but_the_person_named_with_it_has() {
    are(&[
        ("某某有限公司", ""),
        ("青禾便民店", ""),
        ("华联超市", ""),
        ("菜鸟驿站", ""),
        ("万科物业", ""),
        ("青禾公司", ""),
        ("实验学校", ""),
        ("王记水果店", ""),
        ("农业银行高新支行", ""),
        ("Qinghe Trading Co., Ltd.", ""),
        ("张江派出所", ""),
        ("前台", ""),
        ("青禾公司王小明", "王"),
        ("某某有限公司（李雷）", "李"),
        ("阳光小区业主陈明", "陈"),
        ("青禾超市二楼", ""),
        // Given names, not companies.
        ("李大学", "李"),
        ("王中心", "王"),
    ]);
}

#[test]
fn marks_brackets_labels_digits_and_pictures_before_a_name_are_skipped() {
    are(&[
        ("【王】小明", "王"),
        ("(收)李雷", "李"),
        ("收件人：王小明", "王"),
        ("收件人王小明", "王"),
        ("★欧阳小明", "欧阳"),
        ("【京东】王小明", "王"),
        ("[欧阳]小明", "欧阳"),
        ("王小明(收)", "王"),
        ("【王小明】", "王"),
        ("(收李雷", "李"),
        ("To: Li Wang", "Wang"),
        ("😀王小明", "王"),
        ("👩‍👩‍👧李雷", "李"),
        ("❤️陈明", "陈"),
        ("88王小明", "王"),
        ("3栋502室王小明", "王"),
        ("1️⃣ 李雷", "李"),
        ("A王小明", "王"),
        ("\u{202e}\u{feff}王\u{200b}小明\u{2066}", "王"),
        ("Ｗａｎｇ", "Wang"),
        ("😀🎉", ""),
        ("12345", ""),
        ("3栋502室", ""),
        ("……", ""),
        ("\u{3164}", ""),
    ]);
}

#[test]
fn a_label_is_taken_off_behind_letters_and_a_room_is_nobody() {
    are(&[
        ("VIP客户李雷", "李"),
        ("VIP 客户：李雷", "李"),
        ("A客户王小明", "王"),
        ("青禾公司：王小明", "王"),
        ("王小明：请放门口", "王"),
        ("老客户陈明", "陈"),
        ("3栋业主欧阳小明", "欧阳"),
        ("VIP贵宾王先生", "王"),
        ("尊敬的客户王小明", "王"),
        ("门卫室王小明", "王"),
        ("門衛室王小明", "王"),
        ("收发室（王小明）", "王"),
        ("VIP Li Wang", "Wang"),
        ("王小明本人签收", "王"),
        ("门卫室", ""),
        ("门卫", ""),
        ("收发室", ""),
        ("收發室", ""),
        ("前台", ""),
        ("保安亭", ""),
        ("传达室", ""),
        ("VIP客户", ""),
        ("代收点", ""),
        ("快递柜", ""),
        ("VIP", ""),
    ]);
}

#[test]
fn a_remark_in_place_of_a_name_is_no_surname() {
    are(&[
        ("请放门口王小明", ""),
        ("不要打电话张伟", ""),
        ("勿敲门", ""),
        ("放门卫室", ""),
        ("請放門口", ""),
        ("无人接听", ""),
        ("麻烦放门口", ""),
        ("周末送货", ""),
        ("送货上门", ""),
        ("电话联系王小明", ""),
        ("VIP客户请放门口", ""),
        ("收件人：请放快递柜", ""),
        ("(请放门口)", ""),
        ("【勿敲门】", ""),
        ("Please leave at door John Smith", ""),
        ("Do not call", ""),
        ("阿依古丽买买提", ""),
        // A remark apart from the name takes nothing from it.
        ("王小明(请放门口)", "王"),
        ("王小明 不要打电话", "王"),
        ("【勿敲门】王小明", "王"),
        ("王小明放门口", "王"),
        ("陳小明請放門口", "陳"),
        ("联系人王小明", "王"),
        ("Do Thi Lan", "Lan"),
        ("Leave", "Leave"),
    ]);
}

#[test]
fn a_masked_name_has_a_surname_only_if_that_is_to_be_read() {
    are(&[
        ("王**", "王"),
        ("欧阳*", "欧阳"),
        ("王*明", "王"),
        ("王XX", "王"),
        ("王**先生", "王"),
        ("*小明", ""),
        ("**明", ""),
        ("＊明", ""),
        ("XX明", ""),
        ("x先生", ""),
        ("○○先生", ""),
        ("\u{fffd}小明", ""),
        ("Wang M***", ""),
        ("W*** Ming", "Ming"),
    ]);
}

#[test]
fn a_name_in_letters_gives_the_word_that_the_pack_names_or_the_part_before_a_comma() {
    are(&[
        ("Li Wang", "Wang"),
        ("Wang", "Wang"),
        ("Wang, Ming", "Wang"),
        ("Wang，Ming", "Wang"),
        ("van der Berg, Jan", "van der Berg"),
        ("John Smith, Jr.", "Smith"),
        ("José García", "García"),
        ("Sean O’Neil", "O’Neil"),
        ("Иван Иванов", "Иванов"),
        ("김민수", "김"),
        ("Ayigul · Maimaiti", "Ayigul"),
        ("ジョン・スミス", "ジョン"),
        ("wang@a.cn", ""),
    ]);
    let mut pack = qinghe();
    pack.sms.surname_place = Some(SurnamePlace::First);
    let is = |name: &str| pack.surname(name).unwrap_or_default();
    assert_eq!(
        [is("Wang Ming"), is("Mr. Wang Ming"), is("Wang M***"), is("Ming, Wang"), is("王明")],
        ["Wang", "Wang", "Wang", "Ming", "王"]
    );
}

#[test]
fn a_pack_names_the_place_of_the_surname_from_format_2_on() {
    let toml = String::from_utf8(FIRST_PACK.to_vec()).unwrap();
    let toml = toml.replacen("compound_surnames", "surname_place = \"first\"\ncompound_surnames", 1);
    assert!(Pack::parse(toml.as_bytes()).unwrap_err().reason.contains("write `format = 2`"));
    let pack = Pack::parse(format!("format = 2\n{toml}").as_bytes()).unwrap();
    assert_eq!(pack.sms.surname_place, Some(SurnamePlace::First));
    assert!(SHIPPED.iter().all(|name| pack_of(name).sms.surname_place.is_none()));
}

fn words(name: &str) -> Words {
    Words { zh: name.to_owned(), en: name.to_owned() }
}

/// A pack whose template has every variable.
fn whole_pack() -> Pack {
    let mut pack = qinghe();
    let template = &mut pack.sms.templates[0];
    template.zh = "{surname}{honorific}，{brand}[{outlet}]{waybill}，{reason}[，{time}][，电话{callback}]。".into();
    template.en = "{honorific} {surname}, {brand}[ at {outlet}]: {waybill}, {reason}[ ({time})][, {callback}].".into();
    pack
}

fn fields<'a>(waybill: &'a Waybill, name: &'a str, outlet: &'a Words) -> Fields<'a> {
    Fields {
        waybill,
        name: Some(name),
        honorific: Honorific::Unknown,
        reason: Some("DF-NOBODY"),
        callback: None,
        outlet: Some(outlet),
        at: UnixMs(1_772_431_200_000),
    }
}

// rules: SMS-4
#[test]
fn a_name_without_a_surname_gives_the_neutral_form_and_a_title_is_not_said_twice() {
    let (pack, waybill, outlet) = (qinghe(), Waybill::parse("QH310000000017").unwrap(), words("城西"));
    let template = pack.sms_template().unwrap();
    let made = |language, fields: &Fields<'_>| render(&pack, template, language, fields).unwrap().text;
    let long = format!("Wang{}", "x".repeat(20));
    for name in [
        "**明",
        "*小明",
        "青禾有限公司",
        "先生",
        "😀",
        " ",
        "Mr 007",
        "evil.com",
        "请放门口王小明",
        "门卫室",
        "勿敲门",
        long.as_str(),
    ] {
        for honorific in Honorific::ALL {
            let fields = Fields { honorific: *honorific, ..fields(&waybill, name, &outlet) };
            let (zh, en) = (made(Language::Zh, &fields), made(Language::En, &fields));
            assert!(zh.starts_with("尊敬的客户，您好，青禾速运！单号：QH310000000017"), "{name}: {zh}");
            assert!(en.starts_with("Dear customer, this is Qinghe Express. Your parcel QH310000000017"), "{name}: {en}");
            for text in [zh, en] {
                assert!(fits(&pack, template, &waybill, None, &text) && fits(&pack, template, &waybill, Some("王"), &text));
                assert!(!fits(
                    &pack,
                    template,
                    &waybill,
                    None,
                    &text.replace("客户", "得奖人").replace("customer", "winner of 9")
                ));
            }
        }
    }
    let nameless = Fields { name: None, ..fields(&waybill, "", &outlet) };
    assert!(made(Language::Zh, &nameless).starts_with("尊敬的客户，"));
    for (name, begins) in [("王先生", "王先生，您好"), ("欧阳先生", "欧阳先生，您好"), ("阿依古丽·买买提", "阿依古丽先生，您好")]
    {
        let fields = Fields { honorific: Honorific::Male, ..fields(&waybill, name, &outlet) };
        let text = made(Language::Zh, &fields);
        assert!(text.starts_with(begins), "{text}");
    }
}

// rules: SMS-4
#[test]
fn a_pack_words_its_neutral_form_and_a_part_in_brackets_with_the_surname_is_left_out() {
    let (mut pack, waybill, outlet) = (qinghe(), Waybill::parse("QH310000000017").unwrap(), words("城西"));
    pack.sms.neutral = Some(Words { zh: "客户".into(), en: "Customer".into() });
    for (zh, named, neutral) in [
        ("{surname}{honorific}，{brand}{waybill}", "王先生/女士，青禾速运", "客户，青禾速运"),
        ("{brand}{waybill}致{surname}", "王", "客户"),
        ("[{surname}{honorific}的件，]{surname}：{brand}{waybill}", "王先生/女士的件，王：", "客户："),
        ("{brand}[（{surname}收）]{surname} {honorific} {waybill}", "（王收）王 先生/女士 ", "青禾速运客户 "),
        ("{honorific}{surname}，{surname}！{brand}{waybill}", "先生/女士王，王！", "客户，客户！"),
    ] {
        pack.sms.templates[0].zh = zh.into();
        let template = pack.sms_template().unwrap();
        for (name, has) in [("王小明", named), ("*小明", neutral)] {
            let text = render(&pack, template, Language::Zh, &fields(&waybill, name, &outlet)).unwrap().text;
            assert!(text.contains(has) && text.contains('王') == (has == named), "{text}");
            assert!(fits(&pack, template, &waybill, pack.surname(name).as_deref(), &text), "{text}");
        }
    }
}

#[test]
fn a_pack_has_a_neutral_form_from_format_2_on_and_it_hides_nothing() {
    let toml = String::from_utf8(FIRST_PACK.to_vec()).unwrap();
    let with = |zh: &str| {
        toml.replacen("compound_surnames", &format!("neutral = {{ zh = \"{zh}\", en = \"Customer\" }}\ncompound_surnames"), 1)
    };
    assert!(Pack::parse(with("客户").as_bytes()).unwrap_err().reason.contains("write `format = 2`"));
    let parse = |zh: &str| Pack::parse(format!("format = 2\n{}", with(zh)).as_bytes());
    assert_eq!(parse("客户").unwrap().sms.neutral.unwrap().zh, "客户");
    for (zh, fault) in [
        ("", "1 to 20"),
        ("客户客户客户客户客户客户客户客户客户客户客", "1 to 20"),
        (" ", "not to be seen"),
        ("客\u{202e}户", "not to be seen"),
        ("看a.cn", "link"),
        ("13800138000", "digit"),
    ] {
        let refused = parse(zh).unwrap_err().reason;
        assert!(refused.contains(fault), "{zh}: {refused}");
    }
    assert!(SHIPPED.iter().all(|name| pack_of(name).sms.neutral.is_none()));
}

#[test]
fn an_outlet_with_digits_in_its_name_fits_and_one_that_could_hold_a_number_gives_no_text() {
    let (pack, waybill) = (whole_pack(), Waybill::parse("QH310000000017").unwrap());
    let template = pack.sms_template().unwrap();
    for name in ["城西2店", "12号网点", "西湖３部", "No. 7"] {
        let outlet = words(name);
        for language in [Language::Zh, Language::En] {
            let text = render(&pack, template, language, &fields(&waybill, "王小明", &outlet)).unwrap().text;
            assert!(text.contains(name) && fits(&pack, template, &waybill, Some("王"), &text), "{text}");
        }
    }
    let faults = [
        ("13800001111", TemplateFault::Type(Variable::Outlet)),
        ("城西\u{202e}店", TemplateFault::Type(Variable::Outlet)),
        ("城西\u{200b}店", TemplateFault::Type(Variable::Outlet)),
        ("看a.cn", TemplateFault::Link(Variable::Outlet)),
        ("城西城西城西城西城西城西城西城西城西城西店", TemplateFault::TooLong { variable: Variable::Outlet, most: 20 }),
    ];
    for (name, fault) in faults {
        let outlet = words(name);
        assert_eq!(render(&pack, template, Language::Zh, &fields(&waybill, "王小明", &outlet)).unwrap_err(), fault);
    }
}

#[test]
fn a_checker_that_knows_the_outlets_takes_their_names_only() {
    let (pack, waybill) = (whole_pack(), Waybill::parse("QH310000000017").unwrap());
    let template = pack.sms_template().unwrap();
    let outlets = [words("城东"), words("城西2店")];
    let known = Known { surname: Some("王"), outlets: &outlets };
    for (name, is_known) in [("城西2店", true), ("城东", true), ("城西", false), ("速回电领奖", false)] {
        let outlet = words(name);
        let text = render(&pack, template, Language::Zh, &fields(&waybill, "王小明", &outlet)).unwrap().text;
        assert_eq!(fits_known(&pack, template, &waybill, &known, &text), is_known, "{name}");
        assert!(fits(&pack, template, &waybill, Some("王"), &text), "{name} is of the type");
    }
}

#[test]
fn a_value_of_the_pack_that_hides_a_character_gives_no_text() {
    let (mut pack, waybill, outlet) = (qinghe(), Waybill::parse("QH310000000017").unwrap(), words("城西"));
    let fault = |pack: &Pack| {
        let template = pack.sms_template().unwrap();
        render(pack, template, Language::Zh, &fields(&waybill, "王小明", &outlet)).unwrap_err()
    };
    pack.name.zh = "青禾\u{202e}速运".into();
    assert_eq!(fault(&pack), TemplateFault::Type(Variable::Brand));
    pack.name.zh = "青禾速运".into();
    let row = pack.codes.iter_mut().find(|row| row.code == "DF-NOBODY").unwrap();
    row.sms_text = Some(words("家中\u{2066}无人"));
    assert_eq!(fault(&pack), TemplateFault::Type(Variable::Reason));
}

#[test]
fn a_text_of_many_optional_parts_fits_and_one_that_is_too_long_gives_no_text() {
    let (mut pack, waybill, outlet) = (qinghe(), Waybill::parse("QH310000000017").unwrap(), words("城西"));
    pack.sms.templates[0].zh = format!("{{surname}}{{brand}}{{waybill}}{}", "[{outlet}]".repeat(40));
    let template = pack.sms_template().unwrap();
    let text = render(&pack, template, Language::Zh, &fields(&waybill, "王小明", &outlet)).unwrap().text;
    assert!(text.ends_with("城西城西") && fits(&pack, template, &waybill, Some("王"), &text));
    pack.sms.templates[0].zh = format!("{{surname}}{{brand}}{{waybill}}{}", "{reason}".repeat(60));
    let row = pack.codes.iter_mut().find(|row| row.code == "DF-NOBODY").unwrap();
    row.sms_text = Some(words(&"家".repeat(60)));
    let template = pack.sms_template().unwrap();
    let fault = render(&pack, template, Language::Zh, &fields(&waybill, "王小明", &outlet)).unwrap_err();
    assert_eq!(fault, TemplateFault::Text);
}

/// The shipped packs, and one whose template has every variable.
static PACKS: LazyLock<Vec<Pack>> = LazyLock::new(|| SHIPPED.map(pack_of).into_iter().chain([whole_pack()]).collect());

/// Whether a character turns the direction of a text, is a control, or has no width.
fn hides(c: char) -> bool {
    let ranges = [0x200b..=0x200f, 0x202a..=0x202e, 0x2060..=0x2069, 0xfeff..=0xfeff, 0x61c..=0x61c];
    c.is_control() || ranges.iter().any(|range| range.contains(&u32::from(c)))
}

/// A name, an outlet or a number: any text, or one from characters that matter here.
fn value(of: &'static str) -> impl Strategy<Value = String> {
    prop_oneof![any::<String>(), of.prop_map(|text| text)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, ..ProptestConfig::default() })]

    #[test]
    fn a_text_that_is_rendered_fits_and_hides_nothing(
        name in value("[王欧歐阳陽小老明先生公司店·.,:*xA3栋é’ (【】)\u{200b}\u{202e}]{0,8}"),
        outlet in value("[城西店2部·. a\u{feff}\u{2066}]{0,10}"),
        callback in value("[0-9+() ,-]{0,21}"),
        honorific in 0..Honorific::ALL.len(),
    ) {
        let waybill = Waybill::parse("QH310000000017").unwrap();
        let outlet = words(&outlet);
        for pack in PACKS.iter() {
            let surname = pack.surname(&name);
            let reason = pack.codes.iter().find(|row| row.sms_text.is_some()).map(|row| row.code.as_str());
            let honorific = Honorific::ALL[honorific];
            let all = Fields { callback: Some(&callback), reason, honorific, ..fields(&waybill, &name, &outlet) };
            let fewer = Fields { callback: None, outlet: None, ..all.clone() };
            for template in &pack.sms.templates {
                for language in [Language::Zh, Language::En] {
                    for fields in [&all, &fewer] {
                        let Ok(made) = render(pack, template, language, fields) else { continue };
                        prop_assert!(fits(pack, template, &waybill, None, &made.text), "{:?}", made.text);
                        prop_assert!(fits(pack, template, &waybill, surname.as_deref(), &made.text), "{:?}", made.text);
                        let outlets = [words("别处"), outlet.clone()];
                        let known = Known { surname: surname.as_deref(), outlets: &outlets };
                        prop_assert!(fits_known(pack, template, &waybill, &known, &made.text), "{:?}", made.text);
                        prop_assert!(!made.text.chars().any(hides), "{:?}", made.text);
                        let is_named = surname.as_deref().is_some_and(|surname| made.text.contains(surname));
                        prop_assert!(is_named || made.text.contains("尊敬的客户") || made.text.contains("Dear customer"));
                    }
                }
            }
        }
    }
}
