//! A sync: the device's records are admitted in one transaction, and the answer holds the changes that the device lacks.

use std::sync::Arc;

use doorstep_domain::{Digest, HistoryId, UnixMs};
use doorstep_protocol::{
    Ack, Demand, FeedPage, MAX_LOST_PHOTOS, PACK_FORMAT, Reach, Sha, Signed, Spoken, SyncRequest, SyncResponse, Token, WipeOrder,
    encode,
};

use crate::{
    chain,
    contact::{self, DeviceClock},
    copy, devices,
    enrol::{self, Device},
    error::ApiError,
    feed::{self, Form, Page, Reader},
    first::{self, First},
    http::app::App,
    ingest::{self, Around},
    keys::Keys,
    log,
    packs::Rules,
    photos, quarantine,
    refs::{self, Reads},
    replace_key,
    store::{
        self,
        db::Store,
        meta::{self, Meta},
        tx::Tx,
    },
    verify::Verified,
};

/// The largest number of bytes of changes in an answer, unless a single case has more. Even random bytes then stay below
/// [`doorstep_protocol::MAX_ENCODED`].
const MAX_WANT: usize = 2 * 1024 * 1024;
const MIN_WANT: usize = 64 * 1024;

/// A request, read and verified.
pub(crate) struct Asked {
    /// When the request's headers arrived.
    pub now: UnixMs,
    pub device: Device,
    pub spoken: Spoken,
    /// The rights of a device that speaks this version.
    pub reach: Reach,
    /// The name of the protocol version.
    pub proto: &'static str,
    pub reads: Reads,
    /// The device's clock from the header.
    pub clock: Option<DeviceClock>,
    pub request: SyncRequest,
    pub batch: Option<Verified>,
}

/// Admits a device's records and answers with the changes that it lacks. Returns the answer's bytes.
pub(crate) async fn exchange(app: &App, mut asked: Asked) -> Result<Vec<u8>, ApiError> {
    // The clock is read anew here, because the device ties this time to the arrival of the answer's headers, and its entries may
    // lean on it.
    let answered = (app.now)();
    if let Some(witness) = asked.request.witness.take()
        && let Some(held) = app.db.read(move |tx| copy::examine(tx, &witness)).await?
    {
        app.db.write(move |tx| Ok(copy::note_loss(tx, held)?)).await?;
    }
    let shown = asked.batch.as_ref().map(|batch| batch.first.clone()).unwrap_or_default();
    let now = asked.now;
    let first = if shown.is_empty() { First::new() } else { app.db.read(move |tx| first::proven(tx, &shown, now)).await? };
    let lost = std::mem::take(&mut asked.request.lost);
    let (passing, recent) = (app.passing.before(&asked.device.id, now), app.passing.of(&asked.device.id));
    let asked = Arc::new(asked);
    let (keys, rules) = (app.keys.clone(), app.rules.clone());
    let taking = Taking { asked: asked.clone(), keys, rules, passing, recent, first, answered };
    let written = app.db.write(move |tx| taking.write(tx)).await;
    if matches!(written, Err(ApiError::Copied)) {
        app.loss.notify_one();
    }
    let written = written?;
    for photo in lost.into_iter().take(MAX_LOST_PHOTOS) {
        let (keys, rules, from) = (app.keys.clone(), app.rules.clone(), asked.device.id);
        let named = photo.photo;
        // Lost photos are noted outside the push's transaction, so that a damaged case can not block the device's records.
        if let Err(error) = app.db.write(move |tx| photos::lost(tx, &from, &photo, &keys, &rules, now)).await {
            log!(warn, "a lost photo could not be noted", photo = named, device = from, error = error);
        }
    }
    if asked.batch.is_some() {
        app.to_project.notify_one();
        app.live.moved();
        app.sms.iter().for_each(|gateway| gateway.due.notify_one());
    }
    let keys = app.keys.clone();
    let sends_sms = app.sms.as_ref().is_some_and(|gateway| gateway.sends);
    app.db.read(move |tx| Answering { asked: &asked, keys, sends_sms, answered }.answer(tx, written)).await
}

/// The same on one database, with nobody to wake: for benchmarks.
pub(crate) fn exchange_here(store: &Store, keys: &Keys, rules: &Rules, asked: Asked) -> Result<Vec<u8>, ApiError> {
    let answered = asked.now;
    let asked = Arc::new(asked);
    let (keys, rules) = (keys.clone(), rules.clone());
    let taking =
        Taking { asked: asked.clone(), keys: keys.clone(), rules, passing: None, recent: vec![], first: First::new(), answered };
    let written = store.write(|tx| taking.write(tx))?;
    store.read(|tx| Answering { asked: &asked, keys, sends_sms: false, answered }.answer(tx, written))
}

/// The writing half of a sync.
struct Taking {
    asked: Arc<Asked>,
    keys: Keys,
    rules: Rules,
    /// The device's newest passing request.
    passing: Option<UnixMs>,
    /// The passing requests that are remembered.
    recent: Vec<UnixMs>,
    first: First,
    answered: UnixMs,
}

/// The result of the writing half.
struct Written {
    ack: Option<Ack>,
    leaves: Vec<Digest>,
    counter: u64,
    token: Option<Token>,
    forked: bool,
    resend: Vec<u64>,
}

impl Taking {
    fn write(&self, tx: &Tx<'_>) -> Result<Written, ApiError> {
        let Asked { now, device, spoken, proto, request, batch, .. } = &*self.asked;
        let (now, install, chain) = (*now, &request.install, request.chain);
        copy::admit(tx, request.history, request.counter)?;
        if let Some(pins) = request.pins {
            replace_key::note(tx, &device.id, &self.keys.newest(tx)?, pins)?;
        }
        enrol::register(tx, &device.id, install, now)?;
        let token = enrol::renew(tx, device, now)?;
        let (passing, recent) = (self.passing, self.recent.as_slice());
        let around = Around { rules: &self.rules, keys: &self.keys, passing, recent, first: &self.first, now };
        let taken = batch.as_ref().map(|batch| ingest::admit(tx, batch, device, &around)).transpose()?;
        let mut forked = taken.as_ref().is_some_and(|taken| taken.forked);
        if let (None, Some(alarm)) = (&taken, chain::examine_end(tx, install, chain)?) {
            chain::raise(tx, device, install, chain.map_or(0, |link| link.batch), alarm, now)?;
            forked = true;
        }
        // After a fork the device moves on to a new installation, so the other store must send the missing batches.
        let resend = if forked { vec![] } else { chain::missing(tx, install, chain)? };
        devices::seen(tx, &device.id, request.beacon.as_ref(), proto, self.answered)?;
        match (spoken, self.clock()) {
            (Spoken::Version2, _) => devices::given(tx, &device.id, self.answered)?,
            (Spoken::Version3, Some(clock)) => contact::save(tx, &device.id, clock, self.brings(), now)?,
            // The monotonic time is unknown, but the request is a contact.
            (Spoken::Version3, None) => devices::given(tx, &device.id, now)?,
        }
        let counter = store::answers::next(tx)?;
        let (ack, leaves) = taken.map_or((None, vec![]), |taken| (Some(taken.ack), taken.leaves));
        Ok(Written { ack, leaves, token, forked, resend, counter })
    }

    /// The device's clock. A batch's sending has it signed; the header is unsigned.
    fn clock(&self) -> Option<DeviceClock> {
        let signed = self.asked.batch.as_ref().map(|batch| DeviceClock { boot: batch.clock.boot, mono_ms: batch.clock.mono_ms });
        signed.or(self.asked.clock)
    }

    /// Whether the device could have sent its records with this request.
    fn brings(&self) -> bool {
        self.asked.batch.as_ref().is_none_or(|batch| batch.signed.version == Spoken::Version3)
    }
}

/// The reading half of a sync.
struct Answering<'a> {
    asked: &'a Asked,
    keys: Keys,
    sends_sms: bool,
    answered: UnixMs,
}

impl Answering<'_> {
    fn answer(&self, tx: &Tx<'_>, written: Written) -> Result<Vec<u8>, ApiError> {
        let Asked { now, device, spoken, reach, reads, request, .. } = self.asked;
        let history: HistoryId = meta::need(tx, Meta::History)?;
        // The device gets answers under the key that it pins, until it reports the next one.
        let (keys, succession) = self.keys.of_device(tx, &device.id)?;
        let is_signed_apart = *spoken == Spoken::Version2;
        let whole = *reach == Reach::Whole && !device.revoked;
        let asks = request.packs.is_some_and(|format| format >= PACK_FORMAT);
        let form = match spoken {
            Spoken::Version2 => Form::WithHeads,
            Spoken::Version3 if asks => Form::Dense,
            Spoken::Version3 => Form::Bare,
        };
        let (pages, dense) = feed::pack(if whole { self.pages(tx, history)? } else { vec![] }, form)?;
        let sign = |body: Vec<u8>| Signed { body, sig: vec![] };
        let feed = pages.iter().map(|page| {
            // A page that brings nothing needs no signature, and an idle sync stays small.
            let brings = !page.cases.is_empty() || !page.out.is_empty();
            if is_signed_apart && brings { keys.sign(&device.id, page) } else { Ok(sign(encode(page)?)) }
        });
        let feed = feed.collect::<Result<_, ApiError>>()?;
        let ack = match written.ack {
            Some(ack) if is_signed_apart => Some(keys.sign(&device.id, &in_version_2(ack))?),
            Some(ack) => Some(sign(encode(&without_cases(ack))?)),
            None => None,
        };
        let order = |at: UnixMs| WipeOrder { install: request.install, ordered_ms: at.0 };
        let said_at = self.answered.max(*now); // the clock may have been set back meanwhile
        let response = SyncResponse {
            now_ms: said_at.0,
            history,
            ack,
            feed,
            refs: if whole { refs::stale(tx, &request.refs, device, *reads)? } else { vec![] },
            token: written.token,
            demand: match (device.revoked, written.forked) {
                (true, _) => Some(Demand::Revoked),
                (false, true) => Some(Demand::NewInstall),
                (false, false) => None,
            },
            resend: written.resend,
            decisions: quarantine::decisions(tx, &device.id, &request.quarantined)?,
            scopes: device.scopes(),
            wanted: photos::wanted(tx, &device.id)?.into_iter().map(Sha).collect(),
            gateway: self.sends_sms.then_some(true),
            wipe: device.wipe_at.map(|at| keys.sign_wipe(&device.id, &order(at))).transpose()?,
            counter: (!is_signed_apart).then_some(written.counter),
            took_ms: (!is_signed_apart).then(|| u32::try_from(said_at.0.saturating_sub(now.0)).unwrap_or(u32::MAX)),
            packs: (form == Form::Dense).then_some(PACK_FORMAT),
            dense,
            succession,
        };
        if is_signed_apart {
            return Ok(encode(&response)?);
        }
        // A device moves a cursor forward only under a signature.
        let says_something = response.says_something(&pages) || pages.iter().any(|page| self.is_moved(page, &history));
        let body = encode(&response)?;
        if !says_something {
            return Ok(encode(&sign(body))?);
        }
        let of_pages = pages.iter().flat_map(|page| &page.cases).filter_map(|case| case.leaf.map(|leaf| leaf.0));
        let leaves = written.leaves.into_iter().chain(of_pages).collect();
        Ok(encode(&keys.sign_leaves(&device.id, (&history, written.counter), body, leaves)?)?)
    }

    /// Whether a page moves the device's cursor forward.
    fn is_moved(&self, page: &FeedPage, history: &HistoryId) -> bool {
        let SyncRequest { pull, history: named, .. } = &self.asked.request;
        let cursor = pull.iter().find(|pull| pull.scope == page.scope && named == history).map_or(0, |pull| pull.cursor);
        page.to > cursor
    }

    /// One page for each scope that the device reads. None if it wants none.
    fn pages(&self, tx: &Tx<'_>, history: HistoryId) -> Result<Vec<Page>, ApiError> {
        let Asked { device, spoken, request, .. } = self.asked;
        if request.want_bytes == 0 {
            return Ok(vec![]);
        }
        let scopes = device.scopes();
        // The limit is for the whole answer, whatever the number of scopes.
        let want = (request.want_bytes as usize).clamp(MIN_WANT, MAX_WANT) / scopes.len().max(1);
        let own = (!devices::is_forked(tx, &request.install)?).then_some(request.install);
        let reader = Reader { pull: &request.pull, same_history: request.history == history, own, spoken: *spoken };
        scopes.iter().map(|scope| feed::page(tx, &reader, scope, want)).collect()
    }
}

/// Converts verdicts for devices of version 2.
fn in_version_2(mut ack: Ack) -> Ack {
    ack.cases.iter_mut().flat_map(|case| &mut case.rows).for_each(|row| *row = row.in_version_2());
    ack
}

/// Leaves the cases out of verdicts: in version 3 the order of the batch names the document of each.
fn without_cases(mut ack: Ack) -> Ack {
    ack.cases.iter_mut().for_each(|case| case.case = None);
    ack
}
