mod formats;

use std::io::Read;
use std::time::{Duration, Instant};

use opus_pure::{
    Application, MAX_PACKET_BYTES, OggOpusReader, OggOpusWriter, OpusEncoder, OpusHead, OpusTags,
};
use proptest::prelude::*;

use super::*;

/// A WAV file of 16-bit samples.
fn wav(rate: u32, channels: u16, samples: &[f32]) -> Vec<u8> {
    let data: Vec<u8> = samples.iter().flat_map(|s| ((s * 32_767.0) as i16).to_le_bytes()).collect();
    let mut file = wav_start(rate, channels, 16, u32::try_from(data.len()).unwrap());
    file.extend(data);
    file
}

fn wav_start(rate: u32, channels: u16, bits: u16, data_bytes: u32) -> Vec<u8> {
    let frame = channels.wrapping_mul(bits / 8);
    let mut head = b"RIFF".to_vec();
    head.extend(data_bytes.saturating_add(36).to_le_bytes());
    head.extend(b"WAVEfmt \x10\0\0\0\x01\0");
    head.extend(channels.to_le_bytes());
    head.extend(rate.to_le_bytes());
    head.extend(rate.wrapping_mul(u32::from(frame)).to_le_bytes());
    head.extend(frame.to_le_bytes());
    head.extend(bits.to_le_bytes());
    head.extend(b"data");
    head.extend(data_bytes.to_le_bytes());
    head
}

/// So many seconds of one tone.
fn tone(hertz: f64, seconds: f64, rate: u32) -> Vec<f32> {
    let turn = std::f64::consts::TAU * hertz / f64::from(rate);
    (0..(seconds * f64::from(rate)) as usize).map(|at| 0.4 * (turn * at as f64).sin() as f32).collect()
}

/// Something like a voice: a buzz that wavers, in syllables.
fn speech(seconds: f64, rate: u32) -> Vec<f32> {
    let mut phase = 0.0_f64;
    let sample = |at: usize| {
        let time = at as f64 / f64::from(rate);
        phase += (130.0 + 25.0 * (time * 2.3).sin()) / f64::from(rate);
        let buzz: f64 =
            (1..25).map(|n| (phase * f64::from(n) * std::f64::consts::TAU).sin() / f64::from(n)).sum();
        let syllable = (time * 4.0 * std::f64::consts::PI).sin().max(0.0);
        (0.2 * buzz * syllable) as f32
    };
    (0..(seconds * f64::from(rate)) as usize).map(sample).collect()
}

/// How much of a tone is in it (Goertzel), as a share of all.
fn share(samples: &[f32], hertz: f64) -> f64 {
    let step = std::f64::consts::TAU * hertz / f64::from(RATE);
    let (mut sin, mut cos) = (0.0, 0.0);
    for (at, sample) in samples.iter().enumerate() {
        sin += f64::from(*sample) * (step * at as f64).sin();
        cos += f64::from(*sample) * (step * at as f64).cos();
    }
    let all: f64 = samples.iter().map(|sample| f64::from(*sample).powi(2)).sum();
    2.0 * (sin * sin + cos * cos) / (all * samples.len() as f64)
}

fn heard(file: &[u8]) -> Result<Vec<f32>, Unhearable> {
    let mut all = Vec::new();
    let count = hear(Source::bytes(file), Duration::from_secs(60), &mut |samples| {
        all.extend_from_slice(samples);
        Ok(())
    })?;
    assert_eq!(count, all.len() as u64);
    Ok(all)
}

fn code<T>(result: Result<T, Unhearable>) -> &'static str {
    result.err().map_or("none", |error| error.code())
}

fn contains(file: &[u8], needle: &[u8]) -> bool {
    file.windows(needle.len()).any(|window| window == needle)
}

fn bits_per_second(voice: &Voice) -> u64 {
    voice.file.len() as u64 * 8_000 / u64::from(voice.duration_ms)
}

#[test]
fn whatever_the_rate_it_is_heard_as_long_and_as_high() {
    for rate in [8_000, 11_025, 16_000, 44_100, 48_000, 96_000] {
        let samples = heard(&wav(rate, 1, &tone(1_000.0, 1.5, rate))).unwrap();
        let length = samples.len() as f64 / f64::from(RATE);
        assert!((length - 1.5).abs() < 0.001, "{rate}: {length}");
        assert!(share(&samples[4_800..67_200], 1_000.0) > 0.99, "{rate}");
        // It begins when it began, to a sample or two.
        let wanted = tone(1_000.0, 1.5, RATE);
        let off: f32 = samples[9_600..14_400].iter().zip(&wanted[9_600..]).map(|(a, b)| (a - b).abs()).sum();
        assert!(off / 4_800.0 < 0.06, "{rate}: {off}");
    }
    let left: Vec<f32> = tone(500.0, 1.0, RATE).into_iter().flat_map(|sample| [sample, 0.0]).collect();
    assert!(share(&heard(&wav(RATE, 2, &left)).unwrap(), 500.0) > 0.99);
}

#[test]
fn a_recording_becomes_a_small_voice_message() {
    let mut samples = speech(6.0, 44_100);
    samples.extend(vec![0.0; 2 * 44_100]);
    let mut file = wav(44_100, 1, &samples);
    file.extend(b"LIST\x1a\0\0\0INFOICMT\x0e\0\0\0recorded here\0");
    let voice = voice(Source::bytes(&file)).unwrap();
    assert_eq!(voice.duration_ms, 8_000);
    assert!((16_000..=24_000).contains(&bits_per_second(&voice)), "{}", bits_per_second(&voice));
    assert!(!contains(&voice.file, b"recorded"));
    assert_eq!(voice.waveform.len(), 64);
    assert_eq!(voice.waveform.iter().max(), Some(&255));
    assert!(voice.waveform[50..].iter().all(|part| *part == 0), "silence at the end is seen");
    assert!(voice.waveform[..44].iter().filter(|part| **part > 60).count() > 20, "and syllables are");
    let back = heard(&voice.file).unwrap();
    assert_eq!(back.len(), 8 * RATE as usize, "to the sample");
    let loud = |samples: &[f32]| samples.iter().map(|s| s * s).sum::<f32>().sqrt();
    assert!(loud(&back[..6 * 48_000]) > 20.0 * loud(&back[7 * 48_000..]));
    let reader = OggOpusReader::new(&voice.file[..]).unwrap();
    assert_eq!((reader.head().channel_count, reader.tags().comments.len()), (1, 0));
}

#[test]
fn a_tone_survives() {
    let voice = voice(Source::bytes(&wav(48_000, 1, &tone(440.0, 2.0, 48_000)))).unwrap();
    let back = heard(&voice.file).unwrap();
    assert!(share(&back[9_600..86_400], 440.0) > 0.95);
}

fn opus(bits: i32, samples: &[f32], channels: usize) -> Vec<u8> {
    let mut encoder = OpusEncoder::new(48_000, channels, Application::Voip).unwrap();
    encoder.bitrate_bps = bits;
    let mut tags = OpusTags::new();
    tags.push("LOCATION", "48.2082N 16.3738E").unwrap();
    let head = OpusHead::for_encoder(&encoder, 48_000);
    let mut writer = OggOpusWriter::with_tags(Vec::new(), head, tags).unwrap();
    let mut packet = vec![0; MAX_PACKET_BYTES];
    for frame in samples.chunks_exact(960 * channels) {
        let bytes = encoder.encode(frame, 960, &mut packet).unwrap();
        writer.write_packet(&packet[..bytes]).unwrap();
    }
    writer.finish().unwrap()
}

#[test]
fn what_is_small_opus_already_loses_its_tags_and_nothing_else() {
    let file = opus(18_000, &speech(3.0, RATE), 1);
    let passed = voice(Source::bytes(&file)).unwrap();
    assert!(contains(&file, b"48.2082N") && !contains(&passed.file, b"48.2082N"));
    let packets = |file: &[u8]| -> Vec<Vec<u8>> {
        OggOpusReader::new(file).unwrap().packets().map(|packet| packet.unwrap().data).collect()
    };
    assert_eq!(packets(&file), packets(&passed.file));
    assert_eq!(heard(&file).unwrap(), heard(&passed.file).unwrap());
    assert_eq!(u64::from(passed.duration_ms), (heard(&file).unwrap().len() as u64).div_ceil(48));
    assert_eq!(passed.waveform.len(), 64);
    // Once more, nothing changes any more: what was recorded is prepared when it is sent.
    let again = voice(Source::bytes(&passed.file)).unwrap();
    assert!(again.file == passed.file && again.waveform == passed.waveform);
    // What is larger, or of two channels, is made anew.
    let stereo: Vec<f32> = speech(3.0, RATE).into_iter().flat_map(|sample| [sample, sample]).collect();
    for large in [opus(96_000, &speech(3.0, RATE), 1), opus(24_000, &stereo, 2)] {
        let made = voice(Source::bytes(&large)).unwrap();
        assert_ne!(packets(&large), packets(&made.file));
        assert!((16_000..=24_000).contains(&bits_per_second(&made)), "{}", bits_per_second(&made));
    }
}

#[test]
fn what_is_recorded_is_read_as_it_comes() {
    // Recorders do not know how long it will be, and say so in different ways.
    for said in [u32::MAX, 0x8000_0000, 0x7fff_ffff] {
        let mut file = wav_start(16_000, 1, 16, said);
        file.extend(speech(2.0, 16_000).iter().flat_map(|s| ((s * 32_767.0) as i16).to_le_bytes()));
        let voice = voice(Source::stream(&file[..])).unwrap();
        assert_eq!(voice.duration_ms, 2_000, "{said}");
    }
    // Opus too, though it cannot be rewound.
    let file = opus(18_000, &speech(1.0, RATE), 1);
    assert!(voice(Source::stream(&file[..])).unwrap().duration_ms > 900);
}

#[test]
fn faster_is_not_higher() {
    let file = wav(RATE, 1, &tone(440.0, 4.0, RATE));
    for (speed, seconds) in [(Speed::Normal, 4.0), (Speed::Faster, 4.0 / 1.5), (Speed::Double, 2.0)] {
        let mut written = Vec::new();
        let length = play(Source::bytes(&file), speed, &mut written).unwrap();
        assert!((length.as_secs_f64() - seconds).abs() < 0.001, "{length:?}");
        assert_eq!(written.len(), (seconds * 96_000.0).round() as usize / 2 * 2);
        let samples: Vec<f32> =
            written.chunks_exact(2).map(|b| f32::from(i16::from_le_bytes([b[0], b[1]])) / 32_768.0).collect();
        let middle = &samples[9_600..samples.len() - 9_600];
        assert!(share(middle, 440.0) > 0.98, "{speed:?}: {}", share(middle, 440.0));
        assert!(share(middle, 880.0) < 0.01, "{speed:?}");
    }
    // And speech keeps its loudness.
    let file = wav(RATE, 1, &speech(4.0, RATE));
    let mut written = Vec::new();
    play(Source::bytes(&file), Speed::Double, &mut written).unwrap();
    let power = |bytes: &[u8]| {
        let squares = bytes.chunks_exact(2).map(|b| f64::from(i16::from_le_bytes([b[0], b[1]])).powi(2));
        squares.sum::<f64>() / bytes.len() as f64
    };
    let ratio = power(&written) / power(&file[44..]);
    assert!((0.8..1.25).contains(&ratio), "{ratio}");
}

#[test]
fn what_is_written_as_wav_is_read_as_wav() {
    let mut samples = Vec::new();
    play(Source::bytes(&wav(RATE, 1, &tone(440.0, 1.0, RATE))), Speed::Normal, &mut samples).unwrap();
    for said in [Some(u32::try_from(samples.len()).unwrap()), None] {
        let mut file = wav_head(said);
        file.extend(&samples);
        assert!(share(&heard(&file).unwrap(), 440.0) > 0.99);
    }
}

// ---------------------------------------------------------------- files that lie

#[test]
fn heads_that_lie_are_refused_or_not_believed() {
    let samples = tone(440.0, 0.5, 16_000);
    let data: Vec<u8> = samples.iter().flat_map(|s| ((s * 32_767.0) as i16).to_le_bytes()).collect();
    let with = |rate, channels, bits, bytes| {
        let mut file = wav_start(rate, channels, bits, bytes);
        file.extend(&data);
        file
    };
    let begun = Instant::now();
    // More than there is: what is there.
    assert_eq!(heard(&with(16_000, 1, 16, 2_000_000_000)).unwrap().len(), 24_000);
    // Less than there is: what is said.
    assert_eq!(heard(&with(16_000, 1, 16, 8_000)).unwrap().len(), 12_000);
    for (rate, channels, bits) in [
        (0, 1, 16),
        (1, 1, 16),
        (u32::MAX, 1, 16),
        (16_000, 0, 16),
        (16_000, u16::MAX, 16),
        (16_000, 200, 16),
        (16_000, 1, 0),
        (16_000, 1, 63),
    ] {
        let wrong = heard(&with(rate, channels, bits, 16_000));
        assert_eq!(code(wrong), "malformedSound", "{rate} {channels} {bits}");
    }
    for wrong in [
        &b""[..],
        b"RIFF",
        b"RIFF\xff\xff\xff\xffWAVE",
        b"OggS",
        b"fLaC\0\0\0\x22",
        b"ID3\x04\0\0\x7f\x7f\x7f\x7f",
    ] {
        assert_eq!(code(heard(wrong)), "malformedSound", "{wrong:?}");
    }
    assert_eq!(code(heard(&with(16_000, 1, 16, 0))), "emptySound");
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
}

#[test]
fn sound_without_end_ends() {
    struct Endless(u64);
    impl Read for Endless {
        fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
            self.0 += into.len() as u64;
            into.fill(7);
            Ok(into.len())
        }
    }
    let head = wav_start(8_000, 1, 16, u32::MAX);
    let source = Source::stream((&head[..]).chain(Endless(0)));
    let mut most = 0;
    let ended = hear(source, Duration::from_secs(20), &mut |samples| {
        most = most.max(samples.len());
        Ok(())
    });
    assert_eq!(code(ended), "soundTooLong");
    assert!(most < 100_000, "piece by piece");
    // And bytes in which nothing is to be found, which end all the same.
    assert_eq!(
        code(hear(Source::stream(Endless(0).take(4_000_000)), MAX, &mut |_| Ok(()))),
        "malformedSound"
    );
}

const MAX: Duration = Duration::from_secs(5);

#[test]
fn packets_without_sound_are_not_endless() {
    let mut out = |_: &[f32]| Ok(());
    let mut ear = decode::Ear::new(MAX, &mut out);
    let ended = (0..=crate::limits::MAX_SOUND_PACKETS).find_map(|_| ear.packet().err());
    assert_eq!(ended.map(|error| error.code()), Some("soundTooLong"));
    let bad = (0..=crate::limits::MAX_BAD_SOUND_PACKETS).find_map(|_| ear.bad_packet().err());
    assert_eq!(bad.map(|error| error.code()), Some("malformedSound"));
}

#[test]
fn the_length_is_what_a_file_says() {
    assert_eq!(length(Source::bytes(&wav(16_000, 1, &tone(440.0, 1.5, 16_000)))), 1_500);
    assert_eq!(length(Source::bytes(b"no sound at all")), 0);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(60) })]

    /// Files that were tampered with are heard or refused: never a panic, never more than is wanted.
    #[test]
    fn tampered_sound_is_heard_or_refused(
        kind in 0..2_usize,
        changes in prop::collection::vec((0..4_000_usize, any::<u8>()), 1..10),
        near in prop::collection::vec((0..120_usize, any::<u8>()), 0..4),
        cut in 60..6_000_usize,
    ) {
        let samples = speech(0.4, 16_000);
        let mut file = if kind == 0 { wav(16_000, 1, &samples) } else { opus(18_000, &speech(0.4, RATE), 1) };
        for (at, byte) in changes.into_iter().chain(near) {
            let at = at % file.len();
            file[at] = byte;
        }
        file.truncate(cut);
        let mut all = 0;
        let result = hear(Source::bytes(&file), MAX, &mut |samples| {
            all += samples.len() as u64;
            prop_assert_sane(samples)
        });
        prop_assert!(all <= 5 * u64::from(RATE));
        prop_assert!(result.is_err() || all > 0);
        let _voice = voice(Source::bytes(&file));
        let _length = length(Source::bytes(&file));
    }
}

fn prop_assert_sane(samples: &[f32]) -> Result<(), Unhearable> {
    assert!(samples.iter().all(|sample| sample.is_finite() && sample.abs() <= 1.5));
    Ok(())
}

/// An element of a WebM file.
fn element(id: &[u8], content: &[u8]) -> Vec<u8> {
    let length = 0x1000_0000 | u32::try_from(content.len()).unwrap();
    [id, &length.to_be_bytes(), content].concat()
}

/// Opus in WebM, as a browser records it: the length of what is still being written is not known.
fn recorded(ogg: &[u8]) -> Vec<u8> {
    let mut reader = OggOpusReader::new(ogg).unwrap();
    let mut head = Vec::new();
    // The identification header is the first page's one packet (RFC 7845, section 5.1).
    head.extend_from_slice(&ogg[28..28 + 19]);
    let track = element(&[0xae], &element(&[0x63, 0xa2], &head));
    let mut file = element(&[0x1a, 0x45, 0xdf, 0xa3], b"");
    file.extend([0x18, 0x53, 0x80, 0x67, 0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]);
    file.extend(element(&[0x16, 0x54, 0xae, 0x6b], &track));
    file.extend([0x1f, 0x43, 0xb6, 0x75, 0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]);
    while let Some(packet) = reader.read_packet().unwrap() {
        let block = [&[0x81, 0, 0, 0x80][..], &packet.data].concat();
        file.extend(element(&[0xa3], &block));
    }
    file
}

#[test]
fn what_a_browser_records_is_heard_as_it_was_said() {
    let said = speech(3.0, RATE);
    let voice = voice(Source::bytes(&wav(RATE, 1, &said))).unwrap();
    let recording = recorded(&voice.file);
    let (file, duration_ms) = crate::media::film::ogg(&recording).unwrap();
    assert!(duration_ms.abs_diff(voice.duration_ms) <= 60, "{duration_ms} {}", voice.duration_ms);
    let (one, other) = (heard(&voice.file).unwrap(), heard(&file).unwrap());
    // The encoder's last packet plays to its end: nobody says where the recording stopped.
    assert!(other.len().abs_diff(one.len()) <= 2_880);
    assert_eq!(one.get(..100_000), other.get(..100_000));
    // Cut off in the middle it is heard up to there; changed, it is heard or refused.
    let cut = &recording[..recording.len() / 2];
    assert!(heard(&crate::media::film::ogg(cut).unwrap().0).unwrap().len() > 50_000);
    assert_eq!(crate::media::film::ogg(&voice.file), None);
}
