// Where an enlarged picture may lie.

export interface Spot {
  x: number
  y: number
}

/** No farther from the middle than its edges reach those of the window. */
export function settled(wanted: Spot, zoom: number, width: number, height: number): Spot {
  const within = (value: number, length: number) => {
    const most = (length * (zoom - 1)) / 2
    // Not -0.
    return Math.max(-most, Math.min(most, value)) || 0
  }
  return { x: within(wanted.x, width), y: within(wanted.y, height) }
}
