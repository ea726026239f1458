// What checks find, built by hand: a good journal, a bad one, and a changed schema.
import type { Finding, ReplayReport } from 'ministore-ts'
import type { CheckResult, ReportOptions } from '../../src/proof/report/index.ts'

export const options: ReportOptions = { version: '1.2.3', cwd: process.cwd() }

const digest = `sha256:${'5f'.repeat(32)}`

/** `records`: of `addTopic` v2, the only thing that was ever dispatched. */
export function journal(path: string, records: number, findings: readonly Finding[]): ReplayReport {
  return {
    ok: findings.every(({ severity }) => severity !== 'error'),
    journal: path,
    records,
    seq: records,
    digest,
    findings,
    coverage: {
      mutations: [
        { type: 'addTopic', version: 1, records: 0, retired: false },
        { type: 'addTopic', version: 2, records, retired: false },
        { type: 'renameTopic', version: 1, records: 0, retired: true },
      ],
      commands: [{ name: 'createTopics', records: 0 }],
    },
  }
}

export const invalidPayload: Finding = {
  rule: 'invalid_payload',
  severity: 'error',
  message:
    "today's schema of addTopic refuses the payload: partitions: Too small, expected number to be >0. Declare the schema as it was under `upcast`.",
  file: 'data/b.jsonl',
  line: 7,
  seq: 5,
  type: 'addTopic',
  repeated: 41,
  issues: [
    { code: 'too_small', minimum: 0, origin: 'number', path: ['partitions'], message: 'Too small' },
  ],
}

export const nondeterministic: Finding = {
  rule: 'nondeterministic',
  severity: 'error',
  message: 'apply of addTopic gives another state each time',
  file: 'data/b.jsonl',
  line: 9,
  seq: 7,
  type: 'addTopic',
  diff: {
    changes: [
      { op: 'replace', path: '/topics/a/n', value: 9, before: 7 },
      { op: 'add', path: '/topics/b', value: { name: 'b' } },
      { op: 'remove', path: '/total', before: 0.5 },
    ],
    unified: [
      '--- once',
      '+++ again',
      '@@ -1,5 +1,5 @@',
      ' {',
      '   "topics": {',
      '-    "n": 7',
      '+    "n": 9',
      '   }',
      ' }',
      '',
    ].join('\n'),
  },
}

export const tornWrite: Finding = {
  rule: 'torn_write',
  severity: 'note',
  message: 'the journal ends in a write of 17 bytes that was cut off: nothing to do',
  file: 'data/c.jsonl',
  line: 4,
}

export const schemaChanged: Finding = {
  rule: 'schema_changed',
  severity: 'warning',
  message: 'the schema of addTopic v2 is not the one that was locked',
  file: 'broker.lock.json',
  type: 'addTopic',
}

export const good: CheckResult = { journals: [journal('data/a.jsonl', 1234, [])], findings: [] }

export const bad: CheckResult = {
  journals: [
    journal('data/a.jsonl', 1234, []),
    journal('data/b.jsonl', 12, [invalidPayload, nondeterministic]),
    journal('data/c.jsonl', 1, [tornWrite]),
  ],
  findings: [schemaChanged],
}
