export { type Batch, bindBatch, edgeVectors, joinBatches, makeBatch } from './batch.js'
export { Calculator } from './calculator.js'
export { readMaceCheckpoint } from './checkpoint.js'
export {
  configure,
  type InteractionName,
  type MaceConfiguration,
  type MaceOptions,
  type ProductChoice,
  SILU_CONSTANT,
} from './configuration.js'
export { parseConfig, readConfig, type TrainingConfig } from './config.js'
export { type PredictionErrors } from './errors.js'
export { type Evaluation, Evaluator } from './evaluator.js'
export { fromHyperparameters, MACE_NAMES, toHyperparameters } from './hyperparameters.js'
export { EnergyForcesLoss, type LossWeights, type Targets } from './loss.js'
export { Mace } from './model.js'
export { ModelProgram, type Precision, type ProgramArray, toFloat64 } from './model-program.js'
export { readModel, writeModel } from './model-file.js'
export { type Parameter, type Weights } from './parameters.js'
export { predict, type Prediction } from './prediction.js'
export { loadMace, type StateDict, type StateTensor, weightsOf } from './state-dict.js'
export { type EpochReport } from './trainer.js'
export { prepareTraining, type Training } from './training.js'
