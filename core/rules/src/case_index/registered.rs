//! Which problems were registered at a moment, as it was known then: what a reply or an action needs depends on it, and a correction
//! that comes later does not change what was true when somebody answered.

use std::collections::HashMap;

use doorstep_domain::UnixMs;

use crate::pack::names;

/// Most registrations with correct data with which a reply or an action is compared, the newest ones.
const MOST_COMPARED: usize = 256;

/// The end of what no correction has ended.
pub(crate) const NEVER: UnixMs = UnixMs(i64::MAX);

/// The time in which a registration said something.
#[derive(Clone, Copy)]
struct Span {
    /// The time before which the act certainly happened.
    act: UnixMs,
    /// From when on it was known: correct data, from the receipt of the correction.
    from: UnixMs,
    /// When a correction ended it.
    until: UnixMs,
}

impl Span {
    fn lasts(until: UnixMs, at: UnixMs) -> bool {
        until == NEVER || until > at
    }
}

/// The spans of one code, of one of its sub-reasons, or of a part of a reply.
#[derive(Default)]
pub(crate) struct Spans {
    /// Ordered by `from`. Each `until` is the latest one up to here.
    all: Vec<Span>,
    /// Those of correct data.
    corrected: Vec<Span>,
}

impl Spans {
    /// Adds a part that is there from a moment until a correction takes it back, or until [`NEVER`].
    pub fn add_part(&mut self, from: UnixMs, until: UnixMs) {
        self.add(Span { act: from, from, until });
    }

    fn add(&mut self, span: Span) {
        self.all.push(span);
        if span.from > span.act {
            self.corrected.push(span);
        }
    }

    /// Puts them in order, after all of them are added.
    pub fn finish(&mut self) {
        self.all.sort_by_key(|span| span.from);
        let mut until = UnixMs(i64::MIN);
        for span in &mut self.all {
            until = until.max(span.until);
            span.until = until;
        }
        self.corrected.sort_by_key(|span| span.from);
    }

    /// Whether one of them is there at a moment. At [`NEVER`]: whether one still stands.
    pub fn is_there(&self, at: UnixMs) -> bool {
        self.known_until(at).is_some_and(|until| Span::lasts(until, at))
    }

    /// When the next one begins after a moment.
    pub fn next(&self, after: UnixMs) -> Option<UnixMs> {
        self.all.get(self.all.partition_point(|span| span.from <= after)).map(|span| span.from)
    }

    /// The latest end of those that were known by a moment.
    fn known_until(&self, by: UnixMs) -> Option<UnixMs> {
        let known = self.all.partition_point(|span| span.from <= by);
        known.checked_sub(1).and_then(|last| self.all.get(last)).map(|span| span.until)
    }

    /// Correct data, known at a moment, of what had happened by an earlier one. Only the newest are compared, which bounds the cost of
    /// a hostile case.
    fn corrected(&self, by: UnixMs, at: UnixMs) -> impl Iterator<Item = &Span> {
        let newest = self.corrected.iter().rev().take(MOST_COMPARED);
        newest.filter(move |span| span.act <= by && span.from <= at && Span::lasts(span.until, at))
    }

    fn held(&self, by: UnixMs, at: UnixMs) -> bool {
        self.known_until(by).is_some_and(|until| Span::lasts(until, at)) || self.corrected(by, at).next().is_some()
    }

    /// When a correction ends what is held.
    fn ended(&self, by: UnixMs, at: UnixMs) -> Option<UnixMs> {
        let known = self.known_until(by).filter(|until| Span::lasts(*until, at));
        let until = known.into_iter().chain(self.corrected(by, at).map(|span| span.until)).max()?;
        (until != NEVER).then_some(until)
    }
}

#[derive(Default)]
struct OfCode<'a> {
    any: Spans,
    by_sub: HashMap<&'a str, Spans>,
}

/// The registrations of a case by code and sub-reason.
#[derive(Default)]
pub(crate) struct Registered<'a> {
    by_code: HashMap<&'a str, OfCode<'a>>,
}

impl<'a> Registered<'a> {
    /// Adds a registration. `act`: the time before which it certainly happened. `known`: since when its content is known. `until`: when
    /// a correction ended it, or [`NEVER`].
    pub fn add(&mut self, (code, sub): (&'a str, Option<&'a str>), act: UnixMs, known: UnixMs, until: UnixMs) {
        let span = Span { act, from: act.max(known), until };
        let of = self.by_code.entry(code).or_default();
        of.any.add(span);
        if let Some(sub) = sub {
            of.by_sub.entry(sub).or_default().add(span);
        }
    }

    /// Puts the registrations in order, after all of them are added.
    pub fn finish(&mut self) {
        for of in self.by_code.values_mut() {
            of.any.finish();
            of.by_sub.values_mut().for_each(Spans::finish);
        }
    }

    fn named<'n>(&'n self, codes: &'n [String], subs: &'n [String]) -> impl Iterator<Item = &'n Spans> {
        let has_open = codes.is_empty() || codes.iter().any(|code| code.ends_with('*'));
        let open = self.by_code.iter().filter(move |(code, _)| has_open && names(codes, code)).map(|(_, of)| of);
        let exact = codes.iter().filter(move |_| !has_open).filter_map(|code| self.by_code.get(code.as_str()));
        open.chain(exact).flat_map(move |of| {
            let any = subs.is_empty().then_some(&of.any);
            any.into_iter().chain(subs.iter().filter_map(|sub| of.by_sub.get(sub.as_str())))
        })
    }

    /// Whether one of some codes, with one of some sub-reasons, had certainly happened by a moment and was registered at another one
    /// that is not before it. Without sub-reasons any is meant.
    pub fn held(&self, by: UnixMs, at: UnixMs, codes: &[String], subs: &[String]) -> bool {
        self.named(codes, subs).any(|spans| spans.held(by, at))
    }

    /// When the first correction ends what is [`held`](Self::held).
    pub fn ended(&self, by: UnixMs, at: UnixMs, codes: &[String], subs: &[String]) -> Option<UnixMs> {
        self.named(codes, subs).filter_map(|spans| spans.ended(by, at)).min()
    }

    /// The codes that still stand.
    pub fn codes(&self) -> impl Iterator<Item = &'a str> {
        let stands = |of: &OfCode<'_>| of.any.all.last().is_some_and(|span| span.until == NEVER);
        self.by_code.iter().filter(move |(_, of)| stands(of)).map(|(code, _)| *code)
    }
}
