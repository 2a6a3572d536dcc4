use proptest::prelude::*;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng as _;

use super::*;

/// Made with other implementations: HKDF and ChaCha20-Poly1305 of OpenSSL, BLAKE3 of its authors.
const GOLDEN_FILE: &str = "7799b6c282a58ff2f8f97aecd65d918c5b02b9eee673d1cd2a5c3c14e480c88932a3e249140581190a720d3172156cfed381c89d4b2ff9821a2a4c6e61603cfe65bfbb18f76603520c4777d9901b7047";
const GOLDEN_DIGEST: &str = "1c7e748f857e2c525e809e22cb0e6481f00bb5c88025beea50a7a4fd86e4978f";

fn key() -> AttachmentKey {
    AttachmentKey::from_bytes([7; 32])
}

fn content(bytes: usize) -> Vec<u8> {
    (0..bytes).map(|at| u8::try_from(at * 31 % 251).expect("below 251")).collect()
}

/// The chunks of the ciphertext, and the digest.
fn sealed(content: &[u8], purpose: Purpose) -> (Layout, Vec<Vec<u8>>, Digest) {
    let layout = Layout::new(content.len() as u64).expect("small enough");
    let mut sealer = Sealer::new(&key(), purpose, layout);
    let mut chunks = Vec::new();
    while let Some(chunk) = sealer.next() {
        let at = usize::try_from(chunk.content_at).expect("small").min(content.len());
        let mut bytes = content[at..at + chunk.content_bytes].to_vec();
        sealer.seal(&mut bytes).expect("the right length");
        assert_eq!(bytes.len(), chunk.sealed_bytes);
        chunks.push(bytes);
    }
    assert_eq!(chunks.iter().map(|chunk| chunk.len() as u64).sum::<u64>(), layout.sealed_bytes());
    (layout, chunks, sealer.finish().expect("everything is sealed"))
}

fn opened(layout: Layout, index: u32, mut chunk: Vec<u8>) -> Result<Vec<u8>, Error> {
    Opener::new(&key(), Purpose::File, layout).open(index, &mut chunk)?;
    Ok(chunk)
}

#[test]
fn every_length_comes_back_chunk_by_chunk_in_any_order() {
    for bytes in
        [0, 1, 31, 32, 33, 4_095, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 5 * CHUNK_BYTES + 77]
    {
        let content = content(bytes);
        let (layout, chunks, digest) = sealed(&content, Purpose::File);
        assert_eq!(chunks.len() as u32, layout.chunks(), "{bytes}");
        let mut parts = vec![Vec::new(); chunks.len()];
        for (index, chunk) in chunks.iter().enumerate().rev() {
            parts[index] = opened(layout, index as u32, chunk.clone()).expect("ours");
        }
        assert!(parts.concat() == content, "{bytes}");
        let mut verifier = Verifier::default();
        chunks.iter().for_each(|chunk| verifier.update(chunk));
        verifier.finish(&digest).expect("the same file");
    }
}

#[test]
fn any_byte_of_the_content_is_found() {
    let (layout, chunks, _) = sealed(&content(3 * CHUNK_BYTES), Purpose::File);
    let index = layout.chunk_with(CHUNK_BYTES as u64 + 5).expect("there");
    let chunk = layout.chunk(index).expect("there");
    assert_eq!((index, chunk.content_at, chunk.last), (1, CHUNK_BYTES as u64, false));
    let bytes = opened(layout, index, chunks[1].clone()).expect("ours");
    assert_eq!(bytes[5], content(3 * CHUNK_BYTES)[CHUNK_BYTES + 5]);
    assert_eq!(layout.chunk_with(3 * CHUNK_BYTES as u64), None);
    assert_eq!(layout.chunk(layout.chunks()), None);
}

#[test]
fn chunks_that_were_touched_do_not_open() {
    let (layout, chunks, digest) = sealed(&content(2 * CHUNK_BYTES + 9), Purpose::File);
    let last = layout.chunks() - 1;
    // In another place, also one of the same length.
    assert!(opened(layout, 0, chunks[1].clone()).is_err());
    // The last one for one in the middle, and one in the middle for the last: a file that was cut off.
    let cut = Layout::new(2 * CHUNK_BYTES as u64).expect("small");
    assert_eq!(cut.chunks(), 2);
    assert!(opened(cut, 1, chunks[1].clone()).is_err());
    assert!(opened(layout, last + 1, chunks[last as usize].clone()).is_err());
    for index in 0..=last {
        let chunk = &chunks[index as usize];
        for at in [0, chunk.len() / 2, chunk.len() - 1] {
            let mut altered = chunk.clone();
            altered[at] ^= 1;
            assert!(opened(layout, index, altered.clone()).is_err(), "{index} {at}");
            let mut verifier = Verifier::default();
            (0..=last).for_each(|other| {
                verifier.update(if other == index { &altered } else { &chunks[other as usize] });
            });
            assert!(verifier.finish(&digest).is_err());
        }
        assert!(opened(layout, index, chunk[..chunk.len() - 1].to_vec()).is_err());
        assert!(opened(layout, index, Vec::new()).is_err());
    }
    // Under another key, and for another purpose.
    let other = Opener::new(&AttachmentKey::from_bytes([8; 32]), Purpose::File, layout);
    assert!(other.open(0, &mut chunks[0].clone()).is_err());
    let thumbnail = Opener::new(&key(), Purpose::Thumbnail, layout);
    assert!(thumbnail.open(0, &mut chunks[0].clone()).is_err());
}

#[test]
fn a_sealer_takes_what_the_layout_says_and_nothing_else() {
    let layout = Layout::new(CHUNK_BYTES as u64 + 1).expect("small");
    let mut sealer = Sealer::new(&key(), Purpose::File, layout);
    for wrong in [0, CHUNK_BYTES - 1, CHUNK_BYTES + 1] {
        let mut chunk = content(wrong);
        assert!(sealer.seal(&mut chunk).is_err());
        assert!(chunk == content(wrong));
    }
    sealer.seal(&mut content(CHUNK_BYTES)).expect("the first");
    assert!(sealer.finish().is_err());
    assert_eq!(Layout::new(ATTACHMENT_MAX_BYTES + 1), Err(Error::TooLarge));
    let largest = Layout::new(ATTACHMENT_MAX_BYTES).expect("the limit");
    assert!(largest.chunk(largest.chunks() - 1).expect("there").last);
}

/// The format is a promise: files lie in object stores and in messages.
#[test]
fn the_format_stays() {
    let (_, chunks, digest) = sealed(&content(40), Purpose::File);
    assert_eq!(hex::encode(&chunks[0]), GOLDEN_FILE);
    assert_eq!(hex::encode(digest), GOLDEN_DIGEST);
    let (_, chunks, _) = sealed(&content(40), Purpose::Thumbnail);
    assert_ne!(hex::encode(&chunks[0]), GOLDEN_FILE);
    let mut rng = ChaCha20Rng::from_seed([0; 32]);
    assert!(AttachmentKey::generate(&mut rng) != AttachmentKey::generate(&mut rng));
}

proptest! {
    #[test]
    fn a_digest_is_that_of_all_bytes_in_whatever_pieces(pieces in proptest::collection::vec(0..70_000_usize, 0..6)) {
        let all = content(pieces.iter().sum());
        let (mut hash, mut rest) = (Hash::default(), all.as_slice());
        for piece in pieces {
            let (piece, more) = rest.split_at(piece);
            hash.update(piece);
            rest = more;
        }
        prop_assert_eq!(hash.finish(), blake3::hash(&all));
    }

    #[test]
    fn sizes_are_hidden_for_little(content in 1..=ATTACHMENT_MAX_BYTES) {
        let layout = Layout::new(content).expect("within the limit");
        let chunks = u64::from(layout.chunks());
        let padded = layout.sealed_bytes() - chunks * TAG_BYTES as u64;
        prop_assert!(padded >= content && (padded - content) * 100 <= content * 12 + 3_200);
        let last = layout.chunk(layout.chunks() - 1).expect("there is a last one");
        prop_assert_eq!(last.sealed_at + last.sealed_bytes as u64, layout.sealed_bytes());
        prop_assert!(last.last && last.sealed_bytes > TAG_BYTES);
    }

    #[test]
    fn opening_is_total(index in any::<u32>(), bytes in 0..200_000_u64, chunk in proptest::collection::vec(any::<u8>(), 0..600)) {
        let layout = Layout::new(bytes).expect("small");
        prop_assert!(opened(layout, index, chunk).is_err());
    }
}
