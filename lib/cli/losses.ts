import { tripleName } from '../analysis/coupled-channels.js'
import type { Interaction } from '../analysis/index.js'
import { Irrep } from '../o3/irreps.js'
import { mayCouple } from '../product/path.js'

const irrepsOf = ({ l1, p1, l2, p2, l3, p3 }: Interaction) =>
  [new Irrep(l1, p1), new Irrep(l2, p2), new Irrep(l3, p3)] as const

/** `1o x 1o -> 1e` */
export const couplingName = (row: Interaction): string => tripleName(...irrepsOf(row))

/** Whether triangle and parity allow it. */
export const isAllowed = (row: Interaction): boolean => mayCouple(...irrepsOf(row))

/** What a product lacks of what triangle and parity allow. */
export function lostCouplings(interactions: readonly Interaction[]): Interaction[] {
  return interactions.filter((row) => !row.coupled && isAllowed(row))
}

/** What it lacks by reason, as lines for people; those who lose nothing are told so. */
export function describeLosses(who: string, lost: readonly Interaction[]): string {
  if (lost.length === 0) return `${who}: nothing is lost\n`
  const reasons = [...new Set(lost.map(({ reason }) => reason))]
  const groups = reasons.map((reason) => {
    const rows = lost.filter((row) => row.reason === reason).map(couplingName)
    const some = rows.slice(0, 4).join(', ') + (rows.length > 4 ? ', ...' : '')
    return `  ${rows.length}: ${reason}\n    ${some}\n`
  })
  return `${who}: lost are\n${groups.join('')}`
}
