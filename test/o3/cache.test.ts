import { expect, it } from 'vitest'
import { ArrayCache } from '../../lib/o3/cache.js'

it('computes once, forgets the oldest when full, and keeps nothing huge', () => {
  const cache = new ArrayCache(16)
  const computed: string[] = []
  const get = (key: string, length: number): Float64Array =>
    cache.get(key, () => {
      computed.push(key)
      return new Float64Array(length)
    })
  const keys = Array.from({ length: 8 }, (_, i) => `${i}`)
  for (const key of [...keys, ...keys]) get(key, 2)
  expect(computed.splice(0)).toEqual(keys)
  expect(get('0', 2)).toBe(get('0', 2))

  get('8', 2) // in place of 0
  get('1', 2)
  get('0', 2) // in place of 1
  expect(computed.splice(0)).toEqual(['8', '0'])

  get('huge', 3)
  get('huge', 3)
  get('2', 2)
  expect(computed).toEqual(['huge', 'huge'])
})
