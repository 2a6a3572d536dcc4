//! What a hostile server does.

/// A way to lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Attack {
    /// Delivers entries again under new numbers.
    Replay,
}

impl Attack {
    /// Every one.
    pub const ALL: &'static [Self] = &[Self::Replay];
}
