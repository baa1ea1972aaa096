//! The link: made, lost at each step, made again, left.

use std::time::Duration;

use doorstep_gateway::{LinkState, Provider, Submitted};
use doorstep_tests::smsc::{Answer, BindAnswer, Smsc, SmscOptions};
use tokio::time::timeout;

use crate::gate::{Gate, NUMBER, accepted};

fn is_down(state: &LinkState) -> bool {
    matches!(state, LinkState::Down { .. })
}

async fn unbound(binds: impl IntoIterator<Item = BindAnswer>, more: &str) -> Gate {
    let smsc = Smsc::start(SmscOptions { password: "secret".to_owned(), ..SmscOptions::default() }).await;
    smsc.script_binds(binds);
    Gate::on(smsc, more)
}

#[tokio::test]
async fn a_refused_bind_says_its_status_and_is_not_hammered() {
    let gate = unbound([], "password = \"wrong\"").await;
    let LinkState::Down { why, code, after } = gate.until(is_down).await else { panic!() };
    assert_eq!((why, code), ("the SMSC refused the bind", Some(0x0e)));
    // Sixty times the first pause of 20 ms, more or less.
    assert!(after >= Duration::from_millis(900), "{after:?}");
    assert_eq!(gate.submit("好").await, Submitted::NotSent { after, why: "not connected" });
    gate.smsc.seen(|seen| assert!(seen.submits.is_empty()));
}

#[tokio::test]
async fn an_smsc_that_is_not_there_is_tried_again_until_it_is() {
    let smsc = Smsc::start(SmscOptions::default()).await;
    let addr = smsc.addr();
    let config = crate::gate::config(&smsc, "");
    drop(smsc);
    let (sender, events) = tokio::sync::mpsc::channel(1);
    let smpp = std::sync::Arc::new(doorstep_gateway::Smpp::start(config, sender).unwrap());
    let mut link = smpp.link();
    timeout(Duration::from_secs(20), link.wait_for(is_down)).await.unwrap().unwrap();
    let gate = Gate { smsc: Smsc::start_at(addr, SmscOptions::default()).await, smpp, events };
    gate.bound().await;
    accepted(gate.submit("好").await);
}

#[tokio::test]
async fn a_link_lost_before_the_bind_is_answered_is_made_again() {
    let gate = unbound([BindAnswer::Cut, BindAnswer::Cut], "").await;
    gate.bound().await;
    gate.smsc.seen(|seen| assert_eq!((seen.binds.len(), seen.connections), (3, 3)));
}

#[tokio::test]
async fn a_bind_without_an_answer_is_given_up_and_made_again() {
    let gate = unbound([BindAnswer::Silent], "response_seconds = 0.2").await;
    let LinkState::Down { why, .. } = gate.until(is_down).await else { panic!() };
    assert_eq!(why, "the bind was not answered in time");
    gate.bound().await;
    gate.smsc.seen(|seen| assert_eq!(seen.binds.len(), 2));
}

#[tokio::test]
async fn a_bound_link_that_is_lost_is_made_again() {
    let gate = Gate::new("").await;
    gate.smsc.cut();
    gate.smsc.until("a second bind", |seen| seen.binds.len() == 2).await;
    gate.bound().await;
    accepted(gate.submit("好").await);
}

#[tokio::test]
async fn a_link_lost_during_a_submit_leaves_it_uncertain_and_it_is_not_tried_again() {
    let gate = Gate::new("").await;
    gate.smsc.script([Answer::CutBefore]);
    assert!(matches!(gate.submit("好").await, Submitted::Uncertain { .. }));
    gate.smsc.until("a second bind", |seen| seen.binds.len() == 2).await;
    gate.bound().await;
    accepted(gate.submit("另").await);
    gate.smsc.seen(|seen| {
        let submits = seen.pdus.iter().filter(|pdu| pdu[7] == 4).count();
        assert_eq!((submits, seen.count(NUMBER, "好"), seen.count(NUMBER, "另")), (2, 0, 1));
    });
}

#[tokio::test]
async fn a_link_lost_before_the_answer_leaves_the_submit_uncertain_and_it_arrived_once() {
    let gate = Gate::new("").await;
    gate.smsc.script([Answer::CutAfter]);
    assert!(matches!(gate.submit("好").await, Submitted::Uncertain { .. }));
    gate.smsc.until("a second bind", |seen| seen.binds.len() == 2).await;
    gate.bound().await;
    accepted(gate.submit("另").await);
    gate.smsc.seen(|seen| assert_eq!((seen.count(NUMBER, "好"), seen.count(NUMBER, "另")), (1, 1)));
}

#[tokio::test]
async fn a_link_that_dies_leaves_uncertain_what_was_written_and_nothing_else() {
    let gate = Gate::new("window = 2\nreconnect_seconds = 20").await;
    gate.smsc.script([Answer::Held; 2]);
    let submitting: Vec<_> = (0..6).map(|n| gate.submitting(NUMBER, &format!("no. {n}"))).collect();
    gate.smsc.until("a full window", |seen| seen.submits.len() == 2).await;
    gate.smsc.cut();
    let (mut uncertain, mut not_sent) = (0, 0);
    for submitted in submitting {
        match submitted.await.unwrap() {
            Submitted::Uncertain { .. } => uncertain += 1,
            Submitted::NotSent { .. } => not_sent += 1,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((uncertain, not_sent), (2, 4));
}

#[tokio::test]
async fn a_submit_without_an_answer_is_uncertain_and_its_link_is_given_up() {
    let gate = Gate::new("response_seconds = 0.2").await;
    gate.smsc.script([Answer::Silent]);
    assert_eq!(gate.submit("好").await, Submitted::Uncertain { why: "a submit was not answered in time", ids: vec![] });
    gate.smsc.until("the end of the link and another", |seen| seen.ended == 1 && seen.binds.len() == 2).await;
    gate.smsc.seen(|seen| assert_eq!(seen.count(NUMBER, "好"), 1));
}

#[tokio::test]
async fn an_unbind_is_answered_and_the_link_made_again() {
    let gate = Gate::new("").await;
    gate.smsc.unbind();
    gate.smsc.until("the answer, and another bind", |seen| seen.unbinds == 1 && seen.binds.len() == 2).await;
    gate.bound().await;
    accepted(gate.submit("好").await);
}

#[tokio::test]
async fn the_smsc_is_asked_whether_it_lives_when_it_is_silent() {
    let gate = Gate::new("enquire_seconds = 0.05").await;
    gate.smsc.until("three enquiries", |seen| seen.enquiries == 3).await;
    gate.smsc.seen(|seen| assert_eq!(seen.binds.len(), 1, "an answer keeps the link"));
}

#[tokio::test]
async fn an_smsc_that_does_not_say_that_it_lives_is_left() {
    let options = SmscOptions { ignores_enquiries: true, ..SmscOptions::default() };
    let gate = Gate::with(options, "enquire_seconds = 0.05\nresponse_seconds = 0.1").await;
    let LinkState::Down { why, .. } = gate.until(is_down).await else { panic!() };
    assert_eq!(why, "the SMSC does not answer");
    gate.smsc.until("another bind", |seen| seen.binds.len() == 2).await;
}

#[tokio::test]
async fn the_smsc_is_told_that_the_gateway_lives_and_what_it_does_not_know() {
    let gate = Gate::new("").await;
    gate.smsc.enquire_link();
    // query_sm, which no SMSC asks an ESME.
    gate.smsc.raw(&[0, 0, 0, 18, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0]);
    gate.smsc.until("both answers", |seen| seen.alive == 1 && seen.nacks.len() == 1).await;
    accepted(gate.submit("好").await);
    gate.smsc.seen(|seen| assert_eq!(seen.binds.len(), 1));
}

#[tokio::test]
async fn bytes_that_are_no_smpp_end_the_link_and_it_is_made_again() {
    let gate = Gate::new("").await;
    gate.smsc.raw(b"HTTP/1.1 400 Bad Request\r\n\r\n");
    let LinkState::Down { why, .. } = gate.until(is_down).await else { panic!() };
    assert_eq!(why, "the SMSC sent what is no SMPP");
    gate.bound().await;
}

#[tokio::test]
async fn stopping_waits_for_what_is_in_flight_and_unbinds() {
    let gate = Gate::new("").await;
    gate.smsc.script([Answer::Held]);
    let submitting = gate.submitting(NUMBER, "好");
    gate.smsc.until("the submit", |seen| seen.submits.len() == 1).await;
    let smpp = gate.smpp.clone();
    let stopping = tokio::spawn(async move { smpp.stop().await });
    tokio::task::yield_now().await;
    gate.smsc.seen(|seen| assert_eq!(seen.unbinds, 0));
    assert!(matches!(gate.submit("另").await, Submitted::NotSent { .. }));
    gate.smsc.release();
    accepted(submitting.await.unwrap());
    timeout(Duration::from_secs(20), stopping).await.unwrap().unwrap();
    gate.smsc.seen(|seen| assert_eq!((seen.unbinds, seen.submits.len()), (1, 1)));
    gate.until(|state| *state == LinkState::Stopped).await;
}

#[tokio::test]
async fn stopping_lets_a_message_of_several_segments_go_to_its_end() {
    let gate = Gate::new("throttle_seconds = 0.3").await;
    gate.smsc.script([Answer::Ok, Answer::Throttle]);
    let text = "中".repeat(80);
    let submitting = gate.submitting(NUMBER, &text);
    gate.smsc.until("the throttled segment", |seen| seen.submits.len() == 2).await;
    // Nothing is in flight now, and the link must stay for the segment that waits.
    timeout(Duration::from_secs(20), gate.smpp.stop()).await.unwrap();
    assert_eq!(accepted(submitting.await.unwrap()).len(), 2);
    gate.smsc.seen(|seen| assert_eq!((seen.binds.len(), seen.unbinds, seen.count(NUMBER, &text)), (1, 1, 1)));
}

#[tokio::test]
async fn a_dropped_gateway_ends_its_link() {
    let Gate { smsc, smpp, events: _events } = Gate::new("").await;
    drop(smpp);
    smsc.until("the end of the link", |seen| seen.ended == 1).await;
}
