//! What a message costs on the line. The numbers stand in `README.md`; this test keeps them true.

use bytes::Bytes;

use super::samples::{NOW_MS, address, envelope, receipt, send};
use super::{Joined, join_ik};
use crate::client_frame::{ClientFrame, Stored};
use crate::server_frame::{Entry, Envelope, Item, Receipt, ServerFrame};
use crate::transport::Transport;
use crate::{AccountId, MessageId};

const README: &str = include_str!("../../README.md");

/// Sequence numbers and random ids as they are after some months of use.
const SEQ: u64 = 20_000;

fn sealed_bytes(transport: &mut Transport, plaintext: &[u8]) -> usize {
    let mut line = Vec::new();
    transport.seal(plaintext, &mut line).unwrap();
    line.len()
}

fn id(n: usize) -> u64 {
    0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(n as u64 + 1)
}

/// Bytes on the line, in the order of the README's columns, for `batch` messages that go together.
fn costs(ciphertext_bytes: usize, batch: usize) -> [usize; 6] {
    let Joined { client, server, .. } = join_ik(50);
    let (mut up, mut down) = (client.transport, server.transport);
    let ciphertext = vec![0xc1; ciphertext_bytes];
    let sends = (0..batch).map(|n| send(id(n), &ciphertext)).collect();
    let accepted = (0..batch).map(|n| MessageId(id(n))).collect();
    let from = address(AccountId([0xa1; 16]), 1);
    let envelope = |n| Envelope {
        from,
        id: MessageId(id(n)),
        ciphertext: Bytes::from(ciphertext.clone()),
        accepted_at_ms: NOW_MS,
        ..envelope(b"")
    };
    let entries =
        (0..batch).map(|n| Entry { seq: SEQ + n as u64, item: Item::Envelope(envelope(n)) }).collect();
    let ids: Vec<u64> = (0..batch).map(id).collect();
    let receipt = Item::Receipt(Receipt { by: from, ..receipt(&ids) });
    let stored =
        |up_to| ClientFrame { stored: Some(Stored { up_to, undecryptable: vec![] }), ..Default::default() };
    [
        sealed_bytes(&mut up, &ClientFrame { sends, ..Default::default() }.encode()),
        sealed_bytes(&mut down, &ServerFrame { accepted, ..Default::default() }.encode()),
        sealed_bytes(&mut down, &ServerFrame { entries, ..Default::default() }.encode()),
        sealed_bytes(&mut up, &stored(SEQ + batch as u64).encode()),
        sealed_bytes(
            &mut down,
            &ServerFrame { entries: vec![Entry { seq: SEQ, item: receipt }], ..Default::default() }.encode(),
        ),
        sealed_bytes(&mut up, &stored(SEQ).encode()),
    ]
}

#[test]
fn a_delivered_message_costs_what_the_readme_says() {
    let mut table = String::new();
    for ciphertext_bytes in [200, 329] {
        for batch in [1, 16] {
            let costs = costs(ciphertext_bytes, batch);
            let each = |bytes: usize| format!("{:.0}", bytes as f64 / batch as f64);
            let total: usize = costs.iter().sum();
            let columns = costs.iter().map(|bytes| each(*bytes)).collect::<Vec<_>>().join(" | ");
            table += &format!("| {ciphertext_bytes} | {batch} | {columns} | **{}** |\n", each(total));
        }
    }
    println!("{table}");
    assert!(README.contains(&table), "README.md is to say:\n{table}");
}
