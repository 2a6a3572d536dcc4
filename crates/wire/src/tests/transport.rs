use proptest::prelude::*;

use super::{join_ik, only_frame};
use crate::frame::{Cut, MAX_LENGTH_BYTES, cut};
use crate::limits::{MAX_FRAME_BYTES, MAX_PLAINTEXT_BYTES};
use crate::transport::{TAG_BYTES, Transport};

fn pair() -> (Transport, Transport) {
    let joined = join_ik(100);
    (joined.client.transport, joined.server.transport)
}

/// Without the cost of a handshake.
fn fixed_pair() -> (Transport, Transport) {
    let (up, down) = ([1; 32], [2; 32]);
    (Transport::new(&up, &down), Transport::new(&down, &up))
}

fn sealed(from: &mut Transport, plaintext: &[u8]) -> Vec<u8> {
    let mut line = Vec::new();
    from.seal(plaintext, &mut line).unwrap();
    only_frame(&line).to_vec()
}

#[test]
fn frames_of_every_size_class_pass_both_ways() {
    let (mut client, mut server) = pair();
    for bytes in [0, 1, 15, 16, 111, 112, 113, 127, 128, 16_367, 16_368, 16_369, MAX_PLAINTEXT_BYTES] {
        let plaintext = vec![0x5a; bytes];
        let mut up = sealed(&mut client, &plaintext);
        assert_eq!(up.len(), bytes + TAG_BYTES);
        assert_eq!(server.open(&mut up).unwrap(), plaintext);
        let mut down = sealed(&mut server, &plaintext);
        assert_eq!(client.open(&mut down).unwrap(), plaintext);
        assert_ne!(up, down);
    }
}

#[test]
fn frames_follow_each_other_in_one_buffer() {
    let (mut client, mut server) = pair();
    let mut line = Vec::new();
    for number in 0..100u8 {
        client.seal(&vec![number; usize::from(number) * 7], &mut line).unwrap();
    }
    let mut rest = &mut line[..];
    for number in 0..100u8 {
        let Cut { prefix_bytes, frame_bytes } = cut(rest).unwrap().unwrap();
        let (frame, after) = rest[prefix_bytes..].split_at_mut(frame_bytes);
        assert_eq!(server.open(frame).unwrap(), vec![number; usize::from(number) * 7]);
        rest = after;
    }
    assert!(rest.is_empty());
}

#[test]
fn too_large_a_plaintext_is_refused_and_nothing_is_written() {
    let (mut client, mut server) = pair();
    let mut line = b"before".to_vec();
    assert!(client.seal(&vec![0; MAX_PLAINTEXT_BYTES + 1], &mut line).is_err());
    assert_eq!(line, b"before");
    // And the stream goes on.
    assert_eq!(server.open(&mut sealed(&mut client, b"next")).unwrap(), b"next");
}

#[test]
fn a_changed_frame_does_not_open() {
    for at in 0..40 {
        let (mut client, mut server) = pair();
        let mut frame = sealed(&mut client, &[7; 24]);
        frame[at] ^= 0x10;
        assert!(server.open(&mut frame).is_err());
    }
    let changes: [fn(&mut Vec<u8>); 4] = [|f| f.push(0), |f| f.truncate(39), |f| f.truncate(15), Vec::clear];
    for change in changes {
        let (mut client, mut server) = pair();
        let mut frame = sealed(&mut client, &[7; 24]);
        change(&mut frame);
        assert!(server.open(&mut frame).is_err());
    }
}

#[test]
fn reordered_replayed_dropped_and_reflected_frames_do_not_open() {
    let frames = |client: &mut Transport| [b"a", b"b", b"c"].map(|text| sealed(client, text));

    let (mut client, mut server) = pair();
    let [_, mut second, _] = frames(&mut client);
    assert!(server.open(&mut second).is_err(), "reordered, or the first dropped");

    let (mut client, mut server) = pair();
    let [first, ..] = frames(&mut client);
    server.open(&mut first.clone()).unwrap();
    assert!(server.open(&mut first.clone()).is_err(), "replayed");

    let (mut client, _) = pair();
    let [mut first, ..] = frames(&mut client);
    assert!(client.open(&mut first).is_err(), "reflected");
}

#[test]
fn after_one_bad_frame_no_good_one_opens() {
    let (mut client, mut server) = pair();
    let [first, second] = [b"a", b"b"].map(|text| sealed(&mut client, text));
    let mut bad = first.clone();
    bad[0] ^= 1;
    assert!(server.open(&mut bad).is_err());
    assert!(server.open(&mut first.clone()).is_err());
    assert!(server.open(&mut second.clone()).is_err());
    // The other direction is not touched.
    assert_eq!(client.open(&mut sealed(&mut server, b"goodbye")).unwrap(), b"goodbye");
}

#[test]
fn keys_wear_out() {
    let (mut client, mut server) = pair();
    let last = (1 << 31) - 1;
    client.wear(last);
    server.wear(last);
    assert_eq!(server.open(&mut sealed(&mut client, b"last")).unwrap(), b"last");
    let mut line = Vec::new();
    assert!(client.seal(b"one more", &mut line).is_err());
    assert!(line.is_empty());
}

#[test]
fn an_idle_transport_is_small() {
    assert_eq!(size_of::<Transport>(), 80);
}

#[test]
fn lengths_are_cut_in_their_shortest_form_only() {
    let whole = |prefix_bytes, frame_bytes| Ok(Some(Cut { prefix_bytes, frame_bytes }));
    let of = |prefix: &[u8], rest: usize| {
        let mut buffer = prefix.to_vec();
        buffer.resize(prefix.len() + rest, 9);
        cut(&buffer)
    };
    assert_eq!(of(&[], 0), Ok(None));
    assert_eq!(of(&[0], 0), whole(1, 0));
    assert_eq!(of(&[0x7f], 127), whole(1, 127));
    assert_eq!(of(&[0x7f], 126), Ok(None));
    assert_eq!(of(&[0x7f], 500), whole(1, 127));
    assert_eq!(of(&[0x80], 0), Ok(None));
    assert_eq!(of(&[0x80, 0x01], 128), whole(2, 128));
    assert_eq!(of(&[0xff, 0x7f], 16_383), whole(2, 16_383));
    assert_eq!(of(&[0x80, 0x80], 0), Ok(None));
    assert_eq!(of(&[0x80, 0x80, 0x01], 16_384), whole(3, 16_384));
    assert_eq!(of(&[0xff, 0xff, 0x03], MAX_FRAME_BYTES), whole(3, MAX_FRAME_BYTES));
    assert!(of(&[0x80, 0x80, 0x04], 0).is_err(), "65,536");
    assert!(of(&[0x80, 0x00], 0).is_err(), "0 in two bytes");
    assert!(of(&[0xff, 0x80, 0x00], 127).is_err(), "127 in three bytes");
    assert!(of(&[0x80, 0x80, 0x80], 0).is_err(), "four bytes");
    assert!(of(b"GET", 0) == Ok(None), "71 bytes are awaited");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20_000))]

    #[test]
    fn cut_is_total(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        match cut(&bytes) {
            Ok(Some(cut)) => {
                prop_assert!(cut.prefix_bytes <= MAX_LENGTH_BYTES && cut.frame_bytes <= MAX_FRAME_BYTES);
                prop_assert!(cut.prefix_bytes + cut.frame_bytes <= bytes.len());
            }
            // An error never turns into a frame, and more bytes never turn a frame into an error.
            Err(_) => prop_assert!(cut(&[&bytes[..], &[1; 300]].concat()).is_err()),
            Ok(None) => {}
        }
    }

    #[test]
    fn open_is_total(bytes in prop::collection::vec(any::<u8>(), 0..100), flip in any::<(u16, u8)>()) {
        let (mut client, mut server) = fixed_pair();
        prop_assert!(server.open(&mut bytes.clone()).is_err());
        let mut frame = sealed(&mut client, &bytes);
        let at = usize::from(flip.0) % frame.len();
        frame[at] ^= flip.1.max(1);
        let (_, mut server) = fixed_pair();
        prop_assert!(server.open(&mut frame).is_err());
    }
}
