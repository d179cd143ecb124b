import { Irreps } from '../../lib/o3/irreps.js'
import { type Instruction, type Mode, weightedPaths } from '../../lib/product/instruction.js'
import { countAllWeights, type WeightedDefinition } from '../../lib/product/weighted-reference.js'
import { loadReference, type ReferenceCase } from '../reference/load.js'

export const e3nnProducts = loadReference('e3nn-products')

/** e3nn's own words for a path; `coeff` holds all of its normalization. */
interface E3nnInstruction {
  i_in1: number
  i_in2: number
  i_out: number
  mode: Mode
  has_weight: boolean
  coeff: number
  path_shape: number[]
  weight_offset?: number
}

export interface E3nnCase extends ReferenceCase {
  kind: 'tensor_product'
  tp: 'TensorProduct' | 'FullyConnectedTensorProduct' | 'ElementwiseTensorProduct'
  irreps_in1: string
  irreps_in2: string
  irreps_out: string
  weight_numel: number
  shared_weights: boolean
  batch: number
  instructions: E3nnInstruction[]
  irrep_normalization: 'component' | 'norm'
  path_normalization: 'element' | 'path'
  filter_ir_out?: string[] | null
  in1_var?: number[]
  in2_var?: number[]
  out_var?: number[]
  user_path_weights?: number[]
}

export const productCases = e3nnProducts.cases.filter(({ kind }) => kind === 'tensor_product') as E3nnCase[]
export const numericCases = productCases.filter(({ arrays }) => arrays.out !== undefined)

/** What e3nn's TensorProduct was called with. */
export function instructionsOf(reference: E3nnCase): Instruction[] {
  return reference.instructions.map(({ i_in1, i_in2, i_out, mode, has_weight }, n) => ({
    in1: i_in1,
    in2: i_in2,
    out: i_out,
    mode,
    hasWeight: has_weight,
    pathWeight: reference.user_path_weights?.[n] ?? 1,
  }))
}

export function definitionOf(reference: E3nnCase): WeightedDefinition {
  const [irrepsIn1, irrepsIn2, irrepsOut] = [reference.irreps_in1, reference.irreps_in2, reference.irreps_out].map(
    (irreps) => new Irreps(irreps),
  )
  const ones = ({ length }: Irreps) => new Array<number>(length).fill(1)
  const paths = weightedPaths([irrepsIn1, irrepsIn2, irrepsOut], instructionsOf(reference), {
    irrepNormalization: reference.irrep_normalization,
    pathNormalization: reference.path_normalization,
    variances: [
      reference.in1_var ?? ones(irrepsIn1),
      reference.in2_var ?? ones(irrepsIn2),
      reference.out_var ?? ones(irrepsOut),
    ],
  })
  const sharedWeights = reference.shared_weights
  return { irrepsIn1, irrepsIn2, irrepsOut, paths, weightNumel: countAllWeights(paths), sharedWeights }
}

/** An array of a case; empty where the product has no weights and so no such array. */
export function arrayOf(reference: ReferenceCase, key: string): Float64Array {
  const name = reference.arrays[key]
  if (name !== undefined) return e3nnProducts.array(name).data
  if (['w', 'vw', 'grad_w', 'dblall_w', 'dbl1_w'].includes(key)) return new Float64Array(0)
  throw new Error(`no array ${key} in ${reference.name}`)
}
