/** The slope of values over time by least squares, one value after the other. */
export class Drift {
  #count = 0
  #meanTime = 0
  #mean = 0
  #timeSquares = 0
  #products = 0

  /** Takes in a value at a time. */
  add(time: number, value: number): void {
    this.#count++
    const [fromTime, from] = [time - this.#meanTime, value - this.#mean]
    this.#meanTime += fromTime / this.#count
    this.#mean += from / this.#count
    // Sums of squares about the means so far: nothing large is ever subtracted from anything large.
    this.#timeSquares += fromTime * (time - this.#meanTime)
    this.#products += fromTime * (value - this.#mean)
  }

  /** The mean of all values. */
  get mean(): number {
    return this.#mean
  }

  /** NaN of fewer than two times. */
  get slope(): number {
    return this.#products / this.#timeSquares
  }
}
