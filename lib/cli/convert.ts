import { readMaceCheckpoint } from '../mace/checkpoint.js'
import { writeModel } from '../mace/model-file.js'
import { expected, GauntletError } from '../runtime/errors.js'
import { defineCommand } from './command.js'
import { describeModel } from './model.js'
import { text } from './options.js'
import { checkOutput } from './output.js'

export const command = defineCommand({
  positionals: ['CHECKPOINT'],
  about: `Makes a model for eval and md of a MACE model that PyTorch has saved.

CHECKPOINT is the whole model, as MACE's training writes it (NAME.model): MACE or ScaleShiftMACE of any
version that has the same network. Nothing in it is executed. What this package does not compute (other
interactions, pair repulsion, distance transforms, several heads, ...) is refused by its name. Weights
are written in float64, as they are stored, under MACE's names, options as text beside them.`,
  examples: ['gauntlet convert MACE.model -o mace.safetensors'],
  options: {
    out: { ...text('FILE', 'the model, a file named *.safetensors'), short: 'o' },
  },
  check: ({ out }) => {
    if (out === undefined) throw new GauntletError('ERR_ARGUMENT', 'Missing option --out: where to write the model')
    // A checkpoint cannot be made again from what it is converted to, so it is not to be written over.
    if (!out.endsWith('.safetensors')) throw expected('a file named *.safetensors', '--out', out)
  },
  run: async ({ out = '' }, [checkpoint], io) => {
    await checkOutput(out, [checkpoint])
    const { model, weights } = await readMaceCheckpoint(checkpoint, { device: 'cpu' })
    await writeModel(out, model, weights)
    io.err(`${describeModel(model)}wrote ${out}\n`)
    return 0
  },
})
