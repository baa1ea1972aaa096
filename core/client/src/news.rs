//! What has changed in the list: case by case, in words, by the rows then and now. No case is read for it.

use std::sync::PoisonError;

use doorstep_domain::{CaseId, Waybill};
use doorstep_rules::{Pack, Words};
use doorstep_store::{Filter, KnownCases};
use serde::Serialize;

use crate::{
    Client, ClientError, Refusal,
    command::nothing,
    told::{Known, Told},
};

/// What is new in one case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CaseNews {
    /// Its waybill.
    pub waybill: String,
    /// What is new.
    #[serde(flatten)]
    pub told: Words,
}

impl Client {
    /// What is new in the list since this was asked last, in the order of the list; cases that have left this device come last. The first
    /// call after opening has nothing to compare with and answers with nothing: ask once before the first sync, and after each.
    pub fn news(&self) -> Result<Vec<CaseNews>, ClientError> {
        let now = self.cases(&Filter { closed: true, limit: u32::MAX, ..Filter::default() })?;
        let pack = self.pack()?;
        let order: Vec<CaseId> = now.iter().map(|row| row.case).collect();
        let now: Told = now.into_iter().map(|row| (row.case, Known::from(row))).collect();
        let before = {
            let mut told = self.inner.told.lock().unwrap_or_else(PoisonError::into_inner);
            told.replace(now.clone())
        };
        let (Some(before), Some(pack)) = (before, pack) else { return Ok(Vec::new()) };
        let mut news: Vec<CaseNews> = Vec::new();
        for case in &order {
            let Some(row) = now.get(case) else { continue };
            let told = told(before.get(case), row, &pack);
            news.extend(told.map(|told| CaseNews { waybill: row.waybill.clone(), told }));
        }
        let mut gone: Vec<&Known> = before.iter().filter(|(case, _)| !now.contains_key(case)).map(|(_, row)| row).collect();
        gone.sort_by(|a, b| a.waybill.cmp(&b.waybill));
        for row in gone {
            let told = ClientError::Refused(self.why_nothing(&row.waybill)?).words();
            news.push(CaseNews { waybill: row.waybill.clone(), told });
        }
        Ok(news)
    }

    /// Why there is nothing to show or to act on of a waybill: not enrolled, without rules, ended, somebody else's, taken back, not
    /// notified, or only without a problem so far.
    pub fn why_nothing(&self, waybill: &str) -> Result<Refusal, ClientError> {
        let mut store = self.inner.store();
        let Some(who) = store.identity()? else { return Ok(Refusal::NotEnrolled) };
        let Some(book) = store.book()? else { return Ok(Refusal::NoPack) };
        let waybill = store.main_number(&Waybill::parse(waybill)?)?;
        let mut known = KnownCases::default();
        store.know(&waybill, &mut known)?;
        nothing(&store, (&who, &book.newest().pack), (&waybill, known.case(&waybill)), Refusal::NoCase)
    }
}

/// What is new in a row; `None` if nothing is that its reader must know.
fn told(before: Option<&Known>, row: &Known, pack: &Pack) -> Option<Words> {
    let Some(before) = before else {
        return Some(joined(("新到", "new here"), &[pack.name_of(&row.reason), pack.words(&row.state)]));
    };
    let mut all: Vec<Words> = Vec::new();
    if row.decision != before.decision && !row.decision.is_empty() {
        let name = pack.name_of(&row.decision);
        all.push(match (row.closed, row.follows) {
            (true, _) => joined(("已结案", "closed"), &[name]),
            (_, true) => joined(("回复", "reply"), &[name]),
            _ => joined(("处理结果", "decision"), &[name]),
        });
    } else if row.closed && !before.closed {
        let name = if row.decision.is_empty() { pack.words(&row.state) } else { pack.name_of(&row.decision) };
        all.push(joined(("已结案", "closed"), &[name]));
    } else if row.reason != before.reason {
        all.push(joined(("问题", "problem"), &[pack.name_of(&row.reason)]));
    }
    if all.is_empty() && row.state != before.state {
        all.push(joined(("状态", "state"), &[pack.words(&row.state)]));
    }
    let missed: Vec<Words> = row.missed.iter().filter(|clock| !before.missed.contains(clock)).map(|id| clock(pack, id)).collect();
    if !missed.is_empty() {
        all.push(joined(("期限已过", "time limit passed"), &missed));
    }
    if row.quarantined > before.quarantined {
        all.push(Words { zh: "有记录待总部审核".to_owned(), en: "a record waits for head office's review".to_owned() });
    }
    let join = |lang: fn(&Words) -> &str, between: &str| all.iter().map(lang).collect::<Vec<_>>().join(between);
    (!all.is_empty()).then(|| Words { zh: join(|words| &words.zh, "；"), en: join(|words| &words.en, "; ") })
}

fn clock(pack: &Pack, id: &str) -> Words {
    pack.clock(id).map_or_else(|| pack.words(id), |clock| Words { zh: clock.zh.clone(), en: clock.en.clone() })
}

fn joined((zh, en): (&str, &str), names: &[Words]) -> Words {
    let list = |lang: fn(&Words) -> &str| names.iter().map(lang).filter(|name| !name.is_empty()).collect::<Vec<_>>();
    Words {
        zh: format!("{zh}：{}", list(|words| &words.zh).join("，")),
        en: format!("{en}: {}", list(|words| &words.en).join(", ")),
    }
}
