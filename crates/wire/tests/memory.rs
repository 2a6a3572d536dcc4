//! The memory that a decoder may take, held against the densest frames that an adversary can write.
//!
//! One test function: the counters are the process's.

use bytes::Bytes;
use peak_alloc::PeakAlloc;
use waxwing_wire::client_frame::ClientFrame;
use waxwing_wire::content::{Content, PlainContent};
use waxwing_wire::invitation::Invitation;
use waxwing_wire::limits::{MAX_CIPHERTEXT_BYTES, MAX_DECODE_BYTES, MAX_PLAINTEXT_BYTES};
use waxwing_wire::server_frame::{Item, ServerFrame};

#[global_allocator]
static HEAP: PeakAlloc = PeakAlloc;

/// Heap that `decode` took above what was there before, at its highest.
fn peak<T>(decode: impl FnOnce() -> T) -> usize {
    let before = HEAP.current_usage();
    HEAP.reset_peak_usage();
    let value = decode();
    let peak = HEAP.peak_usage() - before;
    drop(value);
    peak
}

/// A length-delimited field.
fn field(number: u32, body: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    prost::encoding::encode_key(number, prost::encoding::WireType::LengthDelimited, &mut out);
    prost::encoding::encode_varint(body.len() as u64, &mut out);
    out.extend_from_slice(body);
    out
}

/// As many repetitions as the limit and the frame allow.
fn many(part: &[u8], most: usize) -> Vec<u8> {
    part.repeat(most.min(MAX_PLAINTEXT_BYTES / part.len().max(1)))
}

/// Every list of the schema at the bound that the decoder allows and far above it, nested as deep as goes.
fn dense_frames() -> Vec<(String, Vec<u8>)> {
    let mut frames = Vec::new();
    let mut add = |name: &str, bytes: Vec<u8>| {
        if bytes.len() <= MAX_PLAINTEXT_BYTES {
            frames.push((name.to_string(), bytes));
        }
    };
    let mut bounds = vec![8, 16, 32, 64, 128, 200, 256, 1_000, 40_000];
    bounds.dedup();
    for outer in bounds.clone() {
        // Whatever their number, top-level fields that hold nothing: sends, entries, requests and so on.
        for number in 1..=9 {
            add(&format!("{outer} empty fields {number}"), many(&field(number, &[]), outer));
        }
        for inner in bounds.clone() {
            let full = |body: &[u8], number| field(number, &many(body, inner));
            for outer_field in 1..=6 {
                for inner_field in 1..=6 {
                    let nested = full(&field(inner_field, &[]), outer_field);
                    let name = format!("{outer} fields {outer_field} of {inner} fields {inner_field}");
                    add(&name, many(&nested, outer));
                    for third in 1..=6 {
                        let deeper = field(outer_field, &full(&field(third, &[]), inner_field));
                        add(&format!("{name} of {third}"), many(&deeper, outer));
                    }
                }
                // Packed scalars, one byte each.
                let packed = field(outer_field, &field(2, &vec![1; inner]));
                add(&format!("{outer} fields {outer_field} of {inner} packed"), many(&packed, outer));
            }
        }
    }
    frames
}

/// The densest that are also accepted: as much as the bounds let pass.
fn accepted_frames() -> Vec<(String, Vec<u8>)> {
    let copies = [field(2, &[7; 16]), many(&field(3, &[]), 16)].concat();
    let one_time = field(3, &field(2, &[5; 33]));
    let publish = field(5, &many(&one_time, 200));
    let request = |what: &[u8]| field(5, what);
    let receipt = field(3, &[field(1, &[7; 16]), field(3, &[1; 8])].concat());
    let detail = field(2, &field(2, &[b'x'; 512]));
    let refused = field(3, &[detail, field(3, &[1; 16]), field(4, &[1; 16])].concat());
    let bundle = field(
        1,
        &[
            field(3, &[5; 33]),
            field(4, &[field(2, &[5; 33]), field(3, &[6; 64])].concat()),
            field(5, &[field(2, &[8; 1_569]), field(3, &[6; 64])].concat()),
            field(6, &field(2, &[5; 33])),
        ]
        .concat(),
    );
    let listed = field(4, &[&[8, 1][..], &field(3, &[5; 33])].concat());
    let list = [&[8, 1][..], &listed, &[0x28, 2]].concat();
    let list = field(2, &[field(1, &list), field(2, &[6; 64])].concat());
    let bundles = field(6, &field(5, &[many(&bundle, 8), list].concat()));
    let entry = |seq: u8| field(1, &[&[8, seq], &receipt[..]].concat());
    let entries: Vec<u8> = (1..=127).flat_map(entry).collect();
    let watched = field(2, &[field(1, &[7; 16]), field(2, &[8; 16]), field(3, &[9; 16])].concat());
    let light = |sealed| [field(1, &[7; 16]), field(sealed, &[1; 160])].concat();
    let presence = field(9, &[field(1, &[7; 16]), field(3, &[1; 160]), field(4, &[1; 160])].concat());
    let small_refusal = field(3, &[field(2, &[]), field(3, &[1; 16]), field(4, &[1; 16])].concat());
    vec![
        ("all of a client's".into(), [many(&field(1, &copies), 128), many(&request(&publish), 7)].concat()),
        (
            "all of a server's".into(),
            [entries, many(&small_refusal, 256), many(&bundles, 2), field(2, &[1; 8 * 256])].concat(),
        ),
        ("bundles".into(), many(&bundles, 4)),
        ("sends of copies".into(), many(&field(1, &copies), 128)),
        ("prekey uploads".into(), many(&request(&publish), 7)),
        ("names".into(), many(&request(&field(3, &field(1, &[b'x'; 256]))), 8)),
        ("undecryptable".into(), field(2, &field(2, &[1; 256]))),
        ("entry".into(), entry(1)),
        ("accepted".into(), field(2, &[1; 8 * 256])),
        ("refusals".into(), many(&refused, 256)),
        ("lights up".into(), [many(&field(7, &light(3)), 64), field(9, &many(&watched, 256))].concat()),
        ("lights down".into(), [many(&field(8, &light(4)), 64), many(&presence, 128)].concat()),
    ]
}

#[test]
fn decoding_stays_within_its_bound() {
    let mut worst = (0, String::new());
    let mut accepted = 0;
    let mut measure = |name: String, bytes: Vec<u8>| {
        let bytes = Bytes::from(bytes);
        let up = peak(|| ClientFrame::decode(bytes.clone()));
        let down = peak(|| ServerFrame::decode(bytes.clone()));
        let item = peak(|| Item::decode(bytes.clone()));
        accepted += usize::from(ClientFrame::decode(bytes.clone()).is_ok());
        accepted += usize::from(ServerFrame::decode(bytes).is_ok());
        worst = worst.clone().max((up.max(down).max(item), name));
    };
    for (name, bytes) in dense_frames() {
        measure(name, bytes);
    }
    for (name, bytes) in accepted_frames() {
        let before = bytes.clone();
        measure(name.clone(), bytes);
        let frame = Bytes::from(before);
        let fine = ClientFrame::decode(frame.clone()).is_ok() || ServerFrame::decode(frame).is_ok();
        assert!(fine, "{name} was meant to be accepted");
    }
    println!("{accepted} dense frames accepted; the dearest took {} bytes: {}", worst.0, worst.1);
    assert!(accepted > 100);
    assert!(worst.0 <= MAX_DECODE_BYTES, "{} bytes for {}", worst.0, worst.1);
    assert!(worst.0 > MAX_DECODE_BYTES / 4, "the bound is not honest: {} bytes at most", worst.0);

    for inner in [field(1, &[1; MAX_CIPHERTEXT_BYTES - 8]), [9].repeat(MAX_CIPHERTEXT_BYTES)] {
        for number in 1..=20 {
            let bytes = field(number, &inner);
            assert!(peak(|| Content::decode(&bytes)) <= MAX_DECODE_BYTES);
            assert!(peak(|| PlainContent::decode(&bytes)) <= MAX_DECODE_BYTES);
            // Lists of empty messages, two and three deep.
            for second in 1..=16 {
                let flat = many(&field(second, &[]), MAX_CIPHERTEXT_BYTES / 3);
                let deeper = |third| field(second, &many(&field(third, &[]), MAX_CIPHERTEXT_BYTES / 3));
                for body in std::iter::once(flat).chain((1..=16).map(deeper)) {
                    let bytes = field(number, &body);
                    assert!(peak(|| Content::decode(&bytes)) <= MAX_DECODE_BYTES, "{number} {second}");
                }
            }
        }
    }
    let endless = "a".repeat(10_000_000);
    assert!(peak(|| Invitation::parse(&endless)) <= 1_024);
}
