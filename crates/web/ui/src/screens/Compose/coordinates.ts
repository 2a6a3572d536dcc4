// Coordinates as people copy them: `48.2082, 16.3738`.

export interface Coordinates {
  latitudeE7: number
  longitudeE7: number
}

export function coordinates(text: string): Coordinates | null {
  const found = /^\s*(-?\d{1,2}(?:\.\d+)?)\s*[,;\s]\s*(-?\d{1,3}(?:\.\d+)?)\s*$/.exec(text)
  const [latitude, longitude] = [Number(found?.[1] ?? 'x'), Number(found?.[2] ?? 'x')]
  if (!(Math.abs(latitude) <= 90 && Math.abs(longitude) <= 180)) return null
  return { latitudeE7: Math.round(latitude * 1e7), longitudeE7: Math.round(longitude * 1e7) }
}
