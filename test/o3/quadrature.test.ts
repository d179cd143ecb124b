import { describe, expect, it } from 'vitest'
import { gaussLegendre } from '../../lib/o3/quadrature.js'
import { errorOf, maxDifference } from './helpers.js'

describe('gaussLegendre', () => {
  it('has closed forms for n = 1, 2, 3', () => {
    expect(gaussLegendre(1)).toEqual({ nodes: Float64Array.of(0), weights: Float64Array.of(2) })
    const two = gaussLegendre(2)
    expect(maxDifference(two.nodes, [-1 / Math.sqrt(3), 1 / Math.sqrt(3)])).toBeLessThan(1e-15)
    expect(maxDifference(two.weights, [1, 1])).toBeLessThan(1e-15)
    const three = gaussLegendre(3)
    expect(maxDifference(three.nodes, [-Math.sqrt(0.6), 0, Math.sqrt(0.6)])).toBeLessThan(1e-15)
    expect(maxDifference(three.weights, [5 / 9, 8 / 9, 5 / 9])).toBeLessThan(1e-15)
  })

  it.each([4, 11, 64, 199, 200])('integrates polynomials to degree 2n - 1 for n = %i', (n) => {
    const { nodes, weights } = gaussLegendre(n)
    for (const degree of [0, 2, n, n + 1, 2 * n - 2, 2 * n - 1]) {
      const sum = nodes.reduce((total, x, i) => total + weights[i] * x ** degree, 0)
      expect(Math.abs(sum - (degree % 2 === 0 ? 2 / (degree + 1) : 0))).toBeLessThan(1e-14)
    }
  })

  it('fails at degree 2n, as it must', () => {
    const { nodes, weights } = gaussLegendre(3)
    expect(Math.abs(nodes.reduce((sum, x, i) => sum + weights[i] * x ** 6, 0) - 2 / 7)).toBeGreaterThan(1e-3)
  })

  // mpmath 1.3.0, 30 digits: the last node and weight of the rule with 200 nodes, where rounding hurts most.
  it('keeps its digits at the ends', () => {
    const { nodes, weights } = gaussLegendre(200)
    expect(Math.abs(nodes[199] - 0.99992807128506997705)).toBeLessThan(2e-16)
    expect(Math.abs(weights[199] / 0.00018459009747129744397 - 1)).toBeLessThan(1e-14)
  })

  it('is symmetric, ascending and positive', () => {
    for (const n of [7, 50, 1001]) {
      const { nodes, weights } = gaussLegendre(n)
      for (let i = 0; i < n; i++) {
        expect(nodes[i] + nodes[n - 1 - i]).toBe(0)
        expect(weights[i]).toBe(weights[n - 1 - i])
        expect(weights[i]).toBeGreaterThan(0)
        if (i > 0) expect(nodes[i]).toBeGreaterThan(nodes[i - 1])
      }
      expect(Math.abs(weights.reduce((sum, w) => sum + w, 0) - 2)).toBeLessThan(1e-13)
    }
  })

  it.each([0, -1, 2.5, NaN, Infinity, 4097, '3', undefined])('refuses %s', (n) => {
    expect(errorOf(() => gaussLegendre(n as number)).code).toBe('ERR_ARGUMENT')
  })

  it('hands out copies', () => {
    gaussLegendre(5).nodes.fill(7)
    expect(gaussLegendre(5).nodes.includes(7)).toBe(false)
  })
})
