export { ChannelwiseProduct, type ChannelwiseProductOptions } from './channelwise.js'
export {
  Contraction,
  type ContractionGradientOptions,
  type ContractionInput,
  type ContractionOperand,
  type ContractionOptions,
  type WeightPart,
} from './contraction.js'
export { TensorProductConv, type TensorProductConvOptions } from './convolution.js'
export { type Cost } from './cost.js'
export { FullTensorProduct, type FullTensorProductOptions } from './full.js'
export { ElementwiseTensorProduct, type ElementwiseTensorProductOptions } from './elementwise.js'
export { FullyConnectedTensorProduct } from './fully-connected.js'
export { GauntTensorProduct, type GauntTensorProductOptions } from './gaunt.js'
export { type GridSize } from './grid.js'
export { GridContraction, type GridContractionOptions } from './grid-contraction.js'
export { type Instruction, type Mode, type WeightedPath } from './instruction.js'
export { type BipartiteNodes, Graph } from './graph.js'
export { Linear, type LinearGradients, type LinearOptions, type LinearParameters } from './linear.js'
export { type LinearPath } from './mixed.js'
export { MatrixTensorProduct, type MatrixTensorProductOptions } from './matrix.js'
export { type OperandWeightPart, type ScaledOperand } from './operand-weights.js'
export { type CouplingRule, type Path } from './path.js'
export {
  type AsyncGradientOptions,
  type Directions,
  type GradientOptions,
  type Gradients,
  type InputName,
  type OperandName,
} from './derivative.js'
export { type ForwardAsyncOptions, type ForwardOptions, Product, type ProductOptions } from './product.js'
export { SymmetricContraction } from './symmetric-contraction.js'
export { TensorProduct, type TensorProductOptions, type WeightView } from './tensor-product.js'
export { referenceEvaluate, type ReferenceOperands } from './weighted-reference.js'
export { referenceForward, referenceWithout } from './reference.js'
export { VectorTensorProduct, type VectorTensorProductOptions } from './vector.js'
