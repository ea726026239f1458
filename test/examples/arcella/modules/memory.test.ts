import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ModuleError } from '../../../../examples/arcella/modules/errors.ts'
import { inspect } from '../../../../examples/arcella/modules/inspect.ts'
import { limitMemory, memoryOf, pagesOf } from '../../../../examples/arcella/modules/memory.ts'
import { COMPONENT, EMPTY, importsOf, type Shape, withMemory } from './binaries.ts'

const RUNS = Number(process.env['ARCELLA_RUNS'] ?? 300)

const shape: fc.Arbitrary<Shape> = fc.record({
  initial: fc.nat({ max: 40 }),
  // Crossing the boundaries of one and two bytes.
  maximum: fc.option(fc.integer({ min: 40, max: 20_000 }), { nil: undefined }),
  isImported: fc.boolean(),
  imports: fc.array(fc.constantFrom('func', 'table', 'global'), { maxLength: 3 }),
  custom: fc.array(fc.nat({ max: 255 }), { maxLength: 200 }),
  isPadded: fc.boolean(),
})

const codeOf = (run: () => unknown): string => {
  try {
    run()
    return 'fine'
  } catch (error) {
    if (error instanceof ModuleError) return error.code
    throw error
  }
}

function instantiate(bytes: Uint8Array, shape: Shape, memory?: WebAssembly.Memory) {
  const env = { ...importsOf(shape), ...(memory && { memory }) }
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env })
  return exports
}

/** One page after the other, as a module would take them. */
function pagesOfAll(memory: unknown, most: number): number {
  if (!(memory instanceof WebAssembly.Memory)) throw new Error('no memory')
  try {
    for (let pages = memory.buffer.byteLength / 65_536; pages <= most; pages += 1) memory.grow(1)
  } catch (error) {
    expect(error).toBeInstanceOf(RangeError)
  }
  return memory.buffer.byteLength / 65_536
}

describe('A10: a module whose memory is limited', () => {
  test('compiles, does what it did, and cannot grow beyond', () => {
    fc.assert(
      fc.property(shape, fc.integer({ min: 1, max: 60 }), (shape, pages) => {
        const bytes = withMemory(shape)
        if (shape.initial > pages) {
          expect(codeOf(() => limitMemory(bytes, pages))).toBe('memory_limit')
          return
        }
        const limited = limitMemory(bytes, pages)
        const maximum = Math.min(pages, shape.maximum ?? pages)
        expect(memoryOf(limited)).toMatchObject({ initial: shape.initial, maximum })
        const own = shape.isImported
          ? new WebAssembly.Memory({ initial: shape.initial, maximum })
          : undefined
        const { memory, size } = instantiate(limited, shape, own)
        if (typeof size !== 'function') throw new Error('no size')
        expect(size()).toBe(shape.initial)
        expect(pagesOfAll(memory, maximum + 1)).toBe(maximum)
        expect(size()).toBe(maximum)
      }),
      { numRuns: RUNS },
    )
  })

  test('does not take a memory that may grow beyond from its host', () => {
    const shape = { ...none, isImported: true, initial: 1 }
    const limited = limitMemory(withMemory(shape), 3)
    for (const maximum of [4, undefined]) {
      const memory = new WebAssembly.Memory({ initial: 1, ...(maximum && { maximum }) })
      expect(() => instantiate(limited, shape, memory)).toThrow(WebAssembly.LinkError)
    }
    expect(memoryOf(limited)?.from).toEqual({ module: 'env', name: 'memory' })
  })

  test('is left as it is where it has none, or a lower maximum', () => {
    expect(memoryOf(EMPTY)).toBeUndefined()
    expect(limitMemory(EMPTY, 1)).toBe(EMPTY)
    const small = withMemory({ ...none, maximum: 2 })
    expect(limitMemory(small, 2)).toBe(small)
    expect(pagesOf(1)).toBe(16)
  })

  test('has one memory only', () => {
    // Two of one page, which is valid where there are multiple memories.
    const two = Uint8Array.from([...EMPTY, 5, 5, 2, 0, 1, 0, 1])
    expect(codeOf(() => limitMemory(two, 100))).toBe('memory_limit')
  })

  test('of other bytes nothing is made but a ModuleError', () => {
    const damage = fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), {
      minLength: 1,
      maxLength: 5,
    })
    fc.assert(
      fc.property(shape, damage, fc.nat(), fc.boolean(), (shape, damage, at, isCut) => {
        const bytes = withMemory(shape)
        for (const [place, byte] of damage) bytes[place % bytes.length] = byte
        const given = isCut ? bytes.subarray(0, at % bytes.length) : bytes
        let limited: Uint8Array
        try {
          limited = limitMemory(given, 64)
        } catch (error) {
          expect(error).toBeInstanceOf(ModuleError)
          return
        }
        // What is valid stays valid.
        if (WebAssembly.validate(given)) expect(WebAssembly.validate(limited)).toBe(true)
      }),
      { numRuns: RUNS },
    )
  })
})

const none: Shape = {
  ...{
    initial: 1,
    maximum: undefined,
    isImported: false,
    imports: [],
    custom: [],
    isPadded: false,
  },
}

describe('a binary', () => {
  const refused = (bytes: Uint8Array) => inspect(bytes).catch((error) => error)

  test('that compiles is core, or imports WASI', async () => {
    expect(await inspect(EMPTY)).toEqual({ kind: 'core', imports: [], exports: [] })
    const { exports, kind } = await inspect(withMemory(none))
    expect(kind).toBe('core')
    expect(exports.map(({ name }) => name)).toEqual(['memory', 'size'])
    const text = (value: string) => [value.length, ...Buffer.from(value)]
    const name = [...text('wasi_snapshot_preview1'), ...text('proc_exit')]
    const imports = [1, ...name, 0, 0]
    const wasi = [...EMPTY, 1, 5, 1, 0x60, 1, 0x7f, 0, 2, imports.length, ...imports]
    expect((await inspect(Uint8Array.from(wasi))).kind).toBe('wasi')
  })

  test('A12: that is a component is told to be one', async () => {
    const error = await refused(COMPONENT)
    expect(error).toMatchObject({
      code: 'component_model',
      message: 'this is a component; Node runs core modules and WASI preview 1 only',
    })
  })

  test.each([
    ['nothing', Uint8Array.of(), 'it ends too early, at byte 0'],
    ['text', Buffer.from('(module)'), 'it does not begin with \\0asm'],
    ['another version', Uint8Array.of(0, 0x61, 0x73, 0x6d, 2, 0, 0, 0), 'its version is 2'],
    ['a section that is cut off', Uint8Array.of(...EMPTY, 1, 9, 0), 'too early'],
    ['an unknown section', Uint8Array.of(...EMPTY, 99, 0), 'does not compile'],
  ])('A12: %s is refused as broken', async (_, bytes, said) => {
    const error = await refused(bytes)
    expect(error).toMatchObject({ code: 'broken_wasm' })
    expect(error.message).toContain(said)
  })
})
