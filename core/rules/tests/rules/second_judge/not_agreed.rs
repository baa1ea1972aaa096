//! What the second judge and the engine do not agree about yet. Histories that show it are not compared. Each line is to be removed when
//! its vector in `vectors.rs` passes.

use doorstep_domain::*;

use super::reading::{Act, Reading, corrections, wrong_of};

/// Something that is not agreed yet.
pub struct NotAgreed {
    /// Its vectors.
    pub vectors: &'static [&'static str],
    /// What the text says, and what the engine does.
    pub why: &'static str,
    /// Whether a history shows it.
    pub shows: fn(&Reading<'_>) -> bool,
}

pub const LIST: &[NotAgreed] = &[
    NotAgreed {
        vectors: &["correct_data_of_a_correction_that_was_taken_back_are_no_second_failure"],
        why: "The README says that a registration in one change with the correction of an earlier one has that one's time. The engine \
              forgets this as soon as the correction itself is taken back, and takes the correct data for a new registration.",
        shows: |reading| {
            let is_taken_back =
                |act: &Act<'_>| !act.stands() && matches!(act.body(), Body::Correction(it) if it.fault == Fault::IncorrectData);
            reading.acts.iter().any(is_taken_back)
        },
    },
    NotAgreed {
        vectors: &[
            "two_corrections_of_one_failure_are_no_second_failure",
            "what_was_taken_back_in_time_stays_taken_back_when_somebody_takes_it_back_again",
        ],
        why: "Two people correct one registration without knowledge of each other. The engine keeps only the later correction: the data of \
              the other one are a new registration, and the registration counts as corrected only since the later correction.",
        shows: |reading| {
            let count = |of: &Act<'_>| {
                let all = reading
                    .acts
                    .iter()
                    .filter(|act| act.stands() && corrections(reading.all, of.recorded).any(|by| by.entry.key == *act.key()));
                all.count()
            };
            reading.acts.iter().any(|act| count(act) > 1)
        },
    },
    NotAgreed {
        vectors: &["a_correction_of_a_correction_has_the_time_of_the_first_registration_also_if_its_clock_is_behind"],
        why: "The engine looks for the first registration in the order of the corrections' own times. If the second correction has the same \
              time as the first, or an earlier one, it takes the first correction's data for the first registration.",
        shows: |reading| {
            let is_behind = |act: &Act<'_>| {
                let wrong = wrong_of(reading.all, act.recorded).filter(|wrong| wrong_of(reading.all, wrong).is_some());
                wrong.is_some_and(|wrong| act.recorded.acted_at() <= wrong.acted_at())
            };
            reading.acts.iter().any(is_behind)
        },
    },
    NotAgreed {
        vectors: &["of_a_failure_and_its_correct_data_one_stays_if_they_are_said_to_be_the_same"],
        why: "An entry is said to be the same as one that is itself taken back. The engine looks at the later correction first, so both can \
              vanish, and no failure is left.",
        shows: |reading| {
            let is_gone = |key: &EntryKey| reading.acts.iter().any(|act| act.key() == key && !act.stands());
            let is_same_as_gone = |act: &Act<'_>| matches!(act.body(), Body::Correction(it) if it.fault == Fault::SameAs && it.same_as.as_ref().is_some_and(is_gone));
            reading.acts.iter().any(is_same_as_gone)
        },
    },
    NotAgreed {
        vectors: &["a_reply_answers_what_was_told_before_its_receipt_although_somebody_disputed_it_in_between"],
        why: "A reply counts from its receipt by the server. The engine puts it behind the acts that were certainly done before only up to \
              the first act of which that is not certain, or which is about the reply.",
        shows: |reading| {
            let all = || 0..reading.acts.len();
            let is_reply = |place: &usize| matches!(reading.acts[*place].body(), Body::Reply(_));
            all().filter(is_reply).any(|reply| {
                let mut after = (reply + 1..reading.acts.len()).skip_while(|act| reading.is_before(*act, reply));
                after.any(|act| reading.is_before(act, reply))
            })
        },
    },
];
