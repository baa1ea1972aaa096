//! How the facts for a reviewer are known.

use super::link::{Because, fact};
use crate::QuestionKind;

/// How a fact is known, and what may explain it honestly.
pub(super) fn how_known(kind: QuestionKind) -> Because {
    match kind {
        QuestionKind::OutageInContact => fact(
            "总部服务器的记录：自所称通话前 15 分钟至登记，该设备联系过总部；设备有网不等于网点有网或有电",
            "head office's server answered this device between 15 minutes before the claimed call and the record; a phone may have a \
             network where the outlet has none, or no power",
        ),
        QuestionKind::PhotoOtherTime => fact(
            "相机时间与登记时间出自同一设备；照片也可能先拍后登",
            "both times are of the device's own clock; a picture may honestly be recorded later",
        ),
        QuestionKind::PhotoNoTime => {
            fact("相机未写时间，或照片被其他软件改存过", "the camera wrote none, or another program saved the picture")
        }
        QuestionKind::PhotoFromGallery => {
            fact("应用如此声明，平台未作证明", "the app says so, and the platform does not attest it")
        }
        QuestionKind::PlaceFar => fact(
            "位置由相机或应用提供；注明的精度已扣除，许多位置没有精度；收件人可能改过地址",
            "camera or app gave the positions; the accuracy that they have is subtracted, and many have none; the recipient may have \
             another address by now",
        ),
        QuestionKind::OutsideArea => fact(
            "与网点范围中心的距离；规则包写明网点范围；位置注明的精度已扣除，员工也可能为邻近网点派送",
            "measured from the middle of the outlet's area, which the pack names; the accuracy that the position has is subtracted, and \
             people also deliver for a neighbouring outlet",
        ),
        QuestionKind::TooFast => fact(
            "只比较本件的照片；位置注明的精度已扣除，许多位置没有精度",
            "only photos of this parcel are compared; the accuracy that their positions have is subtracted, and many have none",
        ),
        QuestionKind::Crowded => fact(
            "总部服务器的记录：收到本件时，已有同一人 60 秒内对另外至少 5 件的派送登记，且不是一次操作；同一地址的多件也可能逐件\
             快速登记，或事后补记",
            "head office's server already had attempts of this person on at least 5 other parcels within 60 seconds, each recorded by \
             itself; parcels of one address may be recorded one after another, or all of them later",
        ),
        QuestionKind::TooFastElsewhere => fact(
            "总部服务器的记录：收到本件时，已有同一人在另一件的位置；只比较其他件，许多位置没有精度，设备时钟可能有误，账号也可能由\
             两人使用",
            "head office's server already had a position of this person in another case; many positions have no accuracy, a device's clock \
             may be wrong, and two people may use one account",
        ),
        QuestionKind::OutageNoOutlet => fact(
            "登记有电话号码，但没有写明是哪个网点的：请核对号码是否属于寄件网点",
            "the record has a number but not whose it is: compare it with the origin outlet's",
        ),
        QuestionKind::SmsByWord => fact(
            "手机平台和运营商都没有结果：证明力较弱",
            "neither the phone's platform nor an operator has reported a result: it proves less",
        ),
    }
}
