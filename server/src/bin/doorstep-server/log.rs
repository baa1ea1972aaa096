//! The faults that an audit of the log has found, as text for a person.

use doorstep_server::{
    admin::{Alarms, Fault, Looked, Wrong},
    shown,
};

/// The faults that the daily audit of the log has found.
pub fn alarms_text(alarms: &Alarms) -> String {
    let looked = alarms.looked_at.map_or_else(|| "尚未 never".to_owned(), shown);
    let mut lines = vec![format!("上次完成的核对开始于 last finished check began: {looked}")];
    lines.extend(alarms.faults.iter().map(|alarm| {
        let still = if Some(alarm.last_at) < alarms.looked_at { "  (已不存在 not any more)" } else { "" };
        format!("{}  {}{still}", shown(alarm.found_at), alarm.fault)
    }));
    lines.join("\n")
}

/// The result of an audit of the log, for a person.
pub fn text(looked: &Looked) -> String {
    let mut lines = vec![format!(
        "已核对 looked at: {} 批次 batches, {} 条 changes, {} 条总部自记 of head office's own, {} 条待审核 in quarantine, {} 签名环 links",
        looked.batches, looked.changes, looked.own, looked.refused, looked.links
    )];
    if looked.batches_before + looked.own_before > 0 {
        lines.push(format!(
            "旧版所存，单条无总部签名 from before, not vouched for one by one: {} 批次 batches, {} 条总部自记 of head office's own",
            looked.batches_before, looked.own_before
        ));
    }
    if looked.gaps > 0 {
        lines.push(format!("前一批次未到 batches whose predecessor has not come: {}", looked.gaps));
    }
    lines.extend(looked.faults.iter().map(fault_line));
    if let Some(error) = &looked.unfinished {
        lines.push(format!("核对未完成 the check did not come to its end: {error}"));
    }
    lines.push(match looked.faults.len() as u64 + looked.more_faults {
        0 if looked.unfinished.is_some() => "其余未核对 the rest was not looked at".to_owned(),
        0 => "与签名一致 what is stored is what was signed".to_owned(),
        count => format!("不一致 faults: {count}. 请保留此数据文件夹，勿再改动 keep this folder as it is, and a copy of it"),
    });
    lines.join("\n")
}

fn fault_line(fault: &Fault) -> String {
    let said = match fault.wrong {
        Wrong::LinkMissing => "签名环缺失 a link is missing",
        Wrong::LinkAltered => "签名环被改 a link was altered",
        Wrong::BatchMissing => "批次缺失 a batch is missing",
        Wrong::BatchAltered => "批次与设备签名不符 a batch is not what its device signed",
        Wrong::BatchMisplaced => "批次次序不符 a batch does not follow the one before",
        Wrong::BatchUnvouched => "批次无总部签名 no link vouches for a batch",
        Wrong::VerdictsAltered => "回执被改 verdicts are not those that were given",
        Wrong::ChangeMissing => "登记缺失 a change is missing",
        Wrong::ChangeAltered => "登记被改 a change was altered",
        Wrong::ReceiptAltered => "收讫时间或标记被改 a receipt was altered",
        Wrong::ChangeUnfounded => "登记不在任何批次中 a change stands in no batch",
        Wrong::RefusedMissing => "被拒登记缺失 a refused change is missing",
        Wrong::RefusedAltered => "被拒登记被改 a refused change was altered",
        Wrong::RefusedUnfounded => "被拒登记不在任何批次中 a refused change stands in no batch",
        Wrong::OwnMissing => "总部自记缺失 an entry of head office's own is missing",
        Wrong::OwnAltered => "总部自记被改 an entry of head office's own was altered",
        Wrong::OwnUnvouched => "总部自记无签名 no link vouches for an entry of head office's own",
        Wrong::CaseIncomplete => "案卷次序不全 the places of a case's changes have a gap",
        Wrong::CaseUnmerged => "案卷无法合并 the changes of a case do not merge to what its row says",
        Wrong::Unreadable => "有一行无法读取 a row can not be read",
        Wrong::BeforeAltered => "旧版所存被改 something from before was altered, removed or added",
    };
    let mut line = said.to_owned();
    let mut add = |name: &str, value: Option<String>| line.extend(value.map(|value| format!("  {name} {value}")));
    add("运单 waybill", fault.waybill.clone());
    add("案卷 case", fault.case.map(|case| case.to_string()));
    add("登记 change", fault.change.map(|change| change.to_string()));
    add("安装 installation", fault.install.map(|install| install.to_string()));
    add("批次 batch", fault.batch.map(|batch| batch.to_string()));
    add("签名环 link", fault.link.map(|link| link.to_string()));
    add("数据行 row", fault.row.clone());
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_whose_predecessor_never_came_is_told_and_is_no_fault() {
        let said = text(&Looked { gaps: 2, ..Looked::default() });
        assert!(
            said.contains("whose predecessor has not come: 2") && said.contains("what is stored is what was signed"),
            "{said}"
        );
    }
}
