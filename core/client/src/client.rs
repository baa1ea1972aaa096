//! The client: one per store folder.

use std::{
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use doorstep_domain::{ActionId, CaseId, Day, InstallId, Outlet, Parcel, Photo, TimeEvidence, UnixMs, Waybill};
use doorstep_protocol::{DayRow, PersonRow};
use doorstep_rules::{Explanation, PROVISIONAL, Pack, Rulebook, explain};
use doorstep_store::{
    Action, CaseRow, CaseView, Filter, Identity, KnownCases, PhotoRef, Recording, Salvage, SmsStep, Status, Store, StoreError,
    StoreKey, Written,
};
use doorstep_sync::{Cause, Engine, Pace};
use tokio::sync::watch;

use crate::{
    ClientError, Clock, DeviceSigner, NewPhoto, Refusal, SmsSender, SoftwareSigner, SyncReport, SystemClock,
    command::{self, plan},
    drive,
    http::{self, Roots},
    inner::{Gone, Inner, PhotoWork, SmsWork, Transport, Wakes},
    random::random,
    ready::{Ready, ready},
    rights,
};

/// How to open a client.
pub struct Options {
    /// The clocks.
    pub clock: Arc<dyn Clock>,
    /// Trusted certificate authorities.
    pub roots: Roots,
    /// Whether plain HTTP to another machine is allowed, where everybody on the network path can read customers' numbers.
    /// Otherwise only loopback is allowed.
    pub insecure: bool,
    /// The waiting times of the sync engine.
    pub pace: Pace,
    /// The device's key; `None` for a software key beside the store.
    pub signer: Option<Arc<dyn DeviceSigner>>,
    /// The platform's way to send SMS; without it only the gateway sends.
    pub sms: Option<Arc<dyn SmsSender>>,
    /// The key with which database and photos are encrypted; needs the feature `sqlcipher`.
    pub key: Option<StoreKey>,
    /// Destroys the platform's keys. It is called first when head office has ordered a wipe.
    pub destroy_keys: Option<Arc<dyn Fn() + Send + Sync>>,
    /// Name and version of the app, for head office.
    pub app: String,
}

/// Extension of photos' files. All recorded photos are JPEG.
const JPEG: &str = "jpg";

const APP: &str = concat!("doorstep ", env!("CARGO_PKG_VERSION"));

impl Default for Options {
    fn default() -> Self {
        Self {
            clock: Arc::new(SystemClock::new()),
            roots: Roots::default(),
            insecure: false,
            pace: Pace::default(),
            signer: None,
            sms: None,
            key: None,
            destroy_keys: None,
            app: APP.to_owned(),
        }
    }
}

/// The result of a recording.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// The cases after the recording, in the command's order.
    pub cases: Vec<CaseView>,
    /// The written changes, in the command's order.
    pub written: Vec<Written>,
    /// [`Client::times_proven`] at the moment of recording.
    pub times_proven: bool,
}

/// A field client on one folder. Cheap to clone; clones share everything.
///
/// ```
/// use doorstep_client::{Act, Attempt, Client, ClientError, Filter, Options, Recording, Refusal};
///
/// let folder = tempfile::tempdir()?;
/// let client = Client::open(folder.path(), Options::default())?;
/// assert!(client.cases(&Filter::default())?.is_empty());
///
/// // Before somebody has enrolled there is nobody to record for. An error has words for the person and a code for the app.
/// let nobody = Act::Fail(Attempt::of("DF-NOBODY".parse()?));
/// let refused = client.record(&Recording::of("QH310000000017", nobody)?, &[]);
/// assert!(matches!(refused, Err(ClientError::Refused(Refusal::NotEnrolled))));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Client {
    pub(crate) inner: Arc<Inner>,
}

impl Client {
    /// Opens or creates the store in a folder. It loads no case and uses no network. A damaged store is salvaged first, see
    /// [`Client::salvage`].
    pub fn open(folder: &Path, options: Options) -> Result<Self, ClientError> {
        let (store, salvage) = match options.key {
            Some(key) => (Store::open_encrypted(folder, key)?, None),
            None => Store::open_or_salvage(folder, InstallId::new(random()?))?,
        };
        let http = http::client(&options.roots)?;
        let signer = match options.signer {
            Some(signer) => signer,
            None => Arc::new(SoftwareSigner::open(&folder.join("device.key"))?),
        };
        let transport = Transport {
            http,
            insecure: options.insecure,
            stall: Duration::from_millis(options.pace.stall_ms),
            online_at: AtomicU64::new(0),
            token_lasts: AtomicU64::new(0),
        };
        let inner = Inner {
            store: Mutex::new(store),
            salvage,
            clock: options.clock,
            signer,
            destroy_keys: options.destroy_keys,
            app: options.app,
            transport,
            engine: tokio::sync::Mutex::new(Engine::new(options.pace)),
            wakes: Wakes::default(),
            photos: PhotoWork::default(),
            sms: SmsWork { sender: options.sms, in_hand: Mutex::default(), dispatching: Mutex::default() },
            changed: watch::Sender::new(0),
            told: Mutex::new(None),
            gone: Gone(watch::Sender::new(false)),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// The result of the salvage when this client was opened, if its store was damaged: where the damaged files are, and which
    /// records must be made again.
    pub fn salvage(&self) -> Option<&Salvage> {
        self.inner.salvage.as_ref()
    }

    /// Number of files and folders of the store that other accounts of this computer could read before this client restricted
    /// them.
    pub fn closed_to_others(&self) -> u64 {
        self.inner.store().closed_to_others()
    }

    /// Why some files or folders of the store could not be restricted, so that other accounts of this computer may read them;
    /// `None` if all are restricted.
    pub fn left_open_to_others(&self) -> Option<String> {
        self.inner.store().left_open_to_others().map(str::to_owned)
    }

    /// Whether head office has had this device wiped. The client then refuses all work, and the folder must be opened again.
    pub fn is_wiped(&self) -> bool {
        self.inner.store().is_wiped()
    }

    /// The device's identity; `None` before enrolment.
    pub fn identity(&self) -> Result<Option<Identity>, ClientError> {
        Ok(self.inner.store().identity()?)
    }

    /// Records an action. It is durable on this device when the call returns. Photos are written as files first, so that no entry
    /// names missing bytes.
    pub fn record(&self, recording: &Recording, photos: &[NewPhoto]) -> Result<Outcome, ClientError> {
        self.unlocked()?;
        self.record_if(recording, photos, None, false).map_err(ClientError::of_recording)
    }

    /// Records an action on which the person insists. [`Client::record`] refuses it as [`Refusal::Premature`]: a reply or a phone notice
    /// that does not count, an end of the case against the reply in force or before the COD money is handed in. All other refusals stay.
    pub fn record_anyway(&self, recording: &Recording, photos: &[NewPhoto]) -> Result<Outcome, ClientError> {
        self.unlocked()?;
        self.record_if(recording, photos, None, true).map_err(ClientError::of_recording)
    }

    /// Records an action of the app itself, which is allowed while the device is locked.
    pub(crate) fn record_unasked(
        &self,
        recording: &Recording,
        photos: &[NewPhoto],
        step: Option<SmsStep>,
    ) -> Result<Outcome, ClientError> {
        self.record_if(recording, photos, step, false)
    }

    fn record_if(
        &self,
        recording: &Recording,
        photos: &[NewPhoto],
        step: Option<SmsStep>,
        anyway: bool,
    ) -> Result<Outcome, ClientError> {
        let clocks = self.inner.clock.read();
        let now = self.inner.now()?;
        // Do this before locking the store: a host's clock may call back, and decoding takes a tenth of a second in which others
        // may read.
        let zone = self.inner.clock.zone_quarters();
        let pictures = photos.iter().map(|photo| ready(photo, zone)).collect::<Result<Vec<_>, _>>()?;
        let mut store = self.inner.store();
        let who = store.identity()?.ok_or(ClientError::Refused(Refusal::NotEnrolled))?;
        let book = store.book()?.ok_or(ClientError::Refused(Refusal::NoPack))?;
        let entries: Vec<Photo> = pictures.iter().map(|ready| ready.entry.clone()).collect();
        // Check the rules before writing files, and write files before entries that name them.
        let mut known = KnownCases::default();
        let mut cases = plan((recording, anyway), &entries, (&mut store, &mut known), (&who, &book), (clocks.wall, now))?;
        rights::forbid_early(&store, &known, &who, &cases)?;
        for Ready { prepared, .. } in &pictures {
            let photo = store.save_photo(prepared.photo.id, JPEG, &prepared.photo.bytes, false)?;
            let small = store.save_photo(prepared.thumbnail.id, JPEG, &prepared.thumbnail.bytes, true)?;
            cases.iter_mut().for_each(|case| case.photos.extend([photo.clone(), small.clone()]));
        }
        let time = TimeEvidence {
            wall: clocks.wall,
            zone_quarters: zone,
            mono_ms: clocks.mono_ms,
            boot: clocks.boot,
            anchor: store.anchor(clocks.boot)?,
        };
        let times_proven = time.anchor.is_some();
        let recording = Recording { photos: entries.iter().map(PhotoRef::of).collect(), ..recording.clone() };
        let action = Action { id: ActionId::new(random()?), recording, time, now, cases, step };
        let (written, views) = store.record_on(&action, known)?;
        drop(store);
        self.inner.changed();
        self.inner.wakes.fresh.store(true, Ordering::Relaxed);
        self.inner.wakes.recorded.notify_one();
        Ok(Outcome { cases: views, written, times_proven })
    }

    /// Lists cases for the person who is signed in: overdue first, then by the time left, then what waits for others, then what ended.
    pub fn cases(&self, filter: &Filter) -> Result<Vec<CaseRow>, ClientError> {
        let now = self.unlocked()?;
        Ok(self.inner.store().cases(filter, now)?)
    }

    /// One case, folded and judged; `None` if nothing about it is recorded here.
    pub fn case(&self, waybill: &str) -> Result<Option<CaseView>, ClientError> {
        let now = self.unlocked()?;
        Ok(self.inner.store().case(&Waybill::parse(waybill)?, now)?)
    }

    /// Today's parcels and those whose case is open, with customers' data as the person who is signed in sees it.
    pub fn parcels(&self) -> Result<Vec<Parcel>, ClientError> {
        self.parcels_after("", u32::MAX)
    }

    /// A page of today's parcels, ordered by waybill: at most `limit` parcels after a waybill.
    pub fn parcels_after(&self, waybill: &str, limit: u32) -> Result<Vec<Parcel>, ClientError> {
        self.unlocked()?;
        if let Some(now) = self.inner.proven_now()? {
            match self.inner.store().end_rows(now) {
                // A list is shown on a full disk too.
                Ok(_) | Err(StoreError::DiskFull) => {}
                Err(error) => return Err(error.into()),
            }
        }
        let now = self.inner.now()?;
        let today = self.book()?.and_then(|book| book.at(now).day(now)).and_then(Day::new);
        let rows = self.inner.store().parcels_after(waybill, limit, today)?;
        rows.into_iter().map(|row| self.seen(row)).collect()
    }

    /// An outlet of the directory, with the number to phone during an outage.
    pub fn outlet(&self, code: &str) -> Result<Option<Outlet>, ClientError> {
        Ok(self.inner.store().outlet(code)?)
    }

    /// The people of this device's outlets, including those who have left, ordered by account.
    pub fn people(&self) -> Result<Vec<PersonRow>, ClientError> {
        self.unlocked()?;
        Ok(self.inner.store().people()?)
    }

    /// The couriers to whom a parcel can be assigned, by account: those of the delivering outlet who have not left. Empty if this device
    /// does not know the outlet's people; then head office alone decides.
    pub fn assignable(&self, waybill: &str) -> Result<Vec<PersonRow>, ClientError> {
        let now = self.unlocked()?;
        let mut store = self.inner.store();
        let waybill = store.main_number(&Waybill::parse(waybill)?)?;
        let row = store.parcel(&waybill)?.map(|row| row.delivering_outlet);
        let recorded = store.case(&waybill, now)?.and_then(|view| view.case.facts.delivering_outlet);
        let own = store.identity()?.map(|who| who.author.outlet);
        let Some(outlet) = row.or(recorded).or(own) else { return Ok(Vec::new()) };
        Ok(command::assignable(&store, &outlet)?.unwrap_or_default())
    }

    /// Head office's calendar in addition to the rules' own: days that are exceptions to their weekday, in order.
    pub fn calendar(&self) -> Result<Vec<DayRow>, ClientError> {
        Ok(self.inner.store().calendar()?)
    }

    /// The rules on this device, in all their versions.
    pub fn book(&self) -> Result<Option<Arc<Rulebook>>, ClientError> {
        Ok(self.inner.store().book()?)
    }

    /// The rules in force now.
    pub fn pack(&self) -> Result<Option<Pack>, ClientError> {
        let now = self.inner.now()?;
        Ok(self.book()?.map(|book| book.at(now).clone()))
    }

    /// The reasons for each deadline, missing evidence, finding and conflict of a case: the rule and the chain of facts. `None`
    /// if nothing about the case is recorded here.
    pub fn explain(&self, waybill: &str) -> Result<Option<Vec<Explanation>>, ClientError> {
        let (view, book) = (self.case(waybill)?, self.book()?);
        Ok(view.zip(book).map(|(view, book)| explain(&view.case, &book, &view.judgement)))
    }

    /// A provisional number for a parcel whose label cannot be read: `PV-`, the outlet, and 40 random bits, which make it unique
    /// without asking a server.
    pub fn provisional_number(&self) -> Result<String, ClientError> {
        let who = self.identity()?.ok_or(ClientError::Refused(Refusal::NotEnrolled))?;
        let outlet: String = who.author.outlet.as_str().chars().filter(char::is_ascii_alphanumeric).take(12).collect();
        // Without characters that people confuse: 0 and O, 1 and I.
        let letter = |byte: &u8| "23456789ABCDEFGHJKLMNPQRSTUVWXYZ".chars().nth(usize::from(byte % 32));
        let letters: String = random::<8>()?.iter().filter_map(letter).collect();
        Ok(format!("{PROVISIONAL}{}-{letters}", outlet.to_ascii_uppercase()))
    }

    /// The best estimate of now: the server's clock advanced by this boot's monotonic clock, else the wall clock.
    pub fn now(&self) -> Result<UnixMs, ClientError> {
        self.inner.now()
    }

    /// Whether this device has heard from head office since it was started. Until then its clock cannot prove the time of a
    /// record. The record counts, but a person reviews results that depend on its time.
    pub fn times_proven(&self) -> Result<bool, ClientError> {
        let boot = self.inner.clock.read().boot;
        Ok(self.inner.store().anchor(boot)?.is_some())
    }

    /// The unsent work, oldest first.
    pub fn status(&self) -> Result<Status, ClientError> {
        Ok(self.inner.store().status()?)
    }

    /// Pushes unsent changes, pulls new ones, fetches stale reference rows and uploads photos. It returns when nothing is left to
    /// do or the network fails. Dropping the future loses nothing.
    pub async fn sync(&self) -> Result<SyncReport, ClientError> {
        let first = drive::run(&self.inner, Cause::Asked).await;
        // The gateway sends if the server is reachable, otherwise the phone does. A message that could not be dispatched does not
        // fail the sync.
        let moved = self.dispatch().await;
        match first {
            Ok(report) if moved.offered > 0 => Ok(report.and(drive::run(&self.inner, Cause::Recorded).await?)),
            other => other,
        }
    }

    /// A number that grows with every change that a list or screen should show. Wait for it instead of polling.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.inner.changed.subscribe()
    }

    /// Closes this client. It returns when every clone is dropped and every running call has ended, so that the store's files are
    /// closed and unlocked. The caller must end calls that wait for the network.
    pub async fn close(self) {
        let mut gone = self.inner.gone.0.subscribe();
        drop(self);
        gone.wait_for(|gone| *gone).await.ok();
    }

    /// Keeps the store from growing, as a full disk does, or lets it grow again. For tests.
    #[doc(hidden)]
    pub fn fill_disk(&self, is_full: bool) -> Result<(), ClientError> {
        Ok(self.inner.store().fill_disk(is_full)?)
    }

    /// The case ids on this device with their heads, by which two replicas are compared.
    pub fn heads(&self) -> Result<Vec<(CaseId, Vec<doorstep_domain::ChangeHash>)>, ClientError> {
        let store = self.inner.store();
        Ok(store.case_ids()?.into_iter().map(|id| Ok((id, store.heads(&id)?))).collect::<Result<_, StoreError>>()?)
    }
}

#[cfg(test)]
mod tests;
