//! Joins the segments of customers' messages.
//!
//! A segment is acknowledged when its whole message is durable, if the others come soon. An SMSC that sends the next segment only
//! after the answer would wait for ever, so after [`HOLD`] a segment is acknowledged alone. It then lives only in memory until
//! the last one comes, and is lost if the process dies in between. After [`PATIENCE`] an incomplete message is reported with
//! gaps.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    sync::oneshot,
    time::{Instant, timeout},
};

use super::{deliver::Part, text::Coding};
use crate::{Inbound, Raw, RawKind};

/// How long the answer to a segment waits for the others.
const HOLD: Duration = Duration::from_secs(2);
/// How long a message waits for its missing segments.
const PATIENCE: Duration = Duration::from_secs(300);
/// The largest number of incomplete messages. Further segments are answered "later".
const MOST: usize = 256;

#[derive(Clone, PartialEq, Eq, Hash)]
struct Key {
    from: String,
    to: String,
    reference: u16,
    of: u8,
}

/// A segment that has come.
struct Segment {
    coding: Coding,
    given: u8,
    bytes: Vec<u8>,
    whole: Vec<u8>,
}

struct Joining {
    parts: BTreeMap<u8, Segment>,
    since: Instant,
    is_reported: bool,
    waiting: Vec<oneshot::Sender<bool>>,
}

/// Segments that wait for others. The links of a provider share it.
#[derive(Clone, Default)]
pub(super) struct Joiner {
    open: Arc<Mutex<HashMap<Key, Joining>>>,
}

/// What to do with a segment.
pub(super) enum Joined {
    /// It was the last segment: report the message, then call [`Whole::settle`].
    Whole(Box<Whole>),
    /// Other segments are missing: [`Hold::answer`] gives the answer to this one.
    Held(Hold),
    /// Too many messages are incomplete.
    Full,
}

/// A complete message, or the part of it that has come.
pub(super) struct Whole {
    key: Key,
    joiner: Joiner,
    pub(super) inbound: Inbound,
    is_settled: bool,
}

/// The wait of one segment.
pub(super) struct Hold(oneshot::Receiver<bool>);

impl Hold {
    /// Whether the SMSC may forget the segment.
    pub(super) async fn answer(self) -> bool {
        match timeout(HOLD, self.0).await {
            Ok(answer) => answer.unwrap_or(false),
            // From here on the segment is in memory only; see the module.
            Err(_) => true,
        }
    }
}

impl Whole {
    /// Reports whether the message is durable. If it is not, the segments stay, and the last one, which the SMSC sends again,
    /// completes the message again. Dropping counts as not durable.
    pub(super) fn settle(mut self, is_durable: bool) {
        self.conclude(is_durable);
        self.is_settled = true;
    }

    fn conclude(&self, is_durable: bool) {
        let mut open = self.joiner.open();
        let waiting = if is_durable {
            open.remove(&self.key).map(|joining| joining.waiting)
        } else {
            open.get_mut(&self.key).map(|joining| {
                joining.is_reported = false;
                joining.since = Instant::now();
                std::mem::take(&mut joining.waiting)
            })
        };
        for one in waiting.unwrap_or_default() {
            one.send(is_durable).ok();
        }
    }
}

impl Drop for Whole {
    fn drop(&mut self) {
        if !self.is_settled {
            self.conclude(false);
        }
    }
}

impl Joiner {
    fn open(&self) -> std::sync::MutexGuard<'_, HashMap<Key, Joining>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a segment.
    pub(super) fn take(&self, part: Part, place: super::text::Place) -> Joined {
        let key = Key { from: part.from, to: part.to, reference: place.reference, of: place.of };
        let mut open = self.open();
        if open.len() >= MOST && !open.contains_key(&key) {
            return Joined::Full;
        }
        let joining = open.entry(key.clone()).or_insert_with(|| Joining {
            parts: BTreeMap::new(),
            since: Instant::now(),
            is_reported: false,
            waiting: Vec::new(),
        });
        let Part { coding, given, bytes, whole, .. } = part;
        joining.parts.insert(place.number, Segment { coding, given, bytes, whole });
        if joining.is_reported || joining.parts.len() < usize::from(place.of) {
            let (sender, receiver) = oneshot::channel();
            joining.waiting.push(sender);
            return Joined::Held(Hold(receiver));
        }
        joining.is_reported = true;
        let inbound = inbound(&key, &joining.parts);
        Joined::Whole(Box::new(Whole { key, joiner: self.clone(), inbound, is_settled: false }))
    }

    /// Removes the messages that have waited long enough, and returns them with gaps.
    pub(super) fn overdue(&self, now: Instant) -> Vec<Whole> {
        let mut overdue = Vec::new();
        for (key, joining) in self.open().iter_mut() {
            if !joining.is_reported && now.duration_since(joining.since) >= PATIENCE {
                joining.is_reported = true;
                let inbound = inbound(key, &joining.parts);
                overdue.push(Whole { key: key.clone(), joiner: self.clone(), inbound, is_settled: false });
            }
        }
        overdue
    }
}

fn inbound(key: &Key, parts: &BTreeMap<u8, Segment>) -> Inbound {
    let bytes = parts.values().flat_map(|segment| segment.whole.iter().copied()).collect();
    Inbound {
        from: key.from.clone(),
        to: key.to.clone(),
        text: text(parts, key.of),
        id: None,
        coding: parts.values().next().map(|segment| segment.given),
        raw: Raw { kind: RawKind::UserData, bytes },
    }
}

/// The text of the segments, with `[…]` for each run of missing ones. Bytes are joined before they are decoded, because a phone
/// may cut a character in two.
fn text(parts: &BTreeMap<u8, Segment>, of: u8) -> String {
    let mut out = String::new();
    let mut run: Option<(Coding, Vec<u8>)> = None;
    let mut is_gap = false;
    for number in 1..=of {
        match (parts.get(&number), &mut run) {
            (Some(part), Some((running, gathered))) if *running == part.coding => gathered.extend(&part.bytes),
            (Some(part), _) => {
                finish(&mut out, run.replace((part.coding, part.bytes.clone())));
                is_gap = false;
            }
            (None, _) => {
                finish(&mut out, run.take());
                if !is_gap {
                    out.push_str("[…]");
                }
                is_gap = true;
            }
        }
    }
    finish(&mut out, run);
    out
}

fn finish(out: &mut String, run: Option<(Coding, Vec<u8>)>) {
    if let Some((coding, bytes)) = run {
        out.push_str(&coding.text(&bytes));
    }
}

#[cfg(test)]
mod tests {
    use super::{super::text::Place, *};

    fn part(bytes: &[u8]) -> Part {
        let (from, to) = ("8613800000001".to_owned(), "106900017".to_owned());
        let (bytes, whole) = (bytes.to_vec(), [&[5, 0, 3, 7, 0, 0], bytes].concat());
        Part { from, to, place: None, coding: Coding::Ucs2, given: 8, bytes, whole }
    }

    fn place(number: u8, of: u8) -> Place {
        Place { reference: 7, of, number }
    }

    fn whole(joined: Joined) -> Whole {
        match joined {
            Joined::Whole(whole) => *whole,
            Joined::Held(_) => panic!("held"),
            Joined::Full => panic!("full"),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn segments_join_in_order_even_where_a_character_was_cut_in_two() {
        let joiner = Joiner::default();
        let Joined::Held(held) = joiner.take(part(&[0xde, 0x00]), place(2, 2)) else { panic!() };
        let last = whole(joiner.take(part(&[0x59, 0x7d, 0xd8, 0x3d]), place(1, 2)));
        assert_eq!(last.inbound.text, "好😀");
        let bytes = [&[5, 0, 3, 7, 0, 0, 0x59, 0x7d, 0xd8, 0x3d], &[5, 0, 3, 7, 0, 0, 0xde, 0x00][..]].concat();
        assert_eq!((last.inbound.coding, &last.inbound.raw.bytes), (Some(8), &bytes), "as they came, in order");
        last.settle(true);
        assert!(held.answer().await);
        assert!(joiner.open().is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_not_durable_is_not_acknowledged_and_completes_again() {
        let joiner = Joiner::default();
        let Joined::Held(held) = joiner.take(part(&[0x59, 0x7d]), place(1, 2)) else { panic!() };
        whole(joiner.take(part(&[0x59, 0x7d]), place(2, 2))).settle(false);
        assert!(!held.answer().await);
        whole(joiner.take(part(&[0x59, 0x7d]), place(2, 2))).settle(true);
        assert!(joiner.open().is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn a_segment_that_stays_alone_is_answered_and_later_reported_with_a_gap() {
        let joiner = Joiner::default();
        let Joined::Held(held) = joiner.take(part(&[0x59, 0x7d]), place(2, 4)) else { panic!() };
        assert!(held.answer().await, "an SMSC may send the next only after the answer");
        assert!(joiner.overdue(Instant::now()).is_empty());
        tokio::time::advance(PATIENCE).await;
        let mut overdue = joiner.overdue(Instant::now());
        assert_eq!(overdue[0].inbound.text, "[…]好[…]");
        assert!(joiner.overdue(Instant::now()).is_empty(), "reported once");
        overdue.remove(0).settle(true);
        assert!(joiner.open().is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_than_so_many_wait() {
        let joiner = Joiner::default();
        for reference in 0..MOST {
            let place = Place { reference: u16::try_from(reference).unwrap(), of: 2, number: 1 };
            assert!(matches!(joiner.take(part(b""), place), Joined::Held(_)));
        }
        assert!(matches!(joiner.take(part(b""), Place { reference: 9999, of: 2, number: 1 }), Joined::Full));
        assert!(matches!(joiner.take(part(b""), Place { reference: 0, of: 2, number: 2 }), Joined::Whole(_)));
    }
}
