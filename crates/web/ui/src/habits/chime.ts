// The sound of a message that has come: two soft tones, made here.

/** Hertz and seconds from the beginning. */
const TONES = [
  [659.25, 0],
  [880, 0.11],
] as const
const LENGTH_S = 0.28
const LOUDNESS = 0.12

let context: AudioContext | undefined

export function chime(): void {
  context ??= new AudioContext()
  const { currentTime: now, destination } = context
  for (const [pitch, after] of TONES) {
    const tone = context.createOscillator()
    const volume = context.createGain()
    tone.frequency.value = pitch
    volume.gain.setValueAtTime(0, now + after)
    volume.gain.linearRampToValueAtTime(LOUDNESS, now + after + 0.015)
    volume.gain.exponentialRampToValueAtTime(0.0001, now + after + LENGTH_S)
    tone.connect(volume).connect(destination)
    tone.start(now + after)
    tone.stop(now + after + LENGTH_S)
  }
}
