//! Files as others write them. They are made by `ffmpeg`; where there is none, this is not tested.

use std::process::Command;

use tempfile::TempDir;

use super::*;

/// What people record with, and what their files are called.
const FORMATS: &[(&str, &[&str])] = &[
    ("a.flac", &["-c:a", "flac"]),
    ("a.mp3", &["-c:a", "libmp3lame", "-b:a", "64k"]),
    ("a.ogg", &["-c:a", "libvorbis", "-b:a", "64k"]),
    ("a.m4a", &["-c:a", "aac", "-b:a", "64k"]),
    ("a.aac", &["-c:a", "aac", "-b:a", "64k", "-f", "adts"]),
    ("a.webm", &["-c:a", "libopus", "-b:a", "64k"]),
    ("a.opus", &["-c:a", "libopus", "-b:a", "64k"]),
    ("a.24.wav", &["-c:a", "pcm_s24le"]),
    ("a.float.wav", &["-c:a", "pcm_f32le"]),
];

/// Two seconds of a tone in two channels, 44,100 samples a second. `None`: there is no `ffmpeg` to make it.
fn made(folder: &TempDir, name: &str, codec: &[&str]) -> Option<Vec<u8>> {
    let path = folder.path().join(name);
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error", "-f", "lavfi", "-i", "sine=frequency=440:sample_rate=44100:duration=2"]);
    command.args(["-ac", "2", "-metadata", "comment=recorded here"]).args(codec).arg(&path);
    let Ok(status) = command.status() else {
        eprintln!("NOT TESTED: ffmpeg is not installed (apt-get install ffmpeg)");
        return None;
    };
    assert!(status.success(), "{name}");
    Some(std::fs::read(path).unwrap())
}

#[test]
fn whatever_others_write_is_heard() {
    let folder = TempDir::new().unwrap();
    for (name, codec) in FORMATS {
        let Some(file) = made(&folder, name, codec) else { return };
        let samples = heard(&file).unwrap_or_else(|error| panic!("{name}: {error}"));
        let length = samples.len() as f64 / f64::from(RATE);
        assert!((1.95..2.15).contains(&length), "{name}: {length}");
        assert!(share(&samples[14_400..76_800], 440.0) > 0.98, "{name}");
        let made = voice(Source::bytes(&file)).unwrap();
        assert!(made.duration_ms.abs_diff(2_000) < 150 && !contains(&made.file, b"recorded"), "{name}");
        let bits = bits_per_second(&made);
        assert!((16_000..=24_000).contains(&bits), "{name}: {bits}");
        let kept = share(&heard(&made.file).unwrap()[14_400..76_800], 440.0);
        assert!(kept > 0.8, "{name}: {kept}");
    }
}

/// Others decode what is encoded here to the same samples as is done here.
#[test]
fn others_hear_the_same() {
    let folder = TempDir::new().unwrap();
    if made(&folder, "a.wav", &[]).is_none() {
        return;
    }
    let voice = voice(Source::bytes(&wav(44_100, 1, &speech(3.0, 44_100)))).unwrap();
    let (from, to) = (folder.path().join("voice.ogg"), folder.path().join("voice.wav"));
    std::fs::write(&from, &voice.file).unwrap();
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error", "-c:a", "libopus", "-i"]).arg(&from).args(["-ac", "1"]).arg(&to);
    assert!(command.status().unwrap().success());
    let (ours, theirs) = (heard(&voice.file).unwrap(), heard(&std::fs::read(&to).unwrap()).unwrap());
    assert!(ours.len().abs_diff(theirs.len()) <= 1_000, "{} {}", ours.len(), theirs.len());
    let square = |samples: &mut dyn Iterator<Item = f32>| samples.map(|sample| sample * sample).sum::<f32>();
    let off = square(&mut ours.iter().zip(&theirs).map(|(one, other)| one - other));
    assert!(off < 0.001 * square(&mut ours.iter().copied()), "{off}");
}

/// Every container and codec with bytes that are others: heard or refused, in bounded time, without a panic that gets
/// out.
#[test]
fn tampered_files_of_every_kind_are_heard_or_refused() {
    let folder = TempDir::new().unwrap();
    let begun = Instant::now();
    let mut state = 0x2545_f491_u32;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state as usize
    };
    for (name, codec) in FORMATS {
        let Some(file) = made(&folder, name, codec) else { return };
        for round in 0..12 {
            let mut file = file.clone();
            // The head is where the lies are.
            let reach = if round % 2 == 0 { file.len().min(600) } else { file.len() };
            for _ in 0..1 + random() % 6 {
                file[random() % reach] = random().to_le_bytes()[0];
            }
            if round % 3 == 0 {
                file.truncate(random() % file.len());
            }
            let mut all = 0;
            let result = hear(Source::bytes(&file), MAX, &mut |samples| {
                all += samples.len() as u64;
                prop_assert_sane(samples)
            });
            assert!(result.is_err() || all <= 5 * u64::from(RATE), "{name}");
            let _length = length(Source::bytes(&file));
        }
    }
    assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", begun.elapsed());
}
