//! Who plays, in which network, with which parcels; and the few words that every scene needs.

use doorstep_client::{Act, Recording};
use doorstep_tests::{on, text};

use crate::stage::{Actor, Result};

/// The day's list: invented names, addresses and network.
pub const PARCELS: &[u8] = include_bytes!("../data/parcels.csv");

/// Code, name in Chinese, name in English, phone.
pub const OUTLETS: [(&str, &str, &str, &str); 4] = [
    ("0000", "青禾总部", "Qinghe head office", "0400-0000000"),
    ("0412", "青禾城西网点", "Qinghe West outlet", "0400-0412000"),
    ("0571", "云杭余塘网点", "Yunhang Yutang outlet", "0400-0571000"),
    ("0755", "南湾前湖网点", "Nanwan Qianhu outlet", "0400-0755000"),
];
/// Id, name, role, outlet.
pub const PEOPLE: [(&str, &str, &str, &str); 4] = [
    ("c101", "李建军", "courier", "0412"),
    ("c102", "周海涛", "courier", "0412"),
    ("s412", "陈店长", "outlet", "0412"),
    ("s571", "吴客服", "outlet", "0571"),
];

/// Everybody on the stage.
pub struct Cast {
    /// Courier Li's phone.
    pub li: Actor,
    /// Courier Zhou's phone: its clock is three hours fast.
    pub zhou: Actor,
    /// The delivering outlet's tablet.
    pub west: Actor,
    /// The origin outlet's tablet.
    pub yutang: Actor,
    /// The tablet of a third outlet.
    pub qianhu: Actor,
    /// The phone of the origin outlet's finance.
    pub finance: Actor,
    /// Zhou's phone a second time, from the day it is copied.
    pub copy: Option<Actor>,
}

impl Cast {
    /// All of them.
    pub fn all(&mut self) -> Vec<&mut Actor> {
        let Self { li, zhou, west, yutang, qianhu, finance, copy } = self;
        [li, zhou, west, yutang, qianhu, finance].into_iter().chain(copy).collect()
    }
}

/// Parcel number `n` of the list.
pub fn waybill(n: u32) -> String {
    format!("QH3100000000{n:02}")
}

/// The notice to the origin outlet.
pub fn notice(n: u32) -> Recording {
    on(waybill(n), Act::Notice { to: None, request: Some(text("请回复处理意见")) })
}

pub fn address(hello: &serde_json::Value) -> Result<std::net::SocketAddr> {
    Ok(hello["addr"].as_str().ok_or("the server gave no address")?.parse()?)
}

/// Ends the demo unless something holds.
pub fn expect(holds: bool, what: &str) -> Result<()> {
    if holds { Ok(()) } else { Err(format!("not as the story goes: {what}").into()) }
}
