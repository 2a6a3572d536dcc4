use super::*;

fn client_frame(first: u8, payload: &[u8], mask: [u8; 4]) -> Vec<u8> {
    let mut frame = head(0, payload.len());
    frame[0] = first;
    frame[1] |= 0x80;
    frame.extend_from_slice(&mask);
    frame.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    frame
}

/// Feeds `wire` in pieces of `step` bytes.
fn decode(wire: &[u8], step: usize) -> Result<(Vec<u8>, Vec<Control>), Broken> {
    let mut inbound = Inbound::default();
    let (mut stream, mut controls) = (Vec::new(), Vec::new());
    for piece in wire.chunks(step) {
        let mut piece = piece.to_vec();
        let length = inbound.decode(&mut piece, &mut controls)?;
        stream.extend_from_slice(&piece[..length]);
    }
    Ok((stream, controls))
}

#[test]
fn gives_the_same_stream_however_it_is_cut() {
    let long: Vec<u8> = (0..70_000u32).map(|n| (n % 251) as u8).collect();
    let mut wire = client_frame(0x82, b"hello", [1, 2, 3, 4]);
    wire.extend(client_frame(0x02, &long[..300], [9, 8, 7, 6]));
    wire.extend(client_frame(0x89, b"are you there", [5, 5, 5, 1]));
    wire.extend(client_frame(0x80, &long[300..], [0, 1, 0, 1]));
    wire.extend(client_frame(0x82, b"", [0; 4]));
    wire.extend(client_frame(0x88, b"", [0; 4]));
    for step in [1, 2, 3, 7, 100, 1_000_000] {
        let (stream, controls) = decode(&wire, step).unwrap();
        assert_eq!(stream, [b"hello", &long[..]].concat());
        assert_eq!(controls, [Control::Ping(b"are you there".to_vec()), Control::Close]);
    }
}

#[test]
fn refuses_what_the_standard_refuses() {
    let refused: [Vec<u8>; 7] = [
        vec![0x82, 0x05, 0, 0, 0, 0, 0],                         // not masked
        client_frame(0xc2, b"x", [0; 4]),                        // reserved bit
        client_frame(0x81, b"x", [0; 4]),                        // text
        client_frame(0x80, b"x", [0; 4]),                        // continuation of nothing
        client_frame(0x09, b"x", [0; 4]),                        // control frame in parts
        client_frame(0x89, &[0; 126], [0; 4]),                   // control frame too long
        vec![0x82, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], // longer than anyone may
    ];
    for wire in refused {
        assert_eq!(decode(&wire, 3), Err(Broken), "{wire:02x?}");
    }
    let mut twice = client_frame(0x02, b"x", [0; 4]);
    twice.extend(client_frame(0x82, b"x", [0; 4])); // a message inside a message
    assert_eq!(decode(&twice, 100), Err(Broken));
}

#[test]
fn writes_what_a_client_reads() {
    for length in [0usize, 125, 126, 65_535, 65_536] {
        let head = binary_head(length);
        let mut cursor = std::io::Cursor::new(&head);
        let parsed = tungstenite::protocol::frame::FrameHeader::parse(&mut cursor).unwrap().unwrap();
        assert_eq!(parsed.1, length as u64);
        assert!(parsed.0.is_final && parsed.0.mask.is_none());
        assert_eq!(cursor.position() as usize, head.len());
    }
}
