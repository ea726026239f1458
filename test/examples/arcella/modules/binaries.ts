// Modules as bytes, made by hand.

/** The least that is a module. */
export const EMPTY: Uint8Array = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0)
/** The same as a component. */
export const COMPONENT: Uint8Array = Uint8Array.of(0, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0)

export interface Shape {
  readonly initial: number
  readonly maximum: number | undefined
  readonly isImported: boolean
  /** What else it imports, in this order, before the memory. */
  readonly imports: readonly ('func' | 'table' | 'global')[]
  /** Bytes of custom sections before and behind. */
  readonly custom: readonly number[]
  /** Numbers of one byte more than needed. */
  readonly isPadded: boolean
}

/** It has a memory, exported as `memory`, and a function `size` that gives its pages. */
export function withMemory({ initial, maximum, isImported, ...rest }: Shape): Uint8Array {
  const { imports, custom, isPadded } = rest
  const number = (value: number): number[] => leb(value, isPadded)
  const text = (value: string) => [...number(value.length), ...Buffer.from(value)]
  const vector = (items: number[][]) => [...number(items.length), ...items.flat()]
  const section = (id: number, content: number[]) => [id, ...number(content.length), ...content]
  const limits =
    maximum === undefined ? [0, ...number(initial)] : [1, ...number(initial), ...number(maximum)]
  const kinds = {
    func: [0, ...number(0)],
    table: [1, 0x70, 1, ...number(1), ...number(2)],
    global: [3, 0x7f, 0],
  }
  const imported = imports.map((kind, n) => [
    ...text('env'),
    ...text(`${kind}${n}`),
    ...kinds[kind],
  ])
  if (isImported) imported.push([...text('env'), ...text('memory'), 2, ...limits])
  const functions = imports.filter((kind) => kind === 'func').length
  const noise = section(0, [...text('noise'), ...custom])
  return Uint8Array.from([
    ...EMPTY,
    ...noise,
    ...section(1, vector([[0x60, 0, 1, 0x7f]])),
    ...(imported.length > 0 ? section(2, vector(imported)) : []),
    ...section(3, vector([number(0)])),
    ...(isImported ? [] : section(5, vector([limits]))),
    ...section(
      7,
      vector([
        [...text('memory'), 2, ...number(0)],
        [...text('size'), 0, ...number(functions)],
      ]),
    ),
    ...section(10, vector([[...number(4), 0, 0x3f, 0, 0x0b]])),
    ...noise,
  ])
}

/** What it imports, apart from its memory. */
export function importsOf({ imports }: Shape): Record<string, unknown> {
  const made = { func: () => 1, table: table(), global: 7 }
  return Object.fromEntries(imports.map((kind, n) => [`${kind}${n}`, made[kind]]))
}

/** One of one to two functions, exported by a module that has nothing else. */
function table(): unknown {
  const bytes = Uint8Array.from([...EMPTY, 4, 5, 1, 0x70, 1, 1, 2, 7, 5, 1, 1, 0x74, 1, 0])
  return new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports['t']
}

function leb(value: number, isPadded: boolean): number[] {
  const bytes: number[] = []
  for (let rest = value; ; ) {
    const low = rest % 128
    rest = Math.floor(rest / 128)
    const isLast = rest === 0
    bytes.push(isLast && !(isPadded && bytes.length < 4) ? low : low | 128)
    if (isLast) break
  }
  if (isPadded && bytes.length <= 4 && (bytes.at(-1) ?? 0) >= 128) bytes.push(0)
  return bytes
}
