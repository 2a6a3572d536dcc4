//! Faster, and not higher: pieces of the sound are laid over each other where they are most alike (WSOLA; Verhelst and
//! Roelands, 1993).

use super::{RATE, Unhearable};

/// Samples by which the sound goes on at a time, half of which two pieces share: 20 ms.
const HOP: usize = RATE as usize / 50;
/// So far from where it should begin, a piece is looked for, either way: 10 ms, a period of the lowest voices.
const REACH: usize = RATE as usize / 100;
/// Every so many samples one is compared first.
const COARSE: usize = 8;

/// Samples go in, and fewer come out.
pub struct Stretch {
    speed: f64,
    /// What has come and may still be needed, from sample `base` on.
    input: Vec<f32>,
    base: usize,
    /// Samples that have come in all.
    taken: usize,
    /// What would follow the last piece: the next one has to be like it.
    tail: Vec<f32>,
    pieces: usize,
    given: usize,
}

impl Stretch {
    /// At so many times the speed, from 1 to 4.
    pub fn new(speed: f64) -> Self {
        let speed = speed.clamp(1.0, 4.0);
        Self { speed, input: Vec::new(), base: 0, taken: 0, tail: Vec::new(), pieces: 0, given: 0 }
    }

    pub fn push(
        &mut self,
        samples: &[f32],
        sink: &mut dyn FnMut(&[f32]) -> Result<(), Unhearable>,
    ) -> Result<(), Unhearable> {
        self.taken += samples.len();
        self.input.extend_from_slice(samples);
        while self.place() + REACH + 2 * HOP <= self.taken {
            let piece = self.step();
            self.given += piece.len();
            sink(&piece)?;
        }
        Ok(())
    }

    /// The rest, so that it is as long as it should be.
    pub fn finish(
        mut self,
        sink: &mut dyn FnMut(&[f32]) -> Result<(), Unhearable>,
    ) -> Result<(), Unhearable> {
        let all = whole(self.taken as f64 / self.speed);
        self.input.resize(self.input.len() + 4 * HOP + 2 * REACH, 0.0);
        while self.given < all {
            let mut piece = self.step();
            piece.truncate(all - self.given);
            if piece.is_empty() {
                break;
            }
            self.given += piece.len();
            sink(&piece)?;
        }
        Ok(())
    }

    /// Where the next piece should begin.
    fn place(&self) -> usize {
        whole((self.pieces * HOP) as f64 * self.speed)
    }

    fn step(&mut self) -> Vec<f32> {
        let place = self.place();
        let begin = if self.tail.is_empty() { place } else { self.alike(place) };
        let mut piece = self.slice(begin, HOP);
        for (number, (sample, before)) in piece.iter_mut().zip(&self.tail).enumerate() {
            let way = std::f64::consts::FRAC_PI_2 * (number as f64 + 0.5) / HOP as f64;
            #[expect(clippy::cast_possible_truncation, reason = "from 0 to 1")]
            let share = way.sin().powi(2) as f32;
            *sample = *sample * share + before * (1.0 - share);
        }
        self.tail = self.slice(begin + HOP, HOP);
        self.pieces += 1;
        let needless = self.place().saturating_sub(REACH).saturating_sub(self.base).min(self.input.len());
        self.input.drain(..needless);
        self.base += needless;
        piece
    }

    /// Samples from a place on; silence where there are none.
    fn slice(&self, from: usize, count: usize) -> Vec<f32> {
        let from = from.saturating_sub(self.base).min(self.input.len());
        let to = (from + count).min(self.input.len());
        let mut slice = self.input.get(from..to).unwrap_or_default().to_vec();
        slice.resize(count, 0.0);
        slice
    }

    /// The place near `place` whose sound is most like what would follow.
    fn alike(&self, place: usize) -> usize {
        let first = place.saturating_sub(REACH).max(self.base);
        let near = self.slice(first, 2 * REACH + HOP);
        let best = |places: &mut dyn Iterator<Item = usize>, every: usize| {
            let score = |at: usize| {
                let (mut like, mut loud) = (0.0_f32, 1e-9_f32);
                let there = near.get(at..).unwrap_or_default();
                for (one, other) in there.iter().zip(&self.tail).step_by(every) {
                    like += one * other;
                    loud += one * one;
                }
                like / loud.sqrt()
            };
            places
                .map(|at| (at, score(at)))
                .fold((0, f32::MIN), |best, next| if next.1 > best.1 { next } else { best })
        };
        let (rough, _) = best(&mut (0..2 * REACH).step_by(COARSE), COARSE / 2);
        let (exact, _) = best(&mut (rough.saturating_sub(COARSE)..(rough + COARSE).min(2 * REACH)), 1);
        first + exact
    }
}

fn whole(samples: f64) -> usize {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "numbers of samples")]
    let whole = samples.round().max(0.0) as usize;
    whole
}
