//! The primitives under `snow` against vectors that nobody here wrote.

use zeroize::Zeroizing;

use crate::handshake::resolver::Resolver;

const VECTORS: &str = include_str!("../../tests/vectors/noise.json");

fn bytes(vector: &serde_json::Value, name: &str) -> Vec<u8> {
    hex::decode(vector[name].as_str().unwrap_or_else(|| panic!("{name}"))).unwrap()
}

fn party(vector: &serde_json::Value, role: &str) -> snow::HandshakeState {
    let ephemeral: [u8; 32] = bytes(vector, &format!("{role}_ephemeral")).try_into().unwrap();
    let resolver = Box::new(Resolver::new(Zeroizing::new(ephemeral)));
    let params = vector["protocol_name"].as_str().unwrap().parse().unwrap();
    let (private, prologue) =
        (bytes(vector, &format!("{role}_static")), bytes(vector, &format!("{role}_prologue")));
    let mut builder = snow::Builder::with_resolver(params, resolver)
        .local_private_key(&private)
        .unwrap()
        .prologue(&prologue)
        .unwrap();
    let remote = format!("{role}_remote_static");
    let remote = vector.get(&remote).map(|_| bytes(vector, &remote));
    if let Some(remote) = &remote {
        builder = builder.remote_public_key(remote).unwrap();
    }
    if role == "init" { builder.build_initiator().unwrap() } else { builder.build_responder().unwrap() }
}

#[test]
fn cacophony_vectors() {
    let file: serde_json::Value = serde_json::from_str(VECTORS).unwrap();
    let vectors = file["vectors"].as_array().unwrap();
    assert_eq!(vectors.len(), 2);
    for vector in vectors {
        let (mut speaker, mut listener) = (party(vector, "init"), party(vector, "resp"));
        let messages = vector["messages"].as_array().unwrap();
        let mut in_handshake = 0;
        let (mut buffer, mut opened) = (vec![0; 1_024], vec![0; 1_024]);
        for message in messages {
            if speaker.is_handshake_finished() {
                break;
            }
            let length = speaker.write_message(&bytes(message, "payload"), &mut buffer).unwrap();
            assert_eq!(buffer[..length], bytes(message, "ciphertext"));
            let length = listener.read_message(&buffer[..length], &mut opened).unwrap();
            assert_eq!(opened[..length], bytes(message, "payload"));
            std::mem::swap(&mut speaker, &mut listener);
            in_handshake += 1;
        }
        assert_eq!(speaker.get_handshake_hash(), bytes(vector, "handshake_hash"));
        assert_eq!(speaker.dangerously_get_raw_split(), listener.dangerously_get_raw_split());
        let (mut speaker, mut listener) =
            (speaker.into_transport_mode().unwrap(), listener.into_transport_mode().unwrap());
        for message in &messages[in_handshake..] {
            let length = speaker.write_message(&bytes(message, "payload"), &mut buffer).unwrap();
            assert_eq!(buffer[..length], bytes(message, "ciphertext"));
            let length = listener.read_message(&buffer[..length], &mut opened).unwrap();
            assert_eq!(opened[..length], bytes(message, "payload"));
            std::mem::swap(&mut speaker, &mut listener);
        }
    }
}
