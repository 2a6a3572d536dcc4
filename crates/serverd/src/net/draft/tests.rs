use waxwing_wire::server_frame::{DeviceMismatch, Envelope, Item, Refused, Response, ResponseBody};
use waxwing_wire::{AccountId, DeviceAddress, DeviceId, EnvelopeKind, PrekeysLeft, RejectCode};

use super::*;

fn item(bytes: usize) -> Bytes {
    let from = DeviceAddress { account: AccountId([1; 16]), device: DeviceId::PRIMARY };
    let envelope = Envelope {
        from,
        id: MessageId(1),
        kind: EnvelopeKind::Whisper,
        ciphertext: vec![0; bytes].into(),
        accepted_at_ms: 1,
        silent: false,
        group: None,
    };
    Item::Envelope(envelope).encode().into()
}

fn frames(fill: impl FnOnce(&mut Draft, &mut dyn FnMut(&[u8]))) -> Vec<ServerFrame> {
    let mut sent = Vec::new();
    let mut draft = Draft::default();
    fill(&mut draft, &mut |plaintext: &[u8]| sent.push(plaintext.to_vec()));
    draft.finish(&mut |plaintext: &[u8]| sent.push(plaintext.to_vec()));
    assert!(sent.iter().all(|plaintext| plaintext.len() <= MAX_PLAINTEXT_BYTES));
    sent.into_iter().map(|plaintext| ServerFrame::decode(plaintext.into()).unwrap()).collect()
}

#[test]
fn what_fits_travels_in_one_frame() {
    let frames = frames(|draft, mut send| {
        draft.piece(Piece::Accepted(MessageId(1)), &mut send);
        draft.entry(7, &item(10), &mut send);
        let published = ResponseBody::Published(PrekeysLeft::default());
        draft.piece(Piece::Response(Response { id: 1, what: published }), &mut send);
        draft.entry(8, &item(10), &mut send);
        draft.piece(Piece::Accepted(MessageId(2)), &mut send);
    });
    let [frame] = &frames[..] else { panic!("{} frames", frames.len()) };
    assert_eq!(frame.accepted, [MessageId(1), MessageId(2)]);
    assert_eq!(frame.entries.iter().map(|entry| entry.seq).collect::<Vec<_>>(), [7, 8]);
    assert_eq!(frame.responses.len(), 1);
}

#[test]
fn no_frame_exceeds_a_bound_of_the_wire_and_nothing_is_lost() {
    let frames = frames(|draft, mut send| {
        for n in 0..1_000u64 {
            draft.entry(n + 1, &item((n as usize * 997) % 9_000), &mut send);
            draft.piece(Piece::Accepted(MessageId(n)), &mut send);
            let reject = Reject::new(RejectCode::MailboxFull, "x".repeat(300));
            let mismatch = DeviceMismatch::default();
            draft.piece(
                Piece::Refused(Refused {
                    id: MessageId(n),
                    reject: reject.clone(),
                    mismatch,
                    group: None,
                    files_gone: Vec::new(),
                }),
                &mut send,
            );
            let response = Response { id: n as u32, what: ResponseBody::Reject(reject) };
            draft.piece(Piece::Response(response), &mut send);
        }
    });
    let entries: Vec<_> = frames.iter().flat_map(|frame| &frame.entries).map(|entry| entry.seq).collect();
    assert_eq!(entries, (1..=1_000).collect::<Vec<_>>());
    assert_eq!(frames.iter().map(|frame| frame.accepted.len()).sum::<usize>(), 1_000);
    assert_eq!(frames.iter().map(|frame| frame.refused.len()).sum::<usize>(), 1_000);
    assert_eq!(frames.iter().map(|frame| frame.responses.len()).sum::<usize>(), 1_000);
}
