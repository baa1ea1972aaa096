//! When a device must speak up by itself: before the notice runs out while there is no network (domain 3.6), when a notice or a reply
//! has come, and when a clock has run out. The platform schedules these; nothing here waits or reads a clock.

use doorstep_domain::{CaseId, Outlet, UnixMs, words};
use serde::Serialize;

use crate::{Duty, DutyKind, Pack, Reader, Words};

words!(
    /// Why a device speaks up.
    AlarmKind {
        /// The notice runs out soon, and there is no network.
        NoticeEnds = "notice_ends",
        /// A notice has come for the reader.
        NoticeCame = "notice_came",
        /// A reply has come that the reader has to follow.
        ReplyCame = "reply_came",
        /// A clock has run out.
        ClockRanOut = "clock_ran_out",
    }
);

/// What is known of an open case without its document.
#[derive(Debug, Clone)]
pub struct Watched {
    /// The case.
    pub case: CaseId,
    /// Its waybill.
    pub waybill: String,
    /// What is due in it.
    pub duties: Vec<Duty>,
    /// Its origin outlet, from the directory.
    pub origin: Option<Outlet>,
}

/// A moment at which the device speaks up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Alarm {
    /// Names this alarm as long as its reason lasts, so that nobody hears it twice.
    pub id: String,
    /// When. A moment that has passed is due now.
    pub at: UnixMs,
    /// Why.
    pub kind: AlarmKind,
    /// The case.
    pub case: CaseId,
    /// Its waybill.
    pub waybill: String,
    /// The clock, if one is meant.
    pub clock: Option<String>,
    /// What is the matter.
    pub text: Words,
    /// What to do.
    pub to_do: Words,
}

/// The alarms of a reader until a moment, the earliest first. Ask again when something was recorded, when a sync has ended, and when
/// the network comes or goes.
pub fn alarms(cases: &[Watched], pack: &Pack, reader: &Reader, is_online: bool, (now, until): (UnixMs, UnixMs)) -> Vec<Alarm> {
    let mut all: Vec<Alarm> = Vec::new();
    for watched in cases {
        for duty in &watched.duties {
            let is_mine = duty.is_for(reader);
            let of = Of { watched, duty, is_mine, pack, now };
            if is_mine && !is_online {
                all.extend(of.notice_ends());
            }
            if is_mine {
                all.extend(of.came());
            }
            if is_mine || is_waited_for(duty, reader) {
                all.extend(of.ran_out());
            }
        }
    }
    all.retain(|alarm| alarm.at <= until);
    all.sort_by(|a, b| (a.at, &a.id).cmp(&(b.at, &b.id)));
    all.dedup_by(|a, b| a.id == b.id);
    all
}

/// Whether the reader has to act when another side lets a clock run out: without a reply the delivering side begins the method (T-5).
fn is_waited_for(duty: &Duty, reader: &Reader) -> bool {
    let is_anothers = duty.outlet.as_ref().is_none_or(|outlet| *outlet != reader.outlet);
    duty.kind == DutyKind::Reply && is_anothers && !reader.watches_all()
}

struct Of<'a> {
    watched: &'a Watched,
    duty: &'a Duty,
    /// Whether the duty is the reader's own.
    is_mine: bool,
    pack: &'a Pack,
    now: UnixMs,
}

impl Of<'_> {
    fn alarm(&self, kind: AlarmKind, at: UnixMs, text: Words, to_do: Words) -> Alarm {
        let Self { watched: Watched { case, waybill, .. }, duty: Duty { clock, about, step, .. }, .. } = self;
        let parts = [Some(kind.as_str().to_owned()), Some(case.to_string()), clock.clone(), step.clone()];
        let about = about.as_ref().map(ToString::to_string);
        let id = parts.into_iter().chain([about]).flatten().collect::<Vec<_>>().join(":");
        Alarm { id, at, kind, case: *case, waybill: waybill.clone(), clock: clock.clone(), text, to_do }
    }

    /// Before the end of a notice that only the phone can bring in time.
    fn notice_ends(&self) -> Option<Alarm> {
        let is_notice = matches!(self.duty.kind, DutyKind::Notify | DutyKind::SendNotice);
        let end = self.duty.until.filter(|end| is_notice && *end >= self.now)?;
        let at = end.plus(i64::from(self.pack.alarms().notice_minutes).saturating_mul(-60_000));
        // The end is inclusive, by its last millisecond.
        let left = end.plus(1).since(at.max(self.now)).div_euclid(60_000);
        let text = Words {
            zh: format!("现在断网，离通知寄件网点的期限还有 {left} 分钟"),
            en: format!("you are offline, and {left} min are left to notify the origin outlet"),
        };
        let to_do = match &self.watched.origin {
            Some(Outlet { name_zh, name_en, phone, .. }) => Words {
                zh: format!("请打电话 {phone} 通知寄件网点（{name_zh}），并登记接听人、号码和时间"),
                en: format!("phone the origin outlet {phone} ({name_en}), and record who answered, the number and the time"),
            },
            None => Words {
                zh: "寄件网点的电话未知：请向本网点询问，打电话通知，并登记接听人、号码和时间".to_owned(),
                en: "the origin outlet's number is not known: ask your outlet, phone it, and record who answered, the number and the time"
                    .to_owned(),
            },
        };
        Some(self.alarm(AlarmKind::NoticeEnds, at, text, to_do))
    }

    /// A notice or a reply that is here and that nobody has acted on.
    fn came(&self) -> Option<Alarm> {
        let text = |zh: &str, en: &str| Words { zh: zh.to_owned(), en: en.to_owned() };
        let (kind, text) = match self.duty.kind {
            DutyKind::Look => (AlarmKind::NoticeCame, text("收到问题件通知", "a notice of a problem has come")),
            DutyKind::Follow => (AlarmKind::ReplyCame, text("寄件网点已回复", "the origin outlet has replied")),
            _ => return None,
        };
        Some(self.alarm(kind, self.now, text, self.to_do()))
    }

    fn ran_out(&self) -> Option<Alarm> {
        let end = self.duty.missed.or(self.duty.until)?;
        let clock = self.duty.clock.as_ref().and_then(|clock| self.pack.clock(clock));
        let name = clock.map_or_else(|| self.to_do(), |clock| Words { zh: clock.zh.clone(), en: clock.en.clone() });
        let text = Words { zh: format!("期限已过：{}", name.zh), en: format!("a time limit has passed: {}", name.en) };
        Some(self.alarm(AlarmKind::ClockRanOut, end.plus(1), text, self.to_do()))
    }

    /// What the reader has to do, in words. If another side has not replied, it is the method of the problem type (T-5).
    fn to_do(&self) -> Words {
        match &self.duty.step {
            Some(step) => self.pack.name_of(step),
            None if !self.is_mine => self.pack.words(DutyKind::Method.as_str()),
            None => self.pack.words(self.duty.kind.as_str()),
        }
    }
}
