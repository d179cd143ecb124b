export { type Cost } from './cost.js'
export { FullTensorProduct, type FullTensorProductOptions } from './full.js'
export { GauntTensorProduct, type GauntTensorProductOptions } from './gaunt.js'
export { type GridSize } from './grid.js'
export { MatrixTensorProduct, type MatrixTensorProductOptions } from './matrix.js'
export { type Path } from './path.js'
export {
  type AsyncGradientOptions,
  type Directions,
  type GradientOptions,
  type Gradients,
  type InputName,
  type OperandName,
} from './derivative.js'
export { type ForwardAsyncOptions, type ForwardOptions, Product, type ProductOptions } from './product.js'
export { referenceForward, referenceWithout } from './reference.js'
