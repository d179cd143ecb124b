export { MovingAverage } from './average.js'
export { Adam, type AdamOptions, clipFactor, GradientNorm } from './optimizer.js'
export { type NamedArrays, ParameterSet, type TrainedParameter } from './parameters.js'
export {
  ConstantSchedule,
  ExponentialSchedule,
  PlateauSchedule,
  type Schedule,
  type ScheduleState,
} from './schedule.js'
