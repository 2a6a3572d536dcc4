// Recording what is said: Opus where the browser can, with its loudness while it runs.

/** What browsers record, the best first. */
const TYPES = ['audio/ogg;codecs=opus', 'audio/webm;codecs=opus', 'audio/mp4;codecs=opus', 'audio/mp4'] as const
const BITS_PER_SECOND = 32_000
/** Between two values of the loudness. */
export const STEP_MS = 60

export class Recorder {
  #stream: MediaStream
  #recorder: MediaRecorder
  #context: AudioContext
  #analyser: AnalyserNode
  #samples: Uint8Array<ArrayBuffer>
  #chunks: Blob[] = []
  /** When it was begun or went on, and what was recorded before. */
  #since = 0
  #before = 0

  private constructor(stream: MediaStream) {
    this.#stream = stream
    const mimeType = TYPES.find((type) => MediaRecorder.isTypeSupported(type))
    this.#recorder = new MediaRecorder(stream, { audioBitsPerSecond: BITS_PER_SECOND, ...(mimeType ? { mimeType } : {}) })
    this.#recorder.addEventListener('dataavailable', (event) => {
      if (event.data.size > 0) this.#chunks.push(event.data)
    })
    this.#context = new AudioContext()
    this.#analyser = this.#context.createAnalyser()
    this.#analyser.fftSize = 1024
    this.#samples = new Uint8Array(this.#analyser.fftSize)
    this.#context.createMediaStreamSource(stream).connect(this.#analyser)
    this.#recorder.start(1_000)
    this.#since = performance.now()
  }

  /** Asks for the microphone. Throws what the browser throws. */
  static async start(): Promise<Recorder> {
    const audio = { echoCancellation: true, noiseSuppression: true, autoGainControl: true, channelCount: 1 }
    return new Recorder(await navigator.mediaDevices.getUserMedia({ audio }))
  }

  get paused(): boolean {
    return this.#recorder.state === 'paused'
  }

  get elapsedMs(): number {
    return this.#before + (this.#since > 0 ? performance.now() - this.#since : 0)
  }

  /** Loudness now, 0 to 1. */
  level(): number {
    this.#analyser.getByteTimeDomainData(this.#samples)
    let sum = 0
    for (const sample of this.#samples) sum += ((sample - 128) / 128) ** 2
    return Math.min(1, Math.sqrt(sum / this.#samples.length) * 3.5)
  }

  pause(): void {
    if (this.#recorder.state !== 'recording') return
    this.#recorder.pause()
    this.#before = this.elapsedMs
    this.#since = 0
  }

  resume(): void {
    if (this.#recorder.state !== 'paused') return
    this.#recorder.resume()
    this.#since = performance.now()
  }

  /** Ends, and gives all of it. */
  async finish(): Promise<Blob> {
    if (this.#recorder.state !== 'inactive') {
      const stopped = new Promise((resolve) => this.#recorder.addEventListener('stop', resolve, { once: true }))
      this.#recorder.stop()
      await stopped
    }
    this.#close()
    return new Blob(this.#chunks, { type: this.#recorder.mimeType.split(';')[0] ?? 'audio/webm' })
  }

  /** Ends, and nothing stays. */
  cancel(): void {
    if (this.#recorder.state !== 'inactive') this.#recorder.stop()
    this.#chunks = []
    this.#close()
  }

  #close(): void {
    for (const track of this.#stream.getTracks()) track.stop()
    void this.#context.close().catch(() => {})
  }
}
