import type { Finding } from 'ministore-ts'
import { describe, expect, test } from 'vitest'
import { stepSummary } from '../../src/proof/report/index.ts'
import { bad, good, journal, nondeterministic, tornWrite } from './result.ts'

describe('the summary page of a step', () => {
  test('has a table of the journals, and the findings with their diffs', () => {
    const text = stepSummary(bad)
    expect(text).toMatch(
      /^### ministore check: failed\n\n3 journals, 2 errors, 1 warning, 1 note\n/,
    )
    expect(text).toContain(
      [
        '| | journal | records | digest |',
        '| --- | --- | ---: | --- |',
        '| ok | data/a.jsonl | 1,234 | sha256&#58;5f5f5f5f5f5f… |',
        '| failed | data/b.jsonl | 12 | sha256&#58;5f5f5f5f5f5f… |',
        '| ok | data/c.jsonl | 1 | sha256&#58;5f5f5f5f5f5f… |',
        '',
      ].join('\n'),
    )
    expect(text).toContain(
      [
        '<details>',
        '<summary>error <b>nondeterministic</b> data/b.jsonl&#58;9, seq 7, addTopic</summary>',
        '',
        'apply of addTopic gives another state each time',
        '',
        '```diff',
        '--- once',
        '+++ again',
      ].join('\n'),
    )
    expect(text).toContain(
      '\n\nnot covered by any journal&#58; addTopic v1, command createTopics\n',
    )
  })

  test('says that all is well', () => {
    expect(stepSummary(good)).toMatch(/^### ministore check: ok\n\n1 journal, no findings\n/)
  })

  test('shows pipes, backticks and tags of a journal as they are', () => {
    const diff = { changes: [], unified: '+```\n+````\n' }
    const hostile: Finding = { ...tornWrite, file: 'a|`b`\n<i>.jsonl', message: '`x` | <i>', diff }
    const text = stepSummary({ journals: [journal('a|b\nc', 1, [hostile])], findings: [] })
    expect(text).toContain('| ok | a&#124;b&#92;nc | 1 |')
    expect(text).toContain('a&#124;&#96;b&#96;&#92;n&#60;i&#62;.jsonl&#58;4</summary>')
    expect(text).toContain('\n&#96;x&#96; &#124; &#60;i&#62;\n')
    expect(text).toContain('\n`````diff\n+```\n+````\n`````\n')
  })

  test('stays below the megabyte that GitHub takes, whatever was found', () => {
    const line = `+${'"'.repeat(1000)}\n`
    const large: Finding = {
      ...nondeterministic,
      file: '|'.repeat(5000),
      message: '|'.repeat(5000),
      diff: { changes: [], unified: line.repeat(1000) },
    }
    const journals = Array.from({ length: 1000 }, () =>
      journal('|'.repeat(5000), 1, Array<Finding>(20).fill(large)),
    )
    const text = stepSummary({ journals, findings: [] })
    expect(Buffer.byteLength(text)).toBeLessThan(2 ** 20)
    expect(text).toContain('\n… and 800 more\n')
    expect(text).toContain('\n… and 19,980 more\n')
  })
})
