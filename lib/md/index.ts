export { Drift } from './drift.js'
export { BOLTZMANN, DALTON, Dynamics, type DynamicsOptions, type ForceField } from './dynamics.js'
