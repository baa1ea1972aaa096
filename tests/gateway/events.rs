//! Receipts and customers' messages.

use doorstep_gateway::{Event, ReceiptStatus, id_forms};
use doorstep_tests::smsc::{Ids, SmscOptions};

use crate::gate::{Gate, accepted};

#[tokio::test]
async fn a_receipt_is_reported_and_acknowledged_once_it_is_durable() {
    let options = SmscOptions { receipt_ids: Ids::Hex, ..SmscOptions::default() };
    let mut gate = Gate::with(options, "").await;
    let ids = accepted(gate.submit("好").await);
    let delivery = gate.smsc.receipt(&ids[0], "DELIVRD", "000");
    let notice = gate.notice().await;
    gate.smsc.seen(|seen| assert!(seen.delivered.is_empty(), "not answered before it is durable"));
    let Event::Receipt(receipt) = notice.event.clone() else { panic!("{notice:?}") };
    assert_eq!((receipt.id.as_str(), receipt.status, receipt.code.as_str()), ("a1b", ReceiptStatus::Delivered, "000"));
    assert!(id_forms(&receipt.id).iter().any(|form| id_forms(&ids[0]).contains(form)));
    notice.acknowledge(true);
    assert_eq!(delivery.answer().await, Some(0));
}
