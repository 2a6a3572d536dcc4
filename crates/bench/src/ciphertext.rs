//! How long the ciphertext of a text is.

use anyhow::Context;
use rand_core::CryptoRng;
use waxwing_e2ee::{
    Ciphertext, IdentityKeyPair, KyberPreKey, Local, OneTimePreKey, PreKeyBundle, PreKeys, SignedPreKey,
    decrypt_prekey, decrypt_whisper, encrypt, initiate, padding, sender_key,
};
use waxwing_wire::content::{Body, Content, GroupContext};
use waxwing_wire::post::Post;
use waxwing_wire::{GroupId, MessageId};

const NOW_MS: u64 = 1_795_000_000_000;
/// Messages each way of which the last half is averaged; the first ones carry the session's beginning.
const ROUNDS: u64 = 40;

struct Keys {
    signed: SignedPreKey,
    kyber: KyberPreKey,
}

impl PreKeys for Keys {
    fn one_time(&self, _id: u32) -> Option<OneTimePreKey> {
        None
    }

    fn signed(&self, _id: u32) -> Option<SignedPreKey> {
        Some(self.signed.clone())
    }

    fn kyber(&self, _id: u32) -> Option<KyberPreKey> {
        Some(self.kyber.clone())
    }
}

/// Bytes of the ciphertext of a text of `text_bytes` bytes in an established session: two parties talk in
/// turns, and the mean of the later messages is taken.
pub fn bytes_of_text(text_bytes: usize, rng: &mut dyn CryptoRng) -> anyhow::Result<usize> {
    let (alice_id, bob_id) = (IdentityKeyPair::generate(rng), IdentityKeyPair::generate(rng));
    let local = |identity| Local { identity, registration_id: 1, address: None, remote_address: None };
    let (alice, bob) = (local(&alice_id), local(&bob_id));
    let keys = Keys {
        signed: SignedPreKey::generate(&bob_id, 1, NOW_MS, rng),
        kyber: KyberPreKey::generate(&bob_id, 2, NOW_MS, rng),
    };
    let bundle = PreKeyBundle {
        registration_id: 1,
        device_id: 1,
        identity: bob_id.public(),
        signed_prekey: (1, keys.signed.public(), keys.signed.signature),
        kyber_prekey: (2, keys.kyber.public().to_vec(), keys.kyber.signature),
        one_time: None,
    };
    let text = |position| text(position, text_bytes, None);
    let mut at_alice = initiate(None, &alice, &bundle, NOW_MS, rng)?;
    let first = encrypt(&mut at_alice, &alice, &text(1), NOW_MS, rng)?;
    let (mut at_bob, ..) = decrypt_prekey(None, &bob, &keys, first.as_bytes(), NOW_MS, rng)?;
    let mut lengths = Vec::new();
    for round in 0..ROUNDS {
        let down = encrypt(&mut at_bob, &bob, &text(round), NOW_MS, rng)?;
        decrypt_whisper(&mut at_alice, &alice, down.as_bytes(), rng)?;
        let up = encrypt(&mut at_alice, &alice, &text(round), NOW_MS, rng)?;
        anyhow::ensure!(matches!(up, Ciphertext::Whisper(_)), "the session was answered");
        decrypt_whisper(&mut at_bob, &bob, up.as_bytes(), rng)?;
        if round >= ROUNDS / 2 {
            lengths.extend([down.as_bytes().len(), up.as_bytes().len()]);
        }
    }
    lengths.iter().sum::<usize>().checked_div(lengths.len()).context("some messages")
}

/// Bytes of the ciphertext of a text of `text_bytes` bytes to a group.
pub fn bytes_of_group_text(text_bytes: usize, rng: &mut dyn CryptoRng) -> anyhow::Result<usize> {
    let group = GroupContext { group: GroupId([1; 16]), epoch: 3, state: [2; 32] };
    let mut key = sender_key::create([1; 16], rng);
    Ok(sender_key::encrypt(&mut key, &text(100, text_bytes, Some(group)), rng)?.len())
}

fn text(position: u64, bytes: usize, group: Option<GroupContext>) -> Vec<u8> {
    let (id, body) = (
        MessageId(position.wrapping_mul(0x9e37_79b9_7f4a_7c15)),
        Body::Post(Box::new(Post::plain("x".repeat(bytes)))),
    );
    padding::pad(&Content { sent_at_ms: NOW_MS, position, id, group, devices: 1, body }.encode()).to_vec()
}
