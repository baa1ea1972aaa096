//! One entry of the timeline as lines: when, what, by whom, and how it stands.

use doorstep_domain::{Body, Personal, Recorded, TargetSource};

use crate::{
    failure::Failed,
    screen::Screen,
    words::{self, say},
};

/// An entry on two lines.
pub fn entry(screen: &Screen, recorded: &Recorded) -> Result<String, Failed> {
    let when = words::time(recorded.acted_at(), screen.zone);
    let parts = parts(screen, &recorded.entry.body)?;
    let author = &recorded.entry.author;
    let standing = words::standing(&recorded.standing);
    Ok(format!(
        "    {when}  {}  {}\n      {} @{} ({})  [{standing}]\n",
        words::action(recorded.entry.body.kind()),
        parts.join("  "),
        author.user,
        author.outlet,
        author.role
    ))
}

fn parts(screen: &Screen, body: &Body) -> Result<Vec<String>, Failed> {
    let mut parts = Vec::new();
    let quote = |label: &str, value: &Option<Personal>| {
        let text = value.as_ref().map(words::personal);
        text.map(|text| if label.is_empty() { format!("「{text}」") } else { format!("{label} {text}") })
    };
    match body {
        Body::Attempt(attempt) => {
            parts.push(screen.reason(attempt.reason.as_str()));
            parts.extend(attempt.sub.as_ref().map(|sub| screen.sub(attempt.reason.as_str(), sub.as_str())));
            parts.extend(quote("", &attempt.words));
        }
        Body::Call(call) => {
            parts.push(words::detail(call.result.as_str()));
            parts.extend(quote("", &call.number));
            parts.extend(quote("", &call.words));
        }
        Body::Note { words } => parts.push(format!("「{}」", words::personal(words))),
        Body::Photo(photo) => {
            parts.push(words::detail(photo.purpose.as_str()));
            parts.push(words::size(photo.len));
        }
        Body::Sms(sms) => {
            parts.push(words::detail(sms.level.as_str()));
            parts.extend(quote("", &sms.to));
            parts.push(format!("「{}」", words::personal(&sms.text)));
        }
        Body::Notice(notice) => {
            parts.push(screen.outlet(Some(&notice.to))?);
            if notice.source == TargetSource::Manual {
                parts.push(screen.key("manual_target"));
            }
            parts.extend(quote("", &notice.request));
        }
        Body::Outage(outage) => {
            parts.push(words::detail(outage.reason.as_str()));
            parts.extend(quote(&say("联系人", "contact"), &outage.contact));
            parts.extend(quote(&say("号码", "number"), &outage.phone));
            parts.extend(outage.phoned_at.map(|at| format!("{} {}", say("通话时间", "phoned at"), words::time(at, screen.zone))));
            parts.extend(quote("", &outage.said));
        }
        Body::Reply(reply) => {
            parts.push(screen.decision(reply.decision.as_str()));
            parts.extend(quote("", &reply.words));
            parts.extend(quote(&say("电话", "phone"), &reply.phone));
            parts.extend(quote(&say("地址", "address"), &reply.address));
        }
        Body::Close(close) => {
            parts.push(screen.decision(close.outcome.as_str()));
            parts.extend(quote("", &close.words));
        }
        Body::Handover(handover) => {
            parts.push(handover.to.to_string());
            parts.extend(quote("", &handover.words));
        }
        Body::Takeover(_) => {}
        Body::Unknown { .. } => parts.push(say("由更新的版本登记", "written by a newer version")),
    }
    Ok(parts)
}
