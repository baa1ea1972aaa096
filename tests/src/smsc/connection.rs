//! One connection of an ESME.

use std::sync::Arc;

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
    sync::mpsc,
};
use tokio_rustls::TlsAcceptor;

use super::{
    pdu::{BIND_TRANSCEIVER, DATA_SM, DELIVER_SM, Deliver, ENQUIRE_LINK, Fields, RESP, SUBMIT_SM, UNBIND, pdu, plain, word},
    script::{Answer, BindAnswer, Receipts},
    seen::Submit,
    state::{Out, Shared},
};

pub async fn serve(stream: TcpStream, tls: Option<TlsAcceptor>, shared: Arc<Shared>) {
    stream.set_nodelay(true).unwrap();
    shared.see(|state| state.seen.connections += 1);
    match tls {
        None => talk(stream, &shared).await,
        // A handshake that fails is the test's subject.
        Some(tls) => {
            if let Ok(stream) = tls.accept(stream).await {
                talk(stream, &shared).await;
            }
        }
    }
    shared.see(|state| state.seen.ended += 1);
}

async fn talk<S: AsyncRead + AsyncWrite + Unpin>(stream: S, shared: &Shared) {
    let (mut reader, mut writer) = tokio::io::split(stream);
    let (out, mut outgoing) = mpsc::unbounded_channel();
    let id = shared.see(|state| {
        let id = state.next_connection;
        state.next_connection += 1;
        state.all.push((id, out.clone()));
        id
    });
    let reading = async {
        while let Some(bytes) = read(&mut reader).await {
            let goes_on = take(shared, id, &out, &bytes);
            if !goes_on {
                return;
            }
        }
    };
    let writing = async {
        while let Some(Out::Bytes(bytes)) = outgoing.recv().await {
            if writer.write_all(&bytes).await.is_err() || writer.flush().await.is_err() {
                return;
            }
        }
    };
    tokio::select! {
        () = reading => {}
        () = writing => {}
    }
    // Answers that were given are still written, unless the connection was cut.
    while let Ok(Out::Bytes(bytes)) = outgoing.try_recv() {
        writer.write_all(&bytes).await.ok();
    }
    shared.see(|state| {
        state.bound.retain(|(other, _)| *other != id);
        state.all.retain(|(other, _)| *other != id);
        state.delivering.retain(|_, (other, _)| *other != id);
    });
}

async fn read<R: AsyncRead + Unpin>(reader: &mut R) -> Option<Vec<u8>> {
    let mut bytes = vec![0; 4];
    reader.read_exact(&mut bytes).await.ok()?;
    let length = usize::try_from(word(&bytes, 0)).unwrap();
    assert!((16..8192).contains(&length), "a PDU of {length} bytes");
    bytes.resize(length, 0);
    reader.read_exact(&mut bytes[4..]).await.ok()?;
    Some(bytes)
}

/// Takes a PDU. False: the connection ends.
fn take(shared: &Shared, id: u64, out: &mpsc::UnboundedSender<Out>, bytes: &[u8]) -> bool {
    let (command, status, sequence) = (word(bytes, 4), word(bytes, 8), word(bytes, 12));
    shared.see(|state| state.seen.pdus.push(bytes.to_vec()));
    let say = |bytes: Vec<u8>| {
        out.send(Out::Bytes(bytes)).ok();
    };
    match command {
        BIND_TRANSCEIVER => return bind(shared, id, out, bytes),
        SUBMIT_SM => return submit(shared, out, bytes),
        ENQUIRE_LINK => {
            shared.see(|state| state.seen.enquiries += 1);
            if !shared.options.ignores_enquiries {
                say(plain(RESP | ENQUIRE_LINK, 0, sequence));
            }
        }
        UNBIND => {
            say(plain(RESP | UNBIND, 0, sequence));
            shared.see(|state| state.seen.unbinds += 1);
        }
        command if command == RESP | UNBIND => shared.see(|state| state.seen.unbinds += 1),
        command if command == RESP | ENQUIRE_LINK => shared.see(|state| state.seen.alive += 1),
        command if command == RESP | DELIVER_SM || command == RESP | DATA_SM => shared.see(|state| {
            state.seen.delivered.push(status);
            if let Some((_, answered)) = state.delivering.remove(&sequence) {
                answered.send(status).ok();
            }
        }),
        RESP => shared.see(|state| state.seen.nacks.push(status)),
        other => panic!("command {other:#x}"),
    }
    true
}

fn bind(shared: &Shared, id: u64, out: &mpsc::UnboundedSender<Out>, bytes: &[u8]) -> bool {
    let mut fields = Fields(&bytes[16..]);
    let (system_id, password) = (fields.text(), fields.text());
    let sequence = word(bytes, 12);
    let is_right = shared.options.password.is_empty() || password == shared.options.password;
    shared.see(|state| {
        state.seen.binds.push(system_id);
        let status = match state.binds.pop_front().unwrap_or(BindAnswer::Ok) {
            BindAnswer::Cut => return false,
            BindAnswer::Silent => return true,
            BindAnswer::Refuse(status) => status,
            BindAnswer::Ok if is_right => 0,
            BindAnswer::Ok => 0x0e,
        };
        let body: &[u8] = if status == 0 { b"SMSC\0" } else { b"" };
        out.send(Out::Bytes(pdu(RESP | BIND_TRANSCEIVER, status, sequence, body))).ok();
        if status == 0 {
            state.bound.push((id, out.clone()));
        }
        true
    })
}

fn submit(shared: &Shared, out: &mpsc::UnboundedSender<Out>, bytes: &[u8]) -> bool {
    let mut submit = Submit::read(bytes);
    let sequence = word(bytes, 12);
    let answer = |status, id: &str| {
        let body = if status == 0 { [id.as_bytes(), &[0]].concat() } else { Vec::new() };
        pdu(RESP | SUBMIT_SM, status, sequence, &body)
    };
    let say = |bytes| {
        out.send(Out::Bytes(bytes)).ok();
    };
    let mut state = shared.state();
    let answers = state.answers.pop_front().unwrap_or(Answer::Ok);
    let refused = match answers {
        Answer::CutBefore => return false,
        Answer::Throttle => Some(0x58),
        Answer::QueueFull => Some(0x14),
        Answer::Refuse(status) => Some(status),
        Answer::Ok | Answer::Silent | Answer::Held | Answer::CutAfter => None,
    };
    let number = state.next_id;
    if refused.is_none() {
        state.next_id += 1;
        submit.id = Some(number.to_string());
        state.seen.unanswered += 1;
        state.seen.most_unanswered = state.seen.most_unanswered.max(state.seen.unanswered);
    }
    state.seen.submits.push(submit);
    drop(state);
    let id = shared.options.answer_ids.spell(number);
    let receipt = || {
        shared.deliver(&Deliver::receipt(&shared.options.receipt_ids.spell(number), "DELIVRD", "000"));
    };
    match (refused, answers) {
        (Some(status), _) => say(answer(status, "")),
        (None, Answer::Held) => shared.state().held.push((out.clone(), answer(0, &id))),
        (None, Answer::Silent | Answer::CutAfter) => {}
        (None, _) => {
            if shared.options.receipts == Receipts::Early {
                receipt();
            }
            shared.state().seen.unanswered -= 1;
            say(answer(0, &id));
            if shared.options.receipts == Receipts::Auto {
                receipt();
            }
        }
    }
    shared.see(|_| {});
    answers != Answer::CutAfter
}
