/** Strings and punctuation of a JSON text; numbers and words stand between. */
const TOKEN = /"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\],:]/g

/** The first key that stands twice in one object of a JSON text; JSON.parse takes the last in silence. The text must be valid. */
export function repeatedKey(text: string): string | undefined {
  const open: (Set<string> | undefined)[] = []
  let last = ''
  for (const [token] of text.matchAll(TOKEN)) {
    if (token === '{') open.push(new Set())
    else if (token === '[') open.push(undefined)
    else if (token === '}' || token === ']') open.pop()
    else if (token === ':') {
      const key = JSON.parse(last) as string
      const seen = open.at(-1)
      if (seen?.has(key)) return key
      seen?.add(key)
    }
    last = token
  }
  return undefined
}
