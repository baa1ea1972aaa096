//! Words that no rule pack has: names of actions, kinds and standings, times and sizes. Chinese with English beside it.

use std::path::Path;

use chrono::{DateTime, FixedOffset};
use doorstep_client::Salvage;
use doorstep_domain::{GeoPosition, Personal, RefusalCode, Standing, UnixMs};
use doorstep_rules::Words;

/// One line in both languages.
pub fn say(zh: &str, en: &str) -> String {
    if zh == en { zh.to_owned() } else { format!("{zh} / {en}") }
}

/// The words of a pack, in both languages.
pub fn both(words: &Words) -> String {
    say(&words.zh, &words.en)
}

/// The name of an action of the status or of a kind of entry.
pub fn action(word: &str) -> String {
    let kind = match word {
        "fail" => "attempt",
        "photos" => "photo",
        "waive" => "waiver",
        "correct" => "correction",
        "identify" => "alias",
        "assign_back" => "assign",
        "resend" => return say("总部未收到，重新发送", "head office lacks it; sent again"),
        other => other,
    };
    both(&doorstep_rules::words(kind))
}

/// Why something was refused, from its code.
pub fn reason(code: &RefusalCode) -> String {
    let text = code.to_string();
    let (head, rest) = text.split_once(':').unwrap_or((&text, ""));
    let words = match code {
        RefusalCode::Rights(_) => say("无权登记", "no right to record it"),
        RefusalCode::Revoked => say("设备或账号已停用", "device or person is revoked"),
        RefusalCode::Discarded(_) => say("总部不予采用", "discarded by head office"),
        RefusalCode::CaseFull => say("该件记录已达上限", "the case is full"),
        RefusalCode::Damaged => say("本机数据损坏", "damaged on this device"),
        RefusalCode::SeqTaken => say("另一份拷贝占用了编号", "another copy has its number"),
        _ => say("格式不符", "not as it should be"),
    };
    if rest.is_empty() { format!("{words} ({head})") } else { format!("{words} ({head}: {})", rest.trim()) }
}

/// Says that other accounts of this computer could read the store until now.
pub fn closed_to_others(store: &Path) -> String {
    say(
        &format!("{} 以前可被本机其他账号读取，现已改为仅限本账号", store.display()),
        &format!("other accounts could read {}; from now on only yours can", store.display()),
    )
}

/// Says that other accounts of this computer may still read files of the store.
pub fn left_open_to_others(store: &Path, why: &str) -> String {
    say(
        &format!(
            "{} 中有文件可被本机其他账号读取，且无法更改（{why}）；请将其归本账号所有，并执行 chmod -R go=",
            store.display()
        ),
        &format!(
            "other accounts may read what is in {}, and that could not be changed: {why}; make it yours and run chmod -R go= on it",
            store.display()
        ),
    )
}

/// Says that the store was damaged and repaired, which parcels to record again, and where the damaged files are.
pub fn salvage(salvage: &Salvage) -> String {
    let again = if salvage.again.is_empty() { String::new() } else { format!(": {}", salvage.again.join(", ")) };
    let (zh, en) = match (salvage.enrol_again, salvage.again.is_empty()) {
        (true, _) => ("数据文件曾损坏，已修复，请重新注册", "the store was damaged and repaired; enrol again"),
        (false, true) => ("数据文件曾损坏，已修复", "the store was damaged and repaired"),
        (false, false) => ("数据文件曾损坏，已修复，请重新登记", "the store was damaged and repaired; record again"),
    };
    format!("{}{again} ({})\n", say(zh, en), salvage.folder.display())
}

/// Says that the disk is full, what goes on and what waits.
pub fn waits_for_room() -> String {
    let (zh, en) = (
        "手机存储空间不足：已登记的内容照常发送，其他人的更新、名单和照片暂不下载；请清理出一些空间",
        "the disk is full: what is recorded is sent all the same; others' changes, lists and photos wait until there is room; free some space",
    );
    format!("! {}\n", say(zh, en))
}

/// Says that this device was started anew and has not heard head office since.
pub fn times_unproven() -> String {
    let (zh, en) = (
        "本机开机后还未联系过总部：在联系之前，登记的时间无法证明（记录照样有效）",
        "not in contact since this device was started: times can not be proven until head office was heard once (records count all the same)",
    );
    format!("! {}\n", say(zh, en))
}

/// How an entry stands, in the four words. Never "saved" for something only this device has.
pub fn standing(standing: &Standing) -> String {
    match standing {
        Standing::OnThisDevice => say("在本机，尚未发送", "on this device"),
        Standing::SentNotConfirmed => say("已发送，未确认", "sent, not confirmed"),
        Standing::Accepted(_) => say("总部已收", "accepted"),
        Standing::Quarantined { reason: why @ RefusalCode::Discarded(_) } => reason(why),
        Standing::Quarantined { reason: why } => format!("{}: {}", say("待总部审核", "quarantined for review"), reason(why)),
    }
}

/// A personal value for the screen, on one line.
pub fn personal(value: &Personal) -> String {
    value.text().map_or_else(sealed, one_line)
}

/// Text on one line: what another device wrote must not steer this terminal.
pub fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// What stands for a value that is sealed.
pub fn sealed() -> String {
    say("（已加密）", "(sealed)")
}

/// A day by the network's clocks.
pub fn day(days: i32) -> String {
    let date = DateTime::from_timestamp(i64::from(days) * 86_400, 0);
    date.map_or_else(|| days.to_string(), |date| date.format("%Y-%m-%d").to_string())
}

/// A position in degrees, with the accuracy that it has.
pub fn place(place: GeoPosition) -> String {
    let accuracy = place.accuracy_m.map_or_else(String::new, |metres| format!(" ±{metres} m"));
    format!("{:.5}, {:.5}{accuracy}", f64::from(place.lat_e7) / 1e7, f64::from(place.lon_e7) / 1e7)
}

/// A moment in the network's zone, to the minute.
pub fn time(at: UnixMs, zone: FixedOffset) -> String {
    let time = DateTime::from_timestamp_millis(at.0).map(|time| time.with_timezone(&zone).format("%Y-%m-%d %H:%M").to_string());
    time.unwrap_or_else(|| at.to_string())
}

/// Time left, rounded down to minutes.
pub fn left(ms: i64) -> String {
    let minutes = ms.max(0) / 60_000;
    let (hours, minutes) = (minutes / 60, minutes % 60);
    say(&format!("剩{hours}小时{minutes}分"), &format!("{hours} h {minutes} min left"))
}

/// A size for a person who pays for data.
pub fn size(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{} kB", bytes / 1_000),
        _ => format!("{}.{} MB", bytes / 1_000_000, bytes / 100_000 % 10),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[test]
    fn every_action_of_the_journal_has_a_name() {
        for word in
            ["fail", "problem", "photos", "sms", "outage", "reply", "mark", "waive", "correct", "identify", "close", "resend"]
        {
            assert_ne!(action(word), word);
        }
    }

    #[test]
    fn time_left_is_told_in_hours_and_minutes() {
        assert_eq!(left(89 * 60_000 + 59_999), "剩1小时29分 / 1 h 29 min left");
        assert_eq!(left(-5), "剩0小时0分 / 0 h 0 min left");
    }
}
