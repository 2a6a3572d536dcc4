//! What a browser records of a voice, Opus in WebM, as Opus in Ogg (RFC 3533, RFC 7845): the same packets, without a
//! word about who recorded them and with what.

use super::webm::{CLUSTER, SEGMENT, TRACKS, element, elements};
use crate::limits::MAX_SOUND_PACKETS;

const TRACK: u32 = 0xae;
const CODEC_PRIVATE: u32 = 0x63a2;
const BLOCK_GROUP: u32 = 0xa0;
const BLOCK: u32 = 0xa1;
const SIMPLE_BLOCK: u32 = 0xa3;
/// Of a block's flags: several packets are in it.
const LACED: u8 = 0x06;
/// Pieces of packets that a page has at most.
const MAX_PIECES: usize = 255;
/// Samples a second, whatever was recorded.
const RATE: u64 = 48_000;
/// Samples after which a page ends.
const PAGE_SAMPLES: u64 = RATE;
/// The one stream of the file. It is no secret, and two files need not differ in it.
const SERIAL: u32 = 1;
const FIRST: u8 = 2;
const LAST: u8 = 4;

/// The same sound in Ogg, and how long it is in milliseconds. `None`: it is no Opus in WebM.
#[must_use]
pub fn ogg(webm: &[u8]) -> Option<(Vec<u8>, u32)> {
    let (head, packets) = read(webm)?;
    let mut out = Out { file: Vec::new(), pages: 0 };
    out.page(&[&head], 0, FIRST)?;
    out.page(&[b"OpusTags\x07\0\0\0waxwing\0\0\0\0"], 0, 0)?;
    let skipped = u64::from(u16::from_le_bytes([*head.get(10)?, *head.get(11)?]));
    let (mut end, mut begun) = (0, 0);
    let (mut page, mut pieces): (Vec<&[u8]>, usize) = (Vec::new(), 0);
    for packet in &packets {
        let more = packet.len() / 255 + 1;
        if pieces + more > MAX_PIECES || end - begun >= PAGE_SAMPLES {
            out.page(&page, end, 0)?;
            page.clear();
            (pieces, begun) = (0, end);
        }
        page.push(packet);
        pieces += more;
        end += samples(packet)?;
    }
    out.page(&page, end, LAST)?;
    let heard = end.saturating_sub(skipped);
    Some((out.file, u32::try_from(heard.saturating_mul(1_000).div_ceil(RATE)).ok()?))
}

/// What describes the sound, and its packets.
fn read(webm: &[u8]) -> Option<(Vec<u8>, Vec<&[u8]>)> {
    let mut head = None;
    let mut packets = Vec::new();
    let mut at = 0;
    let mut parts = 0;
    while at < webm.len() {
        parts += 1;
        if parts > 2 * MAX_SOUND_PACKETS {
            return None;
        }
        let element = element(webm.get(at..)?, at as u64)?;
        let from = usize::try_from(element.content).ok()?;
        // What is in these stands in a row with what is beside them.
        if [SEGMENT, CLUSTER, BLOCK_GROUP].contains(&element.id) {
            at = from;
            continue;
        }
        // What was cut off in the middle ends the recording.
        let to = element.bytes.and_then(|bytes| from.checked_add(usize::try_from(bytes).ok()?))?;
        let Some(content) = webm.get(from..to) else { break };
        match element.id {
            TRACKS => {
                let track = elements(content).find(|(element, _)| element.id == TRACK)?.1;
                let private = elements(track).find(|(element, _)| element.id == CODEC_PRIVATE)?.1;
                head = Some(private).filter(|head| head.starts_with(b"OpusHead") && head.len() >= 19);
            }
            SIMPLE_BLOCK | BLOCK => {
                // The track's number, two bytes of time, flags.
                let (_, number) = super::webm::vint(content, false)?;
                let flags = content.get(number + 2)?;
                let packet = content.get(number + 3..)?;
                if flags & LACED != 0 || packets.len() as u64 >= MAX_SOUND_PACKETS {
                    return None;
                }
                packets.push(packet);
            }
            _ => {}
        }
        at = to;
    }
    Some((head?.to_vec(), packets)).filter(|(_, packets)| !packets.is_empty())
}

/// How long a packet plays, samples (RFC 6716, section 3.1).
fn samples(packet: &[u8]) -> Option<u64> {
    let toc = *packet.first()?;
    let frame = match toc >> 3 {
        mode @ 0..=11 => [480, 960, 1_920, 2_880].get(usize::from(mode % 4)).copied()?,
        mode @ 12..=15 => [480, 960].get(usize::from(mode % 2)).copied()?,
        mode => [120, 240, 480, 960].get(usize::from(mode % 4)).copied()?,
    };
    let frames = match toc & 3 {
        0 => 1,
        1 | 2 => 2,
        _ => u64::from(*packet.get(1)? & 0x3f),
    };
    Some(frame * frames)
}

struct Out {
    file: Vec<u8>,
    pages: u32,
}

impl Out {
    fn page(&mut self, packets: &[&[u8]], granule: u64, flags: u8) -> Option<()> {
        let mut pieces = Vec::new();
        for packet in packets {
            pieces.extend(std::iter::repeat_n(255, packet.len() / 255));
            pieces.push(u8::try_from(packet.len() % 255).ok()?);
        }
        let mut page = b"OggS\0".to_vec();
        page.push(flags);
        page.extend(granule.to_le_bytes());
        page.extend(SERIAL.to_le_bytes());
        page.extend(self.pages.to_le_bytes());
        let sum_at = page.len();
        page.extend([0; 4]);
        page.push(u8::try_from(pieces.len()).ok()?);
        page.extend(&pieces);
        packets.iter().for_each(|packet| page.extend_from_slice(packet));
        let sum = checksum(&page).to_le_bytes();
        page.iter_mut().skip(sum_at).zip(sum).for_each(|(to, byte)| *to = byte);
        self.file.append(&mut page);
        self.pages += 1;
        Some(())
    }
}

/// The checksum of a page whose checksum is zero (RFC 3533, section 6).
fn checksum(page: &[u8]) -> u32 {
    page.iter().fold(0, |sum: u32, byte| {
        (0..8).fold(sum ^ u32::from(*byte) << 24, |sum, _| {
            if sum & 0x8000_0000 == 0 { sum << 1 } else { sum << 1 ^ 0x04c1_1db7 }
        })
    })
}
