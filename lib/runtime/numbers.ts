import { expected } from './errors.js'

/** @throws GauntletError ERR_ARGUMENT unless it is a finite number above 0 */
export function checkPositive(value: unknown, name: string): number {
  if (typeof value !== 'number' || !(value > 0 && value < Infinity)) throw expected('a positive number', name, value)
  return value
}

/** @throws GauntletError ERR_ARGUMENT unless it is a finite number, 0 or more */
export function checkNotNegative(value: unknown, name: string): number {
  if (typeof value !== 'number' || !(value >= 0 && value < Infinity)) throw expected('a number from 0', name, value)
  return value
}

/** @throws GauntletError ERR_ARGUMENT unless it is a finite number */
export function checkFinite(value: unknown, name: string): number {
  if (typeof value !== 'number' || !Number.isFinite(value)) throw expected('a finite number', name, value)
  return value
}

/** @throws GauntletError ERR_ARGUMENT unless it is a whole number within bounds */
export function checkInteger(value: unknown, name: string, least: number, most: number): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < least || value > most) {
    throw expected(`an integer from ${least} to ${most}`, name, value)
  }
  return value
}
