//! What has changed in the list: case by case, in words, by the rows before and after a sync. No case is read for it.

use std::collections::HashMap;

use doorstep_domain::{CaseId, Waybill};
use doorstep_rules::{NextStep, Pack, Words};
use doorstep_store::{CaseRow, Filter, KnownCases};
use serde::Serialize;

use crate::{Client, ClientError, Refusal, command::nothing};

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
    /// All rows of the list, to be compared with later ones by [`Client::news_since`].
    pub fn all_rows(&self) -> Result<Vec<CaseRow>, ClientError> {
        self.cases(&Filter { closed: true, limit: u32::MAX, ..Filter::default() })
    }

    /// What is new in the list since its rows were read, in the order of the list; cases that have left this device come last.
    pub fn news_since(&self, before: &[CaseRow]) -> Result<Vec<CaseNews>, ClientError> {
        let now = self.all_rows()?;
        let pack = self.pack()?.ok_or(ClientError::Refused(Refusal::NoPack))?;
        let known: HashMap<CaseId, &CaseRow> = before.iter().map(|row| (row.case, row)).collect();
        let mut news: Vec<CaseNews> = now
            .iter()
            .filter_map(|row| {
                Some(CaseNews { waybill: row.waybill.clone(), told: told(known.get(&row.case).copied(), row, &pack)? })
            })
            .collect();
        let here: HashMap<CaseId, &CaseRow> = now.iter().map(|row| (row.case, row)).collect();
        for row in before.iter().filter(|row| !here.contains_key(&row.case)) {
            news.push(CaseNews {
                waybill: row.waybill.clone(),
                told: ClientError::Refused(self.why_nothing(&row.waybill)?).words(),
            });
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
fn told(before: Option<&CaseRow>, row: &CaseRow, pack: &Pack) -> Option<Words> {
    let Some(before) = before else {
        return Some(joined(("新到", "new here"), &[pack.name_of(&row.reason), pack.words(&row.state)]));
    };
    let mut all: Vec<Words> = Vec::new();
    if row.decision != before.decision && !row.decision.is_empty() {
        let name = pack.name_of(&row.decision);
        all.push(match (row.closed, row.next_step == NextStep::FollowReply.as_str()) {
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
