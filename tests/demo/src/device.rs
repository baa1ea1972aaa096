//! The part of a phone or tablet: the real client on a folder, driven by lines of JSON, answering with lines of JSON.
//!
//! Before an action is shown as recorded, it is noted in the demo's own journal and fsynced: the verification holds this
//! journal against head office at the end.

use std::{
    error::Error,
    fs::{File, OpenOptions},
    hash::{DefaultHasher, Hash, Hasher},
    io::{self, BufRead, Write},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use doorstep_client::{
    Act, Client, ClientError, Conditions, NewPhoto, Options, Outcome, OutgoingSms, Recording, SmsResult, SmsSender,
};
use doorstep_domain::{Body, Entry, PhotoPurpose, SmsFault};
use doorstep_tests::{on, text};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::clock;

/// What the stage asks of a device.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case")]
pub enum Ask {
    /// Redeem a code.
    Enrol { server: String, code: String },
    /// Record an action, with photos drawn from seeds.
    Record { command: Box<Recording>, photos: Vec<(u32, String)> },
    /// Record notes without end, one line of answer each, until killed.
    Storm { waybill: String },
    /// The network is metered from now on, or not.
    Metered { metered: bool },
    /// Say what has become of this device's photos.
    Photos,
    /// Say which pictures of a case this device has or can get.
    Pictures { waybill: String },
    /// There is cellular service from now on, or not.
    Radio { service: bool },
    /// Move SMS on as far as they go now.
    Dispatch,
    /// The operator has taken everything that the phone has put on the air.
    Air,
    /// Say how the SMS of a parcel stand.
    Messages { waybill: String },
    /// Sync.
    Sync,
    /// Copy the whole store, key and all, to another folder: what a phone-cloning app does.
    Copy { to: PathBuf },
    /// Say everything that this replica holds.
    Report,
}

/// One line of the journal: what was shown as recorded.
#[derive(Debug, Serialize, Deserialize)]
pub struct Shown {
    /// The case.
    pub case: String,
    /// Marks of the entries that were recorded.
    pub entries: Vec<String>,
}

/// What makes an act this act: author, content and time evidence. Not the change it stands in: a rebase writes it anew.
pub fn mark(entry: &Entry) -> Result<String, Box<dyn Error>> {
    let mut hasher = DefaultHasher::new();
    (serde_json::to_string(&(&entry.author, &entry.body))?, entry.time.to_bytes()).hash(&mut hasher);
    Ok(format!("{:016x}", hasher.finish()))
}

/// Plays the part until standard input closes.
pub async fn run(folder: &Path, clock_file: &Path, wall_off_minutes: i64, boot: u32) -> Result<(), Box<dyn Error>> {
    let clock = clock::of_device(clock_file, wall_off_minutes, boot)?;
    let radio = Arc::new(Radio { air: folder.join("air.jsonl"), service: AtomicBool::new(false) });
    let client = Client::open(folder, Options { clock, sms: Some(radio.clone()), ..Options::default() })?;
    let mut journal = OpenOptions::new().create(true).append(true).open(folder.join("shown.jsonl"))?;
    for line in io::stdin().lock().lines() {
        let answer = match serde_json::from_str(&line?)? {
            Ask::Storm { waybill } => {
                for n in 1.. {
                    let command = on(waybill.clone(), Act::Note(text(format!("第{n}次敲门，等待中"))));
                    let answer = record(&client, &mut journal, &command, &[])?;
                    say(&answer)?;
                }
                continue;
            }
            Ask::Record { command, photos } => record(&client, &mut journal, &command, &photos)?,
            Ask::Enrol { server, code } => {
                client.enrol(&server, &code).await.map_or_else(refused, |who| json!({ "name": who.name }))
            }
            Ask::Metered { metered } => {
                client.set_conditions(Conditions { metered, ..Conditions::default() });
                json!({ "metered": metered })
            }
            Ask::Photos => json!({ "photos": client.photos(false)? }),
            Ask::Pictures { waybill } => pictures(&client, &waybill).await?,
            Ask::Radio { service } => {
                radio.service.store(service, Ordering::Relaxed);
                json!({ "service": service })
            }
            Ask::Dispatch => {
                let moved = client.dispatch_sms()?;
                json!({ "sent": moved.sent, "offered": moved.offered, "settled": moved.settled })
            }
            Ask::Air => json!({ "sent": radio.taken(&client)? }),
            Ask::Messages { waybill } => messages(&client, &waybill)?,
            Ask::Sync => client.sync().await.map_or_else(refused, |report| json!({ "report": report })),
            Ask::Copy { to } => {
                copy(folder, &to)?;
                json!({ "copied": true })
            }
            Ask::Report => report(&client)?,
        };
        say(&answer)?;
    }
    Ok(())
}

/// The phone's radio: what it sends is a line in a file.
struct Radio {
    air: PathBuf,
    service: AtomicBool,
}

impl SmsSender for Radio {
    fn can_send(&self) -> bool {
        self.service.load(Ordering::Relaxed)
    }

    fn send(&self, message: &OutgoingSms) -> Result<(), SmsFault> {
        let line = json!({ "reference": message.reference, "parts": message.parts.len() }).to_string() + "\n";
        let write = || OpenOptions::new().create(true).append(true).open(&self.air)?.write_all(line.as_bytes());
        write().map_err(|_: io::Error| SmsFault::RadioOff)
    }
}

impl Radio {
    /// Tells the client that the operator has everything; how many messages that are.
    fn taken(&self, client: &Client) -> Result<usize, Box<dyn Error>> {
        let air = std::fs::read_to_string(&self.air)?;
        for line in air.lines() {
            let sent: Value = serde_json::from_str(line)?;
            let reference = sent["reference"].as_str().ok_or("no reference")?;
            for part in 0..sent["parts"].as_u64().unwrap_or(0) as u32 {
                client.sms_result(reference, SmsResult::PartSent(part))?;
            }
        }
        Ok(air.lines().count())
    }
}

fn messages(client: &Client, waybill: &str) -> Result<Value, Box<dyn Error>> {
    let (view, pack) = (client.case(waybill)?.ok_or("the case is not here")?, client.pack()?.ok_or("no rules")?);
    let told = |message: &doorstep_rules::Message| {
        let words = message.told(&pack);
        json!({ "state": message.state, "told": format!("{} {}", words.zh, words.en) })
    };
    Ok(json!({ "messages": view.judgement.messages.iter().map(told).collect::<Vec<_>>() }))
}

async fn pictures(client: &Client, waybill: &str) -> Result<Value, Box<dyn Error>> {
    let view = client.case(waybill)?.ok_or("the case is not here")?;
    let (mut thumbnails, mut photos, mut bytes) = (0, 0, 0);
    for recorded in &view.case.timeline {
        let Body::Photo(photo) = &recorded.entry.body else { continue };
        let small = match photo.thumbnail {
            Some(small) => client.photo(small.id).await?,
            None => None,
        };
        thumbnails += u32::from(small.is_some());
        bytes += small.map_or(0, |small| small.len());
        photos += u32::from(client.photo(photo.id).await?.is_some());
    }
    Ok(json!({ "thumbnails": thumbnails, "photos": photos, "bytes": bytes }))
}

/// The database in one consistent piece, the key and the photos.
fn copy(from: &Path, to: &Path) -> Result<(), Box<dyn Error>> {
    std::fs::create_dir_all(to.join("photos"))?;
    let db = rusqlite::Connection::open(from.join("doorstep.db"))?;
    db.execute("VACUUM INTO ?1", [to.join("doorstep.db").to_str().ok_or("the folder's path is not UTF-8")?])?;
    std::fs::copy(from.join("device.key"), to.join("device.key"))?;
    Ok(())
}

fn say(answer: &Value) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{answer}")?;
    out.flush()
}

fn refused(error: ClientError) -> Value {
    let words = error.words();
    json!({ "error": { "zh": words.zh, "en": words.en, "kind": format!("{:?}", error.kind()) } })
}

fn record(client: &Client, journal: &mut File, command: &Recording, photos: &[(u32, String)]) -> Result<Value, Box<dyn Error>> {
    let photos: Vec<NewPhoto> = photos
        .iter()
        .map(|(seed, shows)| {
            let shows = PhotoPurpose::from_word(shows).unwrap_or(PhotoPurpose::Other);
            // Large ones, that a bad link takes long for, have large seeds.
            let bytes = match *seed {
                ..1_000 => doorstep_tests::draw(*seed, 960, 720),
                _ => doorstep_tests::grainy(*seed, 1_600, 1_200),
            };
            NewPhoto::new(bytes, shows)
        })
        .collect();
    match client.record(command, &photos) {
        Err(error) => Ok(refused(error)),
        Ok(Outcome { cases, written, .. }) => {
            for w in &written {
                let view = cases.iter().find(|view| view.id == w.case).ok_or("a recorded case is not shown")?;
                let entries = view.case.timeline.iter().filter(|r| r.change == w.change).map(|r| mark(&r.entry));
                let shown = Shown { case: w.case.to_string(), entries: entries.collect::<Result<_, _>>()? };
                // One write for the line: a kill between two would join it with the next.
                journal.write_all((serde_json::to_string(&shown)? + "\n").as_bytes())?;
            }
            journal.sync_data()?;
            let first = cases.first();
            Ok(json!({
                "recorded": written.len(),
                "next_step": first.map(|view| view.judgement.next_step.as_str()),
                "left_ms": first.and_then(|view| view.judgement.deadlines.iter().map(|d| d.left_ms).find(|left| *left != 0)),
                "missing": first.map_or(0, |view| view.judgement.missing.len()),
            }))
        }
    }
}

fn report(client: &Client) -> Result<Value, Box<dyn Error>> {
    let status = client.status()?;
    let mut cases = Vec::new();
    let filter = doorstep_store::Filter { closed: true, limit: 10_000, ..Default::default() };
    let heads = client.heads()?;
    for row in client.cases(&filter)? {
        let view = client.case(&row.waybill)?.ok_or("a listed case can not be read")?;
        let heads = heads.iter().find(|(id, _)| *id == row.case).map(|(_, heads)| heads);
        cases.push(json!({
            "id": row.case, "waybill": row.waybill, "heads": heads, "case": view.case, "judgement": view.judgement,
            "explained": client.explain(&row.waybill)?,
        }));
    }
    Ok(
        json!({ "cases": cases, "unsent": status.unsent.len(), "photos": status.photos, "quarantined": status.quarantined, "parcels": client.parcels()?.len() }),
    )
}
