import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { describe, expect, test } from 'vitest'
import { filesBeside, tempJournal } from '../file/temp-journal.ts'
import { flip, header, journalOf, note, seal } from '../format/forge.ts'
import { atNoon, broker } from '../store/broker.ts'
import { ministore, ministoreWith, writeLarge } from './run.ts'

const AT = '"at":"2026-11-22T12:00:00.000Z"'
const whole = journalOf(5)
const lineOf = (seq: number) => header().length + (seq - 1) * note(1).length

/** One file for each, named like it, in a fresh directory. */
function forge(files: Record<string, Uint8Array>): (name: string) => string {
  const directory = dirname(tempJournal())
  const pathOf = (name: string) => `${directory}/${name}`
  for (const [name, bytes] of Object.entries(files)) writeFileSync(pathOf(name), bytes)
  return pathOf
}

describe('ministore verify', () => {
  test('finds what real stores wrote to be whole, also while one has it open', async () => {
    const [idle, live] = [tempJournal('idle.jsonl'), tempJournal('live.jsonl')]
    const [first, second] = [await broker.open(idle, atNoon), await broker.open(live, atNoon)]
    await first.execute('createTopics', { names: ['a', 'b'] })
    await first.dispatch('reset', undefined, { key: 'once' })
    await first.close()
    await second.dispatch('addTopic', { name: 'Zürich' })
    const files = filesBeside(live)
    const { status, stdout, stderr } = ministore('verify', idle, live)
    expect(stderr).toBe('')
    const created = (path: string) => JSON.parse(readFileSync(path, 'utf8').split('\n')[0] ?? '')
    expect(stdout.split('\n')).toEqual([
      `ok ${idle}: 2 records, ${statSync(idle).size} bytes, store "broker", created ${created(idle).created}`,
      `ok ${live}: 1 record, ${statSync(live).size} bytes, store "broker", created ${created(live).created}`,
      '',
    ])
    expect(status).toBe(0)
    expect(filesBeside(live)).toEqual(files)
    await second.dispatch('addTopic', { name: 'it still works' })
    await second.close()
  })

  test('verifies all journals, whatever the others are, and says where each is damaged', () => {
    const path = forge({
      whole,
      flipped: flip(whole, lineOf(3) + 40),
      missing: Buffer.concat([header(), note(1), note(3)]),
      joined: Buffer.concat([whole, note(6, 'of another', { journal: 'another' })]),
      foreign: Buffer.from('Dear diary,\n'),
      newer: header({ version: 2 }),
      headless: flip(whole, 50),
    })
    const names = ['flipped', 'whole', 'missing', 'joined', 'foreign', 'newer', 'headless']
    const { status, stdout } = ministore('verify', ...names.map(path))
    expect(status).toBe(1)
    expect(stdout).toContain(
      `failed ${path('flipped')}:4 (byte ${lineOf(3)}): expected record 3, but its line does not fit its checksum`,
    )
    expect(stdout).toContain(
      `restore a backup. 2 records before it can be read: npx ministore-ts log ${path('flipped')} --until 2`,
    )
    expect(stdout).toContain(`ok ${path('whole')}: 5 records`)
    expect(stdout).toContain(`failed ${path('missing')}:3 (byte ${lineOf(2)}): expected record 2`)
    expect(stdout).toContain(`failed ${path('joined')}:7`)
    expect(stdout).toContain(`failed ${path('foreign')}:1: this is not a ministore journal`)
    expect(stdout).toContain(`failed ${path('newer')}:1: format version 2 needs a newer ministore`)
    expect(stdout).toContain(`failed ${path('headless')}:1: the header`)
    expect(readdirSync(dirname(path('x'))).sort()).toEqual(names.sort())
  })

  test('takes what a crash leaves for whole, and says what opening will do about it', () => {
    const torn = note(6).subarray(0, 30)
    const path = forge({
      torn: Buffer.concat([whole, torn]),
      unended: whole.subarray(0, -1),
    })
    const names = ['torn', 'unended']
    const told = ministore('verify', ...names.map(path))
    expect(told.status).toBe(0)
    expect(told.stdout).toContain(
      `ok ${path('torn')}: 5 records, ${whole.length + 30} bytes, store "ledger"`,
    )
    expect(told.stdout).toContain(
      `warning ${path('torn')}:7 (byte ${whole.length}): 30 bytes of a write that was cut off`,
    )
    expect(told.stdout).toContain(`keeps them in ${path('torn')}.torn-6`)
    expect(told.stdout).toContain(`warning ${path('unended')}:6 (byte ${whole.length - 1})`)
    const { status, stdout } = ministore('verify', ...names.map(path), '--format', 'json')
    expect(status).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject([
      { ok: true, records: 5, found: { kind: 'torn_write', offset: whole.length, bytes: 30 } },
      { ok: true, records: 5, found: { kind: 'lost_newline', offset: whole.length - 1, bytes: 0 } },
    ])
    expect(readdirSync(dirname(path('x'))).sort()).toEqual(names.sort())
  })

  test('fails where a journal is expected and there is none', () => {
    const path = forge({ header: header().subarray(0, 50), empty: Buffer.alloc(0) })
    const names = ['header', 'empty', 'missing']
    const { status, stdout } = ministore('verify', ...names.map(path), '--format', 'json')
    expect(status).toBe(2)
    expect(JSON.parse(stdout)).toMatchObject([
      { ok: false, records: 0, problem: { code: 'foreign', line: 1, offset: 0 } },
      { ok: false, records: 0, problem: { code: 'foreign', line: 1, offset: 0 } },
      { ok: false, records: 0, problem: { code: 'io' } },
    ])
    const told = ministore('verify', path('header'), path('empty'))
    expect(told.status).toBe(1)
    expect(told.stdout).toContain(
      `failed ${path('empty')}: it has no journal: the file is empty\n  next: check the path, or restore a backup of the journal`,
    )
    expect(told.stdout).toContain('50 bytes of a header that was cut off')
  })

  test('reads every record, also where its checksum fits', () => {
    const deep = `${'['.repeat(129)}${']'.repeat(129)}`
    const NONE: Record<string, [json: string, told: string]> = {
      'no JSON': [`{"seq":2,${AT},"type":"note",}`, 'is not JSON'],
      'no time': ['{"seq":2,"type":"note"}', '"at" is not a time'],
      'another time': ['{"seq":2,"at":"22 November 2026","type":"note"}', '"at" is not a time'],
      'no such day': ['{"seq":2,"at":"2026-13-22T12:00:00.000Z","type":"x"}', '"at" is not a time'],
      'no type': [`{"seq":2,${AT}}`, 'a mutation has no "type"'],
      'a numeric type': [`{"seq":2,${AT},"type":7}`, 'a mutation has no "type"'],
      'version 0': [`{"seq":2,${AT},"type":"note","v":0}`, '"v" of "note" is not a version'],
      'a text as version': [`{"seq":2,${AT},"type":"note","v":"2"}`, '"v" of "note"'],
      'a numeric key': [`{"seq":2,${AT},"key":7,"type":"note"}`, '"key" is not a string'],
      'a list of commands': [`{"seq":2,${AT},"command":[],"type":"note"}`, '"command" is not'],
      'an empty batch': [`{"seq":2,${AT},"batch":[]}`, '"batch" is not a list of mutations'],
      'a batch of one': [`{"seq":2,${AT},"batch":{"type":"note"}}`, '"batch" is not a list'],
      'null in a batch': [`{"seq":2,${AT},"batch":[{"type":"a"},null]}`, 'has no "type"'],
      'a prototype': [`{"seq":2,${AT},"type":"note","payload":{"a":{"__proto__":1}}}`, 'payload.a'],
      'a deep payload': [`{"seq":2,${AT},"type":"note","payload":${deep}}`, 'nested deeper'],
      'a terminal escape': [`{"seq":2,${AT},"type":"\\u001b\\u202e","v":0}`, '"v" of "\\u001b'],
    }
    const names = Object.keys(NONE)
    const path = forge(
      Object.fromEntries(
        names.map((name) => [
          name,
          Buffer.concat([header(), note(1), seal(NONE[name]?.[0] ?? '')]),
        ]),
      ),
    )
    const { status, stdout } = ministore('verify', ...names.map(path), '--format', 'json')
    expect(status).toBe(1)
    expect(stdout).not.toContain('\u202e')
    const verdicts = JSON.parse(stdout)
    expect(verdicts.length).toBe(names.length)
    for (const [index, name] of names.entries()) {
      expect(verdicts[index], name).toMatchObject({
        journal: path(name),
        ok: false,
        records: 1,
        problem: { code: 'corrupt', line: 3, offset: lineOf(2), seq: 2 },
      })
      expect(verdicts[index].problem.message, name).toContain(NONE[name]?.[1])
    }
  })

  test('exits with 2 where a file cannot be read, after it verified the others', () => {
    const path = forge({ whole, flipped: flip(whole, lineOf(3) + 40) })
    const all = [path('none'), path('flipped'), dirname(path('x')), path('whole')]
    const { status, stdout } = ministore('verify', ...all)
    expect(stdout).toContain(`failed ${path('none')}: the file does not exist`)
    expect(stdout).toContain(`${dirname(path('x'))} is a directory`)
    expect(stdout).toContain(`failed ${path('flipped')}:4`)
    expect(stdout).toContain(`ok ${path('whole')}`)
    expect(status).toBe(2)
  })

  test('needs little memory for a large journal', () => {
    const path = tempJournal()
    writeLarge(path, 200_000)
    expect(statSync(path).size).toBeGreaterThan(30e6)
    const { status, stdout } = ministoreWith(['--max-old-space-size=40'], 'verify', path)
    expect(stdout).toContain(': 200,000 records, ')
    expect(status).toBe(0)
  })

  test('explains itself', () => {
    const { status, stdout } = ministore('verify', '--help')
    expect(stdout).toContain('Examples:\n  $ npx ministore-ts verify data/*.jsonl')
    expect(status).toBe(0)
  })
})
