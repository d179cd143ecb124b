import { expected } from '../runtime/errors.js'

/** A rule on the interval [-1, 1]: integral f = sum_i weights[i] f(nodes[i]). */
export interface IntervalRule {
  nodes: Float64Array
  weights: Float64Array
}

const MAX_NODES = 4096

const cache = new Map<number, IntervalRule>()

/**
 * Gauss-Legendre quadrature: n nodes in (-1, 1), exact for polynomials up to degree 2n - 1.
 *
 * Nodes ascend and are exactly symmetric about 0; weights sum to 2. As rings y = node of a sphere, times equally
 * spaced meridians, they integrate products of harmonics. Results are cached; the arrays returned are the caller's own.
 *
 * Method: Newton's iteration on P_n(cos theta) in theta, where the end nodes keep all their digits.
 *
 * @param n number of nodes, 1 to 4096
 * @throws GauntletError ERR_ARGUMENT
 * @example
 * gaussLegendre(2)  // { nodes: [-0.577, 0.577], weights: [1, 1] }
 */
export function gaussLegendre(n: number): IntervalRule {
  let rule = cache.get(n)
  if (rule === undefined) {
    if (!Number.isInteger(n) || n < 1 || n > MAX_NODES) {
      throw expected(`an integer from 1 to ${MAX_NODES}`, 'the number of nodes', n)
    }
    rule = computeGaussLegendre(n)
    cache.set(n, rule)
  }
  return { nodes: rule.nodes.slice(), weights: rule.weights.slice() }
}

function computeGaussLegendre(n: number): IntervalRule {
  const nodes = new Float64Array(n)
  const weights = new Float64Array(n)
  for (let i = 0; i < Math.ceil(n / 2); i++) {
    // The middle node of an odd rule is 0 exactly.
    const isMiddle = 2 * i + 1 === n
    let theta = isMiddle ? Math.PI / 2 : (Math.PI * (i + 0.75)) / (n + 0.5)
    let { value, slope } = polynomial(n, theta)
    // The first guess is off by less than 1/n^2 and each step squares the error.
    for (let step = 0; step < 5 && !isMiddle; step++) {
      theta -= value / slope
      ;({ value, slope } = polynomial(n, theta))
    }
    nodes[n - 1 - i] = isMiddle ? 0 : Math.cos(theta)
    nodes[i] = isMiddle ? 0 : -nodes[n - 1 - i]
    weights[i] = weights[n - 1 - i] = 2 / slope ** 2
  }
  return { nodes, weights }
}

/**
 * P_n(cos theta) and its derivative with respect to theta, by the recursion for differences of neighbours,
 * (k+1) (P_{k+1} - P_k) = k (P_k - P_{k-1}) - (2k+1) (1 - x) P_k, which near x = 1 loses no digits of 1 - x.
 */
function polynomial(n: number, theta: number): { value: number; slope: number } {
  const fromPole = 2 * Math.sin(theta / 2) ** 2
  let value = 1
  let step = 0
  for (let k = 0; k < n; k++) {
    step = (k * step - (2 * k + 1) * fromPole * value) / (k + 1)
    value += step
  }
  return { value, slope: (n * (step - fromPole * value)) / Math.sin(theta) }
}
