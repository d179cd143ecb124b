/** Calls and seconds of operations, by their names. */
export type Profile = Map<string, { calls: number; seconds: number }>

/**
 * Seconds by kind of operation, which is the first word of its name; most first.
 *
 * @example
 * for (const [kind, seconds] of secondsByKind(program.profile)) console.log(kind, seconds)
 */
export function secondsByKind(profile: Profile): Map<string, number> {
  const kinds = new Map<string, number>()
  for (const [name, { seconds }] of profile) {
    const [kind] = name.split(' ')
    kinds.set(kind, (kinds.get(kind) ?? 0) + seconds)
  }
  return new Map([...kinds].sort(([, a], [, b]) => b - a))
}
