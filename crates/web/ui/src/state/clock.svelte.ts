// The time as far as what is drawn depends on it: to the half minute.
const STEP_MS = 30_000

class Clock {
  now = $state(Date.now())

  constructor() {
    setInterval(() => (this.now = Date.now()), STEP_MS)
    document.addEventListener('visibilitychange', () => (this.now = Date.now()))
  }
}

export const clockwork = new Clock()
