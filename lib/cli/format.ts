/** `1.23 ms`: three digits and the unit that suits. */
export function duration(seconds: number): string {
  const units: [number, string][] = [
    [1, 's'],
    [1e-3, 'ms'],
    [1e-6, 'us'],
  ]
  const [scale, unit] = units.find(([size]) => seconds >= 0.9995 * size) ?? [1e-9, 'ns']
  return `${digits(seconds / scale)} ${unit}`
}

/** `45.9 Gflop/s`, `12.0 GB/s`: powers of a thousand. */
export function quantity(value: number, unit: string): string {
  const prefixes = ['', 'k', 'M', 'G', 'T', 'P']
  const step = value >= 1 ? Math.min(Math.floor(Math.log10(value) / 3), prefixes.length - 1) : 0
  return `${digits(value / 1000 ** step)} ${prefixes[step]}${unit}`
}

/** `1.2 GiB`: powers of 1024. */
export function memory(bytes: number): string {
  const prefixes = ['', 'Ki', 'Mi', 'Gi', 'Ti']
  const step = bytes >= 1 ? Math.min(Math.floor(Math.log2(bytes) / 10), prefixes.length - 1) : 0
  return `${digits(bytes / 1024 ** step)} ${prefixes[step]}B`
}

/** Three significant digits, without an exponent where that can be read. */
export function digits(value: number): string {
  const rounded = Number(value.toPrecision(3))
  if (rounded === 0) return '0'
  const size = Math.floor(Math.log10(Math.abs(rounded)))
  return size < -3 ? rounded.toExponential(1) : rounded.toFixed(Math.max(0, 2 - size))
}

/** `37%` */
export function percent(fraction: number): string {
  return `${(100 * fraction).toFixed(0)}%`
}

/** `4.1e-7` */
export function scientific(value: number): string {
  return value.toExponential(1)
}
