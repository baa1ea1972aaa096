//! How often this thread has folded and judged, for tests that hold a caller to it. Without the feature `tally` nothing is counted.

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Work {
    /// The fold of a case.
    Fold,
    /// A judgement of the moment that was asked for.
    Judgement,
    /// The later phases of a row.
    Phases,
}

#[cfg(not(feature = "tally"))]
pub(crate) fn note(_: Work) {}

#[cfg(feature = "tally")]
pub use kept::Tally;
#[cfg(feature = "tally")]
pub(crate) use kept::note;

#[cfg(feature = "tally")]
mod kept {
    use std::cell::Cell;

    use super::Work;

    /// How often each was done.
    #[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
    pub struct Tally {
        /// Folds of cases.
        pub folds: usize,
        /// Judgements of the moments that were asked for.
        pub judgements: usize,
        /// Rows whose later phases were worked out.
        pub phases: usize,
    }

    thread_local! {
        static TALLY: Cell<Tally> = const { Cell::new(Tally { folds: 0, judgements: 0, phases: 0 }) };
    }

    impl Tally {
        /// What this thread has done since it was asked last.
        pub fn take() -> Self {
            TALLY.take()
        }
    }

    pub(crate) fn note(work: Work) {
        let mut tally = TALLY.get();
        match work {
            Work::Fold => tally.folds += 1,
            Work::Judgement => tally.judgements += 1,
            Work::Phases => tally.phases += 1,
        }
        TALLY.set(tally);
    }
}
