//! Who sees customers' data unmasked (domain 10.2), in one table of role, place and state of the case. Screens use it and decide
//! nothing themselves.

use doorstep_domain::{
    Author, Body, Details, HIDDEN, Kind, Parcel, Personal, Role, VirtualNumber, mask_address, mask_name, mask_number,
};

use crate::{Case, Concerned, Where};

/// How a reader sees the personal values of a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sight {
    /// Unmasked.
    Clear,
    /// Masked.
    Masked,
}

/// Readers who see the values unmasked: a role, its relation to the parcel, and whether it still sees them once the case has
/// ended. All other readers see masked values. A test compares the rows with README.md ("Who sees a customer's data").
const CLEAR: [(Role, Where, bool); 7] = [
    (Role::Courier, Where::Own, false),
    (Role::Outlet, Where::Delivering, false),
    (Role::Outlet, Where::Origin, false),
    (Role::OutletManager, Where::Delivering, false),
    (Role::OutletManager, Where::Origin, false),
    (Role::HqCs, Where::Any, true),
    (Role::HqReviewer, Where::Any, true),
];

/// Readers who see the sender's name and number unmasked. The origin outlet acts for the sender; nobody else calls them. A test
/// compares these rows with README.md too.
const SENDER: [(Role, Where, bool); 4] = [
    (Role::Outlet, Where::Origin, false),
    (Role::OutletManager, Where::Origin, false),
    (Role::HqCs, Where::Any, true),
    (Role::HqReviewer, Where::Any, true),
];

fn is_clear(rows: &[(Role, Where, bool)], reader: &Author, now: &Concerned, has_ended: bool) -> bool {
    rows.iter().any(|(role, place, ended_too)| {
        *role == reader.role && now.holds(*place, &reader.user, &reader.outlet) && (*ended_too || !has_ended)
    })
}

impl Sight {
    fn when(is_clear: bool) -> Self {
        if is_clear { Self::Clear } else { Self::Masked }
    }

    /// How a person sees a parcel's case. `now` has the people concerned with the parcel now, see [`Concerned::now`].
    pub fn of(reader: &Author, now: &Concerned, has_ended: bool) -> Self {
        Self::when(is_clear(&CLEAR, reader, now, has_ended))
    }

    /// How a person sees the sender's name and number of a parcel.
    pub fn of_sender(reader: &Author, now: &Concerned, has_ended: bool) -> Self {
        Self::when(is_clear(&SENDER, reader, now, has_ended))
    }

    /// How head office sees a case of the network in a role, without an outlet.
    pub fn of_head_office(role: Role, has_ended: bool) -> Self {
        Self::when(CLEAR.iter().any(|row| row.0 == role && row.1 == Where::Any && (row.2 || !has_ended)))
    }

    /// How a person sees a case on a device. `row` is the parcel's row on the device, if there is one.
    pub fn on_device(reader: &Author, case: &Case, row: Option<&Parcel>) -> Self {
        Self::of(reader, &Concerned::now(case, row), case.has_ended())
    }

    /// How a person sees a row of the list. `case` is the parcel's case on the device; without one no problem is recorded.
    pub fn of_row(reader: &Author, case: Option<&Case>, row: &Parcel) -> Self {
        let (now, has_ended) = around(case, row);
        Self::of(reader, &now, has_ended)
    }

    /// Returns a row of the list, with the recipient's values masked unless this is [`Sight::Clear`]. The sender's are masked for
    /// every reader; [`shown`] knows who sees them.
    pub fn row(self, row: Parcel) -> Parcel {
        let Details { sender_name, sender_phone, .. } = row.details;
        let details = Details {
            sender_name: sender_name.map(|name| name.behind(mask_name)),
            sender_phone: sender_phone.map(|number| number.behind(mask_number)),
            ..row.details
        };
        let row = Parcel { details, ..row };
        if self == Self::Clear {
            return row;
        }
        let number = |number: &Personal| number.behind(mask_number);
        let goods = row.details.goods.map(|goods| goods.behind(|_| HIDDEN.to_owned()));
        Parcel {
            recipient_name: row.recipient_name.behind(mask_name),
            recipient_phone: row.recipient_phone.as_ref().map(number),
            virtual_number: row.virtual_number.map(|it| VirtualNumber { number: number(&it.number), ..it }),
            recipient_address: row.recipient_address.behind(mask_address),
            details: Details { goods, ..row.details },
            ..row
        }
    }
}

/// The people concerned with a parcel now, and whether its case has ended.
fn around(case: Option<&Case>, row: &Parcel) -> (Concerned, bool) {
    match case {
        Some(case) => (Concerned::now(case, Some(row)), case.has_ended()),
        None => (Concerned::listed(row), false),
    }
}

/// A row of the list as a person sees it: the recipient's values by [`Sight::of_row`], the sender's by [`Sight::of_sender`].
pub fn shown(reader: &Author, case: Option<&Case>, row: Parcel) -> Parcel {
    let (now, has_ended) = around(case, &row);
    let sender = (Sight::of_sender(reader, &now, has_ended) == Sight::Clear)
        .then(|| (row.details.sender_name.clone(), row.details.sender_phone.clone()));
    let row = Sight::of(reader, &now, has_ended).row(row);
    let Some((sender_name, sender_phone)) = sender else { return row };
    Parcel { details: Details { sender_name, sender_phone, ..row.details }, ..row }
}

impl Concerned {
    /// The people concerned with a parcel by its row alone.
    fn listed(row: &Parcel) -> Self {
        Self {
            couriers: row.courier.iter().cloned().collect(),
            offered: None,
            delivering: Some(row.delivering_outlet.clone()),
            origin: Some(row.origin_outlet.clone()),
            hub: row.hub.clone(),
            asked: Vec::new(),
            former: Vec::new(),
            sheet: None,
        }
    }

    /// The people concerned with a parcel now, as far as a replica knows, by its row and the case. For an unlisted parcel the
    /// first recorder counts, as in the server's scopes. A courier who has handed the parcel over, or from whom it was assigned
    /// to another, is no longer included, unlike in the judgement of rights.
    pub fn now(case: &Case, row: Option<&Parcel>) -> Self {
        let facts = &case.facts;
        let is_unlisted = row.is_none() && facts.is_unlisted();
        let recorded = case.timeline.iter().chain(&case.quarantined).map(|recorded| &recorded.entry);
        let first = recorded.map(|entry| &entry.author).find(|author| !author.is_server()).filter(|_| is_unlisted);
        let notified = || {
            case.of_kind(Kind::Notice).rev().find_map(|recorded| match &recorded.entry.body {
                Body::Notice(notice) => Some(notice.to.clone()),
                _ => None,
            })
        };
        let listed = row.and_then(|row| Some((row.courier.as_ref()?, row.details.courier_at)));
        let holder = case
            .holder(listed)
            .cloned()
            .or_else(|| first.filter(|author| author.role == Role::Courier).map(|author| author.user.clone()));
        Self {
            couriers: holder.into_iter().collect(),
            offered: case.offered_to().cloned(),
            delivering: case
                .sent_on_to()
                .cloned()
                .or_else(|| row.map(|row| row.delivering_outlet.clone()))
                .or_else(|| facts.delivering_outlet.clone())
                .or_else(|| first.map(|author| author.outlet.clone())),
            origin: row
                .map(|row| row.origin_outlet.clone())
                .or_else(|| facts.origin_outlet.clone())
                .or_else(|| notified().filter(|_| is_unlisted)),
            hub: row.and_then(|row| row.hub.clone()),
            asked: case.asked(),
            former: case.former(),
            sheet: None,
        }
    }
}
