// Random numbers that come again, so that a failure does.

/** A small generator with a seed (mulberry32): `below(bound)`. */
export function random(seed) {
  return (bound) => {
    seed = (seed + 0x6d2b79f5) | 0
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) % bound
  }
}
