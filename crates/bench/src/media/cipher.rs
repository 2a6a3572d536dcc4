//! What it costs to encrypt a file, beside what the cipher alone costs.

use chacha20poly1305::aead::{AeadInOut as _, KeyInit as _};
use chacha20poly1305::{ChaCha20Poly1305, Nonce};
use rand_core::CryptoRng;
use rustix::time::{ClockId, clock_gettime};
use serde_json::{Map, Value, json};
use waxwing_e2ee::attachment::{AttachmentKey, CHUNK_BYTES, Layout, Opener, Purpose, Sealer};

use crate::measure::{fields, rounded};

/// Rounds, each of all ways, so that what else goes on meets all of them.
const ROUNDS: usize = 9;

/// Time of this thread on a processor so far, seconds: others want the processor as well.
fn cpu_s() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

fn timed(mut act: impl FnMut() -> anyhow::Result<()>) -> anyhow::Result<f64> {
    let begun = cpu_s();
    act()?;
    Ok(cpu_s() - begun)
}

fn median(mut of: Vec<f64>) -> f64 {
    of.sort_by(f64::total_cmp);
    of.get(of.len() / 2).copied().unwrap_or(f64::INFINITY)
}

/// Bytes in a second of one core: the cipher alone in chunks as large, sealing a file (with its digest), opening one.
pub fn measure(bytes: u64, rng: &mut dyn CryptoRng) -> anyhow::Result<Map<String, Value>> {
    let layout = Layout::new(bytes)?;
    let key = AttachmentKey::generate(rng);
    let cipher = ChaCha20Poly1305::new(&[7; 32].into());
    let (mut raw, mut seals, mut opens) = (Vec::new(), Vec::new(), Vec::new());
    let mut chunk = vec![0; CHUNK_BYTES];
    let mut sealed = Vec::new();
    for _ in 0..ROUNDS {
        raw.push(timed(|| {
            for index in 0..layout.chunks() {
                chunk.resize(CHUNK_BYTES, 1);
                let mut nonce = Nonce::default();
                nonce.iter_mut().zip(index.to_be_bytes()).for_each(|(to, from)| *to = from);
                let tag = cipher.encrypt_inout_detached(&nonce, &[], chunk.as_mut_slice().into());
                chunk.extend_from_slice(&tag.map_err(|_| anyhow::anyhow!("a chunk is not too long"))?);
            }
            Ok(())
        })?);
        seals.push(timed(|| {
            let mut sealer = Sealer::new(&key, Purpose::File, layout);
            while let Some(next) = sealer.next() {
                chunk.resize(next.content_bytes, 1);
                sealer.seal(&mut chunk)?;
                if next.sealed_at == 0 {
                    sealed.clone_from(&chunk);
                }
            }
            sealer.finish()?;
            Ok(())
        })?);
        let opener = Opener::new(&key, Purpose::File, layout);
        opens.push(timed(|| {
            for _ in 0..layout.chunks() {
                chunk.clone_from(&sealed);
                opener.open(0, &mut chunk)?;
            }
            Ok(())
        })?);
    }
    let rate = |times| bytes as f64 / 1e6 / median(times);
    let (raw, seal, open) = (rate(raw), rate(seals), rate(opens));
    Ok(fields(json!({
        "bytes": bytes,
        "raw_aead_mb_per_second": rounded(raw),
        "seal_mb_per_second": rounded(seal),
        "open_mb_per_second": rounded(open),
        "ratio": {"seal_to_raw_aead": rounded(seal / raw), "open_to_raw_aead": rounded(open / raw)},
    })))
}
