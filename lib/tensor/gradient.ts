import { add, zerosLike } from './elementwise.js'
import { checkShape, fill, type Tensor } from './tensor.js'

/**
 * The gradients of <seed, of> with respect to tensors that `of` is made of, by reverse mode: from `of` down, every operation turns
 * the gradient of its result into those of its inputs,
 *
 *     grad[x] = sum over results y of x of  (dy/dx)^T grad[y]
 *
 * They are tensors like all others and can be differentiated again.
 *
 * @param seed of the shape of `of`; ones by default, so that without it these are gradients of the sum of all numbers
 * @returns a tensor of the shape of each of `by`, zero where `of` does not depend on it
 * @example
 * const [slope] = gradient(energies, [positions])
 * const [second] = gradient(slope, [weight], v) // of <v, slope>
 */
export function gradient(of: Tensor, by: readonly Tensor[], seed: Tensor = fill(of.rows, of.dim, 1)): Tensor[] {
  checkShape(seed, of.rows, of.dim, 'seed')
  const order = sorted([of])
  const depends = new Set<Tensor>(by)
  for (const tensor of order) if (tensor.inputs.some((input) => depends.has(input))) depends.add(tensor)
  const gradients = new Map<Tensor, Tensor[]>([[of, [seed]]])
  const found = new Map<Tensor, Tensor>()
  for (const tensor of order.toReversed()) {
    const parts = gradients.get(tensor)
    if (parts === undefined || !depends.has(tensor)) continue
    const grad = add(parts)
    found.set(tensor, grad)
    const wanted = tensor.inputs.map((input) => depends.has(input))
    if (!wanted.includes(true)) continue
    tensor.operation.vjp(tensor.inputs, grad, wanted).forEach((part, n) => {
      if (part === undefined || !wanted[n]) return
      const input = tensor.inputs[n]
      if (!gradients.has(input)) gradients.set(input, [])
      gradients.get(input)!.push(part)
    })
  }
  return by.map((tensor) => found.get(tensor) ?? zerosLike(tensor))
}

/** Everything that tensors are made of, every tensor after its inputs. */
export function sorted(outputs: readonly Tensor[]): Tensor[] {
  const order: Tensor[] = []
  const seen = new Set<Tensor>()
  // A stack of its own: expressions are deeper than JavaScript's.
  const stack: { tensor: Tensor; next: number }[] = []
  const visit = (tensor: Tensor): void => {
    if (seen.has(tensor)) return
    seen.add(tensor)
    stack.push({ tensor, next: 0 })
  }
  for (const output of outputs) {
    visit(output)
    while (stack.length > 0) {
      const top = stack.at(-1)!
      if (top.next < top.tensor.inputs.length) {
        visit(top.tensor.inputs[top.next++])
      } else {
        order.push(top.tensor)
        stack.pop()
      }
    }
  }
  return order
}
