import type { EncodedPlan } from '../runtime/execute.js'
import type { Program } from './circuit.js'

/** An operand of features: blocks of [channels, size] floats for every node. */
export interface FeatureOperand {
  kind: 'features'
  dim: number
  blocks: readonly { offset: number; size: number }[]
}

/** How a part of the weights, [elements, paths, channels] floats, enters what a circuit sees of them. */
export interface Mixing {
  part: number
  path: number
  mixture: number
  value: number
}

/** An operand of weights; mixture = sum over paths of value * weight. */
export interface WeightOperand {
  kind: 'weights'
  numel: number
  parts: readonly { offset: number; paths: number }[]
  mixtures: number
  mixing: readonly Mixing[]
}

export interface TableOperand {
  operand: FeatureOperand | WeightOperand
  result: boolean
  /** Row of the program for every component or mixture. */
  rows: readonly number[]
}

/** A program over nodes as native code reads it; see native/core/contraction.cc. */
export function encodeContraction(
  { channels, elements }: { channels: number; elements: number },
  operands: readonly TableOperand[],
  program: Program,
): EncodedPlan {
  const integers = [channels, elements, program.rows, operands.length]
  const reals: number[] = []
  const extend = (list: number[], more: readonly number[]): void => {
    for (const value of more) list.push(value)
  }
  for (const { operand, result, rows } of operands) {
    integers.push(result ? 1 : 0, operand.kind === 'weights' ? 1 : 0)
    if (operand.kind === 'weights') {
      integers.push(operand.numel, operand.parts.length)
      for (const { offset, paths } of operand.parts) integers.push(offset, paths)
      integers.push(operand.mixtures, operand.mixing.length)
      for (const { part, path, mixture, value } of operand.mixing) {
        integers.push(part, path, mixture)
        reals.push(value)
      }
    } else {
      integers.push(operand.dim, operand.blocks.length)
      for (const { offset, size } of operand.blocks) integers.push(offset, size)
    }
    extend(integers, rows)
  }
  integers.push(program.runs.length)
  for (const { rows, products, multiples } of program.runs) integers.push(rows, products, multiples)
  extend(integers, program.targets)
  extend(integers, program.factors)
  for (const { row, factor } of program.multiples) {
    integers.push(row)
    reals.push(factor)
  }
  return { integers: Int32Array.from(integers), reals: Float64Array.from(reals) }
}
