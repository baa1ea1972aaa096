//! What goes over the wire, and what each answer means.

use doorstep_tests::smsc::hex;

use crate::gate::{Gate, accepted};

#[tokio::test]
async fn a_chinese_text_goes_as_one_pdu_of_these_bytes() {
    let gate = Gate::new("source_ton = 0").await;
    assert_eq!(accepted(gate.submit("您好,单号123").await), ["2587"]);
    let pdu = gate.smsc.seen(|seen| hex(&seen.submits[0].pdu));
    let expected = [
        // command_length 86, submit_sm, status 0, sequence 2
        "00000056000000040000000000000002",
        // service_type, source ton and npi, "10690001"
        "00",
        "0000",
        "313036393030303100",
        // destination ton and npi, "8613800000001"
        "0101",
        "3836313338303030303030303100",
        // esm_class (not rusmpp's default of 08), protocol_id, priority, schedule
        "00",
        "00",
        "00",
        "00",
        // validity: one day
        "30303030303130303030303030303052",
        "00",
        // registered_delivery, replace, data_coding UCS-2, default message, length
        "01",
        "00",
        "08",
        "00",
        "10",
        // 您好,单号123
        "60a8597d002c5355",
        "53f7003100320033",
    ];
    assert_eq!(pdu, expected.concat());
}
