//! The parcels of head office's list, and every courier that was ever assigned.

use doorstep_domain::{
    CaseId, Day, Details, Fen, Freight, FreightKind, NetworkCode, OutletCode, Parcel, Personal, UnixMs, UserId, VirtualNumber,
    Waybill,
};
use doorstep_protocol::{DetailsRow, ParcelRow, Scope};
use doorstep_sql::{ToValue, Value, ValueError};

use super::tx::{Row, StoreError, Tx, params, sql};

/// The columns of a parcel, in the order of [`read`].
macro_rules! parcel_columns {
    () => {
        "parcel.waybill, parcel.network, parcel.origin_outlet, parcel.delivering_outlet, parcel.courier, parcel.recipient_name,
         parcel.recipient_phone, parcel.recipient_address, parcel.cod_fen, parcel.arrival_ms, parcel.hub, parcel.entered_ms,
         parcel.children, parcel.virtual_phone, parcel.virtual_until_ms, parcel.sender_name, parcel.sender_phone, parcel.freight,
         parcel.freight_fen, parcel.receipt_no, parcel.label_grams, parcel.pieces, parcel.goods, parcel.declared_fen,
         parcel.list_day, parcel.run, parcel.expires_ms, parcel.courier_ms"
    };
}

fn read(row: &Row<'_>) -> Result<ParcelRow, StoreError> {
    let children: String = row.get(12)?;
    let children: Vec<String> = children.split_whitespace().map(str::to_owned).collect();
    Ok(ParcelRow {
        waybill: row.get(0)?,
        network: row.get(1)?,
        origin_outlet: row.get(2)?,
        delivering_outlet: row.get(3)?,
        courier: row.get(4)?,
        recipient_name: row.get(5)?,
        recipient_phone: row.get(6)?,
        recipient_address: row.get(7)?,
        cod_fen: row.get(8)?,
        theoretical_arrival_ms: row.get(9)?,
        hub: row.get(10)?,
        entered_ms: row.get(11)?,
        children: Some(children).filter(|children| !children.is_empty()),
        virtual_phone: row.get(13)?,
        virtual_until_ms: row.get(14)?,
        details: Some(details_row(row)?).filter(|details| *details != DetailsRow::default()),
    })
}

/// The place of the first of the details in [`parcel_columns`].
const DETAILS: usize = 15;

fn details_row(row: &Row<'_>) -> Result<DetailsRow, StoreError> {
    Ok(DetailsRow {
        sender_name: row.get(DETAILS)?,
        sender_phone: row.get(DETAILS + 1)?,
        freight: row.get(DETAILS + 2)?,
        freight_fen: row.get(DETAILS + 3)?,
        receipt_no: row.get(DETAILS + 4)?,
        label_grams: row.get(DETAILS + 5)?,
        pieces: row.get(DETAILS + 6)?,
        goods: row.get(DETAILS + 7)?,
        declared_fen: row.get(DETAILS + 8)?,
        day: row.get::<Option<Day>>(DETAILS + 9)?.map(Day::days),
        run: row.get(DETAILS + 10)?,
        expires_ms: row.get(DETAILS + 11)?,
        courier_ms: row.get(DETAILS + 12)?,
    })
}

fn details(row: &Row<'_>) -> Result<Details, StoreError> {
    let freight = row.get::<Option<FreightKind>>(DETAILS + 2)?.zip(row.get::<Option<Fen>>(DETAILS + 3)?);
    Ok(Details {
        sender_name: personal(row, DETAILS)?,
        sender_phone: personal(row, DETAILS + 1)?,
        freight: freight.map(|(kind, amount)| Freight { kind, amount }),
        receipt_no: row.get(DETAILS + 4)?,
        label_grams: row.get(DETAILS + 5)?,
        pieces: row.get(DETAILS + 6)?,
        goods: personal(row, DETAILS + 7)?,
        declared: row.get(DETAILS + 8)?,
        day: row.get(DETAILS + 9)?,
        run: row.get(DETAILS + 10)?,
        expires_at: row.get(DETAILS + 11)?,
        courier_at: row.get(DETAILS + 12)?,
    })
}

/// The rows that a scope holds and got by changes after `n`.
pub(crate) fn of_scope(tx: &Tx<'_>, scope: &Scope, n: u64) -> Result<Vec<ParcelRow>, StoreError> {
    tx.all(
        sql!(
            "SELECT ",
            parcel_columns!(),
            " FROM parcel_scope JOIN parcel ON parcel.waybill = parcel_scope.waybill
              WHERE parcel_scope.scope = ?1 AND parcel_scope.n > ?2 AND parcel_scope.has = 1 ORDER BY parcel.waybill"
        ),
        params![scope.to_string(), n],
        read,
    )
}

/// What a row that has not ended says of its parcel's way.
pub(crate) struct Listed {
    pub waybill: Waybill,
    pub delivering: OutletCode,
    pub origin: OutletCode,
    pub hub: Option<OutletCode>,
    pub courier: Option<UserId>,
}

/// The network and the way of a parcel; `None` if it is on no list or its row has ended.
pub(crate) fn in_force(tx: &Tx<'_>, waybill: &str) -> Result<Option<(NetworkCode, Listed)>, StoreError> {
    tx.maybe(
        sql!(
            "SELECT network, waybill, delivering_outlet, origin_outlet, hub, courier FROM parcel
             WHERE waybill = ?1 AND ended_ms IS NULL"
        ),
        params![waybill],
        |row| {
            let (waybill, delivering, origin) = (row.get(1)?, row.get(2)?, row.get(3)?);
            Ok((row.get(0)?, Listed { waybill, delivering, origin, hub: row.get(4)?, courier: row.get(5)? }))
        },
    )
}

/// Whether a parcel has a row that has not ended.
pub(crate) fn is_in_force(tx: &Tx<'_>, waybill: &str) -> Result<bool, StoreError> {
    tx.exists(sql!("SELECT 1 FROM parcel WHERE waybill = ?1 AND ended_ms IS NULL"), params![waybill])
}

/// The people and outlets in a parcel's row.
pub(crate) struct Named {
    pub delivering: OutletCode,
    pub origin: OutletCode,
    pub hub: Option<OutletCode>,
    pub courier: Option<UserId>,
}

/// The people and outlets in a parcel's row; `None` if it is not on the list.
pub(crate) fn named(tx: &Tx<'_>, waybill: &str) -> Result<Option<Named>, StoreError> {
    tx.maybe(
        sql!("SELECT delivering_outlet, origin_outlet, hub, courier FROM parcel WHERE waybill = ?1"),
        params![waybill],
        |row| Ok(Named { delivering: row.get(0)?, origin: row.get(1)?, hub: row.get(2)?, courier: row.get(3)? }),
    )
}

/// The couriers to whom a parcel was ever assigned.
pub(crate) fn assigned(tx: &Tx<'_>, waybill: &str) -> Result<Vec<UserId>, StoreError> {
    tx.all(sql!("SELECT courier FROM assigned WHERE waybill = ?1 ORDER BY courier"), params![waybill], |row| row.get(0))
}

/// A personal value as a column, empty if there is none.
struct Maybe<'a>(Option<&'a Personal>);

impl ToValue for Maybe<'_> {
    fn to_value(&self) -> Result<Value<'_>, ValueError> {
        self.0.map_or(&[][..], Personal::as_bytes).to_value()
    }
}

fn personal(row: &Row<'_>, at: usize) -> Result<Option<Personal>, StoreError> {
    let bytes: Vec<u8> = row.get(at)?;
    if bytes.is_empty() { Ok(None) } else { Ok(Some(row.get(at)?)) }
}

/// The row of a parcel; `None` if it is on no list.
pub(crate) fn get(tx: &Tx<'_>, waybill: &str) -> Result<Option<Parcel>, StoreError> {
    tx.maybe(sql!("SELECT ", parcel_columns!(), " FROM parcel WHERE waybill = ?1"), params![waybill], |row| {
        let children: String = row.get(12)?;
        let children = children.split_whitespace().map(Waybill::parse).collect::<Result<_, _>>();
        let expires_at = row.get(14)?;
        Ok(Parcel {
            waybill: row.get(0)?,
            network: row.get(1)?,
            origin_outlet: row.get(2)?,
            delivering_outlet: row.get(3)?,
            courier: row.get(4)?,
            recipient_name: row.get(5)?,
            recipient_phone: personal(row, 6)?,
            recipient_address: row.get(7)?,
            cod: row.get(8)?,
            theoretical_arrival: row.get(9)?,
            hub: row.get(10)?,
            entered_at: row.get(11)?,
            children: children.map_err(|_| ValueError::Content("Waybill"))?,
            virtual_number: personal(row, 13)?.map(|number| VirtualNumber { number, expires_at }),
            details: details(row)?,
        })
    })
}

/// The waybills of the list.
pub(crate) fn waybills(tx: &Tx<'_>) -> Result<Vec<Waybill>, StoreError> {
    tx.all(sql!("SELECT waybill FROM parcel"), params![], |row| row.get(0))
}

/// Writes a parcel's row, replacing the one before. True if it says something else than the one before. If the parcel does not say when its data were first in the system, the time
/// of the earlier row stays; a first row gets `now`.
pub(crate) fn write(tx: &Tx<'_>, parcel: &Parcel, now: UnixMs) -> Result<bool, StoreError> {
    let waybill = parcel.waybill.as_str();
    let before = if is_in_force(tx, waybill)? { get(tx, waybill)? } else { None };
    let virtual_number = parcel.virtual_number.as_ref();
    let Details {
        sender_name,
        sender_phone,
        freight,
        receipt_no,
        label_grams,
        pieces,
        goods,
        declared,
        day,
        run,
        expires_at,
        courier_at: _,
    } = &parcel.details;
    tx.run(
        sql!(
            "INSERT INTO parcel (waybill, network, origin_outlet, delivering_outlet, courier, recipient_name, recipient_phone,
               recipient_address, cod_fen, arrival_ms, hub, children, virtual_phone, virtual_until_ms, entered_ms, sender_name,
               sender_phone, freight, freight_fen, receipt_no, label_grams, pieces, goods, declared_fen, list_day, run, expires_ms,
               written_ms)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24, ?25,
               ?26, ?27, ?28, ?29)
             ON CONFLICT (waybill) DO UPDATE SET network = ?2, origin_outlet = ?3, delivering_outlet = ?4, courier = ?5,
               recipient_name = ?6, recipient_phone = ?7, recipient_address = ?8, cod_fen = ?9, arrival_ms = ?10, hub = ?11,
               children = ?12, virtual_phone = ?13, virtual_until_ms = ?14, entered_ms = coalesce(?16, parcel.entered_ms),
               sender_name = ?17, sender_phone = ?18, freight = ?19, freight_fen = ?20, receipt_no = ?21, label_grams = ?22,
               pieces = ?23, goods = ?24, declared_fen = ?25, list_day = ?26, run = ?27, expires_ms = ?28, written_ms = ?29,
               courier_ms = CASE WHEN parcel.delivering_outlet = ?4
                 AND (parcel.courier = ?5 OR (parcel.courier IS NULL AND ?5 IS NULL)) THEN parcel.courier_ms ELSE ?29 END,
               ended_ms = NULL"
        ),
        params![
            parcel.waybill,
            parcel.network,
            parcel.origin_outlet,
            parcel.delivering_outlet,
            parcel.courier,
            parcel.recipient_name,
            Maybe(parcel.recipient_phone.as_ref()),
            parcel.recipient_address,
            parcel.cod,
            parcel.theoretical_arrival,
            parcel.hub,
            parcel.children.iter().map(Waybill::as_str).collect::<Vec<_>>().join(" "),
            Maybe(virtual_number.map(|virtual_number| &virtual_number.number)),
            virtual_number.and_then(|virtual_number| virtual_number.expires_at),
            parcel.entered_at.unwrap_or(now),
            parcel.entered_at,
            Maybe(sender_name.as_ref()),
            Maybe(sender_phone.as_ref()),
            freight.map(|freight| freight.kind),
            freight.map(|freight| freight.amount),
            receipt_no,
            label_grams,
            pieces,
            Maybe(goods.as_ref()),
            declared,
            day,
            run,
            expires_at,
            now
        ],
    )?;
    Ok(before != get(tx, waybill)?)
}

/// The parcels of a day's list whose rows have not ended.
pub(crate) fn of_day(tx: &Tx<'_>, network: &NetworkCode, day: Day) -> Result<Vec<Waybill>, StoreError> {
    tx.all(
        sql!("SELECT waybill FROM parcel WHERE list_day = ?1 AND network = ?2 AND ended_ms IS NULL ORDER BY waybill"),
        params![day, network],
        |row| row.get(0),
    )
}

/// A row that may be due to end.
pub(crate) struct Due {
    pub waybill: Waybill,
    pub network: NetworkCode,
    /// When a list named it last.
    pub written_at: UnixMs,
    pub expires_at: Option<UnixMs>,
}

/// At most `most` rows after a waybill that have expired, or that no list has named since `unnamed`.
pub(crate) fn maybe_due(tx: &Tx<'_>, after: &str, now: UnixMs, unnamed: UnixMs, most: u32) -> Result<Vec<Due>, StoreError> {
    tx.all(
        sql!(
            "SELECT waybill, network, written_ms, expires_ms FROM parcel
             WHERE waybill > ?1 AND ended_ms IS NULL AND (expires_ms <= ?2 OR written_ms <= ?3) ORDER BY waybill LIMIT ?4"
        ),
        params![after, now, unnamed, most],
        |row| Ok(Due { waybill: row.get(0)?, network: row.get(1)?, written_at: row.get(2)?, expires_at: row.get(3)? }),
    )
}

/// Ends a parcel's row: erases the values of people in it. Places, couriers and times stay, because rights and feeds of a late
/// record need them. False if it is on no list or had ended.
pub(crate) fn end(tx: &Tx<'_>, waybill: &Waybill, now: UnixMs) -> Result<bool, StoreError> {
    let nothing = Personal::default();
    let ended = tx.run(
        sql!(
            "UPDATE parcel SET recipient_name = ?2, recipient_phone = ?3, recipient_address = ?2, virtual_phone = ?3,
               virtual_until_ms = NULL, sender_name = ?3, sender_phone = ?3, goods = ?3, ended_ms = ?4
             WHERE waybill = ?1 AND ended_ms IS NULL"
        ),
        params![waybill, nothing, Maybe(None), now],
    )?;
    Ok(ended > 0)
}

/// When a list moved a parcel to its courier; `None` if none has moved it since the first one, or it is on no list.
pub(crate) fn courier_at(tx: &Tx<'_>, waybill: &str) -> Result<Option<UnixMs>, StoreError> {
    let at = tx.maybe(sql!("SELECT courier_ms FROM parcel WHERE waybill = ?1"), params![waybill], |row| row.get(0))?;
    Ok(at.flatten())
}

/// Notes that a courier has or had a parcel.
pub(crate) fn assign(tx: &Tx<'_>, waybill: &str, courier: &UserId) -> Result<(), StoreError> {
    tx.run(
        sql!("INSERT INTO assigned (waybill, courier) VALUES (?1, ?2) ON CONFLICT (waybill, courier) DO NOTHING"),
        params![waybill, courier],
    )?;
    Ok(())
}

/// Whether anything is recorded of a case.
pub(crate) fn is_recorded(tx: &Tx<'_>, case: &CaseId) -> Result<bool, StoreError> {
    tx.exists(sql!("SELECT 1 FROM doc WHERE case_id = ?1"), params![case])
}

/// Opens a case again that an outlet other than the delivering one recorded first, unless the parcel already has a row.
pub(crate) fn reopen_unlisted(tx: &Tx<'_>, case: &CaseId, waybill: &Waybill, delivering: &OutletCode) -> Result<(), StoreError> {
    tx.run(
        sql!(
            "UPDATE doc SET closed = 0 WHERE case_id = ?1 AND first_outlet <> ?2
             AND NOT EXISTS (SELECT 1 FROM parcel WHERE waybill = ?3)"
        ),
        params![case, delivering, waybill],
    )?;
    Ok(())
}

/// Makes an outlet the one that delivers a parcel, without a courier. What the list said is kept, so that a list that repeats itself
/// moves nothing.
pub(crate) fn forward(tx: &Tx<'_>, waybill: &str, outlet: &OutletCode, now: UnixMs) -> Result<(), StoreError> {
    tx.run(
        sql!(
            "UPDATE parcel SET
               listed_outlet = CASE WHEN listed_outlet = ?2 THEN NULL ELSE coalesce(listed_outlet, delivering_outlet) END,
               delivering_outlet = ?2, courier = NULL, courier_ms = ?3 WHERE waybill = ?1"
        ),
        params![waybill, outlet, now],
    )?;
    Ok(())
}

/// The row of a list as it is to be written: a list that says again what the list said before the parcel was sent on moves nothing. A
/// list that says something else is newer than the arrival.
pub(crate) fn after_forwards(tx: &Tx<'_>, parcel: &Parcel) -> Result<Parcel, StoreError> {
    let sent_on: Option<(Option<OutletCode>, OutletCode, Option<UserId>)> = tx.maybe(
        sql!("SELECT listed_outlet, delivering_outlet, courier FROM parcel WHERE waybill = ?1 AND listed_outlet IS NOT NULL"),
        params![parcel.waybill],
        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
    )?;
    match sent_on {
        Some((Some(listed), delivering_outlet, courier)) if listed == parcel.delivering_outlet => {
            Ok(Parcel { delivering_outlet, courier, ..parcel.clone() })
        }
        Some(_) => {
            tx.run(sql!("UPDATE parcel SET listed_outlet = NULL WHERE waybill = ?1"), params![parcel.waybill])?;
            Ok(parcel.clone())
        }
        None => Ok(parcel.clone()),
    }
}

/// Ends a handover, a takeover and an assignment in a case if a list moves the parcel: its row names another courier, or another
/// delivering outlet, than before. A list that repeats itself moves nothing.
pub(crate) fn end_handover(tx: &Tx<'_>, parcel: &Parcel) -> Result<(), StoreError> {
    tx.run(
        sql!(
            "UPDATE doc SET courier = NULL, courier_ms = NULL, offered_to = NULL, offer = NULL WHERE case_id = ?1
             AND NOT EXISTS (
               SELECT 1 FROM parcel WHERE waybill = ?2 AND delivering_outlet = ?4 AND (?3 IS NULL OR courier = ?3))"
        ),
        params![parcel.case_id(), parcel.waybill, parcel.courier, parcel.delivering_outlet],
    )?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use doorstep_domain::Fen;

    use super::*;
    use crate::{open::open, store::people};

    fn parcel(entered_at: Option<UnixMs>, number: Option<&str>) -> Parcel {
        let plain = |text| Personal::plain(text).unwrap();
        Parcel {
            waybill: Waybill::parse("QH310000000017").unwrap(),
            network: "QH".parse().unwrap(),
            origin_outlet: "HZ-01".parse().unwrap(),
            delivering_outlet: "HZ-01".parse().unwrap(),
            courier: None,
            recipient_name: plain("Wu Ming"),
            recipient_phone: number.map(plain),
            virtual_number: number.map(|number| VirtualNumber { number: plain(number), expires_at: Some(UnixMs(9)) }),
            recipient_address: plain("Lane 4"),
            cod: Fen(100),
            theoretical_arrival: Some(UnixMs(5)),
            hub: None,
            entered_at,
            children: vec![Waybill::parse("QH310000000025").unwrap()],
            details: number.map(|_| details()).unwrap_or_default(),
        }
    }

    fn details() -> Details {
        let plain = |text| Some(Personal::plain(text).unwrap());
        Details {
            sender_name: plain("Chen"),
            sender_phone: plain("13900001234"),
            freight: Some(Freight { kind: FreightKind::Collect, amount: Fen(1_800) }),
            receipt_no: Some(Waybill::parse("QHR310000000017").unwrap()),
            label_grams: Some(2_350),
            pieces: Some(2),
            goods: plain("tea"),
            declared: Some(Fen(30_000)),
            day: Day::new(20_514),
            run: Some("first".to_owned()),
            expires_at: Some(UnixMs(99)),
            courier_at: None,
        }
    }

    #[test]
    fn a_row_takes_the_place_of_the_one_before_but_keeps_when_the_data_were_first_in_the_system() {
        let folder = tempfile::tempdir().unwrap();
        let waybill = "QH310000000017";
        open(folder.path())
            .unwrap()
            .write(|tx| {
                people::write_outlet(tx, &"HZ-01".parse().unwrap(), ("", ""), "")?;
                for (entered, number, now, kept) in [
                    (None, None, 70, 70),
                    (None, Some("13800000000"), 80, 70),
                    (Some(UnixMs(60)), None, 90, 60),
                    (None, None, 95, 60),
                ] {
                    write(tx, &parcel(entered, number), UnixMs(now))?;
                    assert!(get(tx, waybill)?.unwrap() == parcel(Some(UnixMs(kept)), number));
                }
                assert_eq!(waybills(tx)?, [Waybill::parse(waybill).unwrap()]);
                Ok::<_, StoreError>(())
            })
            .unwrap();
    }
}
