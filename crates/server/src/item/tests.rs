use bytes::Bytes;
use proptest::prelude::*;
use waxwing_wire::server_frame::{Envelope, Item, ServerFrame, put_entry};
use waxwing_wire::{AccountId, DeviceAddress, DeviceId, EnvelopeKind, MessageId};

fn envelope() -> Envelope {
    Envelope {
        from: DeviceAddress { account: AccountId([1; 16]), device: DeviceId::PRIMARY },
        id: MessageId(2),
        kind: EnvelopeKind::Whisper,
        ciphertext: Bytes::from_static(b"secret"),
        accepted_at_ms: 3,
        silent: true,
        group: None,
    }
}

#[test]
fn a_note_is_the_server_s_own() {
    for attempt in [0, 1, u32::MAX] {
        let bytes = super::envelope(envelope(), attempt);
        assert_eq!(super::read(&bytes), Some(super::Stored::Envelope(envelope(), attempt)));
        // A client reads the same message, with or without it.
        let mut frame = Vec::new();
        put_entry(&mut frame, 5, false, &bytes);
        put_entry(&mut frame, 6, true, &bytes);
        let frame = ServerFrame::decode(frame.into()).unwrap();
        assert!(frame.entries.iter().all(|entry| entry.item == Item::Envelope(envelope())));
    }
    let plain = Item::Envelope(envelope()).encode();
    assert_eq!(super::envelope(envelope(), 0), plain, "and costs nothing for a first attempt");
}

proptest! {
    #[test]
    fn damage_is_noticed(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = super::read(&Bytes::from(bytes));
    }
}
