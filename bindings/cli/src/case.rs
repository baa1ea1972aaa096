//! Everything about a case on the screen.

use doorstep_client::CaseView;
use doorstep_rules::{AskState, gap_words};
use serde_json::{Value, json};

use crate::{
    failure::Failed,
    screen::{Screen, line, missing},
    sms, timeline,
    words::{both, say},
};

impl Screen<'_> {
    /// A case as JSON, every entry with the best estimate of when it happened, and as the person who is signed in may see it.
    pub fn case_json(&self, view: &CaseView) -> Result<Value, Failed> {
        let mut json = json!(view);
        let sight = self.client.sight(view)?;
        for (list, recorded) in [("timeline", &view.case.timeline), ("quarantined", &view.case.quarantined)] {
            let entries = json.get_mut(list).and_then(Value::as_array_mut);
            for (entry, recorded) in entries.into_iter().flatten().zip(recorded) {
                timeline::mask_json(entry, &view.case, sight, recorded);
                if let Value::Object(fields) = entry {
                    fields.insert("acted_at".to_owned(), json!(recorded.acted_at()));
                }
            }
        }
        if let Value::Object(fields) = &mut json {
            fields.insert("linked".to_owned(), json!(view.case.linked()));
        }
        Ok(json)
    }

    /// A question with its answers; the one that counts is marked.
    fn ask(&self, ask: &AskState) -> String {
        let mut text = format!("{} → {} {}", self.code(&ask.step), ask.to, ask.entry);
        for answer in &ask.answers {
            let name = self.pack().map(|pack| both(&pack.name_of_result(&ask.step, &answer.result)));
            let mark = if answer.counts { "" } else { " -" };
            text += &format!("; {} {}{mark}", answer.by, name.unwrap_or_else(|| answer.result.clone()));
        }
        if ask.open {
            text += &format!("; {}", say("等待答复", "waits for the answer"));
        }
        text
    }

    /// Everything about a case.
    pub fn whole(&self, view: &CaseView) -> Result<String, Failed> {
        let facts = &view.case.facts;
        let mut text = self.heading(view);
        text += &line(&say("派件网点", "delivering outlet"), &self.outlet(view.case.delivering())?);
        text += &line(&say("寄件网点", "origin outlet"), &self.outlet(facts.origin_outlet.as_ref())?);
        if !view.case.facts_confirmed {
            let told = say("总部尚未核对", "not confirmed by head office");
            text += &line(&say("运单信息", "what is said of the parcel"), &told);
        }
        if facts.cod.0 > 0 {
            text += &line(&say("代收货款", "cash on delivery"), &facts.cod.to_string());
        }
        text += &line(&say("派送失败次数", "failed deliveries"), &view.case.attempts().to_string());
        if let Some(decision) = &view.judgement.decision {
            text += &line(&say("决定或结果", "decision or outcome"), &self.code(decision));
        }
        text += &self.next(view, false)?;
        let now = self.client.now()?;
        for duty in &view.judgement.duties {
            text += &line(&say("轮到谁", "whose turn"), &self.duty(duty, now));
        }
        for ask in &view.judgement.asks {
            text += &line(&say("询问", "asked"), &self.ask(ask));
        }
        for linked in view.case.linked() {
            let reason = linked.reason.as_deref().map(|reason| format!(" {}", self.code(reason))).unwrap_or_default();
            let told = format!("{}{reason} [{}]", linked.waybill, self.key(&linked.state));
            text += &line(&say("关联快件", "the other parcel"), &told);
        }
        for deadline in &view.judgement.deadlines {
            text += &self.deadline(deadline);
        }
        for card in &view.judgement.cards {
            text += &self.card(card);
        }
        for message in &view.judgement.messages {
            text += &sms::line(self, view, message);
        }
        text += &missing(view);
        for conflict in &view.judgement.conflicts {
            let sides = conflict.sides.iter().map(ToString::to_string).collect::<Vec<_>>().join("  ");
            text += &line(&say("矛盾", "conflict"), &format!("{}: {sides}", self.key(conflict.kind.as_str())));
        }
        for question in &view.judgement.questions {
            let entries = question.entries.iter().map(ToString::to_string).collect::<Vec<_>>().join("  ");
            text += &line(&say("待核", "to ask about"), &format!("{}: {entries}", both(&question.told(self.pack()))));
        }
        for flag in &view.judgement.flags {
            text += &line(&say("注意", "flag"), &self.key(flag.as_str()));
        }
        for finding in &view.judgement.findings {
            let outlet = self.outlet(finding.outlet.as_ref())?;
            let amount = finding.amount.map(|amount| format!(" {amount}")).unwrap_or_default();
            let state = self.key(finding.state.as_str());
            let share = match finding.open && finding.decided.is_none() {
                true => say("比例未定", "no share"),
                false => format!("{}%{amount}", finding.share),
            };
            text +=
                &line(&say("可能担责", "would answer"), &format!("{} {share} {outlet} [{state}] {}", finding.rule, finding.id));
            if let Some(contacts) = &finding.contacts {
                text += &line(&say("时间依据", "time"), &both(&gap_words(contacts.width_ms(), contacts.proven)));
            }
            for other in &finding.otherwise {
                text += &line(&say("另一种可能", "or else"), &both(&other.told()));
            }
        }
        text += &line(&say("时间线", "timeline"), &format!("UTC{}", self.zone));
        let sight = self.client.sight(view)?;
        for recorded in view.case.timeline.iter().chain(&view.case.quarantined) {
            text += &timeline::entry(self, &view.case, sight, recorded)?;
        }
        Ok(text)
    }
}
