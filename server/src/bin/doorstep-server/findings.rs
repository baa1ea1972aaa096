//! The ledger of findings as text.

use doorstep_domain::Fen;
use doorstep_rules::gap_words;
use doorstep_server::admin::FindingRow;

/// One finding.
pub fn finding_line((waybill, f): &(String, FindingRow)) -> String {
    let amount = f.amount.map(|fen| format!(" {}", Fen(fen))).unwrap_or_default();
    let share = if f.has_share() { format!("{}%{amount}", f.share) } else { "比例未定 no share".to_owned() };
    let review = if f.review { "  须总部查看 for review" } else { "" };
    let width = f.gap_from.zip(f.gap_until).map(|(from, until)| until.saturating_sub(from));
    let gap = f.gap_until.map(|_| gap_words(width, f.proven)).map(|gap| format!("  {} {}", gap.zh, gap.en));
    let gap = gap.unwrap_or_default();
    format!("{waybill}  {}  {share}  {}  {}{review}{gap}", f.outlet, f.state, f.id)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(open: bool, share: u8, state: &str) -> String {
        let (id, rule, outlet) = ("LIA-01@action/aaaaaaaa-1".to_owned(), "LIA-01".to_owned(), "0571".to_owned());
        let row = FindingRow {
            id,
            rule,
            outlet,
            share,
            open,
            amount: None,
            state: state.to_owned(),
            review: open,
            started: 0,
            gap_from: None,
            gap_until: None,
            proven: false,
        };
        finding_line(&("QH310000000025".to_owned(), row))
    }

    #[test]
    fn a_finding_without_a_share_has_no_percentage_until_head_office_decides() {
        for state in ["proposed", "disputed"] {
            let line = line(true, 0, state);
            assert!(line.contains("0571  比例未定 no share  ") && !line.contains('%'), "{line}");
        }
        assert!(line(true, 50, "decided").contains("0571  50%  decided"));
        assert!(line(true, 0, "decided").contains("0571  0%  decided"), "it was lifted");
        assert!(line(false, 0, "proposed").contains("0571  0%  proposed"), "the rules are lenient");
    }
}
