import { readProvenance, type StoredRun } from '../bench-file.js'
import type { Place } from '../json-file.js'
import { type Html, html } from './html.js'
import { counted } from './views.js'

/** What a run was made with, as a page shows it. */
export type Machine = StoredRun['provenance'] & { cuda?: string }

export type Fact = readonly [term: string, fact: string]

/** @throws GauntletError `ERR_FILE` */
export function readMachine(from: Place): Machine {
  const cuda = from.optional('cuda')?.member('version').text()
  return { ...readProvenance(from), ...(cuda !== undefined && { cuda }) }
}

/** The last part of every page. `more` is what only this kind of page knows. */
export function machineSection(machine: Machine, more: readonly Fact[] = []): Html {
  const { processor, isa, cores, gpu, system, node, version, compiler, cuda, date } = machine
  return html`<section>
    <h2>Machine and build</h2>
    ${factList('machine', [
      ['Processor', `${processor}, ${isa}, ${counted(cores, 'core')}`],
      ...(gpu === undefined ? [] : [['GPU', gpu] as const]),
      ...more,
      ['System', `${system}, Node.js ${node}`],
      ['Build', `gauntlet ${version}, ${compiler}${cuda === undefined ? '' : `, CUDA ${cuda}`}`],
      ['Date', date],
    ])}
  </section>`
}

export function factList(id: string, facts: readonly Fact[]): Html {
  return html`<dl id="${id}">
    ${facts.map(
      ([term, fact]) =>
        html`<dt>${term}</dt>
          <dd>${fact}</dd>`,
    )}
  </dl>`
}
