//! The parcels of head office's list, and every courier that was ever assigned.

use doorstep_domain::{CaseId, OutletCode, Parcel, Personal, UnixMs, UserId, VirtualNumber, Waybill};
use doorstep_protocol::ParcelRow;
use doorstep_sql::{ToValue, Value, ValueError};

use super::tx::{Row, StoreError, Tx, params, sql};

/// The columns of a parcel, in the order of [`read`].
macro_rules! parcel_columns {
    () => {
        "parcel.waybill, parcel.network, parcel.origin_outlet, parcel.delivering_outlet, parcel.courier, parcel.recipient_name,
         parcel.recipient_phone, parcel.recipient_address, parcel.cod_fen, parcel.arrival_ms, parcel.hub, parcel.entered_ms,
         parcel.children, parcel.virtual_phone, parcel.virtual_until_ms"
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
    })
}

/// The open parcels that concern a courier: on their list and not handed over to another, taken over by them, or offered to them
/// (C-23).
pub(crate) fn of_courier(tx: &Tx<'_>, courier: &str) -> Result<Vec<ParcelRow>, StoreError> {
    tx.all(
        sql!(
            "SELECT ",
            parcel_columns!(),
            " FROM parcel WHERE parcel.courier = ?1 AND NOT EXISTS (SELECT 1 FROM doc
                WHERE doc.waybill = parcel.waybill AND (doc.closed = 1 OR doc.courier <> ?1))
              UNION SELECT ",
            parcel_columns!(),
            " FROM doc JOIN parcel ON parcel.waybill = doc.waybill
              WHERE (doc.courier = ?1 OR doc.offered_to = ?1) AND doc.closed = 0
              ORDER BY 1"
        ),
        params![courier],
        read,
    )
}

/// The parcels that a hub handles on their way.
pub(crate) fn of_hub(tx: &Tx<'_>, hub: &str) -> Result<Vec<ParcelRow>, StoreError> {
    tx.all(sql!("SELECT ", parcel_columns!(), " FROM parcel WHERE parcel.hub = ?1 ORDER BY parcel.waybill"), params![hub], read)
}

/// The parcels that an outlet delivers.
pub(crate) fn of_outlet(tx: &Tx<'_>, outlet: &str) -> Result<Vec<ParcelRow>, StoreError> {
    tx.all(
        sql!("SELECT ", parcel_columns!(), " FROM parcel WHERE parcel.delivering_outlet = ?1 ORDER BY parcel.waybill"),
        params![outlet],
        read,
    )
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

/// A phone number as a column, empty if there is none.
struct Number<'a>(Option<&'a Personal>);

impl ToValue for Number<'_> {
    fn to_value(&self) -> Result<Value<'_>, ValueError> {
        self.0.map_or(&[][..], Personal::as_bytes).to_value()
    }
}

fn number(row: &Row<'_>, at: usize) -> Result<Option<Personal>, StoreError> {
    let bytes: Vec<u8> = row.get(at)?;
    if bytes.is_empty() { Ok(None) } else { Ok(Some(row.get(at)?)) }
}

/// The row of a parcel; `None` if it is on no list.
pub(crate) fn get(tx: &Tx<'_>, waybill: &str) -> Result<Option<Parcel>, StoreError> {
    tx.maybe(
        sql!(
            "SELECT waybill, network, origin_outlet, delivering_outlet, courier, recipient_name, recipient_phone, virtual_phone,
               virtual_until_ms, recipient_address, cod_fen, arrival_ms, hub, entered_ms, children
             FROM parcel WHERE waybill = ?1"
        ),
        params![waybill],
        |row| {
            let expires_at = row.get(8)?;
            let children: String = row.get(14)?;
            let children = children.split_whitespace().map(Waybill::parse).collect::<Result<_, _>>();
            Ok(Parcel {
                waybill: row.get(0)?,
                network: row.get(1)?,
                origin_outlet: row.get(2)?,
                delivering_outlet: row.get(3)?,
                courier: row.get(4)?,
                recipient_name: row.get(5)?,
                recipient_phone: number(row, 6)?,
                virtual_number: number(row, 7)?.map(|number| VirtualNumber { number, expires_at }),
                recipient_address: row.get(9)?,
                cod: row.get(10)?,
                theoretical_arrival: row.get(11)?,
                hub: row.get(12)?,
                entered_at: row.get(13)?,
                children: children.map_err(|_| ValueError::Content("Waybill"))?,
            })
        },
    )
}

/// The waybills of the list.
pub(crate) fn waybills(tx: &Tx<'_>) -> Result<Vec<Waybill>, StoreError> {
    tx.all(sql!("SELECT waybill FROM parcel"), params![], |row| row.get(0))
}

/// Writes a parcel's row, replacing the one before. If the parcel does not say when its data were first in the system, the time
/// of the earlier row stays; a first row gets `now`.
pub(crate) fn write(tx: &Tx<'_>, parcel: &Parcel, now: UnixMs) -> Result<(), StoreError> {
    let virtual_number = parcel.virtual_number.as_ref();
    tx.run(
        sql!(
            "INSERT INTO parcel (waybill, network, origin_outlet, delivering_outlet, courier, recipient_name, recipient_phone,
               recipient_address, cod_fen, arrival_ms, hub, children, virtual_phone, virtual_until_ms, entered_ms)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)
             ON CONFLICT (waybill) DO UPDATE SET network = ?2, origin_outlet = ?3, delivering_outlet = ?4, courier = ?5,
               recipient_name = ?6, recipient_phone = ?7, recipient_address = ?8, cod_fen = ?9, arrival_ms = ?10, hub = ?11,
               children = ?12, virtual_phone = ?13, virtual_until_ms = ?14, entered_ms = coalesce(?16, parcel.entered_ms)"
        ),
        params![
            parcel.waybill,
            parcel.network,
            parcel.origin_outlet,
            parcel.delivering_outlet,
            parcel.courier,
            parcel.recipient_name,
            Number(parcel.recipient_phone.as_ref()),
            parcel.recipient_address,
            parcel.cod,
            parcel.theoretical_arrival,
            parcel.hub,
            parcel.children.iter().map(Waybill::as_str).collect::<Vec<_>>().join(" "),
            Number(virtual_number.map(|virtual_number| &virtual_number.number)),
            virtual_number.and_then(|virtual_number| virtual_number.expires_at),
            parcel.entered_at.unwrap_or(now),
            parcel.entered_at
        ],
    )?;
    Ok(())
}

/// Notes that a parcel was assigned to a courier.
pub(crate) fn assign(tx: &Tx<'_>, waybill: &Waybill, courier: &UserId) -> Result<(), StoreError> {
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

/// Ends a handover in a case, unless the parcel's row already names this courier.
pub(crate) fn end_handover(tx: &Tx<'_>, case: &CaseId, waybill: &Waybill, courier: &UserId) -> Result<(), StoreError> {
    tx.run(
        sql!(
            "UPDATE doc SET courier = NULL, offered_to = NULL, offer = NULL WHERE case_id = ?1
             AND NOT EXISTS (SELECT 1 FROM parcel WHERE waybill = ?2 AND courier = ?3)"
        ),
        params![case, waybill, courier],
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
