//! From any number of samples a second to another.

use rubato::audioadapter_buffers::direct::InterleavedSlice;
use rubato::{
    Async, FixedAsync, Indexing, Resampler as _, SincInterpolationParameters, SincInterpolationType,
    WindowFunction,
};

use super::Unhearable;

/// Samples that are taken at once.
const PIECE: usize = 1_024;
/// Samples on which one is computed.
const REACH: usize = 64;

/// One channel, piece by piece.
pub struct Resampler {
    inner: Async<f32>,
    waiting: Vec<f32>,
    made: Vec<f32>,
    /// Samples that have come.
    taken: u64,
    /// Samples at the beginning that are there only because it works piece by piece.
    late: usize,
    given: u64,
    from: u32,
    to: u32,
}

impl Resampler {
    pub fn new(from: u32, to: u32) -> Result<Self, Unhearable> {
        let filter = SincInterpolationParameters::new(REACH, WindowFunction::BlackmanHarris2)
            .interpolation(SincInterpolationType::Linear);
        let ratio = f64::from(to) / f64::from(from);
        let inner = Async::new_sinc(ratio, 1.0, &filter, PIECE, 1, FixedAsync::Input);
        let inner = inner.map_err(|_| Unhearable::Malformed)?;
        let (made, late) = (vec![0.0; inner.output_frames_max()], inner.output_delay());
        Ok(Self { inner, waiting: Vec::new(), made, taken: 0, late, given: 0, from, to })
    }

    pub fn push(
        &mut self,
        samples: &[f32],
        sink: &mut dyn FnMut(&[f32]) -> Result<(), Unhearable>,
    ) -> Result<(), Unhearable> {
        self.taken += samples.len() as u64;
        self.waiting.extend_from_slice(samples);
        while self.waiting.len() >= PIECE {
            let piece: Vec<f32> = self.waiting.drain(..PIECE).collect();
            self.step(&piece, u64::MAX, sink)?;
        }
        Ok(())
    }

    /// What is left, as many as there were in their time.
    pub fn finish(
        mut self,
        sink: &mut dyn FnMut(&[f32]) -> Result<(), Unhearable>,
    ) -> Result<(), Unhearable> {
        let all = self.taken.saturating_mul(u64::from(self.to)).div_ceil(u64::from(self.from));
        let mut piece = std::mem::take(&mut self.waiting);
        while self.given < all {
            piece.resize(PIECE, 0.0);
            let before = (self.given, self.late);
            self.step(&piece, all, sink)?;
            if (self.given, self.late) == before {
                break;
            }
            piece.clear();
        }
        Ok(())
    }

    fn step(
        &mut self,
        piece: &[f32],
        all: u64,
        sink: &mut dyn FnMut(&[f32]) -> Result<(), Unhearable>,
    ) -> Result<(), Unhearable> {
        let room = self.made.len();
        let input = InterleavedSlice::new(piece, 1, PIECE).map_err(|_| Unhearable::Malformed)?;
        let mut output =
            InterleavedSlice::new_mut(&mut self.made, 1, room).map_err(|_| Unhearable::Malformed)?;
        let (_, made) = self
            .inner
            .process_into_buffer(&input, &mut output, Some(&Indexing::new()))
            .map_err(|_| Unhearable::Malformed)?;
        let early = self.late.min(made);
        self.late -= early;
        let wanted = usize::try_from(all - self.given).unwrap_or(usize::MAX).min(made - early);
        self.given += wanted as u64;
        sink(self.made.get(early..early + wanted).unwrap_or_default())
    }
}
