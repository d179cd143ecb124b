export { MovingAverage } from './average.js'
export { Adam, type AdamOptions, clipFactor, normOf, type TrainedParameter } from './optimizer.js'
export {
  ConstantSchedule,
  ExponentialSchedule,
  PlateauSchedule,
  type Schedule,
  type ScheduleState,
} from './schedule.js'
