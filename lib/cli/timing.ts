/** A time in seconds and its spread. */
export interface Interval {
  median: number
  /** A tenth of the runs were faster than `p10`, a tenth slower than `p90`. */
  p10: number
  p90: number
}

/** What repeated runs of one thing took, in seconds. */
export interface Timing extends Interval {
  repetitions: number
}

/** Whether the deciles of two times leave open which is smaller. */
export function isOverlapping(a: Interval, b: Interval): boolean {
  return a.p10 <= b.p90 && b.p10 <= a.p90
}

export interface TimingOptions {
  /** Seconds to spend, about. */
  budget: number
  /** Runs that are made however long they take. */
  least?: number
  most?: number
}

/** Times `run(i)`, i = 0, 1, 2, ... Two runs before the first that counts fill caches and start threads. */
export function time(run: (repetition: number) => void, { budget, least = 5, most = 10_000 }: TimingOptions): Timing {
  run(0)
  run(1)
  const seconds: number[] = []
  const start = performance.now()
  while (seconds.length < least || (seconds.length < most && performance.now() - start < 1e3 * budget)) {
    const before = performance.now()
    run(seconds.length)
    seconds.push((performance.now() - before) / 1e3)
  }
  return summarize(seconds)
}

/** Median and deciles of a sample. */
export function summarize(seconds: readonly number[]): Timing {
  const sorted = [...seconds].sort((a, b) => a - b)
  const quantile = (q: number): number => {
    const at = q * (sorted.length - 1)
    const below = Math.floor(at)
    const above = Math.min(below + 1, sorted.length - 1)
    return sorted[below] + (at - below) * (sorted[above] - sorted[below])
  }
  return { median: quantile(0.5), p10: quantile(0.1), p90: quantile(0.9), repetitions: sorted.length }
}
