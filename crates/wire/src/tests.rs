mod attachments;
mod decoders;
mod devices;
mod files;
mod frames;
mod golden;
mod handshake;
mod light;
mod names;
mod noise_vectors;
mod samples;
mod sizes;
mod transport;

use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

use crate::DeviceKey;
use crate::frame::cut;
use crate::handshake::{Answer, Finished, Initiator, PREAMBLE_BYTES, Responder, StaticKey};

fn rng(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}

/// Two ends that have found each other, and what went over the line for it.
struct Joined {
    client: Finished,
    server: Finished,
    client_key: DeviceKey,
    server_key: DeviceKey,
    /// Client and server in turns; the client's first without its preamble, all without lengths.
    messages: Vec<Vec<u8>>,
}

/// The one frame that `bytes` consist of.
fn only_frame(bytes: &[u8]) -> &[u8] {
    let cut = cut(bytes).unwrap().expect("a whole frame");
    assert_eq!(cut.prefix_bytes + cut.frame_bytes, bytes.len());
    &bytes[cut.prefix_bytes..]
}

fn first_frame(bytes: &[u8]) -> ([u8; PREAMBLE_BYTES], &[u8]) {
    let (preamble, rest) = bytes.split_first_chunk().unwrap();
    (*preamble, only_frame(rest))
}

fn keys(seed: u64) -> (StaticKey, StaticKey) {
    let mut rng = rng(seed);
    (StaticKey::generate(&mut rng), StaticKey::generate(&mut rng))
}

fn join_ik(seed: u64) -> Joined {
    let (alice, server) = keys(seed);
    let (initiator, first) = Initiator::start(&alice, Some(server.public()), &mut rng(seed + 1_000)).unwrap();
    let (preamble, frame) = first_frame(&first);
    let responder = Responder::start(&server, &preamble, &mut rng(seed + 2_000)).unwrap();
    let Answer::Finished(at_server, second) = responder.read(frame).unwrap() else {
        panic!("IK has two messages")
    };
    let (at_client, third) = initiator.finish(only_frame(&second)).unwrap();
    assert!(third.is_empty());
    Joined {
        client: at_client,
        server: at_server,
        client_key: alice.public(),
        server_key: server.public(),
        messages: vec![frame.to_vec(), only_frame(&second).to_vec()],
    }
}

fn join_xx(seed: u64) -> Joined {
    let (alice, server) = keys(seed);
    let (initiator, first) = Initiator::start(&alice, None, &mut rng(seed + 1_000)).unwrap();
    let (preamble, frame) = first_frame(&first);
    let responder = Responder::start(&server, &preamble, &mut rng(seed + 2_000)).unwrap();
    let Answer::Continue(responder, second) = responder.read(frame).unwrap() else {
        panic!("XX has three messages")
    };
    let (at_client, third) = initiator.finish(only_frame(&second)).unwrap();
    let Answer::Finished(at_server, rest) = responder.read(only_frame(&third)).unwrap() else {
        panic!("XX has no fourth message")
    };
    assert!(rest.is_empty());
    Joined {
        client: at_client,
        server: at_server,
        client_key: alice.public(),
        server_key: server.public(),
        messages: vec![frame.to_vec(), only_frame(&second).to_vec(), only_frame(&third).to_vec()],
    }
}
