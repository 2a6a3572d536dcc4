//! From a file to samples.

use std::io::{BufReader, ErrorKind, Read};
use std::time::Duration;

use opus_pure::{MAX_PACKET_SAMPLES, OggOpusReader, OggPacket, OpusDecoder, OpusHead, Trim};
use symphonia::core::codecs::audio::well_known::CODEC_ID_OPUS;
use symphonia::core::codecs::audio::{AudioCodecParameters, AudioDecoder, AudioDecoderOptions};
use symphonia::core::common::Limit;
use symphonia::core::errors::Error;
use symphonia::core::formats::probe::Hint;
use symphonia::core::formats::{FormatOptions, FormatReader, TrackType};
use symphonia::core::io::MediaSourceStream;
use symphonia::core::meta::MetadataOptions;
use symphonia::core::packet::Packet;

use super::resample::Resampler;
use super::{RATE, Source, Unhearable, contained};
use crate::limits::{
    MAX_BAD_SOUND_PACKETS, MAX_SOUND_BYTES, MAX_SOUND_CHANNELS, MAX_SOUND_PACKET_FRAMES, MAX_SOUND_PACKETS,
    MAX_SOUND_RATE_HZ, MAX_SOUND_TAG_BYTES, MIN_SOUND_RATE_HZ,
};

/// Takes samples; whatever it does not want ends it.
type Sink<'a> = dyn FnMut(&[f32]) -> Result<(), Unhearable> + 'a;

/// Hears all of it, piece by piece: one channel, [`RATE`] samples a second, each from -1 to 1. How many they were.
/// What would play longer than `most` is refused.
pub fn hear(
    mut source: Source<'_>,
    most: Duration,
    sink: &mut dyn FnMut(&[f32]) -> Result<(), Unhearable>,
) -> Result<u64, Unhearable> {
    contained(|| {
        let mut out = Ear::new(most, sink);
        if source.is_opus()? {
            hear_opus(source.0, &mut out)?;
        } else {
            hear_other(source, &mut out)?;
        }
        out.finish()
    })
}

/// What the pieces of a file go through on their way to whoever wants samples.
pub struct Ear<'a> {
    sink: &'a mut Sink<'a>,
    resampler: Option<Resampler>,
    /// Samples a second of what comes; 0: nothing has come.
    rate: u32,
    heard: u64,
    most: u64,
    bad: u32,
    packets: u64,
    mono: Vec<f32>,
}

impl<'a> Ear<'a> {
    pub fn new(most: Duration, sink: &'a mut Sink<'a>) -> Self {
        let most = most.as_secs().saturating_mul(u64::from(RATE));
        Self { sink, resampler: None, rate: 0, heard: 0, most, bad: 0, packets: 0, mono: Vec::new() }
    }

    /// Samples of so many channels, interleaved.
    pub fn push(&mut self, samples: &[f32], channels: usize, rate: u32) -> Result<(), Unhearable> {
        if self.rate == 0 {
            if !(MIN_SOUND_RATE_HZ..=MAX_SOUND_RATE_HZ).contains(&rate) {
                return Err(Unhearable::Malformed);
            }
            self.rate = rate;
            self.resampler = (rate != RATE).then(|| Resampler::new(rate, RATE)).transpose()?;
        }
        if self.rate != rate || !(1..=MAX_SOUND_CHANNELS).contains(&channels) {
            return Err(Unhearable::Malformed);
        }
        self.mono.clear();
        #[expect(clippy::cast_precision_loss, reason = "at most MAX_SOUND_CHANNELS")]
        let part = 1.0 / channels as f32;
        let mixed = samples.chunks_exact(channels).map(|frame| {
            let sum: f32 = frame.iter().sum();
            let mean = sum * part;
            if mean.is_finite() { mean.clamp(-1.0, 1.0) } else { 0.0 }
        });
        self.mono.extend(mixed);
        let mono = std::mem::take(&mut self.mono);
        match self.resampler.take() {
            Some(mut resampler) => {
                resampler.push(&mono, &mut |piece| self.give(piece))?;
                self.resampler = Some(resampler);
            }
            None => self.give(&mono)?,
        }
        self.mono = mono;
        Ok(())
    }

    fn give(&mut self, samples: &[f32]) -> Result<(), Unhearable> {
        self.heard += samples.len() as u64;
        if self.heard > self.most {
            return Err(Unhearable::TooLong);
        }
        (self.sink)(samples)
    }

    /// One more packet: there are not endlessly many, even if nothing is in them.
    pub fn packet(&mut self) -> Result<(), Unhearable> {
        self.packets += 1;
        if self.packets > MAX_SOUND_PACKETS { Err(Unhearable::TooLong) } else { Ok(()) }
    }

    /// A packet could not be decoded. A few are left out.
    pub fn bad_packet(&mut self) -> Result<(), Unhearable> {
        self.bad += 1;
        if self.bad > MAX_BAD_SOUND_PACKETS { Err(Unhearable::Malformed) } else { Ok(()) }
    }

    /// How many samples there were.
    pub fn finish(mut self) -> Result<u64, Unhearable> {
        if let Some(resampler) = self.resampler.take() {
            resampler.finish(&mut |piece| self.give(piece))?;
        }
        if self.heard == 0 { Err(Unhearable::Empty) } else { Ok(self.heard) }
    }
}

/// Opus in Ogg, one or two channels (RFC 7845, mapping family 0).
fn hear_opus(source: impl Read, out: &mut Ear<'_>) -> Result<(), Unhearable> {
    let mut reader = opened(source)?;
    let mut opus = Opus::new(reader.head())?;
    let mut packet = OggPacket::default();
    loop {
        match reader.read_packet_into(&mut packet) {
            Ok(true) => opus.push(&packet, out)?,
            Ok(false) => return Ok(()),
            // It was cut off.
            Err(opus_pure::Error::Io(error)) if error.kind() == ErrorKind::UnexpectedEof => return Ok(()),
            Err(error) => return Err(wrong(error)),
        }
    }
}

/// The head of an Ogg file with Opus.
pub fn opened<R: Read>(source: R) -> Result<OggOpusReader<BufReader<std::io::Take<R>>>, Unhearable> {
    OggOpusReader::new(BufReader::new(source.take(MAX_SOUND_BYTES))).map_err(wrong)
}

pub fn wrong(error: opus_pure::Error) -> Unhearable {
    match error {
        opus_pure::Error::Io(error) if error.kind() != ErrorKind::UnexpectedEof => Unhearable::Io(error),
        _ => Unhearable::Malformed,
    }
}

/// Decodes what is in Ogg, without what its encoder put before and after.
pub struct Opus {
    decoder: OpusDecoder,
    trim: Trim,
    channels: usize,
    samples: Vec<f32>,
}

impl Opus {
    pub fn new(head: &OpusHead) -> Result<Self, Unhearable> {
        let channels = usize::from(head.channel_count);
        if head.mapping_family != 0 || !(1..=2).contains(&channels) {
            return Err(Unhearable::Malformed);
        }
        Ok(Self {
            decoder: head.decoder(RATE.cast_signed()).map_err(wrong)?,
            trim: Trim::new(head, RATE.cast_signed(), channels).map_err(wrong)?,
            channels,
            samples: vec![0.0; MAX_PACKET_SAMPLES * channels],
        })
    }

    pub fn push(&mut self, packet: &OggPacket, out: &mut Ear<'_>) -> Result<(), Unhearable> {
        out.packet()?;
        let Ok(frames) = self.decoder.decode(&packet.data, MAX_PACKET_SAMPLES, &mut self.samples) else {
            return out.bad_packet();
        };
        let decoded = self.samples.get(..frames * self.channels).unwrap_or_default();
        out.push(self.trim.keep(packet, decoded), self.channels, RATE)
    }

    /// Samples of one channel that were not put there by the encoder, so far.
    pub fn emitted(&self) -> u64 {
        self.trim.samples_emitted()
    }
}

/// How long a file plays as it says itself, milliseconds, without hearing it; 0: not known.
#[must_use]
pub fn length(mut source: Source<'_>) -> u32 {
    let said = contained(|| {
        if source.is_opus()? {
            return Err(Unhearable::Malformed);
        }
        let format = probed(source)?;
        let track = format.default_track(TrackType::Audio).ok_or(Unhearable::Malformed)?;
        let parameters = track.codec_params.as_ref().and_then(|parameters| parameters.audio());
        let rate = parameters.and_then(|parameters| parameters.sample_rate).filter(|rate| *rate > 0);
        let frames = track.num_frames.ok_or(Unhearable::Malformed)?;
        Ok(frames.saturating_mul(1_000) / u64::from(rate.ok_or(Unhearable::Malformed)?))
    });
    said.ok().and_then(|said| u32::try_from(said).ok()).unwrap_or(0)
}

/// Everything else that is known.
fn hear_other(source: Source<'_>, out: &mut Ear<'_>) -> Result<(), Unhearable> {
    let mut format = probed(source)?;
    let track = format.default_track(TrackType::Audio).ok_or(Unhearable::Malformed)?;
    let number = track.id;
    let parameters = track.codec_params.as_ref().and_then(|parameters| parameters.audio());
    let mut decoder = Decoder::new(parameters.ok_or(Unhearable::Malformed)?)?;
    while let Some(packet) = next(format.as_mut(), out)? {
        if packet.track_id == number {
            decoder.push(&packet, out)?;
        }
    }
    Ok(())
}

fn probed(source: Source<'_>) -> Result<Box<dyn FormatReader + '_>, Unhearable> {
    let stream = MediaSourceStream::new(source.0, Default::default());
    let tags = MetadataOptions::default()
        .limit_tag_bytes(Limit::Maximum(MAX_SOUND_TAG_BYTES))
        .limit_visual_bytes(Limit::Maximum(MAX_SOUND_TAG_BYTES));
    let opened = symphonia::default::get_probe().probe(&Hint::new(), stream, FormatOptions::default(), tags);
    opened.map_err(|error| refused(&error))
}

/// `None`: there are no more, or the file was cut off.
fn next(format: &mut dyn FormatReader, out: &mut Ear<'_>) -> Result<Option<Packet>, Unhearable> {
    out.packet()?;
    match format.next_packet() {
        Ok(packet) => Ok(packet),
        Err(Error::IoError(error)) if error.kind() == ErrorKind::UnexpectedEof => Ok(None),
        // Another file begins behind it: what was heard is all that is meant.
        Err(Error::ResetRequired) => Ok(None),
        Err(error) => Err(refused(&error)),
    }
}

fn refused(error: &Error) -> Unhearable {
    match error {
        Error::IoError(error) if error.kind() != ErrorKind::UnexpectedEof => {
            Unhearable::Io(std::io::Error::new(error.kind(), error.to_string()))
        }
        _ => Unhearable::Malformed,
    }
}

enum Decoder {
    Known(Box<dyn AudioDecoder>, Vec<f32>),
    Opus { decoder: Box<OpusDecoder>, channels: usize, samples: Vec<f32> },
}

impl Decoder {
    fn new(parameters: &AudioCodecParameters) -> Result<Self, Unhearable> {
        if parameters.max_frames_per_packet.is_some_and(|frames| frames > MAX_SOUND_PACKET_FRAMES) {
            return Err(Unhearable::Malformed);
        }
        let channels = parameters.channels.as_ref().map(|channels| channels.count());
        if channels.is_some_and(|channels| channels > MAX_SOUND_CHANNELS) {
            return Err(Unhearable::Malformed);
        }
        if parameters.codec == CODEC_ID_OPUS {
            // Browsers record so, in WebM.
            let channels =
                channels.filter(|channels| (1..=2).contains(channels)).ok_or(Unhearable::Malformed)?;
            let decoder = Box::new(OpusDecoder::new(RATE.cast_signed(), channels).map_err(wrong)?);
            return Ok(Self::Opus { decoder, channels, samples: vec![0.0; MAX_PACKET_SAMPLES * channels] });
        }
        let known = symphonia::default::get_codecs()
            .make_audio_decoder(parameters, &AudioDecoderOptions::default())
            .map_err(|error| refused(&error))?;
        Ok(Self::Known(known, Vec::new()))
    }

    fn push(&mut self, packet: &Packet, out: &mut Ear<'_>) -> Result<(), Unhearable> {
        match self {
            Self::Known(decoder, samples) => match decoder.decode(packet) {
                Ok(decoded) => {
                    let (channels, rate) = (decoded.spec().channels().count(), decoded.spec().rate());
                    decoded.copy_to_vec_interleaved(samples);
                    out.push(samples, channels, rate)
                }
                Err(_) => out.bad_packet(),
            },
            Self::Opus { decoder, channels, samples } => {
                match decoder.decode(&packet.data, MAX_PACKET_SAMPLES, samples) {
                    Ok(frames) => {
                        out.push(samples.get(..frames * *channels).unwrap_or_default(), *channels, RATE)
                    }
                    Err(_) => out.bad_packet(),
                }
            }
        }
    }
}
