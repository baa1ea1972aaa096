//! The operator's statements about a data folder that looks like a copy, and their output.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use doorstep_server::{AdminError, Restored, moved, restore, shown};
use serde_json::json;

use crate::wall::wall;

/// States that the folder was only moved.
pub fn say_moved(data: &Path, as_json: bool) -> Result<ExitCode, AdminError> {
    let kept = moved(data)?;
    if as_json {
        doorstep_server::tell!("{}", json!({ "moved": data, "kept_log": kept }));
        return Ok(ExitCode::SUCCESS);
    }
    doorstep_server::tell!("已确认：数据目录只是移动了 moved: the history goes on, and the server with it");
    tell_kept(kept.as_deref());
    Ok(ExitCode::SUCCESS)
}

/// States that the folder was restored from a copy.
pub fn say_restore(data: &Path, publications: &[PathBuf], as_json: bool) -> Result<ExitCode, AdminError> {
    let done = restore(data, publications, wall())?;
    if as_json {
        doorstep_server::tell!("{}", json!(done));
        return Ok(ExitCode::SUCCESS);
    }
    let Restored {
        history,
        codes_voided,
        packs_taken,
        packs_of_replaced_key,
        newest_pack,
        sms_waiting,
        lost_from,
        lost_until,
        kept_log,
    } = done;
    let (lost_from, lost_until) = (lost_from.map_or_else(|| "始 the beginning".to_owned(), shown), shown(lost_until));
    doorstep_server::tell!("已恢复：新的历史 restored: a new history {history} begins");
    doorstep_server::tell!("作废未用注册码 open codes voided: {codes_voided}");
    doorstep_server::tell!("规则包 rule pack: newest version {newest_pack}, taken from publications: {packs_taken:?}");
    if !packs_of_replaced_key.is_empty() {
        doorstep_server::tell!(
            "以下版本由已更换的密钥签名，若该密钥曾被盗，请逐条核对 these versions were signed with a key that has been replaced; if it was \
             stolen, read them before you serve: {packs_of_replaced_key:?}"
        );
    }
    doorstep_server::tell!("短信已暂停，等待中 SMS are held, waiting: {sms_waiting}");
    tell_kept(kept_log.as_deref());
    doorstep_server::tell!("丢失的时段 the lost period: {lost_from} .. {lost_until}");
    doorstep_server::tell!(
        "请重做该时段内的 enter again what was done in it:\n\
         · 停用和清除的设备、离职和变更的人员 devices revoked or wiped, people who left or changed: admin revoke, wipe, left, user\n\
         · 当日运单和网点 parcel lists and outlets: admin import-parcels, outlet\n\
         · 规则包和权限方案 rule packs and policies: admin publish-pack, policy; a publication that a device holds: restore --publication\n\
         · 裁定、标记、放行 decisions, marks, released records: admin decide, mark, quarantine\n\
         · 该时段内注册的设备需新注册码 devices enrolled in it need a new code: admin code\n\
         · 该时段内若更换过签名密钥，已改用新密钥的设备会显示无网络，也需新注册码 if the signing key was replaced in it, devices \
           that took the new key say that there is no network, and need a new code too: admin replace-key, code\n\
         然后 then: doorstep-server serve; 核对照片 admin scrub; 查看短信 admin sms list, 再 then admin sms go"
    );
    Ok(ExitCode::SUCCESS)
}

fn tell_kept(kept: Option<&Path>) {
    if let Some(kept) = kept {
        doorstep_server::tell!("读不到末尾的日志已另存 the log that could not be read to its end is kept: {}", kept.display());
    }
}
