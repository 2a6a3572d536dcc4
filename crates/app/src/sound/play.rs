//! Sound as it is played: 16-bit samples, one channel.

use std::io::Write;
use std::time::Duration;

use super::stretch::Stretch;
use super::{RATE, Source, Unhearable, hear};
use crate::limits::MAX_PLAYED_TIME;

/// Samples a second of what [`play`] writes.
pub const PLAYED_RATE: u32 = RATE;

/// How fast something is played.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speed {
    /// As it was said.
    Normal,
    /// Half as fast again.
    Faster,
    /// Twice as fast.
    Double,
}

impl Speed {
    /// Times the speed that it was said with.
    #[must_use]
    pub const fn factor(self) -> f64 {
        match self {
            Self::Normal => 1.0,
            Self::Faster => 1.5,
            Self::Double => 2.0,
        }
    }
}

/// Writes a file that can be heard as 16-bit samples, little-endian, one channel, [`PLAYED_RATE`] a second, at a speed,
/// as high as it was. How long that plays.
pub fn play(source: Source<'_>, speed: Speed, out: &mut dyn Write) -> Result<Duration, Unhearable> {
    let mut written = 0_u64;
    let mut sink = |samples: &[f32]| {
        written += samples.len() as u64;
        let bytes: Vec<u8> = samples.iter().flat_map(|sample| sixteen_bits(*sample).to_le_bytes()).collect();
        out.write_all(&bytes).map_err(Unhearable::Io)
    };
    if speed == Speed::Normal {
        hear(source, MAX_PLAYED_TIME, &mut sink)?;
    } else {
        let mut stretch = Stretch::new(speed.factor());
        hear(source, MAX_PLAYED_TIME, &mut |samples| stretch.push(samples, &mut sink))?;
        stretch.finish(&mut sink)?;
    }
    Ok(Duration::from_millis(written.saturating_mul(1_000) / u64::from(RATE)))
}

fn sixteen_bits(sample: f32) -> i16 {
    #[expect(clippy::cast_possible_truncation, reason = "clamped")]
    let bits = (sample * 32_767.0).round().clamp(-32_768.0, 32_767.0) as i16;
    bits
}

/// The head of a WAV file with so many bytes of what [`play`] writes; `None`: not known, since it is still to come.
#[must_use]
pub fn wav_head(bytes: Option<u32>) -> Vec<u8> {
    let data = bytes.unwrap_or(u32::MAX - 44);
    let mut head = b"RIFF".to_vec();
    head.extend(data.saturating_add(36).to_le_bytes());
    head.extend(b"WAVEfmt \x10\0\0\0\x01\0\x01\0");
    head.extend(PLAYED_RATE.to_le_bytes());
    head.extend((PLAYED_RATE * 2).to_le_bytes());
    head.extend(b"\x02\0\x10\0data");
    head.extend(data.to_le_bytes());
    head
}
