//! The columns of a parcel list, and what a row says of its parcel.
//!
//! [`COLUMNS`] is the one table of them. To add a column: a field in [`Draft`], a row in [`COLUMNS`], its use in
//! [`Draft::over`], and a row in the table of `server/README.md`.

use chrono::{FixedOffset, NaiveDate};
use doorstep_domain::{
    Day, Details, Fen, Freight, FreightKind, NetworkCode, OutletCode, Parcel, Personal, UnixMs, UserId, VirtualNumber, Waybill,
};
use doorstep_rules::Pack;

use super::{
    cell::{Cell, CellFault},
    columns::{Column, Need},
    dates::{TimeFault, When},
};

/// The largest number of pieces of a shipment.
const MOST_CHILDREN: usize = 200;
/// The largest amount to collect: 100,000 yuan.
const MOST_COD: Fen = Fen(10_000_000);
/// The largest numbers of characters.
const MOST_CODE: usize = 60;
const MOST_NAME: usize = 100;
const MOST_PHONE: usize = 40;
const MOST_ADDRESS: usize = 1_000;
const MOST_NUMBERS: usize = 4_000;
const MOST_GOODS: usize = 200;
/// The largest amount of freight or of a declared value: 10 million yuan.
const MOST_FEN: Fen = Fen(1_000_000_000);
/// The largest weight: 100 tonnes.
const MOST_GRAMS: u32 = 100_000_000;
const MOST_PIECES: u32 = 10_000;

/// A header that can mean two columns, because it does not say its unit.
pub(crate) const NO_UNIT: [&str; 4] = ["cod", "代收货款", "代收款", "cod_amount"];

/// What a list says in a column; `None` if it has no such column. An empty cell says that there is no value.
type Given<T> = Option<T>;

/// What a row says of its parcel.
#[derive(Default)]
pub(crate) struct Draft {
    pub waybill: Given<Waybill>,
    pub network: Given<NetworkCode>,
    pub origin_outlet: Given<OutletCode>,
    pub delivering_outlet: Given<OutletCode>,
    pub courier: Given<Option<UserId>>,
    pub recipient_name: Given<Personal>,
    pub recipient_phone: Given<Option<Personal>>,
    pub recipient_address: Given<Personal>,
    pub cod: Given<Fen>,
    pub arrival: Given<Option<When>>,
    pub run: Given<Option<String>>,
    pub hub: Given<Option<OutletCode>>,
    pub children: Given<Vec<Waybill>>,
    pub entered: Given<Option<UnixMs>>,
    pub virtual_phone: Given<Option<Personal>>,
    pub virtual_until: Given<Option<UnixMs>>,
    pub details: DraftDetails,
}

/// What a row says beside what the work at the door needs (domain 14.3).
#[derive(Default)]
pub(crate) struct DraftDetails {
    pub sender_name: Given<Option<Personal>>,
    pub sender_phone: Given<Option<Personal>>,
    pub freight: Given<Option<FreightKind>>,
    pub freight_fen: Given<Option<Fen>>,
    pub receipt_no: Given<Option<Waybill>>,
    pub label_grams: Given<Option<u32>>,
    pub pieces: Given<Option<u32>>,
    pub goods: Given<Option<Personal>>,
    pub declared: Given<Option<Fen>>,
    pub day: Given<Option<Day>>,
    pub expires_at: Given<Option<UnixMs>>,
}

/// Whether two values are both known and not the same.
fn differ<T: PartialEq>(one: Option<T>, other: Option<T>) -> bool {
    one.zip(other).is_some_and(|(one, other)| one != other)
}

impl DraftDetails {
    /// The details of the row. What the list does not say stays as it is `known`. `arrival`: when it is to arrive, by the list.
    fn over(
        self,
        (run, arrival): (Given<Option<String>>, Option<UnixMs>),
        known: Option<&Parcel>,
        today: Option<Day>,
    ) -> Result<Details, DraftFault> {
        let is_new = known.is_none();
        let known_arrival = known.and_then(|known| known.theoretical_arrival);
        let known = known.map(|known| known.details.clone()).unwrap_or_default();
        let day = match self.day {
            None | Some(None) if is_new => today,
            said => said.unwrap_or(known.day),
        };
        // A run is one of a day, with a time: of another day, or with another time, it is not the known one.
        let is_other_run = differ(day, known.day) || differ(arrival, known_arrival);
        let known_run = known.run.filter(|_| !is_other_run);
        let kind = self.freight.unwrap_or(known.freight.map(|freight| freight.kind));
        // The amount of another way of paying is not this one's.
        let known_amount = known.freight.filter(|freight| Some(freight.kind) == kind).map(|freight| freight.amount);
        let amount = self.freight_fen.unwrap_or(known_amount);
        let freight = match (kind, amount) {
            (None, Some(_)) => return Err(DraftFault::Freight),
            (kind, amount) => kind.map(|kind| Freight { kind, amount: amount.unwrap_or_default() }),
        };
        Ok(Details {
            sender_name: self.sender_name.unwrap_or(known.sender_name),
            sender_phone: self.sender_phone.unwrap_or(known.sender_phone),
            freight,
            receipt_no: self.receipt_no.unwrap_or(known.receipt_no),
            label_grams: self.label_grams.unwrap_or(known.label_grams),
            pieces: self.pieces.unwrap_or(known.pieces),
            goods: self.goods.unwrap_or(known.goods),
            declared: self.declared.unwrap_or(known.declared),
            day,
            run: run.unwrap_or(known_run),
            expires_at: self.expires_at.unwrap_or(known.expires_at),
            courier_at: known.courier_at,
        })
    }
}

/// The columns of a parcel list.
pub(crate) static COLUMNS: [Column<Draft, Pack>; 30] = [
    Column {
        name: "waybill",
        others: &["运单号", "运单编号", "运单号码", "快递单号", "面单号", "单号"],
        need: Need::Always,
        set: |draft, cell, pack| {
            let waybill = Waybill::parse(&filled(cell.digits(MOST_CODE)?)?)?;
            if !pack.accepts(&waybill) {
                return Err(CellFault::Rule(format!("does not match the network's pattern {}", pack.waybill_pattern)));
            }
            draft.waybill = Some(waybill);
            Ok(())
        },
    },
    Column {
        name: "network",
        others: &["网络", "快递公司", "品牌", "网络代码"],
        need: Need::Always,
        set: |draft, cell, pack| {
            let network: NetworkCode = cell.text(MOST_CODE)?.parse()?;
            if network.as_str() != pack.network {
                return Err(CellFault::Rule(format!("no network with a rule pack here; {} has one", pack.network)));
            }
            draft.network = Some(network);
            Ok(())
        },
    },
    Column {
        name: "origin_outlet",
        others: &["始发网点", "寄件网点", "揽收网点", "始发网点代码", "寄件网点代码"],
        need: Need::Always,
        set: |draft, cell, _| {
            draft.origin_outlet = Some(cell.digits(MOST_CODE)?.parse()?);
            Ok(())
        },
    },
    Column {
        name: "delivering_outlet",
        others: &["派件网点", "派送网点", "目的网点", "派件网点代码", "目的网点代码"],
        need: Need::Always,
        set: |draft, cell, _| {
            draft.delivering_outlet = Some(cell.digits(MOST_CODE)?.parse()?);
            Ok(())
        },
    },
    Column {
        name: "courier",
        others: &["快递员", "派件员", "业务员", "快递员账号", "派件员账号", "派件员工号", "快递员工号"],
        need: Need::Always,
        set: |draft, cell, _| {
            draft.courier = Some(maybe(cell, |cell| Ok(cell.digits(MOST_CODE)?.parse()?))?);
            Ok(())
        },
    },
    Column {
        name: "recipient_name",
        others: &["收件人", "收件人姓名", "收件姓名", "收件人名称", "收货人"],
        need: Need::Always,
        set: |draft, cell, _| {
            draft.recipient_name = Some(Personal::plain(&filled(cell.text(MOST_NAME)?)?)?);
            Ok(())
        },
    },
    Column {
        name: "recipient_phone",
        others: &["收件电话", "收件人电话", "收件人手机", "收件手机", "收件人手机号", "收件人联系方式"],
        need: Need::Always,
        set: |draft, cell, _| {
            draft.recipient_phone = Some(maybe(cell, phone)?);
            Ok(())
        },
    },
    Column {
        name: "recipient_address",
        others: &["收件地址", "收件人地址", "收件详细地址", "收货地址"],
        need: Need::Always,
        set: |draft, cell, _| {
            draft.recipient_address = Some(Personal::plain(&cell.text(MOST_ADDRESS)?)?);
            Ok(())
        },
    },
    Column {
        name: "cod_fen",
        others: &["代收货款(分)", "代收款(分)", "代收货款分"],
        need: Need::OneOf("cod"),
        set: |draft, cell, _| {
            draft.cod = Some(cod(cell, 0, "a whole number of fen")?);
            Ok(())
        },
    },
    Column {
        name: "cod_yuan",
        others: &["代收货款(元)", "代收款(元)", "代收货款元"],
        need: Need::OneOf("cod"),
        set: |draft, cell, _| {
            draft.cod = Some(cod(cell, 2, "an amount in yuan like 128 or 128.50")?);
            Ok(())
        },
    },
    Column {
        name: "theoretical_arrival",
        others: &["应到时间", "理论到达时间", "应到件时间", "预计到达时间"],
        need: Need::Always,
        set: |draft, cell, _| {
            draft.arrival = Some(maybe(cell, |cell| cell.when())?);
            Ok(())
        },
    },
    Column {
        name: "run",
        others: &["班次", "到件班次", "频次", "到件频次"],
        need: Need::May,
        set: |draft, cell, _| {
            draft.run = Some(maybe(cell, |cell| Ok(cell.text(MOST_CODE)?.into_owned()))?);
            Ok(())
        },
    },
    Column {
        name: "hub",
        others: &["集散中心", "分拨中心", "转运中心", "分拨", "中转中心"],
        need: Need::May,
        set: |draft, cell, _| {
            draft.hub = Some(maybe(cell, |cell| Ok(cell.digits(MOST_CODE)?.parse()?))?);
            Ok(())
        },
    },
    Column {
        name: "children",
        others: &["子单号", "子运单号", "子单"],
        need: Need::May,
        set: |draft, cell, _| {
            draft.children = Some(children(cell)?);
            Ok(())
        },
    },
    Column {
        name: "entered",
        others: &["录入时间", "录单时间", "信息录入时间"],
        need: Need::May,
        set: |draft, cell, pack| {
            draft.entered = Some(moment(cell, pack)?);
            Ok(())
        },
    },
    Column {
        name: "virtual_phone",
        others: &["隐私号", "虚拟号", "隐私号码", "虚拟号码", "隐私电话"],
        need: Need::May,
        set: |draft, cell, _| {
            draft.virtual_phone = Some(maybe(cell, phone)?);
            Ok(())
        },
    },
    Column {
        name: "virtual_until",
        others: &["隐私号有效期", "虚拟号有效期", "隐私号到期时间", "虚拟号到期时间"],
        need: Need::May,
        set: |draft, cell, pack| {
            draft.virtual_until = Some(moment(cell, pack)?);
            Ok(())
        },
    },
    Column {
        name: "sender_name",
        others: &["寄件人", "寄件人姓名", "寄件姓名", "发件人"],
        need: Need::May,
        set: |draft, cell, _| {
            draft.details.sender_name = Some(maybe(cell, |cell| Ok(Personal::plain(&cell.text(MOST_NAME)?)?))?);
            Ok(())
        },
    },
    Column {
        name: "sender_phone",
        others: &["寄件电话", "寄件人电话", "寄件手机", "寄件人手机", "发件人电话"],
        need: Need::May,
        set: |draft, cell, _| {
            draft.details.sender_phone = Some(maybe(cell, phone)?);
            Ok(())
        },
    },
    Column {
        name: "freight",
        others: &["运费方式", "付款方式", "运费付款方式"],
        need: Need::May,
        set: |draft, cell, _| {
            draft.details.freight = Some(maybe(cell, freight)?);
            Ok(())
        },
    },
    Column {
        name: "freight_fen",
        others: &["运费(分)", "运费分"],
        need: Need::MayOneOf("freight"),
        set: |draft, cell, _| {
            draft.details.freight_fen = Some(maybe(cell, |cell| amount(cell, 0, "a whole number of fen"))?);
            Ok(())
        },
    },
    Column {
        name: "freight_yuan",
        others: &["运费(元)", "运费元"],
        need: Need::MayOneOf("freight"),
        set: |draft, cell, _| {
            draft.details.freight_fen = Some(maybe(cell, |cell| amount(cell, 2, "an amount in yuan like 18 or 18.50"))?);
            Ok(())
        },
    },
    Column {
        name: "receipt_no",
        others: &["回单号", "签回单号", "回单编号"],
        need: Need::May,
        set: |draft, cell, _| {
            draft.details.receipt_no = Some(maybe(cell, |cell| Ok(Waybill::parse(&cell.digits(MOST_CODE)?)?))?);
            Ok(())
        },
    },
    Column {
        name: "label_grams",
        others: &["面单重量(克)", "重量(克)"],
        need: Need::May,
        set: |draft, cell, _| {
            draft.details.label_grams = Some(maybe(cell, |cell| whole(cell, MOST_GRAMS))?);
            Ok(())
        },
    },
    Column {
        name: "pieces",
        others: &["件数", "总件数"],
        need: Need::May,
        set: |draft, cell, _| {
            draft.details.pieces = Some(maybe(cell, |cell| whole(cell, MOST_PIECES))?);
            Ok(())
        },
    },
    Column {
        name: "goods",
        others: &["品名", "物品名称", "货物名称", "物品"],
        need: Need::May,
        set: |draft, cell, _| {
            draft.details.goods = Some(maybe(cell, |cell| Ok(Personal::plain(&cell.text(MOST_GOODS)?)?))?);
            Ok(())
        },
    },
    Column {
        name: "declared_fen",
        others: &["声明价值(分)", "保价金额(分)"],
        need: Need::MayOneOf("declared"),
        set: |draft, cell, _| {
            draft.details.declared = Some(maybe(cell, |cell| amount(cell, 0, "a whole number of fen"))?);
            Ok(())
        },
    },
    Column {
        name: "declared_yuan",
        others: &["声明价值(元)", "保价金额(元)"],
        need: Need::MayOneOf("declared"),
        set: |draft, cell, _| {
            draft.details.declared = Some(maybe(cell, |cell| amount(cell, 2, "an amount in yuan like 300 or 300.50"))?);
            Ok(())
        },
    },
    Column {
        name: "day",
        others: &["清单日期", "派件日期", "日期"],
        need: Need::May,
        set: |draft, cell, _| {
            draft.details.day = Some(maybe(cell, day)?);
            Ok(())
        },
    },
    Column {
        name: "expires",
        others: &["失效时间", "到期时间"],
        need: Need::May,
        set: |draft, cell, pack| {
            draft.details.expires_at = Some(moment(cell, pack)?);
            Ok(())
        },
    },
];

/// Why a draft is no parcel's row.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum DraftFault {
    #[error("{0}: not said")]
    Lacks(&'static str),
    #[error("theoretical_arrival: {0}")]
    Arrival(#[from] TimeFault),
    #[error("run: no arrival in the timetable of {outlet}")]
    Run {
        /// The delivering outlet.
        outlet: OutletCode,
    },
    #[error("theoretical_arrival: with a run it names only the day, like 2026-03-02")]
    NotOnlyDay,
    #[error("freight: an amount needs prepaid or collect")]
    Freight,
}

impl Draft {
    /// The parcel's row. What the list does not say stays as it is `known`, and the row of a new parcel that says no day has `today`'s.
    /// Both ways in use it: a file's rows and posted ones.
    pub(crate) fn over(self, known: Option<&Parcel>, pack: &Pack, today: Option<Day>) -> Result<Parcel, DraftFault> {
        let lacks = DraftFault::Lacks;
        let theoretical_arrival = self.arrival_at(known, pack)?;
        let virtual_number = self.virtual_number(known);
        let said_arrival = theoretical_arrival.filter(|_| self.arrival.flatten().is_some());
        let details = self.details.over((self.run, said_arrival), known, today)?;
        Ok(Parcel {
            waybill: self.waybill.ok_or(lacks("waybill"))?,
            network: self.network.ok_or(lacks("network"))?,
            origin_outlet: self.origin_outlet.ok_or(lacks("origin_outlet"))?,
            delivering_outlet: self.delivering_outlet.ok_or(lacks("delivering_outlet"))?,
            courier: self.courier.unwrap_or_else(|| known.and_then(|known| known.courier.clone())),
            recipient_name: self.recipient_name.ok_or(lacks("recipient_name"))?,
            recipient_phone: self.recipient_phone.unwrap_or_else(|| known.and_then(|known| known.recipient_phone.clone())),
            virtual_number,
            recipient_address: self.recipient_address.ok_or(lacks("recipient_address"))?,
            // Every file has its column. A posted row may have none.
            cod: self.cod.or(known.map(|known| known.cod)).unwrap_or_default(),
            theoretical_arrival,
            hub: self.hub.unwrap_or_else(|| known.and_then(|known| known.hub.clone())),
            // Without a time in the list the store keeps the known one, or else notes the time of the import.
            entered_at: self.entered.flatten(),
            children: self.children.unwrap_or_else(|| known.map(|known| known.children.clone()).unwrap_or_default()),
            details,
        })
    }

    fn arrival_at(&self, known: Option<&Parcel>, pack: &Pack) -> Result<Option<UnixMs>, DraftFault> {
        let Some(arrival) = self.arrival else { return Ok(known.and_then(|known| known.theoretical_arrival)) };
        let Some(run) = self.run.clone().flatten() else {
            return Ok(arrival.map(|arrival| arrival.moment(zone(pack)?)).transpose()?);
        };
        let outlet = self.delivering_outlet.clone().ok_or(DraftFault::Lacks("delivering_outlet"))?;
        let day: NaiveDate = arrival.and_then(When::day).ok_or(DraftFault::NotOnlyDay)?;
        match pack.arrival(outlet.as_str(), &run, day) {
            Some(at) => Ok(Some(at)),
            None => Err(DraftFault::Run { outlet }),
        }
    }

    fn virtual_number(&self, known: Option<&Parcel>) -> Option<VirtualNumber> {
        let known = known.and_then(|known| known.virtual_number.as_ref());
        let number = match &self.virtual_phone {
            // Without a number there is nothing to expire.
            Some(said) => said.clone()?,
            None => known?.number.clone(),
        };
        // The end of another number is not the end of this one.
        let kept = known.filter(|known| known.number == number).and_then(|known| known.expires_at);
        Some(VirtualNumber { number, expires_at: self.virtual_until.unwrap_or(kept) })
    }
}

fn zone(pack: &Pack) -> Result<FixedOffset, TimeFault> {
    pack.zone().ok_or(TimeFault::Unknown)
}

/// Reads a cell, if something is in it.
fn maybe<'c, T>(cell: &'c Cell<'_>, read: impl FnOnce(&'c Cell<'_>) -> Result<T, CellFault>) -> Result<Option<T>, CellFault> {
    if cell.is_empty() { Ok(None) } else { read(cell).map(Some) }
}

fn filled(text: std::borrow::Cow<'_, str>) -> Result<std::borrow::Cow<'_, str>, CellFault> {
    if text.is_empty() { Err(CellFault::Empty) } else { Ok(text) }
}

/// A number that a spreadsheet has damaged is kept as it is: the parcel needs its row, and the row's note says that the number cannot
/// be used.
fn phone(cell: &Cell<'_>) -> Result<Personal, CellFault> {
    Ok(Personal::plain(&cell.text(MOST_PHONE)?)?)
}

fn moment(cell: &Cell<'_>, pack: &Pack) -> Result<Option<UnixMs>, CellFault> {
    maybe(cell, |cell| Ok(cell.when()?.moment(zone(pack)?)?))
}

/// An amount to collect; an empty cell is 0.
fn cod(cell: &Cell<'_>, decimals: usize, what: &'static str) -> Result<Fen, CellFault> {
    let fen = Fen(maybe(cell, |cell| cell.fen(decimals, what))?.unwrap_or(0));
    if (Fen(0)..=MOST_COD).contains(&fen) {
        Ok(fen)
    } else {
        Err(CellFault::Beyond(format!("from 0 to {} yuan", MOST_COD.0 / 100)))
    }
}

/// The freight or a declared value.
fn amount(cell: &Cell<'_>, decimals: usize, what: &'static str) -> Result<Fen, CellFault> {
    let fen = Fen(cell.fen(decimals, what)?);
    if (Fen(0)..=MOST_FEN).contains(&fen) {
        Ok(fen)
    } else {
        Err(CellFault::Beyond(format!("from 0 to {} yuan", MOST_FEN.0 / 100)))
    }
}

fn whole(cell: &Cell<'_>, most: u32) -> Result<u32, CellFault> {
    let number = cell.digits(MOST_CODE)?.parse().ok().filter(|number| *number <= most);
    number.ok_or_else(|| CellFault::Beyond(format!("a whole number from 0 to {most}")))
}

fn freight(cell: &Cell<'_>) -> Result<FreightKind, CellFault> {
    let word = cell.text(MOST_CODE)?.to_lowercase();
    let kind = match word.as_str() {
        "寄付" | "现付" | "预付" => Some(FreightKind::Prepaid),
        "到付" => Some(FreightKind::Collect),
        word => FreightKind::from_word(word),
    };
    kind.ok_or_else(|| CellFault::Rule("neither prepaid 寄付 nor collect 到付".to_owned()))
}

fn day(cell: &Cell<'_>) -> Result<Day, CellFault> {
    let day = cell.when()?.day().and_then(|day| day.to_string().parse().ok());
    day.ok_or_else(|| CellFault::Rule("not a day like 2026-03-02".to_owned()))
}

fn children(cell: &Cell<'_>) -> Result<Vec<Waybill>, CellFault> {
    let text = cell.digits(MOST_NUMBERS)?;
    let numbers = text.split(|c: char| c.is_whitespace() || matches!(c, ',' | '、' | ';' | '，' | '；'));
    let children = numbers.filter(|number| !number.is_empty()).map(Waybill::parse).collect::<Result<Vec<_>, _>>()?;
    if children.len() > MOST_CHILDREN { Err(CellFault::Rule(format!("more than {MOST_CHILDREN}"))) } else { Ok(children) }
}
