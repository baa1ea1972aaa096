//! How well the times behind a finding are known: the gap between two contacts of a device with head office.

use doorstep_domain::{EntryKey, UnixMs};
use serde::Serialize;

use crate::{Words, case_index::Act};

/// The two contacts with head office between which the acts of a finding lie. No claim of a device moves an act out of this gap.
/// With several acts it is the widest gap.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Contacts {
    /// The act with the widest gap.
    pub entry: EntryKey,
    /// Lower end of the gap; `None` if unknown.
    pub from: Option<UnixMs>,
    /// Upper end of the gap.
    pub until: UnixMs,
    /// Whether the clocks of the devices prove the times of all acts within their gaps.
    pub proven: bool,
    /// Whether another device of the person was in contact within the gap of an act whose time is not proven.
    pub others_in_contact: bool,
    /// The person's unproven acts in 30 days; the greatest number among the acts.
    pub unproven_acts: u16,
}

impl Contacts {
    /// The width of the gap in milliseconds; `None` if unbounded.
    pub fn width_ms(&self) -> Option<i64> {
        self.from.map(|from| self.until.since(from))
    }
}

/// The words for a gap of this width in milliseconds, and for whether a clock proves the time within it.
pub fn gap_words(width_ms: Option<i64>, proven: bool) -> Words {
    let (zh, en) = match width_ms.map(|width| width.div_euclid(3_600_000)) {
        Some(0) => ("联网间隔不到 1 小时".to_owned(), "a gap of less than 1 h between contacts".to_owned()),
        Some(hours) => (format!("联网间隔 {hours} 小时"), format!("a gap of {hours} h between contacts")),
        None => ("联网间隔不明".to_owned(), "a gap without a known beginning".to_owned()),
    };
    if proven {
        return Words { zh: format!("{zh}，时钟可以核实"), en: format!("{en}, and the clock proves the time") };
    }
    Words { zh: format!("{zh}，其间时间无法核实"), en: format!("{en}, and nothing proves when within it") }
}

/// The widest gap of some acts; `None` if the server has none of them yet.
pub(crate) fn contacts(acts: &[&Act<'_>]) -> Option<Contacts> {
    let received = acts.iter().filter_map(|act| Some((*act, act.recorded.standing.receipt()?)));
    let mut widest: Option<Contacts> = None;
    for (act, receipt) in received {
        let (from, until) = receipt.acted.gap(receipt.received_at);
        let one = Contacts {
            entry: act.key().clone(),
            from,
            until,
            proven: act.when.verified || !act.when.doubtful,
            others_in_contact: receipt.others_in_contact,
            unproven_acts: receipt.unproven_acts,
        };
        widest = Some(match widest {
            Some(other) => other.or_wider(one),
            None => one,
        });
    }
    widest
}

impl Contacts {
    /// The wider of two gaps, with the marks of both.
    fn or_wider(self, other: Self) -> Self {
        let width = |contacts: &Self| contacts.width_ms().unwrap_or(i64::MAX);
        let proven = self.proven && other.proven;
        let others_in_contact = self.others_in_contact || other.others_in_contact;
        let unproven_acts = self.unproven_acts.max(other.unproven_acts);
        let wider = if width(&other) > width(&self) { other } else { self };
        Self { proven, others_in_contact, unproven_acts, ..wider }
    }
}
