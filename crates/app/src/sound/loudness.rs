//! How loud a recording is from its beginning to its end.

use waxwing_wire::limits::MAX_WAVEFORM_BYTES;

use super::RATE;

/// Samples that are looked at together: a hundredth of a second.
const BLOCK: usize = RATE as usize / 100;
/// What is not louder than this is silence.
const SILENCE: f32 = 0.000_5;

/// Listens along.
#[derive(Default)]
pub struct Loudness {
    /// Mean of the squares of each block.
    blocks: Vec<f32>,
    sum: f32,
    counted: usize,
}

impl Loudness {
    pub fn push(&mut self, samples: &[f32]) {
        for sample in samples {
            self.sum += sample * sample;
            self.counted += 1;
            if self.counted == BLOCK {
                self.end_block();
            }
        }
    }

    fn end_block(&mut self) {
        #[expect(clippy::cast_precision_loss, reason = "at most BLOCK")]
        let counted = self.counted.max(1) as f32;
        self.blocks.push(self.sum / counted);
        (self.sum, self.counted) = (0.0, 0);
    }

    /// As a message carries it: equal parts, the loudest 255, on a scale on which quiet speech is seen too.
    pub fn waveform(mut self) -> Vec<u8> {
        if self.counted > 0 {
            self.end_block();
        }
        let count = self.blocks.len().clamp(1, MAX_WAVEFORM_BYTES);
        let part = |number: usize| {
            let (from, to) = (number * self.blocks.len() / count, (number + 1) * self.blocks.len() / count);
            let blocks = self.blocks.get(from..to).unwrap_or_default();
            #[expect(clippy::cast_precision_loss, reason = "blocks of at most an hour")]
            let mean = blocks.iter().sum::<f32>() / blocks.len().max(1) as f32;
            mean.sqrt()
        };
        let parts: Vec<f32> = (0..count).map(part).collect();
        let loudest = parts.iter().copied().fold(SILENCE, f32::max);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to 255")]
        let scaled = |part: &f32| ((part / loudest).sqrt() * 255.0).round().clamp(0.0, 255.0) as u8;
        parts.iter().map(|part| if *part < SILENCE { 0 } else { scaled(part) }).collect()
    }
}
