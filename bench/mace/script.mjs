// What the scripts of this folder share: options, how they end, and medians.
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { fileURLToPath } from 'node:url'

/** What the user can put right; a script ends with its message alone. */
export class UsageError extends Error {}

process.on('uncaughtException', (/** @type {Error & { code?: unknown }} */ error) => {
  const known = error instanceof UsageError || error.name === 'GauntletError'
  console.error(known ? error.message : error)
  process.exit(1)
})

/**
 * The options of a script. With --help it prints the comment that the script begins with, and ends.
 *
 * @template {import('node:util').ParseArgsConfig['options']} O
 * @param {string} url of the script: import.meta.url
 * @param {O} options
 */
export function readOptions(url, options) {
  try {
    const parsed = parseArgs({ options: { ...options, help: { type: 'boolean', short: 'h' } } })
    const { help, ...values } = /** @type {typeof parsed.values & { help?: boolean }} */ (parsed.values)
    if (!help) return /** @type {ReturnType<typeof parseArgs<{ options: O }>>['values']} */ (values)
  } catch (error) {
    console.error(`${/** @type {Error} */ (error).message}\nTry --help.`)
    process.exit(2)
  }
  const [comment] = /^(\/\/.*\n)+/.exec(readFileSync(fileURLToPath(url), 'utf8')) ?? ['']
  process.stdout.write(comment.replace(/^\/\/ ?/gm, ''))
  process.exit(0)
}

/** @param {string} name of an option @param {string} text its value */
export function integer(name, text, least = 0) {
  if (/^\d{1,9}$/.test(text) && Number(text) >= least) return Number(text)
  throw new UsageError(`Expected an integer of at least ${least} for --${name} but received ${JSON.stringify(text)}`)
}

/** Of an even number of values the mean of the two in the middle. @param {readonly number[]} values */
export function median(values) {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = (sorted.length - 1) / 2
  return (sorted[Math.floor(middle)] + sorted[Math.ceil(middle)]) / 2
}
