//! Everything that is random in a run comes from here.

use rand_chacha::ChaCha20Rng;
use rand_core::{CryptoRng, Rng, SeedableRng};

/// One stream of the seed's generator. Streams keep the nodes apart: what one of them draws does not
/// change what befalls another.
pub struct Dice(ChaCha20Rng);

impl Dice {
    /// The stream of this number.
    #[must_use]
    pub fn new(seed: u64, stream: u64) -> Self {
        let mut rng = ChaCha20Rng::seed_from_u64(seed);
        rng.set_stream(stream);
        Self(rng)
    }

    /// For the cores.
    pub fn rng(&mut self) -> &mut dyn CryptoRng {
        &mut self.0
    }

    /// Any 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// 0 to `bound - 1`; 0 for a bound of 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        // The bias of a remainder is far below anything that a simulation could notice.
        if bound == 0 { 0 } else { self.0.next_u64() % bound }
    }

    /// `low` to `high`, both included.
    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high.saturating_sub(low) + 1)
    }

    /// `low` to `high`, with small values more likely than large ones.
    pub fn skewed(&mut self, low: u64, high: u64) -> u64 {
        let top = self.between(low, high);
        self.between(low, top)
    }

    /// True so many times in 10,000.
    pub fn chance(&mut self, per_10k: u32) -> bool {
        self.below(10_000) < u64::from(per_10k)
    }

    /// An index below `len`; 0 for nothing.
    pub fn index(&mut self, len: usize) -> usize {
        usize::try_from(self.below(len as u64)).unwrap_or_default()
    }
}
