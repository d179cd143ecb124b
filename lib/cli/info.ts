import { buildInfo, cudaStatus, devices, getNumThreads } from '../runtime/index.js'
import { defineCommand } from './command.js'
import { memory } from './format.js'
import { provenance } from './machine.js'
import { flag } from './options.js'
import { table } from './table.js'

export const command = defineCommand({
  positionals: [],
  about: 'Shows the build, the machine and its devices; where no GPU can be used, why.',
  examples: ['gauntlet info', 'gauntlet info --json'],
  options: { json: flag('one JSON document instead of text') },
  run: (values, _, io) => {
    const build = buildInfo()
    const cuda = cudaStatus()
    const all = devices()
    if (values.json) {
      io.out(`${JSON.stringify({ build, cuda, devices: all, threads: getNumThreads() }, null, 2)}\n`)
      return 0
    }
    const { system, node, processor, cores, isa } = provenance('cpu')
    const kernels = build.cuda
      ? `CUDA ${build.cuda.version} for ${build.cuda.architectures.join(', ')}`
      : 'without CUDA'
    const facts: [string, string][] = [
      ['version', build.version],
      ['built with', `${build.compiler}, Node-API ${build.napiVersion}, ${kernels}`],
      ['kernels', `${build.isaLevels.join(', ')}; in use: ${isa}`],
      ['system', `${system}, Node.js ${node}`],
      ['processor', `${processor}, ${cores} cores`],
      ['threads', `${getNumThreads()}`],
      ['GPU', cuda.usable ? `driver for CUDA ${cuda.driver}` : `none: ${cuda.reason}`],
    ]
    io.out(facts.map(([name, value]) => `${name.padEnd(12)}${value}\n`).join(''))
    const rows = table(all, [
      { title: 'device', align: 'left', cell: ({ id }) => id },
      { title: 'name', align: 'left', cell: ({ name }) => name },
      { title: 'memory', cell: (device) => memory(device.memory) },
      {
        title: 'what it is',
        align: 'left',
        cell: (device) =>
          device.kind === 'cpu'
            ? `${device.cores} cores, ${device.isa}`
            : `${device.multiprocessors} multiprocessors, compute capability ${device.computeCapability}`,
      },
    ])
    io.out(`\n${rows}`)
    return 0
  },
})
