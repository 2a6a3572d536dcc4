//! A picture in about thirty characters: see <https://blurha.sh>, whose format this is.

/// Waves across and down.
const WAVES: (u32, u32) = (4, 3);
/// Pixels that are looked at, each way.
pub const SIDE_PIXELS: u32 = 32;
const DIGITS: &[u8; 83] =
    b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz#$%*+,-.:;=?@[]^_{|}~";

/// Of a picture that was made as small as that: [`SIDE_PIXELS`] each way, row by row.
pub fn blurhash(small: &[[u8; 3]]) -> String {
    let waves = |y: u32| (0..WAVES.0).map(move |x| (x, y));
    let mut factors: Vec<[f64; 3]> = (0..WAVES.1).flat_map(waves).map(|(x, y)| factor(small, x, y)).collect();
    let mean = factors.remove(0);
    let largest = factors.iter().flatten().fold(0.0_f64, |largest, value| largest.max(value.abs()));
    let scale = ((largest * 166.0 - 0.5).floor()).clamp(0.0, 82.0);
    let unit = (scale + 1.0) / 166.0;
    let mut hash = String::new();
    put(&mut hash, (WAVES.0 - 1) + (WAVES.1 - 1) * 9, 1);
    put(&mut hash, whole(scale), 1);
    put(&mut hash, mean.iter().fold(0, |value, part| (value << 8) + to_srgb(*part)), 4);
    for factor in factors {
        let digit = |value: f64| {
            let root = (value / unit).abs().sqrt().copysign(value);
            whole((root * 9.0 + 9.5).floor().clamp(0.0, 18.0))
        };
        put(&mut hash, factor.iter().fold(0, |value, part| value * 19 + digit(*part)), 2);
    }
    hash
}

/// How much of one wave is in the picture, for each colour.
fn factor(picture: &[[u8; 3]], x: u32, y: u32) -> [f64; 3] {
    let side = f64::from(SIDE_PIXELS);
    let mut sum = [0.0; 3];
    for (pixel, at) in picture.iter().zip(0_u32..) {
        let (at_x, at_y) = (at % SIDE_PIXELS, at / SIDE_PIXELS);
        let angle = |wave: u32, at: u32, size: f64| {
            (std::f64::consts::PI * f64::from(wave) * f64::from(at) / size).cos()
        };
        let basis = angle(x, at_x, side) * angle(y, at_y, side);
        for (sum, value) in sum.iter_mut().zip(*pixel) {
            *sum += basis * to_linear(value);
        }
    }
    let normal = if x == 0 && y == 0 { 1.0 } else { 2.0 };
    sum.map(|sum| sum * normal / (side * side))
}

fn to_linear(value: u8) -> f64 {
    let value = f64::from(value) / 255.0;
    if value <= 0.040_45 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
}

fn to_srgb(value: f64) -> u32 {
    let value = value.clamp(0.0, 1.0);
    let curved = if value <= 0.003_130_8 { value * 12.92 } else { 1.055 * value.powf(1.0 / 2.4) - 0.055 };
    whole((curved * 255.0 + 0.5).floor())
}

/// A small number that is none below zero.
fn whole(value: f64) -> u32 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped by every caller")]
    let whole = value as u32;
    whole
}

fn put(hash: &mut String, value: u32, digits: u32) {
    for place in (0..digits).rev() {
        let digit = (value / 83_u32.pow(place) % 83) as usize;
        hash.push(DIGITS.get(digit).copied().map_or('0', char::from));
    }
}
