//! A systematic erasure code: any n different rows give back content of n rows, whichever were
//! lost (ML-KEM Braid, the encoder and decoder).
//!
//! Rows are 32 bytes: 16 big-endian symbols of GF(2^16), reduced by x^16 + x^12 + x^3 + x + 1.
//! Column by column, row x is the value at x of the polynomial of least degree through the rows
//! 0 to n − 1, which are the content itself. What is coded here is public, so time may vary.

use std::collections::BTreeMap;

use crate::{
    Error,
    record::{Reader, Writer},
};

const ROW_BYTES: usize = 32;
const SYMBOLS: usize = ROW_BYTES / 2;

pub(super) type Row = [u8; ROW_BYTES];

/// Row `index` of the code of `content`, whose length is a multiple of 32.
pub(super) fn row(content: &[u8], index: u16) -> Row {
    let (rows, _) = content.as_chunks::<ROW_BYTES>();
    match rows.get(usize::from(index)) {
        Some(row) => *row,
        None => Interpolation::new((0..).zip(rows.iter().copied()).collect()).at(index),
    }
}

/// Collects rows until the content is known. Holds at most as many rows as the content has.
#[derive(Clone)]
pub(super) struct Collector {
    needed: usize,
    rows: BTreeMap<u16, Row>,
}

impl Collector {
    /// For content of this many bytes, a multiple of 32.
    pub(super) fn new(content_bytes: usize) -> Self {
        Self { needed: content_bytes / ROW_BYTES, rows: BTreeMap::new() }
    }

    /// Adds a row; a repeated one changes nothing. Gives the content once it is known.
    pub(super) fn add(&mut self, index: u16, row: Row) -> Option<Vec<u8>> {
        self.rows.entry(index).or_insert(row);
        (self.rows.len() >= self.needed).then(|| self.content())
    }

    fn content(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.needed * ROW_BYTES);
        let mut interpolation = None;
        for (index, _) in (0_u16..).zip(0..self.needed) {
            let row = match self.rows.get(&index) {
                Some(row) => *row,
                None => interpolation
                    .get_or_insert_with(|| {
                        Interpolation::new(self.rows.iter().map(|(at, row)| (*at, *row)).collect())
                    })
                    .at(index),
            };
            out.extend_from_slice(&row);
        }
        out
    }

    pub(super) fn encode(&self, out: &mut Writer) {
        out.length(self.rows.len());
        for (index, row) in &self.rows {
            out.varint((*index).into());
            out.fixed(row);
        }
    }

    pub(super) fn decode(input: &mut Reader<'_>, content_bytes: usize) -> Result<Self, Error> {
        let mut collector = Self::new(content_bytes);
        for _ in 0..input.count(collector.needed)? {
            let index = u16::try_from(input.u32()?).map_err(|_| Error::InvalidRecord("row number"))?;
            collector.rows.insert(index, *input.fixed()?);
        }
        Ok(collector)
    }
}

/// Lagrange interpolation through known rows.
struct Interpolation {
    /// Place, the product of its differences to the other places, and row.
    points: Vec<(u16, u16, Row)>,
}

impl Interpolation {
    fn new(rows: Vec<(u16, Row)>) -> Self {
        let denominator = |x: u16| {
            let others = rows.iter().map(|(other, _)| *other).filter(|other| *other != x);
            others.fold(1, |product, other| multiply(product, x ^ other))
        };
        let points = rows.iter().map(|(x, row)| (*x, denominator(*x), *row)).collect();
        Self { points }
    }

    /// The row at a place that is not among the known ones.
    fn at(&self, x: u16) -> Row {
        let product = self.points.iter().fold(1, |product, (at, _, _)| multiply(product, x ^ at));
        let mut symbols = [0_u16; SYMBOLS];
        for (at, denominator, row) in &self.points {
            let weight = multiply(product, inverse(multiply(*denominator, x ^ at)));
            let (pairs, _) = row.as_chunks::<2>();
            for (symbol, pair) in symbols.iter_mut().zip(pairs) {
                *symbol ^= multiply(weight, u16::from_be_bytes(*pair));
            }
        }
        let mut out = [0; ROW_BYTES];
        for (to, from) in out.iter_mut().zip(symbols.iter().flat_map(|s| s.to_be_bytes())) {
            *to = from;
        }
        out
    }
}

/// x^16 + x^12 + x^3 + x + 1.
const MODULUS: u32 = 0x1_100B;

/// Product in GF(2^16).
fn multiply(a: u16, b: u16) -> u16 {
    let (a, b) = (u32::from(a), u32::from(b));
    let mut product = (0..16).fold(0, |sum, bit| sum ^ ((a << bit) * (b >> bit & 1)));
    for bit in (16..31).rev() {
        product ^= (MODULUS << (bit - 16)) * (product >> bit & 1);
    }
    product as u16
}

/// Inverse in GF(2^16): the power 2^16 − 2. That of zero is zero, and never asked for.
fn inverse(a: u16) -> u16 {
    let (mut power, mut out) = (a, 1);
    for _ in 1..16 {
        power = multiply(power, power);
        out = multiply(out, power);
    }
    out
}

#[cfg(test)]
mod tests;
