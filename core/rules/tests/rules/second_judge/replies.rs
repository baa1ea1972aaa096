//! Which replies are valid, and from when on, as the second judge reads domain 6.4.

use doorstep_domain::*;
use doorstep_rules::*;

use super::{
    corrected::known,
    reading::{Act, Reading, Word, is_head_office},
};

/// What a word against a reply makes of it. Only of a reply that counted it says something new; what is known as invalid already stays so
/// since then.
fn against(word: Word, received: Option<UnixMs>, said: UnixMs) -> Word {
    let known = match word {
        Word::Valid { since, .. } if since.is_none_or(|since| since <= said) => Some(said),
        Word::Invalid { known } => known.map(|known| known.min(said)),
        _ => received,
    };
    // Nobody knows it before the reply was received.
    Word::Invalid { known: known.max(received) }
}

impl<'a> Reading<'a> {
    pub fn marks<'r>(&'r self, about: &'r EntryKey) -> impl DoubleEndedIterator<Item = (&'r Act<'a>, Remark)> {
        self.standing().filter_map(move |(_, act)| match act.body() {
            Body::Mark(mark) if mark.about == *about => Some((act, mark.remark)),
            _ => None,
        })
    }

    /// Head office's decision on an entry; only its reviewer decides.
    fn ruling(&self, entry: &EntryKey) -> Option<(&Act<'a>, Stands)> {
        let mut rulings = self.standing().filter_map(|(_, act)| match act.body() {
            Body::Ruling(ruling) if ruling.about.entry == *entry && ruling.about.rule.is_none() => Some((act, ruling.stands)),
            _ => None,
        });
        rulings.rfind(|(act, _)| act.recorded.entry.author.role == Role::HqReviewer)
    }

    pub fn judge_reply(&self, place: usize) -> Word {
        let act = &self.acts[place];
        let Body::Reply(reply) = act.body() else { return Word::NoReply };
        let received = act.time.received;
        let is_origins = act.facts.origin_outlet.as_ref().is_none_or(|origin| act.outlet() == origin);
        if !is_origins && !is_head_office(act.recorded) {
            return Word::NoReply;
        }
        let said = |mark: &Act<'_>| known(mark.recorded);
        let is_lifted = |mark: &Act<'_>| self.ruling(mark.key()).is_some_and(|(_, stands)| stands == Stands::Lifted);
        let about =
            || self.marks(act.key()).filter(|(mark, said)| matches!(said, Remark::Valid | Remark::Invalid) && !is_lifted(mark));
        let mut word = self.by_itself(act, reply);
        // Outlets' marks, the oldest first: each changes the word from its own receipt on.
        let outlets = about().filter(|(mark, _)| !is_head_office(mark.recorded));
        for (mark, remark) in outlets.filter(|(mark, _)| act.facts.origin_outlet.as_ref() != Some(mark.outlet())) {
            let since = if let Word::Valid { since, .. } = word { since } else { None };
            let counts = received.map(|received| since.map_or(received, |since| since.max(received)));
            let ends = counts.map(|counts| self.marked_until(place, counts));
            let is_late = mark.time.received.zip(ends).is_some_and(|(received, until)| received > until);
            word = match (remark, word) {
                // It says again what counted already, or says so earlier.
                (Remark::Valid, Word::Valid { since, .. }) => {
                    Word::Valid { since: since.map(|since| since.min(said(mark))), late_mark: false }
                }
                (Remark::Valid, _) => Word::Valid { since: Some(said(mark)), late_mark: false },
                (_, Word::Valid { since, .. }) if is_late => Word::Valid { since, late_mark: true },
                (_, word) => against(word, received, said(mark)),
            };
        }
        // Head office's words: its marks, the newest last, and above them its ruling.
        let marks = about().filter(|(mark, _)| is_head_office(mark.recorded)).map(|(by, remark)| (by, remark == Remark::Valid));
        let ruling = self.ruling(act.key()).map(|(by, stands)| (by, stands == Stands::Upheld));
        for (by, is_valid) in marks.chain(ruling) {
            let valid = Word::Valid { since: None, late_mark: false };
            word = if is_valid { valid } else { against(word, received, said(by)) };
        }
        word
    }

    /// What a reply is without marks: valid from the first moment at which all that it needs had been received.
    fn by_itself(&self, act: &Act<'_>, reply: &Reply) -> Word {
        let came = known(act.recorded);
        let received = self.acts.iter().map(|act| known(act.recorded));
        let mut moments: Vec<UnixMs> = received.chain(self.acts.iter().filter_map(|act| act.withdrawn)).collect();
        moments.push(came);
        moments.sort();
        match moments.into_iter().filter(|moment| *moment >= came).find(|moment| self.is_complete(act, reply, *moment)) {
            Some(moment) => Word::Valid { since: (moment > came).then_some(moment), late_mark: false },
            None => Word::Invalid { known: act.time.received },
        }
    }

    /// Until when an outlet's mark against a reply counts that counts from a moment: for the time of the answer, after this moment or
    /// after the origin outlet was told, and while none of the duties has run out that the reply starts.
    fn marked_until(&self, place: usize, counts: UnixMs) -> UnixMs {
        let act = &self.acts[place];
        let pack = self.pack(act.version);
        let told = self.round_of(place).and_then(|round| round.told).map_or(counts, |(told, _)| told.max(counts));
        let answer = Self::reply_clock(pack).and_then(|clock| self.due(pack, clock, told).ok().flatten());
        let by_time = answer.unwrap_or(UnixMs(told.0 + 24 * 3_600_000));
        let duties = pack.clocks.iter().filter(|clock| clock.starts.on == On::Reply && clock.starts.is(act.body()));
        duties.filter_map(|clock| self.due(pack, clock, counts).ok().flatten()).fold(by_time, UnixMs::min)
    }

    /// Whether a reply has a decision of the pack, and at a moment what the decision needs: of the problems that were registered when it
    /// came those that no correction has ended since ask for something.
    fn is_complete(&self, act: &Act<'_>, reply: &Reply, moment: UnixMs) -> bool {
        let pack = self.pack(act.version);
        let Some(row) = pack.outcomes.iter().find(|row| row.code == reply.decision.as_str()) else { return false };
        let Some(needs) = &row.reply_needs else { return false };
        let came = known(act.recorded);
        let had = |codes: &[String], subs: &[String]| {
            self.acts.iter().any(|other| {
                let is_code = |(code, _): (&str, Stage)| {
                    codes.iter().any(|row| row.strip_suffix('*').map_or(row == code, |start| code.starts_with(start)))
                };
                // Correct data say since their receipt what they say of the earlier act.
                let is_known = !other.is_correct_data() || known(other.recorded) <= moment;
                let is_ended = other.withdrawn.is_some_and(|ended| ended <= moment);
                subs.is_empty() && other.registers().is_some_and(is_code) && (other.time.latest <= came && is_known && !is_ended)
            })
        };
        let is_there = |wanted: &dyn Fn(&Body) -> bool| {
            let was_there = |part: &Act<'_>| known(part.recorded) <= moment && part.withdrawn.is_none_or(|taken| taken > moment);
            self.acts.iter().any(|part| wanted(part.body()) && was_there(part))
        };
        let agreed =
            || is_there(&|body| matches!(body, Body::Consent(it) if it.by == Customer::Sender && it.to == reply.decision));
        let letter = || is_there(&|body| matches!(body, Body::Photo(photo) if photo.purpose == PhotoPurpose::Letter));
        let has = |field: &str| match field {
            "phone" => has_text(reply.phone.as_ref()),
            "address" => has_text(reply.address.as_ref()),
            "contact" => has_text(reply.contact.as_ref()),
            "place" => has_text(reply.place.as_ref()),
            "words" => has_text(reply.words.as_ref()),
            "agreed" => has_text(reply.agreed.as_ref()),
            "agreed_by" => reply.agreed_by.is_some(),
            "sender_agrees" => reply.agreed_by == Some(Customer::Sender) || agreed(),
            "payer" => reply.payer.is_some(),
            "until" => reply.until.is_some(),
            "same" => reply.same,
            "informed" => reply.informed,
            "letter" => reply.letter.is_some() || letter(),
            _ => false,
        };
        let further = row.reply_needs_if.iter().filter(|more| had(&more.codes, &[])).flat_map(|more| &more.needs);
        let pays = row.pays.iter().find(|pays| had(&pays.codes, &pays.subs));
        needs.iter().chain(further).all(|need| need.0.split('|').any(|field| has(field.trim())))
            && pays.is_none_or(|pays| reply.payer == Some(pays.payer))
    }
}
