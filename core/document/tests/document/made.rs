//! Made-up entries of every kind, with any of their fields, from one number.

use std::{fmt::Debug, str::FromStr};

use doorstep_document::NewEntry;
use doorstep_domain::*;

/// Numbers from a seed (SplitMix64).
pub struct Made(pub u64);

impl Made {
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        // Small numbers are as likely as large ones.
        (mixed ^ mixed >> 31) >> (mixed >> 3 & 63)
    }
    pub fn below(&mut self, end: usize) -> usize {
        self.number() as usize % end
    }
    fn flag(&mut self) -> bool {
        self.below(2) == 0
    }
    fn maybe<T>(&mut self, make: impl FnOnce(&mut Self) -> T) -> Option<T> {
        self.flag().then(|| make(self))
    }
    fn one<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }
    fn code<T: FromStr<Err: Debug>>(&mut self) -> T {
        self.one(&["0412", "DF-NOBODY", "x", "a_code_as_long_as_a_code_can_be1"]).parse().unwrap()
    }
    fn signed(&mut self) -> i64 {
        let number = self.number().cast_signed();
        if self.flag() { number } else { number.wrapping_neg() }
    }
    fn count(&mut self) -> u32 {
        self.number() as u32
    }
    fn time(&mut self) -> UnixMs {
        UnixMs(self.signed())
    }
    fn fen(&mut self) -> Fen {
        Fen(self.signed())
    }
    fn id<const N: usize>(&mut self) -> [u8; N] {
        [self.number() as u8; N]
    }
    fn words(&mut self) -> Personal {
        let length = self.one(&[1, 6, 40, 300]);
        Personal::plain(&"门口 a".chars().cycle().take(length).collect::<String>()).unwrap()
    }
    fn waybill(&mut self) -> Waybill {
        Waybill::parse(self.one(&["QH310000000025", "SF1234567890"])).unwrap()
    }
    fn key(&mut self) -> EntryKey {
        self.one(&["attempt/abcdefgh-1", "notice/abcdefgh-12.3"]).parse().unwrap()
    }
    fn photo_id(&mut self) -> PhotoId {
        PhotoId::new(self.id())
    }
    fn about(&mut self) -> About {
        self.one(&["attempt/abcdefgh-1", "LIA-04@notice/abcdefgh-12.3"]).parse().unwrap()
    }

    /// An entry of a case, with facts.
    pub fn entry(&mut self, facts: Facts, body: Body) -> NewEntry {
        let author = Author { user: self.code(), role: self.one(Role::ALL), outlet: self.code() };
        let anchor = self.maybe(|u| Anchor { server: u.time(), mono_ms: u.number() });
        let (zone_quarters, boot) = (self.number() as i8, BootId(self.id()));
        let time = TimeEvidence { wall: self.time(), zone_quarters, mono_ms: self.number(), boot, anchor };
        // Clamped to what can be written.
        let time = TimeEvidence::from_bytes(&time.to_bytes()).unwrap_or(TimeEvidence { anchor: None, zone_quarters: 32, ..time });
        NewEntry {
            action: self.maybe(|u| ActionId::new(u.id())),
            facts: Some(self.facts(facts)),
            release: self.maybe(|u| Release { original: ChangeHash::new(u.id()), received_at: u.time() }),
            rewrites: self.maybe(|u| ChangeHash::new(u.id())),
            ..NewEntry::of(author, self.count(), time, body)
        }
    }

    fn facts(&mut self, facts: Facts) -> Facts {
        Facts {
            origin_outlet: Some(self.code()),
            delivering_outlet: self.maybe(Self::code),
            cod: self.fen(),
            mobile: self.maybe(Self::id),
            virtual_mobile: self.maybe(Self::id),
            arrival: self.maybe(Self::time),
            entered: self.maybe(Self::time),
            reference: self.number(),
            ..facts
        }
    }

    /// A body of this kind.
    pub fn body(&mut self, kind: Kind) -> Body {
        let u = self;
        match kind {
            Kind::Attempt => Body::Attempt(Attempt {
                reason: u.code(),
                sub: u.maybe(Self::code),
                words: u.maybe(Self::words),
                piece: u.maybe(Self::waybill),
                offered: u.maybe(Self::fen),
                agreed_at: u.maybe(Self::time),
                waited_minutes: u.maybe(Self::count),
            }),
            Kind::Problem => Body::Problem(Problem {
                reason: u.code(),
                sub: u.maybe(Self::code),
                stage: u.one(Stage::ALL),
                found_at: u.maybe(Self::time),
                count: u.maybe(Self::count),
                piece: u.maybe(Self::waybill),
                other: u.maybe(Self::waybill),
                weight_g: u.maybe(Self::count),
                label_g: u.maybe(Self::count),
                words: u.maybe(Self::words),
            }),
            Kind::Call => Body::Call(Call {
                result: u.one(CallResult::ALL),
                number: u.maybe(Self::words),
                called_at: u.maybe(Self::time),
                seconds: u.maybe(Self::count),
                words: u.maybe(Self::words),
            }),
            Kind::Note => Body::Note { words: u.words() },
            Kind::Photo => Body::Photo(u.photo()),
            Kind::Sms => Body::Sms(Sms {
                attempt: u.maybe(Self::key),
                day: u.signed() as i32,
                template: u.maybe(Self::code),
                template_version: u.count(),
                to: u.words(),
                mark: u.id(),
                text: u.words(),
                digest: u.id(),
                has_surname: u.flag(),
                has_waybill: u.flag(),
            }),
            Kind::SmsReport => Body::SmsReport(SmsReport {
                of: u.key(),
                state: u.one(SmsState::ALL),
                round: u.count() % 1_000,
                way: u.one(SmsWay::ALL),
                holder: u.maybe(|u| u.key().tag),
                fault: u.maybe(|u| u.one(SmsFault::ALL)),
                at: u.maybe(Self::time),
                words: u.maybe(Self::words),
            }),
            Kind::SmsReply => Body::SmsReply(SmsReply { of: u.key(), words: u.words(), opt_out: u.flag() }),
            Kind::Notice => {
                Body::Notice(Notice { to: u.code(), source: u.one(TargetSource::ALL), request: u.maybe(Self::words) })
            }
            Kind::Outage => Body::Outage(Outage {
                reason: u.one(OutageReason::ALL),
                contact: u.maybe(Self::words),
                phone: u.maybe(Self::words),
                phoned_at: u.maybe(Self::time),
                outlet: u.maybe(Self::code),
                said: u.maybe(Self::words),
            }),
            Kind::Seen => Body::Seen(Seen { notice: u.key() }),
            Kind::Reply => Body::Reply(Reply {
                notice: u.maybe(Self::key),
                decision: u.code(),
                words: u.maybe(Self::words),
                phone: u.maybe(Self::words),
                address: u.maybe(Self::words),
                contact: u.maybe(Self::words),
                company: u.maybe(Self::words),
                same: u.flag(),
                until: u.maybe(Self::time),
                place: u.maybe(Self::words),
                informed: u.flag(),
                agreed_by: u.maybe(|u| u.one(Customer::ALL)),
                agreed: u.maybe(Self::words),
                payer: u.maybe(|u| u.one(Payer::ALL)),
                letter: u.maybe(Self::photo_id),
                site: u.maybe(Self::code),
            }),
            Kind::Mark => Body::Mark(Mark {
                about: u.key(),
                remark: u.one(Remark::ALL),
                reason: u.maybe(Self::code),
                words: u.maybe(Self::words),
            }),
            Kind::Action => Body::Action(Action {
                outcome: u.code(),
                carrier: u.maybe(|_| "SF".to_owned()),
                number: u.maybe(Self::waybill),
                amount: u.maybe(Self::fen),
                words: u.maybe(Self::words),
                site: u.maybe(Self::code),
            }),
            Kind::Tick => Body::Tick(Tick { step: u.code(), words: u.maybe(Self::words) }),
            Kind::Assign => Body::Assign(Assign {
                to: u.code(),
                planned_at: u.maybe(Self::time),
                replaces: u.maybe(Self::key),
                words: u.maybe(Self::words),
            }),
            Kind::Consent => Body::Consent(Consent {
                by: u.one(Customer::ALL),
                to: u.code(),
                name: u.maybe(Self::words),
                words: u.maybe(Self::words),
            }),
            Kind::Goods => Body::Goods(Goods {
                name: u.maybe(Self::words),
                packing: u.maybe(Self::words),
                value: u.maybe(Self::fen),
                words: u.maybe(Self::words),
            }),
            Kind::Ledger => Body::Ledger(Ledger {
                book: u.one(Book::ALL),
                change: u.code(),
                amount: u.maybe(Self::fen),
                letter: u.maybe(Self::photo_id),
                slip: u.flag(),
                words: u.maybe(Self::words),
            }),
            Kind::Waiver => Body::Waiver(Waiver { evidence: u.code(), words: u.words() }),
            Kind::Alias => Body::Alias(Alias { waybill: u.waybill() }),
            Kind::Correction => Body::Correction(Correction {
                of: u.key(),
                fault: u.one(Fault::ALL),
                same_as: u.maybe(Self::key),
                words: u.words(),
            }),
            Kind::Dispute => Body::Dispute(Dispute { about: u.about(), words: u.words() }),
            Kind::Ruling => Body::Ruling(Ruling {
                about: u.about(),
                stands: u.one(Stands::ALL),
                share: u.maybe(|u| u.below(101) as u8),
                amount: u.maybe(Self::fen),
                replaces: u.maybe(Self::key),
                words: u.maybe(Self::words),
            }),
            Kind::Close => Body::Close(Close { outcome: u.code(), words: u.maybe(Self::words), piece: u.maybe(Self::waybill) }),
            Kind::Handover => Body::Handover(Handover { to: u.code(), words: u.maybe(Self::words) }),
            Kind::Takeover => Body::Takeover(Takeover { handover: u.key() }),
            Kind::Ask => Body::Ask(Ask { step: u.code(), to: u.code(), words: u.maybe(Self::words) }),
            Kind::Answered => {
                Body::Answered(Answered { ask: u.key(), result: u.code(), here: u.flag(), words: u.maybe(Self::words) })
            }
            Kind::Dispatch => Body::Dispatch(Dispatch { leaves_at: u.time(), words: u.maybe(Self::words) }),
            Kind::Linked => Body::Linked(Linked { waybill: u.waybill(), reason: u.maybe(Self::code), state: u.code() }),
            Kind::SheetNote => Body::SheetNote(SheetNote { words: u.words() }),
            Kind::SheetDay => Body::SheetDay(SheetDay { words: u.maybe(Self::words) }),
            Kind::Listed => Body::Listed(Listed { since: u.time() }),
        }
    }

    fn photo(&mut self) -> Photo {
        let position = self.maybe(|u| GeoPosition::new(u.count() as i32 / 4, u.count() as i32 / 4)).flatten();
        Photo {
            thumbnail: self.maybe(|u| Thumbnail { id: u.photo_id(), len: u.number() % MAX_THUMBNAIL }),
            placeholder: self.maybe(|u| u.id::<5>().to_vec()),
            original: self.maybe(Self::photo_id),
            capture: Capture {
                at: self.maybe(Self::time),
                position: position.map(|place| GeoPosition { accuracy_m: self.maybe(Self::count), ..place }),
                camera: self.maybe(|u| format!("camera {}", u.number())),
            },
            clarity: self.maybe(|u| Clarity { sharpness: u.count(), light: u.number() as u8 }),
            look: self.maybe(Self::number),
            source: self.maybe(|u| u.one(&[PhotoSource::Camera, PhotoSource::Gallery])),
            ..Photo::of(self.photo_id(), self.number() % MAX_PHOTO, self.one(PhotoPurpose::ALL))
        }
    }
}
