//! Duties as a column holds them. The list reads some hundred of them for each page: as JSON they took three times as long as all other
//! columns of its rows (5.2 instead of 1.4 ms for 200 rows of four duties), and made a store half as large again.
//!
//! One duty is one line of ten fields, separated by tabs, and an absent value is an empty field. A duty with a run has an eleventh. Where a value of the pack holds a
//! separator, the whole column is JSON instead, which begins with a bracket.

use std::str::FromStr;

use doorstep_domain::{Role, UnixMs};
use doorstep_rules::{Duty, DutyKind, Side};

use crate::{StoreError, row::Row};

/// The column of these duties.
pub(crate) fn to_column(duties: &[Duty]) -> Result<String, StoreError> {
    let is_plain = |text: &Option<String>| text.as_ref().is_none_or(|text| !text.contains(['\t', '\n']) && !text.is_empty());
    if !duties.iter().all(|duty| is_plain(&duty.step) && is_plain(&duty.clock)) {
        return serde_json::to_string(duties).map_err(|_| StoreError::Damaged("case_duty"));
    }
    let mut column = String::with_capacity(duties.len() * 128);
    for duty in duties {
        let Duty { kind, step, side, by, outlet, person, run, clock, until, missed, about } = duty;
        let by: Vec<&str> = by.iter().map(|role| role.as_str()).collect();
        let time = |at: &Option<UnixMs>| at.map_or_else(String::new, |at| at.0.to_string());
        let fields = [
            kind.as_str(),
            step.as_deref().unwrap_or_default(),
            side.as_str(),
            &by.join(" "),
            outlet.as_ref().map_or("", |outlet| outlet.as_str()),
            person.as_ref().map_or("", |person| person.as_str()),
            clock.as_deref().unwrap_or_default(),
            &time(until),
            &time(missed),
            &about.as_ref().map_or_else(String::new, ToString::to_string),
        ];
        column += &fields.join("\t");
        if let Some(run) = run {
            column += &format!("\t{}", run.0);
        }
        column.push('\n');
    }
    Ok(column)
}

/// The duties of a column.
pub(crate) fn of_column(column: &str) -> Option<Vec<Duty>> {
    if column.starts_with('[') { serde_json::from_str(column).ok() } else { column.lines().map(of_line).collect() }
}

fn of_line(line: &str) -> Option<Duty> {
    let mut fields = line.split('\t');
    let mut field = || fields.next();
    let mut duty = Duty {
        kind: DutyKind::from_word(field()?)?,
        step: text(field()?),
        side: Side::from_word(field()?)?,
        by: field()?.split_terminator(' ').map(|role| role.parse::<Role>().ok()).collect::<Option<_>>()?,
        outlet: parsed(field()?)?,
        person: parsed(field()?)?,
        clock: text(field()?),
        until: parsed(field()?)?.map(UnixMs),
        missed: parsed(field()?)?.map(UnixMs),
        about: parsed(field()?)?,
        run: None,
    };
    if let Some(run) = field() {
        duty.run = Some(UnixMs(run.parse().ok()?));
    }
    fields.next().is_none().then_some(duty)
}

fn text(field: &str) -> Option<String> {
    Some(field.to_owned()).filter(|field| !field.is_empty())
}

/// An absent or a readable value.
fn parsed<T: FromStr>(field: &str) -> Option<Option<T>> {
    if field.is_empty() { Some(None) } else { field.parse().ok().map(Some) }
}

/// The duties of a row's column at a place.
pub(crate) fn read(row: &Row<'_>, at: usize) -> Result<Vec<Duty>, StoreError> {
    of_column(row.text(at)?).ok_or_else(|| row.damaged())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn duty() -> Duty {
        Duty {
            kind: DutyKind::Step,
            step: Some("ask_recipient".to_owned()),
            side: Side::Delivering,
            by: vec![Role::Courier, Role::Outlet],
            outlet: "0412".parse().ok(),
            person: "c2".parse().ok(),
            run: None,
            clock: Some("SLA-03".to_owned()),
            until: Some(UnixMs(-5)),
            missed: Some(UnixMs(i64::MAX)),
            about: "attempt/zsgniphp-1.2".parse().ok(),
        }
    }

    #[test]
    fn duties_are_read_as_they_were_stored_whatever_a_pack_calls_its_steps() {
        let bare = Duty {
            kind: DutyKind::Decide,
            side: Side::HeadOffice,
            by: vec![],
            step: None,
            outlet: None,
            person: None,
            run: None,
            clock: None,
            until: None,
            missed: None,
            about: None,
        };
        let named = |step: &str| Duty { step: Some(step.to_owned()), ..duty() };
        for duties in [
            vec![],
            vec![duty()],
            vec![bare.clone(), duty(), bare],
            vec![named("问 收件人")],
            vec![Duty { run: Some(UnixMs(7)), ..duty() }, duty()],
            vec![named("a\tb"), duty()],
            vec![named("[\n")],
            vec![named("")],
            vec![Duty { clock: Some("x\ny".to_owned()), ..duty() }],
        ] {
            assert_eq!(of_column(&to_column(&duties).unwrap()), Some(duties));
        }
        assert_eq!(of_column("[]"), Some(vec![]));
    }

    #[test]
    fn a_damaged_column_is_no_duty() {
        let whole = to_column(&[duty()]).unwrap();
        let line = whole.trim_end();
        for damaged in [
            line.replacen('\t', " ", 1),
            format!("{line}\t"),
            line.replace("work_card", "work_cart"),
            line.replace("-5", "five"),
            line.replace("courier", "kurier"),
            "[{}]".to_owned(),
        ] {
            assert_eq!(of_column(&damaged), None, "{damaged}");
        }
    }
}
