import { type ExpressivityCurve, expressivityCurve, interactability, type Interaction } from '../analysis/index.js'
import { Irreps } from '../o3/irreps.js'
import { defineCommand, type Io } from './command.js'
import { scientific } from './format.js'
import { couplingName, describeLosses, isAllowed, lostCouplings } from './losses.js'
import { checkReached, createInto, type Method, METHOD_NAMES, type MethodName, METHODS, type Sides } from './methods.js'
import { flag, integer, irreps, names } from './options.js'
import { type Column, table } from './table.js'

/** One algorithm of each kind of product: the others compute the same map. */
const KINDS: readonly MethodName[] = ['cg-sparse', 'gaunt-sparse', 'vector-sparse', 'matrix']

interface Study {
  method: MethodName
  expressivity: ExpressivityCurve
  interactability: Interaction[]
}

export const command = defineCommand({
  positionals: [],
  about: `Says which equivariant bilinear maps in1 x in2 -> out each product can express.

Between linear layers, Lin_out(T(Lin_1(x1), Lin_2(x2))), a product of 1, 2, 3, ... channels of each
irrep reaches a set of maps; shown is its dimension, the rank of its Jacobian at random weights, until
it has all maps of the couplings l1 x l2 -> l3 that the product has. Couplings that it lacks are lost
whatever its channels; they are listed with the reason for each.`,
  examples: [
    'gauntlet express',
    'gauntlet express --in1 0e+1e+2e+3e --out 0e+1e+2e --methods cg-sparse,grid',
    'gauntlet express --in1 4x0e+4x1o --in2 0e+1o+2e --table',
    'gauntlet express --json > express.json',
  ],
  options: {
    in1: irreps('IRREPS', 'of the first input', '0e+1o+2e'),
    in2: irreps('IRREPS', 'of the second input (those of the first)'),
    out: irreps('IRREPS', 'of the output (all that triangle and parity allow, once each)'),
    methods: names('LIST', 'products', METHOD_NAMES, KINDS),
    'most-channels': integer('N', 'where to stop widening a product', { min: 1, max: 64, initial: 8 }),
    seed: integer('N', 'of the random weights', { min: 0, max: 2 ** 32 - 1, initial: 1 }),
    table: flag('list every coupling, and which products have it'),
    json: flag('one JSON document instead of tables'),
  },
  check: (values) => {
    checkReached(sidesOf(values))
  },
  run: (values, _, io) => {
    const sides = sidesOf(values)
    const studies = values.methods.map((name) => {
      io.progress(METHODS[name].title)
      return study(METHODS[name], sides, values['most-channels'], values.seed)
    })
    io.progress('')
    if (values.json) io.out(`${JSON.stringify({ ...sides, seed: values.seed, products: studies }, null, 2)}\n`)
    else print(io, sides, studies, values.table)
    return 0
  },
})

function sidesOf({ in1, in2 = in1, out = new Irreps(in1.product(in2)) }: Partial<Sides> & { in1: Irreps }): Sides {
  return { in1, in2, out }
}

function study(method: Method, { in1, in2, out }: Sides, mostChannels: number, seed: number): Study {
  using product = createInto(method, { in1, in2, out }, 'cpu')
  return {
    method: method.name,
    expressivity: expressivityCurve((wide1, wide2) => createInto(method, { in1: wide1, in2: wide2, out }, 'cpu'), {
      ...{ in1, in2, out, mostChannels, seed },
    }),
    interactability: interactability(product, { out }),
  }
}

function print(io: Io, { in1, in2, out }: Sides, studies: readonly Study[], everything: boolean): void {
  const [{ mapSpace, triples, outputDimension }] = studies.map(({ expressivity }) => expressivity)
  io.out(
    `${in1.toString()} x ${in2.toString()} -> ${out.toString()}\n` +
      `${triples} couplings of ${outputDimension} numbers; equivariant bilinear maps have ${mapSpace} dimensions\n\n`,
  )
  io.out(
    table(studies, [
      { title: 'product', align: 'left', cell: ({ method }) => METHODS[method].title },
      {
        title: 'couplings',
        cell: ({ interactability }) => `${interactability.filter(isCoupled).length} of ${triples}`,
      },
      { title: 'maps of them', cell: ({ expressivity }) => `${expressivity.coupledSpace} of ${mapSpace}` },
      {
        title: 'channels for all',
        cell: ({ expressivity: { enough, points } }) => `${enough ?? `> ${points.length}`}`,
      },
      { title: 'gap', cell: ({ expressivity }) => scientific(Math.min(...expressivity.points.map(({ gap }) => gap))) },
      {
        title: 'dimensions that 1, 2, ... channels reach',
        align: 'left',
        cell: ({ expressivity }) => expressivity.points.map(({ reached }) => reached).join(', '),
      },
    ]),
  )
  io.out(`\n${losses(studies)}`)
  if (everything) io.out(`\n${couplingTable(studies)}`)
}

const isCoupled = ({ coupled }: Interaction): boolean => coupled

function losses(studies: readonly Study[]): string {
  const lines = studies.map(({ method, interactability }) => {
    return describeLosses(METHODS[method].title, lostCouplings(interactability))
  })
  return lines.join('')
}

function couplingTable(studies: readonly Study[]): string {
  const rows = studies[0].interactability.map((row, n) => ({ row, n })).filter(({ row }) => isAllowed(row))
  const products = studies.map(({ method, interactability }): Column<(typeof rows)[number]> => {
    return { title: method, align: 'left', cell: ({ n }) => (interactability[n].coupled ? 'yes' : '-') }
  })
  return table(rows, [{ title: 'coupling', align: 'left', cell: ({ row }) => couplingName(row) }, ...products])
}
