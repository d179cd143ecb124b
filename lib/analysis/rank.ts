import { createRequire } from 'node:module'
import { GauntletError } from '../runtime/errors.js'

export interface RankDecision {
  rank: number
  /**
   * Last singular value kept over the first one dropped, or over rounding (2^-52 of the largest) where that is more. Infinity
   * where there is nothing to decide: all are zero.
   */
  gap: number
}

/** Singular values below this part of the largest are rounding: they come out near 1e-15. */
const ROUNDING = 1e-11
/** Between values that count and rounding there must be this factor. */
const CLEAR_GAP = 1e3

/**
 * The rank of a matrix by its singular values.
 *
 * @param values row-major [rows, columns]
 * @throws GauntletError ERR_PRECISION where float64 does not tell small singular values from rounding
 */
export function numericalRank(rows: number, columns: number, values: Float64Array): RankDecision {
  if (values.every((value) => value === 0)) return { rank: 0, gap: Infinity }
  const singular = singularValues(rows, columns, values)
  const kept = singular.filter((value) => value > ROUNDING * singular[0])
  const dropped = Math.max(singular.at(kept.length) ?? 0, Number.EPSILON * singular[0])
  const gap = kept[kept.length - 1] / dropped
  if (gap < CLEAR_GAP) {
    throw new GauntletError(
      'ERR_PRECISION',
      `Expected singular values that differ by a factor of ${CLEAR_GAP} or more where the rank of a ${rows} x ${columns} matrix is ` +
        `decided, but received a factor of ${gap.toPrecision(3)} after ${kept.length}; try another seed`,
    )
  }
  return { rank: kept.length, gap }
}

/** Descending. */
function singularValues(rows: number, columns: number, values: Float64Array): number[] {
  // Loaded here: only whoever asks for a rank needs linear algebra.
  const { Matrix, SingularValueDecomposition } = createRequire(__filename)('ml-matrix') as typeof import('ml-matrix')
  const { diagonal } = new SingularValueDecomposition(Matrix.from1DArray(rows, columns, Array.from(values)), {
    computeLeftSingularVectors: false,
    computeRightSingularVectors: false,
    autoTranspose: true,
  })
  return diagonal
}
