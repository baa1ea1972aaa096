//! Every problem of every pack, played from its registration to its end by the people whom the rules name, each on their own device:
//! always the most urgent duty, with the client's ordinary calls. A pack's result is a table of code x role in `tests/proof`: what
//! the role read, and which duties it did. A changed table fails; `DOORSTEP_TABLES=write cargo test -p doorstep-tests proof` writes
//! the tables anew, and `--nocapture` prints them.

mod cast;
mod play;
mod table;

use cast::{Cast, SEATS};
use doorstep_rules::{Duty, DutyKind, Side, Turn};
use play::Play;
use table::Table;

/// Most rounds until the last case of a pack has ended. In each round each open case goes one step on.
const MOST_ROUNDS: usize = 40;

/// What a step is called in a table: the step of a card or the line of a ledger, else the kind.
fn name(duty: &Duty) -> String {
    duty.step.clone().unwrap_or_else(|| duty.kind.as_str().to_owned())
}

/// What makes two duties the same one.
fn same(duty: &Duty) -> (DutyKind, Side, Option<String>) {
    (duty.kind, duty.side, duty.step.clone())
}

/// Whether the class of a row fits its reader.
fn fits(turn: Turn, is_theirs: bool) -> bool {
    match turn {
        Turn::Overdue(_) | Turn::Mine(_) => is_theirs,
        Turn::Waiting(_) => !is_theirs,
        Turn::Ended => false,
    }
}

/// Plays all cases of a pack to their ends.
async fn proven(file: &str, toml: &str) {
    let cast = Cast::of(toml).await;
    let mut plays = Play::all(&cast.pack);
    let mut table = Table::default();
    cast.list(&plays);
    cast.sync().await;
    for play in &mut plays {
        let seat = play.registrar();
        let (act, photos) = play.registration();
        let done = cast.record(seat, play, act, &photos);
        assert!(done.is_ok(), "{}: {} may not register it: {done:?}", play.told(), SEATS[seat].name);
        table.did(&play.code.code, SEATS[seat].column, "register");
        cast.advance(1);
    }
    for round in 0.. {
        cast.sync().await;
        let lists = cast.lists();
        let office = cast.office();
        for play in plays.iter_mut().filter(|play| !play.is_over) {
            let told = play.told();
            let rows: Vec<_> = lists.iter().map(|rows| rows.get(&play.waybill())).collect();
            let duties = &office.get(&play.waybill()).unwrap_or_else(|| panic!("{told}: head office does not list it")).duties;
            for (seat, row) in rows.iter().enumerate().filter_map(|(seat, row)| Some((seat, (*row)?))) {
                assert_eq!(row.duties, *duties, "{told}: {} and head office see other duties", SEATS[seat].name);
                let is_theirs = duties.iter().any(|duty| duty.is_for(&cast.reader(seat)));
                let is_over = duties.is_empty() && row.turn == Turn::Ended;
                assert!(is_over || fits(row.turn, is_theirs), "{told}: {} has {:?} of {duties:?}", SEATS[seat].name, row.turn);
            }
            if let Some(last) = &play.last {
                assert!(duties.iter().all(|duty| same(duty) != *last), "{told}: {last:?} was done and is due still: {duties:?}");
            }
            let Some(most_urgent) = duties.first() else {
                assert!(cast.has_ended(play), "{told}: nothing is due in an open case");
                play.is_over = true;
                continue;
            };
            assert!(round < MOST_ROUNDS, "{told}: no end after {round} steps, {duties:?}");
            let mut read = [None; SEATS.len()];
            for duty in duties {
                let named: Vec<usize> = (0..SEATS.len()).filter(|seat| duty.is_for(&cast.reader(*seat))).collect();
                let told = format!("{told}: {} of {}", name(duty), duty.side.as_str());
                assert!(!named.is_empty() || duty.side == Side::HeadOffice, "{told}: nobody enrolled may do it: {duty:?}");
                for seat in named {
                    table.named(&play.code.code, SEATS[seat].column, &name(duty));
                    let reads = *read[seat].get_or_insert_with(|| rows[seat].is_some() && cast.reads(seat, play));
                    table.reads(&play.code.code, SEATS[seat].column, reads);
                    assert!(reads, "{told}: {} does not read what they need", SEATS[seat].name);
                }
            }
            table.reads(&play.code.code, "head office", true);
            play.last = Some(cast.perform(play, duties, most_urgent, &mut table).await);
        }
        if plays.iter().all(|play| play.is_over) {
            break;
        }
        cast.advance(3);
    }
    cast.agree(&plays);
    table.compare(file);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_problem_of_the_demos_network_is_worked_to_its_end_by_the_people_whom_the_rules_name() {
    proven("qinghe", include_str!("../../core/rules/packs/qinghe-2.toml")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_problem_of_the_standard_process_is_worked_to_its_end_by_the_people_whom_the_rules_name() {
    proven("zto-process", include_str!("../../core/rules/packs/zto-process-2.toml")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_fault_of_the_origin_is_worked_to_its_end_by_the_people_whom_the_rules_name() {
    proven("nengda-gd", include_str!("../../core/rules/packs/nengda-gd-2.toml")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_parcel_of_customer_service_is_worked_to_its_end_by_the_people_whom_the_rules_name() {
    proven("cs-generic", include_str!("../../core/rules/packs/cs-generic-2.toml")).await;
}
