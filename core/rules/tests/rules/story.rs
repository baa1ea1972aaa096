//! Building a case: who recorded what, when, and when the server had it.

use doorstep_domain::*;
use doorstep_rules::*;

pub const HOUR: i64 = 3_600_000;
pub const DAY: i64 = 24 * HOUR;
/// Monday 2026-03-02, 00:00 in Asia/Shanghai.
pub const MONDAY: i64 = 1_772_380_800_000;

/// A moment: day (0 = Monday), hour, minute, second, local time.
pub fn at(day: i64, h: i64, m: i64, s: i64) -> UnixMs {
    assert_eq!((MONDAY + 8 * HOUR) % DAY, 0);
    UnixMs(MONDAY + day * DAY + h * HOUR + m * 60_000 + s * 1000)
}

/// A moment on a date, local time.
pub fn on(date: &str, h: i64, m: i64, s: i64) -> UnixMs {
    let day = chrono::NaiveDate::parse_from_str(date, "%Y-%m-%d").unwrap();
    let monday = chrono::NaiveDate::from_ymd_opt(2026, 3, 2).unwrap();
    at(day.signed_duration_since(monday).num_days(), h, m, s)
}

pub fn pack_of(name: &str) -> Pack {
    version_of(name, 1)
}

/// A shipped pack in one of its versions.
pub fn version_of(name: &str, version: u32) -> Pack {
    let file = format!("{}/packs/{name}-{version}.toml", env!("CARGO_MANIFEST_DIR"));
    Pack::parse(&std::fs::read(file).unwrap()).unwrap_or_else(|error| panic!("{name}: {error}"))
}

pub fn qinghe() -> Pack {
    Pack::parse(FIRST_PACK).unwrap()
}

pub fn said(text: &str) -> Option<Personal> {
    Some(Personal::plain(text).unwrap())
}

pub fn code(text: &str) -> ReasonCode {
    text.parse().unwrap()
}

/// Who writes: `0412` delivers, `0571` sent it, `H1` is the hub.
pub struct By(pub &'static str, pub Role, pub &'static str);

pub const COURIER: By = By("c1", Role::Courier, "0412");
pub const WEST: By = By("s1", Role::Outlet, "0412");
pub const ORIGIN: By = By("o1", Role::Outlet, "0571");
pub const HUB: By = By("h1", Role::Hub, "H1");
pub const FINANCE: By = By("f1", Role::OutletFinance, "0571");
pub const REVIEWER: By = By("q1", Role::HqReviewer, "HQ");

/// Recorded entries, every one a change and an installation of its own.
pub struct Story {
    n: u16,
    pub entries: Vec<Recorded>,
    pub facts: Facts,
    pub book: Rulebook,
}

pub fn facts() -> Facts {
    Facts {
        network: "QH".parse().unwrap(),
        waybill: Waybill::parse("QH310000000017").unwrap(),
        origin_outlet: Some("0571".parse().unwrap()),
        delivering_outlet: Some("0412".parse().unwrap()),
        cod: Fen(0),
        mobile: Some(mark(MOBILE)),
        virtual_mobile: None,
        arrival: Some(at(0, 8, 0, 0)),
        entered: None,
        reference: 1,
    }
}

/// The number on the label.
pub const MOBILE: &str = "13800000000";

/// The mark of a number in the story's case.
pub fn mark(number: &str) -> [u8; 8] {
    let case = CaseId::of(&"QH".parse().unwrap(), &Waybill::parse("QH310000000017").unwrap());
    mobile_mark(&case, &Personal::plain(number).unwrap()).unwrap()
}

/// A message by the template to the label's number.
pub fn message(attempt: Option<EntryKey>) -> Sms {
    let text = "王先生/女士，您好，青禾速运！单号：QH310000000017快件已到，刚给您送去，家中无人，电话联系不上，请您在收到信息后及时与我联系。";
    Sms {
        attempt,
        day: 20_514,
        template: Some(code("failed_delivery")),
        template_version: 1,
        to: Personal::plain(MOBILE).unwrap(),
        mark: mark(MOBILE),
        text: Personal::plain(text).unwrap(),
        digest: Sms::digest_of(text),
        has_surname: true,
        has_waybill: true,
    }
}

/// A report of the phone.
pub fn report(of: &EntryKey, state: SmsState) -> SmsReport {
    SmsReport { of: of.clone(), state, round: 0, way: SmsWay::Phone, holder: None, fault: None, at: None, words: None }
}

/// The server itself.
pub const SERVER: By = By(Author::SERVER, Role::HqReviewer, "HQ");

impl Story {
    pub fn new() -> Self {
        Self::by(qinghe())
    }

    pub fn by(pack: Pack) -> Self {
        Self::under(Rulebook::only(pack))
    }

    pub fn under(book: Rulebook) -> Self {
        Self { n: 0, entries: vec![], facts: facts(), book }
    }

    /// Records something at a moment; the server has it at `received`.
    pub fn add(&mut self, by: &By, captured: UnixMs, received: Option<UnixMs>, body: Body) -> &mut Recorded {
        self.n += 1;
        let mut install = [0; 16];
        install[..2].copy_from_slice(&self.n.to_be_bytes());
        let mut change = [0; 32];
        change[..2].copy_from_slice(&self.n.to_be_bytes());
        let By(user, role, outlet) = *by;
        let install = InstallId::new(install);
        self.entries.push(Recorded {
            change: ChangeHash::new(change),
            standing: received.map_or(Standing::OnThisDevice, |at| Standing::Accepted(Receipt::of(at, Some(captured.min(at))))),
            entry: Entry {
                key: EntryKey { kind: body.kind().into(), tag: Tag::of(&install), seq: 1, index: None },
                author: Author { user: user.parse().unwrap(), role, outlet: outlet.parse().unwrap() },
                pack_version: 1,
                time: TimeEvidence { wall: captured, zone_quarters: 32, mono_ms: 1, boot: BootId([0; 4]), anchor: None },
                action: None,
                facts: Some(self.facts.clone()),
                release: None,
                sheet: None,
                rewrites: None,
                body,
            },
        });
        self.entries.last_mut().unwrap()
    }

    /// Leaves out the numbers of so many entries, for a copy that has them already.
    pub fn skip(&mut self, entries: usize) {
        self.n += u16::try_from(entries).unwrap();
    }

    /// Records something with a network: the server has it at once.
    pub fn online(&mut self, by: &By, when: UnixMs, body: Body) -> EntryKey {
        self.add(by, when, Some(when), body).entry.key.clone()
    }

    /// Another act of the installation that wrote an entry.
    pub fn again(&mut self, like: &EntryKey, by: &By, when: UnixMs, body: Body) -> EntryKey {
        let seq = 1 + self.entries.iter().filter(|r| r.entry.key.tag == like.tag).map(|r| r.entry.key.seq).max().unwrap();
        let recorded = self.add(by, when, Some(when), body);
        (recorded.entry.key.tag, recorded.entry.key.seq) = (like.tag, seq);
        recorded.entry.key.clone()
    }

    /// A message that the phone sent: recorded, and reported.
    pub fn sms(&mut self, when: UnixMs, sms: Sms, state: SmsState) -> EntryKey {
        let key = match sms.attempt.clone() {
            Some(attempt) => self.again(&attempt, &COURIER, when, Body::Sms(sms)),
            None => self.online(&COURIER, when, Body::Sms(sms)),
        };
        self.again(&key, &COURIER, when, Body::SmsReport(report(&key, state)));
        key
    }

    pub fn attempt(&mut self, captured: UnixMs, received: Option<UnixMs>, reason: &str) -> &mut Recorded {
        self.add(&COURIER, captured, received, Body::Attempt(Attempt::of(code(reason))))
    }

    pub fn notice(&mut self, captured: UnixMs, received: Option<UnixMs>, to: &str) -> &mut Recorded {
        let body = Body::Notice(Notice { to: to.parse().unwrap(), source: TargetSource::WaybillData, request: None });
        self.add(&WEST, captured, received, body)
    }

    /// The origin outlet's reply, with everything that its decision needs.
    pub fn reply(&mut self, when: UnixMs, decision: &str) -> &mut Recorded {
        let reply = full(decision);
        self.add(&ORIGIN, when, Some(when), Body::Reply(reply))
    }

    pub fn outage(&mut self, phoned: UnixMs, received: UnixMs, phone: Option<Personal>) -> &mut Recorded {
        let outage = Outage {
            reason: OutageReason::Network,
            contact: said("李敏"),
            phone,
            phoned_at: Some(phoned),
            outlet: None,
            said: said("已通知"),
        };
        self.add(&WEST, phoned, Some(received), Body::Outage(outage))
    }

    pub fn photo(&mut self, when: UnixMs, purpose: PhotoPurpose) -> EntryKey {
        let id = PhotoId::new([self.n as u8 + 1; 32]);
        self.online(&WEST, when, Body::Photo(Photo::of(id, 9, purpose)))
    }

    pub fn close(&mut self, when: UnixMs, outcome: &str) -> EntryKey {
        self.online(&COURIER, when, Body::Close(Close::of(code(outcome))))
    }

    pub fn case(&self) -> Case {
        Case::fold(self.entries.clone()).unwrap()
    }

    pub fn judge(&self, now: UnixMs) -> Judgement {
        judge(&self.case(), &self.book, now)
    }

    pub fn deadline(&self, id: &str, now: UnixMs) -> Deadline {
        let judged = self.judge(now);
        judged.deadlines.iter().find(|d| d.clock == id).unwrap_or_else(|| panic!("no {id}: {:?}", judged.deadlines)).clone()
    }

    pub fn clock(&self, id: &str, now: UnixMs) -> Timeliness {
        self.deadline(id, now).timeliness
    }

    pub fn finding(&self, rule: &str, now: UnixMs) -> Option<Finding> {
        self.judge(now).findings.into_iter().find(|finding| finding.rule == rule)
    }
}

/// A reply that says whatever any decision needs.
pub fn full(decision: &str) -> Reply {
    Reply {
        words: said("客户在家"),
        phone: said("13000000000"),
        address: said("青禾路1号"),
        contact: said("王先生"),
        place: said("城西网点"),
        informed: true,
        until: Some(at(9, 0, 0, 0)),
        agreed_by: Some(Customer::Sender),
        agreed: said("张小姐"),
        payer: Some(Payer::Sender),
        letter: Some(PhotoId::new([8; 32])),
        site: "0755".parse().ok(),
        ..Reply::of(code(decision))
    }
}
