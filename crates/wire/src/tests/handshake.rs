use super::{Joined, first_frame, join_ik, join_xx, keys, only_frame, rng};
use crate::DeviceKey;
use crate::handshake::{Answer, Initiator, MAGIC, MAX_HANDSHAKE_BYTES, PREAMBLE_BYTES, Responder, StaticKey};
use crate::transport::Transport;

/// One frame each way opens at the other end.
fn converse(client: &mut Transport, server: &mut Transport) {
    assert!(understands(client, server));
    assert!(understands(server, client));
}

fn understands(from: &mut Transport, to: &mut Transport) -> bool {
    let mut line = Vec::new();
    from.seal(b"hello", &mut line).unwrap();
    to.open(&mut only_frame(&line).to_vec()).is_ok()
}

/// Both ends over a line that may change messages; `None` when an end gave up. `index` counts messages
/// from 0, preamble and lengths are out of reach.
fn run(pattern_xx: bool, seed: u64, tamper: &dyn Fn(usize, &mut Vec<u8>)) -> Option<(Transport, Transport)> {
    let (alice, server) = keys(seed);
    let known = (!pattern_xx).then(|| server.public());
    let (initiator, first) = Initiator::start(&alice, known, &mut rng(seed + 1_000)).unwrap();
    let (preamble, frame) = first_frame(&first);
    let responder = Responder::start(&server, &preamble, &mut rng(seed + 2_000)).unwrap();
    let mut frame = frame.to_vec();
    tamper(0, &mut frame);
    match responder.read(&frame).ok()? {
        Answer::Finished(at_server, second) => {
            let mut frame = only_frame(&second).to_vec();
            tamper(1, &mut frame);
            let (at_client, _) = initiator.finish(&frame).ok()?;
            Some((at_client.transport, at_server.transport))
        }
        Answer::Continue(responder, second) => {
            let mut frame = only_frame(&second).to_vec();
            tamper(1, &mut frame);
            let (at_client, third) = initiator.finish(&frame).ok()?;
            let mut frame = only_frame(&third).to_vec();
            tamper(2, &mut frame);
            let Answer::Finished(at_server, _) = responder.read(&frame).ok()? else {
                panic!("a fourth message")
            };
            Some((at_client.transport, at_server.transport))
        }
    }
}

#[test]
fn both_patterns_join() {
    for Joined { mut client, mut server, client_key, server_key, messages } in [join_ik(1), join_xx(2)] {
        assert_eq!(client.peer, server_key);
        assert_eq!(server.peer, client_key);
        converse(&mut client.transport, &mut server.transport);
        for message in messages {
            assert!(message.len() + 3 <= MAX_HANDSHAKE_BYTES);
        }
    }
}

#[test]
fn message_lengths_are_as_documented() {
    let lengths = |messages: &[Vec<u8>]| messages.iter().map(Vec::len).collect::<Vec<_>>();
    assert_eq!(lengths(&join_ik(3).messages), [32 + 48 + 1_184 + 16, 32 + 1_088 + 16]);
    assert_eq!(lengths(&join_xx(3).messages), [32 + 1_184, 32 + 48 + 1_088 + 16, 48 + 16]);
}

#[test]
fn same_entropy_same_bytes_and_other_entropy_other_bytes() {
    for join in [join_ik, join_xx] {
        assert_eq!(join(4).messages, join(4).messages);
        assert_ne!(join(4).messages, join(5).messages);
    }
}

#[test]
fn no_message_shows_a_static_key() {
    for Joined { client_key, server_key, messages, .. } in [join_ik(6), join_xx(6)] {
        for message in messages {
            assert!(!message.windows(32).any(|w| w == client_key.0 || w == server_key.0));
        }
    }
}

#[test]
fn another_server_than_the_invitation_names_is_refused() {
    let (alice, server) = keys(7);
    let other = keys(8).1;
    let (_, first) = Initiator::start(&alice, Some(server.public()), &mut rng(9)).unwrap();
    let (preamble, frame) = first_frame(&first);
    let responder = Responder::start(&other, &preamble, &mut rng(10)).unwrap();
    assert!(responder.read(frame).is_err());
}

#[test]
fn an_answer_to_somebody_else_is_refused() {
    for join in [join_ik, join_xx] {
        let recorded = join(11).messages;
        let (alice, server) = keys(11);
        let known = (recorded.len() == 2).then(|| server.public());
        let (initiator, _) = Initiator::start(&alice, known, &mut rng(12)).unwrap();
        assert!(initiator.finish(&recorded[1]).is_err());
    }
}

#[test]
fn a_changed_byte_anywhere_ends_the_handshake() {
    for (xx, lengths) in [(false, &[1_280, 1_136][..]), (true, &[1_216, 1_184, 64][..])] {
        for (index, length) in lengths.iter().enumerate() {
            // Every byte of keys and tags at both ends, every 13th of the long ML-KEM part.
            let places = (0..*length).filter(|at| *at < 100 || *at + 20 > *length || at % 13 == 0);
            for at in places {
                for bit in [0x01, 0x80] {
                    let tamper = |i: usize, frame: &mut Vec<u8>| {
                        if i == index {
                            frame[at] ^= bit;
                        }
                    };
                    assert!(run(xx, 13, &tamper).is_none(), "xx={xx} message {index} byte {at} bit {bit}");
                }
            }
        }
    }
}

#[test]
fn a_truncated_or_lengthened_message_ends_the_handshake() {
    for (xx, messages) in [(false, 2), (true, 3)] {
        for index in 0..messages {
            for keep in [0, 1, 31, 32, 33, 47, 48, 63, 79, 80, 96, 1_000, 1_183, 1_215, 1_279] {
                let tamper = |i: usize, frame: &mut Vec<u8>| {
                    if i == index {
                        if frame.len() > keep { frame.truncate(keep) } else { frame.push(0) }
                    }
                };
                assert!(run(xx, 14, &tamper).is_none(), "xx={xx} message {index} cut to {keep}");
            }
            let lengthen = |i: usize, frame: &mut Vec<u8>| {
                if i == index {
                    frame.resize(MAX_HANDSHAKE_BYTES + 1, 0);
                }
            };
            assert!(run(xx, 14, &lengthen).is_none());
        }
    }
}

#[test]
fn other_versions_patterns_and_protocols_are_refused_at_the_preamble() {
    let (_, server) = keys(15);
    let refused =
        |preamble: &[u8; PREAMBLE_BYTES]| Responder::start(&server, preamble, &mut rng(16)).is_err();
    let [a, b, c] = MAGIC;
    assert!(!refused(&[a, b, c, 1, 1]));
    assert!(!refused(&[a, b, c, 1, 2]));
    for preamble in [[a, b, c, 0, 1], [a, b, c, 2, 1], [a, b, c, 1, 0], [a, b, c, 1, 3], *b"GET /", [0; 5]] {
        assert!(refused(&preamble), "{preamble:?}");
    }
}

#[test]
fn the_preamble_is_authenticated() {
    // Somebody on the line makes the server answer XX with what was said for IK, and the other way round.
    for (known, claimed) in [(true, 2), (false, 1)] {
        let (alice, server) = keys(17);
        let (_, first) = Initiator::start(&alice, known.then(|| server.public()), &mut rng(18)).unwrap();
        let (mut preamble, frame) = first_frame(&first);
        preamble[4] = claimed;
        let responder = Responder::start(&server, &preamble, &mut rng(19)).unwrap();
        assert!(responder.read(frame).is_err());
    }
}

#[test]
fn a_replayed_first_message_names_its_sender_but_opens_no_frame() {
    let (alice, server) = keys(20);
    let (initiator, first) = Initiator::start(&alice, Some(server.public()), &mut rng(21)).unwrap();
    let (preamble, frame) = first_frame(&first);
    let answer = |seed| {
        let responder = Responder::start(&server, &preamble, &mut rng(seed)).unwrap();
        match responder.read(frame).unwrap() {
            Answer::Finished(finished, bytes) => (finished, bytes),
            Answer::Continue(..) => panic!("IK has two messages"),
        }
    };
    let (_, second) = answer(22);
    let (mut replayed, _) = answer(23);
    let (mut client, _) = initiator.finish(only_frame(&second)).unwrap();
    assert_eq!(replayed.peer, alice.public());
    // Whatever the client goes on to say is of no use to whoever recorded it.
    assert!(!understands(&mut client.transport, &mut replayed.transport));
}

/// Points of low order and their forms above the field's prime (RFC 7748, section 7).
fn low_order_points() -> Vec<[u8; 32]> {
    [
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    ]
    .iter()
    .map(|text| hex::decode(text).unwrap().try_into().unwrap())
    .collect()
}

#[test]
fn low_order_points_are_refused() {
    for point in low_order_points() {
        let (alice, _) = keys(26);
        assert!(Initiator::start(&alice, Some(DeviceKey(point)), &mut rng(27)).is_err());
        for (xx, index) in [(false, 0), (false, 1), (true, 0), (true, 1)] {
            let tamper = |i: usize, frame: &mut Vec<u8>| {
                if i == index {
                    frame[..32].copy_from_slice(&point);
                }
            };
            assert!(run(xx, 28, &tamper).is_none());
        }
    }
}

#[test]
fn an_encapsulation_key_that_is_not_one_is_refused() {
    // XX sends it in the clear: coefficients above the modulus (FIPS 203, section 7.2).
    let tamper = |i: usize, frame: &mut Vec<u8>| {
        if i == 0 {
            frame[32..64].fill(0xff);
        }
    };
    assert!(run(true, 29, &tamper).is_none());
}

#[test]
fn a_static_key_is_what_was_stored() {
    let (alice, _) = keys(30);
    let again = StaticKey::from_bytes(*alice.to_bytes());
    assert_eq!(again.public(), alice.public());
    assert_ne!(alice.public().0, *alice.to_bytes());
    // RFC 7748, section 6.1: Alice.
    let bytes = |text: &str| -> [u8; 32] { hex::decode(text).unwrap().try_into().unwrap() };
    let private = bytes("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a");
    let public = bytes("8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a");
    assert_eq!(StaticKey::from_bytes(private).public(), DeviceKey(public));
}
