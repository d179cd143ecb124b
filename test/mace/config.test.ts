import Ajv from 'ajv'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parseConfig, trainingSchema } from '../../lib/mace/config.js'

const data = { train: 'train.xyz' }

describe('parseConfig', () => {
  it('fills in what is left out', () => {
    const config = parseConfig({ data })
    expect(config).toMatchObject({
      seed: 123,
      batchSize: 10,
      amsgrad: true,
      stageTwo: null,
      data: { validFraction: 0.1 },
    })
    expect(config.model).toMatchObject({ product: 'cg', correlation: 3, radialMlp: [64, 64, 64] })
    expect(config.schedule).toEqual({ kind: 'plateau', factor: 0.8, patience: 50 })
    expect(parseConfig({ data, epochs: 50, stageTwo: {} }).stageTwo).toMatchObject({
      start: 36,
      loss: { energy: 1000 },
    })
  })

  it('leaves what it is given alone', () => {
    const given = { data: { ...data } }
    parseConfig(given)
    expect(given).toEqual({ data })
  })

  it.each([
    [{}, 'Expected a value for data but received none'],
    [{ data: {} }, 'Expected a value for data.train but received none'],
    [{ data, batchSise: 3 }, 'batchSise'],
    [
      { data, model: { product: 'gaunt' } },
      'Expected one of cg, gaunt-fourier, grid, grid-large, grid-odd for model.product',
    ],
    [{ data, model: { correlation: 7 } }, 'model.correlation but received 7'],
    [{ data, learningRate: '0.01' }, 'Expected number for learningRate but received "0.01"'],
    [{ data, epochs: 1.5 }, 'epochs'],
    [{ data, schedule: { kind: 'plateau', factor: 2 } }, 'schedule.factor'],
    [
      { data, schedule: { kind: 'cosine' } },
      'Expected one of plateau, exponential, constant for schedule.kind but received "cosine"',
    ],
    [{ data, schedule: { kind: 'exponential', gamma: 2 } }, 'schedule.gamma but received 2'],
    [{ data, stageTwo: true }, 'Expected null or object for stageTwo but received true'],
    [{ data, clip: 'no' }, 'Expected null or number for clip but received "no"'],
    [{ data, stageTwo: { start: 100 }, epochs: 100 }, 'Expected stageTwo.start below epochs (100)'],
    [{ data, output: 7 }, 'output'],
    [{ data, name: '../../etc' }, 'name'],
    ['nothing', 'the whole'],
    [null, 'the whole'],
  ])('refuses %j', (given, message) => {
    expect(() => parseConfig(given)).toThrow(message)
  })

  it('has a JSON schema that takes what it takes', () => {
    const validate = new Ajv({ strict: false }).compile(JSON.parse(JSON.stringify(trainingSchema())) as object)
    const documented = /```json\n(.*?)```/s.exec(
      readFileSync(join(__dirname, '../../docs/guide/training.md'), 'utf8'),
    )![1]
    const all = [{ data }, JSON.parse(documented), { data, stageTwo: {}, schedule: { kind: 'constant' }, $schema: 'x' }]
    for (const given of all as object[]) {
      expect(validate(given), JSON.stringify(validate.errors)).toBe(true)
      expect(parseConfig(given)).not.toHaveProperty('$schema')
    }
    for (const given of [{}, { data, batchSise: 3 }, { data, model: { product: 'gaunt' } }, { data, stageTwo: true }]) {
      expect(validate(given)).toBe(false)
      expect(() => parseConfig(given)).toThrow()
    }
  })
})
