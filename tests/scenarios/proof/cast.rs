//! The people of the proof, each on a device, around one server with a pack.

use std::collections::HashMap;

use doorstep_client::{Act, CaseRow, CaseView, ClientError, NewPhoto, Premature, Refusal};
use doorstep_domain::{Body, Kind, OutletCode, Parcel, PhotoId, Role};
use doorstep_rules::{ASKS_POLICY, Duty, DutyKind, Pack, Reader, Side};
use doorstep_server::admin::{self, Which};
use doorstep_store::Filter;
use doorstep_tests::{Device, PARCEL_COLUMNS, World, on};

use super::{name, play::Play, same, table::Table};

/// A person of the proof.
pub struct Seat {
    /// The account.
    pub name: &'static str,
    /// The role.
    pub role: Role,
    /// The outlet.
    pub outlet: &'static str,
    /// The column of the table.
    pub column: &'static str,
}

const fn seat(name: &'static str, role: Role, outlet: &'static str, column: &'static str) -> Seat {
    Seat { name, role, outlet, column }
}

/// The courier, staff and manager of both outlets, the hub, and finance of both outlets. Head office acts without a device.
pub const SEATS: [Seat; 8] = [
    seat("c1", Role::Courier, "0412", "courier"),
    seat("s1", Role::Outlet, "0412", "delivering outlet"),
    seat("m1", Role::OutletManager, "0412", "delivering manager"),
    seat("o1", Role::Outlet, "0571", "origin outlet"),
    seat("n1", Role::OutletManager, "0571", "origin manager"),
    seat("h1", Role::Hub, "H1", "hub"),
    seat("f1", Role::OutletFinance, "0571", "origin finance"),
    seat("f2", Role::OutletFinance, "0412", "delivering finance"),
];

/// The place of the courier, of the delivering outlet's staff, and of the hub among the seats.
pub const COURIER: usize = 0;
pub const STAFF: usize = 1;
pub const HUB: usize = 5;

/// The details that a parcel's row has for people at work.
const DETAILS: &str = ",hub,sender_name,sender_phone,freight,freight_fen,receipt_no,label_grams,pieces,goods,declared_fen";

/// The people with their devices, and the server.
pub struct Cast {
    world: World,
    devices: Vec<Device>,
    pub pack: Pack,
}

impl Cast {
    /// A server whose network has this pack in force, and everybody enrolled.
    pub async fn of(toml: &str) -> Self {
        let ours = |line: &str| match line.split_once(' ') {
            Some(("network", _)) => "network = \"QH\"".to_owned(),
            Some(("waybill_pattern", _)) => "waybill_pattern = \"^QH[0-9]{12}$\"".to_owned(),
            _ => line.to_owned(),
        };
        let toml: String = toml.lines().map(|line| ours(line) + "\n").collect();
        let pack = Pack::parse(toml.as_bytes()).unwrap();
        let mut world = World::new().await;
        let mut admin = world.admin();
        admin.outlet("H1", "城东分拨中心", "Hub", "0571-88000009").unwrap();
        for Seat { name, role, outlet, .. } in &SEATS {
            admin.user(name, "李明", role.as_str(), outlet).unwrap();
        }
        admin.policy(ASKS_POLICY).unwrap();
        admin.publish_pack(toml.as_bytes(), world.hands.now()).unwrap();
        world.hands.advance(25 * 60);
        world.restart_server().await;
        let mut devices = Vec::new();
        for seat in &SEATS {
            devices.push(world.device(seat.name, seat.name).await);
        }
        Self { world, devices, pack }
    }

    /// Puts the parcels of the plays on head office's list.
    pub fn list(&self, plays: &[Play]) {
        let mut csv = format!("{PARCEL_COLUMNS}{DETAILS}\n");
        for play in plays {
            let (n, number, cod) = (play.n, play.waybill(), play.cod);
            csv += &format!("{number},QH,0571,0412,c1,王小花,1380000{n:04},青禾路{n}号,{cod},2026-03-03 10:00");
            csv += &format!(",H1,陈掌柜,1390000{n:04},collect,1200,HD{n:06},1500,1,茶叶,8800\n");
        }
        let imported = self.world.admin().import_parcels(csv.as_bytes(), self.world.hands.now()).unwrap();
        assert_eq!((imported.imported, imported.bad.len()), (plays.len() as u64, 0));
    }

    pub fn advance(&self, minutes: i64) {
        self.world.hands.advance(minutes);
    }

    pub fn reader(&self, seat: usize) -> Reader {
        let Seat { name, role, outlet, .. } = &SEATS[seat];
        Reader { role: *role, user: name.parse().unwrap(), outlet: outlet.parse().unwrap() }
    }

    /// Whoever has something sends, then everybody fetches, all at once.
    pub async fn sync(&self) {
        let has_unsent = |device: &&Device| !device.client.status().unwrap().unsent.is_empty();
        let writers: Vec<&Device> = self.devices.iter().filter(has_unsent).collect();
        for devices in [writers, self.devices.iter().collect()] {
            let clients = devices.iter().map(|device| device.client.clone());
            let syncs: Vec<_> = clients.map(|client| tokio::spawn(async move { client.sync().await })).collect();
            for sync in syncs {
                sync.await.unwrap().unwrap();
            }
        }
        for device in &self.devices {
            let refused = device.client.status().unwrap().refused;
            assert!(refused.is_empty(), "{refused:?}");
        }
    }

    /// Each device's list by waybill.
    pub fn lists(&self) -> Vec<HashMap<String, CaseRow>> {
        let all = Filter { closed: true, limit: 10_000, ..Filter::default() };
        let list = |device: &Device| device.client.cases(&all).unwrap();
        self.devices.iter().map(|device| list(device).into_iter().map(|row| (row.waybill.clone(), row)).collect()).collect()
    }

    /// Head office's list by waybill.
    pub fn office(&self) -> HashMap<String, admin::CaseRow> {
        let rows = self.world.admin().cases_of(Which::Listed, 10_000, self.world.hands.now()).unwrap();
        rows.into_iter().map(|row| (row.waybill.clone(), row)).collect()
    }

    fn view(&self, seat: usize, play: &Play) -> CaseView {
        self.devices[seat].client.case(&play.waybill()).unwrap().unwrap()
    }

    pub fn has_ended(&self, play: &Play) -> bool {
        self.view(STAFF, play).case.has_ended()
    }

    /// Whether a person reads the parcel's row with what their role sees of it, and all entries that anybody has.
    pub fn reads(&self, seat: usize, play: &Play) -> bool {
        let device = &self.devices[seat];
        let Some(view) = device.client.case(&play.waybill()).unwrap() else { return false };
        let known = view.case.timeline.len() >= play.entries;
        // A row of an ended parcel stays at the delivering outlet and the hub alone; what is due then needs no row.
        let rows = device.client.parcels_after(&play.before(), 1).unwrap();
        let row = rows.first().filter(|row| row.waybill.as_str() == play.waybill());
        known && (view.case.has_ended() || row.is_some_and(|row| reads_row(&SEATS[seat], play, row)))
    }

    /// Records an act of a person, and counts its entries.
    pub fn record(&self, seat: usize, play: &mut Play, act: Act, photos: &[NewPhoto]) -> Result<(), ClientError> {
        let outcome = self.devices[seat].client.record(&on(play.waybill(), act), photos)?;
        play.entries = outcome.cases[0].case.timeline.len().max(play.entries);
        Ok(())
    }

    /// Does the most urgent duty, by the person whom it names and who did it least; what must be done before it, such as a line of the
    /// ledger, must be a duty too, and is done instead. Returns what was done.
    pub async fn perform(
        &self,
        play: &mut Play,
        duties: &[Duty],
        duty: &Duty,
        table: &mut Table,
    ) -> (DutyKind, Side, Option<String>) {
        let told = format!("{}: {}", play.told(), name(duty));
        assert!(duty.side != Side::HeadOffice, "{told}: head office has to decide: {duties:?}");
        let named: Vec<usize> = (0..SEATS.len()).filter(|seat| duty.is_for(&self.reader(*seat))).collect();
        let fresh = |seat: &&usize| !table.has_done(&play.code.code, SEATS[**seat].column, &name(duty));
        let seat = *named.iter().find(fresh).unwrap_or(&named[play.k % named.len()]);
        let view = self.view(seat, play);
        self.sees_photos(seat, &view, &told).await;
        for (act, photos) in play.acts(&self.pack, duty, &view, SEATS[seat].role) {
            match self.record(seat, play, act, &photos) {
                Ok(()) => {}
                Err(ClientError::Refused(Refusal::Premature(Premature::NotHandedIn { .. }) | Refusal::Unproven { .. }))
                    if duty.kind != DutyKind::Ledger =>
                {
                    let first = duties
                        .iter()
                        .find(|other| matches!(other.kind, DutyKind::Step | DutyKind::Ledger) && other.side != duty.side);
                    let first = first.unwrap_or_else(|| panic!("{told}: refused until others act, and nobody tells them"));
                    return Box::pin(self.perform(play, duties, first, table)).await;
                }
                Err(error) => panic!("{told}: {} can not: {error:?}", SEATS[seat].name),
            }
        }
        table.did(&play.code.code, SEATS[seat].column, &name(duty));
        same(duty)
    }

    /// Asserts that a person sees each photo of a case.
    async fn sees_photos(&self, seat: usize, view: &CaseView, told: &str) {
        let photos = view.case.of_kind(Kind::Photo).filter_map(|recorded| match &recorded.entry.body {
            Body::Photo(photo) => Some(photo.id),
            _ => None,
        });
        for photo in photos.collect::<Vec<PhotoId>>() {
            let seen = self.devices[seat].client.photo(photo).await.unwrap();
            assert!(seen.is_some(), "{told}: {} does not see a photo", SEATS[seat].name);
        }
    }

    /// Asserts that every device has what the server has of each case that is on it.
    pub fn agree(&self, plays: &[Play]) {
        for play in plays {
            let whole = self.view(STAFF, play).case.timeline.len();
            for device in &self.devices {
                let Some(view) = device.client.case(&play.waybill()).unwrap() else { continue };
                assert_eq!(view.case.timeline.len(), whole, "{}", play.told());
            }
        }
    }
}

/// Whether a row has what a role works with: everybody the money and the goods' weight, those who speak with the recipient their number
/// and address, the origin outlet the sender's number; finance and the hub see no customer's number.
fn reads_row(seat: &Seat, play: &Play, row: &Parcel) -> bool {
    let clear = |text: &str| !text.contains('*');
    let number = row.recipient_phone.as_ref().and_then(|number| number.text()).unwrap_or_default();
    let sender = row.details.sender_phone.as_ref().and_then(|number| number.text()).unwrap_or_default();
    let speaks = matches!(seat.role, Role::Courier | Role::Outlet | Role::OutletManager);
    let is_origin = seat.outlet.parse::<OutletCode>().is_ok_and(|outlet| outlet == row.origin_outlet);
    let money = (row.cod.0, row.details.freight.is_some(), row.details.label_grams) == (play.cod, true, Some(1_500));
    money && clear(number) == speaks && clear(sender) == (speaks && is_origin)
}
