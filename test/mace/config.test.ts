import { describe, expect, it } from 'vitest'
import { parseConfig, TrainingSchema } from '../../lib/mace/config.js'

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
    [{}, 'data'],
    [{ data: {} }, 'data.train'],
    [{ data, batchSise: 3 }, 'batchSise'],
    [
      { data, model: { product: 'gaunt' } },
      'Expected one of cg, gaunt-fourier, grid, grid-large, grid-odd for model.product',
    ],
    [{ data, model: { correlation: 7 } }, 'model.correlation but received 7'],
    [{ data, learningRate: '0.01' }, 'Expected number for learningRate but received "0.01"'],
    [{ data, epochs: 1.5 }, 'epochs'],
    [{ data, schedule: { kind: 'plateau', factor: 2 } }, 'schedule.factor'],
    [{ data, stageTwo: { start: 100 }, epochs: 100 }, 'Expected stageTwo.start below epochs (100)'],
    [{ data, output: 7 }, 'output'],
    [{ data, name: '../../etc' }, 'name'],
    ['nothing', 'the whole'],
    [null, 'the whole'],
  ])('refuses %j', (given, message) => {
    expect(() => parseConfig(given)).toThrow(message)
  })

  it('has a JSON schema that is plain JSON', () => {
    const schema = JSON.parse(JSON.stringify(TrainingSchema)) as {
      required: string[]
      properties: Record<string, unknown>
    }
    expect(schema.properties).toHaveProperty('stageTwo')
    expect(schema.properties).toHaveProperty('model')
  })
})
