/** Statistics of the state of lights: add each light's outcome once, and read any figure off the set. */
export {
  bootstrapStateDifferences,
  bootstrapStates,
  mcnemarOfStates,
  reliabilityOf,
  stateValues,
} from './figures.js';
export type { StateCell, StateDifference, StateInterval, StateMetric, StateValue } from './figures.js';
export { StateSet } from './stateSet.js';
export type { StateOutcome } from './stateSet.js';
