//! Voice messages: Opus at about 20 kbit/s in Ogg, one channel, without tags.

use std::io::{Cursor, Read as _};

use opus_pure::{
    Application, MAX_PACKET_BYTES, OggOpusWriter, OggPacket, OpusEncoder, OpusHead, OpusTags, RateControl,
    Signal,
};

use super::decode::{Ear, Opus, hear, opened, wrong};
use super::loudness::Loudness;
use super::{RATE, Source, Unhearable, contained};
use crate::limits::{MAX_PASSED_VOICE_BITS_PER_SECOND, MAX_PASSED_VOICE_BYTES, MAX_VOICE_TIME};

/// What each second gets, whether somebody speaks in it or not, so that how much a recording takes is known; Ogg adds
/// about one in forty.
const BITS_PER_SECOND: i32 = 20_000;
/// Samples of a packet: 20 ms.
const FRAME: usize = RATE as usize / 50;
/// Packets share pages, so that Ogg costs little.
const PAGE_BYTES: usize = 4_096;

/// A voice message.
pub struct Voice {
    /// Opus in Ogg.
    pub file: Vec<u8>,
    /// How long it plays.
    pub duration_ms: u32,
    /// Loudness of equal parts, as an attachment carries it.
    pub waveform: Vec<u8>,
}

/// Makes one of whatever can be heard. What is one already stays as it is, but for its tags.
pub fn voice(mut source: Source<'_>) -> Result<Voice, Unhearable> {
    contained(|| {
        if !source.is_opus()? {
            return encode(source);
        }
        let mut file = Vec::new();
        (&mut source.0).take(MAX_PASSED_VOICE_BYTES + 1).read_to_end(&mut file).map_err(Unhearable::Io)?;
        if file.len() as u64 > MAX_PASSED_VOICE_BYTES {
            return encode(Source(Box::new(symphonia::core::io::ReadOnlySource::new(
                Cursor::new(file).chain(source.0),
            ))));
        }
        match passed(&file)? {
            Some(voice) => Ok(voice),
            None => encode(Source::bytes(&file)),
        }
    })
}

/// `None`: it is not small enough, or not one channel.
fn passed(file: &[u8]) -> Result<Option<Voice>, Unhearable> {
    let mut reader = opened(file)?;
    let head = reader.head().clone();
    if head.channel_count != 1 {
        return Ok(None);
    }
    let mut opus = Opus::new(&head)?;
    let mut writer = writer(&head)?;
    let mut loudness = Loudness::default();
    let mut sink = |samples: &[f32]| {
        loudness.push(samples);
        Ok(())
    };
    let mut ear = Ear::new(MAX_VOICE_TIME, &mut sink);
    let mut last: Option<OggPacket> = None;
    while let Some(packet) = reader.read_packet().map_err(wrong)? {
        if let Some(last) = last.replace(packet) {
            opus.push(&last, &mut ear)?;
            writer.write_packet(&last.data).map_err(wrong)?;
        }
    }
    let last = last.ok_or(Unhearable::Empty)?;
    opus.push(&last, &mut ear)?;
    let heard = ear.finish()?;
    // Where it ends is said by the last page alone.
    let end = u64::from(head.pre_skip) + opus.emitted();
    let rest = end.saturating_sub(writer.granule().cast_unsigned());
    let rest = u32::try_from(rest).unwrap_or_default().min(opus_pure::MAX_PACKET_SAMPLES as u32);
    writer.write_packet_with_duration(&last.data, rest).map_err(wrong)?;
    let file = writer.finish().map_err(wrong)?;
    let bits = (file.len() as u64).saturating_mul(8 * u64::from(RATE)) / heard;
    let small = bits <= MAX_PASSED_VOICE_BITS_PER_SECOND;
    Ok(small.then(|| Voice { file, duration_ms: milliseconds(heard), waveform: loudness.waveform() }))
}

fn encode(source: Source<'_>) -> Result<Voice, Unhearable> {
    let mut encoder =
        OpusEncoder::new(RATE.cast_signed(), 1, Application::Voip).map_err(|_| Unhearable::Malformed)?;
    encoder.bitrate_bps = BITS_PER_SECOND;
    encoder.rate_control = RateControl::Cbr;
    encoder.signal_type = Some(Signal::Voice);
    let head = OpusHead::for_encoder(&encoder, RATE);
    let pre_skip = usize::from(head.pre_skip);
    let mut writer = writer(&head)?;
    let mut packet = vec![0; MAX_PACKET_BYTES];
    let mut waiting: Vec<f32> = Vec::new();
    let mut loudness = Loudness::default();
    let mut encoded = |frame: &[f32], encoder: &mut OpusEncoder| {
        let bytes = encoder.encode(frame, FRAME, &mut packet).map_err(wrong)?;
        Ok::<Vec<u8>, Unhearable>(packet.get(..bytes).unwrap_or_default().to_vec())
    };
    let heard = hear(source, MAX_VOICE_TIME, &mut |samples| {
        loudness.push(samples);
        waiting.extend_from_slice(samples);
        let whole = waiting.len() / FRAME * FRAME;
        for frame in waiting.get(..whole).unwrap_or_default().chunks_exact(FRAME) {
            let packet = encoded(frame, &mut encoder)?;
            writer.write_packet(&packet).map_err(wrong)?;
        }
        waiting.drain(..whole);
        Ok(())
    })?;
    // The encoder is late by what players skip: silence pushes the end out, and the last page says where it is.
    waiting.resize((waiting.len() + pre_skip).div_ceil(FRAME) * FRAME, 0.0);
    let end = heard + pre_skip as u64;
    for frame in waiting.chunks_exact(FRAME) {
        let packet = encoded(frame, &mut encoder)?;
        let rest = end.saturating_sub(writer.granule().cast_unsigned()).min(FRAME as u64);
        writer.write_packet_with_duration(&packet, u32::try_from(rest).unwrap_or_default()).map_err(wrong)?;
    }
    let file = writer.finish().map_err(wrong)?;
    Ok(Voice { file, duration_ms: milliseconds(heard), waveform: loudness.waveform() })
}

/// Without a word about who made it, and with what.
fn writer(head: &OpusHead) -> Result<OggOpusWriter<Vec<u8>>, Unhearable> {
    let head = OpusHead { input_sample_rate: RATE, ..head.clone() };
    let tags = OpusTags { vendor: "waxwing".to_owned(), comments: Vec::new() };
    let mut writer = OggOpusWriter::with_tags(Vec::new(), head, tags).map_err(wrong)?;
    writer.set_page_target(PAGE_BYTES);
    Ok(writer)
}

fn milliseconds(samples: u64) -> u32 {
    u32::try_from(samples.saturating_mul(1_000).div_ceil(u64::from(RATE))).unwrap_or(u32::MAX)
}
