/** What a product can express: maps that it reaches, couplings that it has, and why it lacks the others. */
export { bilinearSpace, type BilinearSpace } from './bilinear-space.js'
export { type ProductStructure } from './coupled-channels.js'
export { expressivityCurve, type ExpressivityCurve, type ExpressivityCurveOptions } from './curve.js'
export { expressivity, type Expressivity, type ExpressivityOptions } from './expressivity.js'
export { coupledPairs, interactability, type Interaction, type InteractabilityOptions } from './interactability.js'
