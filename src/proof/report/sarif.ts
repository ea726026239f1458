// The report as SARIF 2.1.0, for code scanning.
import { createHash } from 'node:crypto'
import type { CheckRule, Finding } from '../finding.ts'
import { diffLines, messageLines } from './finding.ts'
import { pathFrom, uriFrom } from './path.ts'
import { allFindings, type CheckResult } from './result.ts'
import { rules } from './rules.ts'
import { visible } from './words.ts'

const SCHEMA = 'https://json.schemastore.org/sarif-2.1.0.json'
const HOME = 'https://www.npmjs.com/package/ministore-ts'
const RULES = Object.keys(rules) as CheckRule[]

/** A shape of SARIF, as far as it is used here. */
type SarifObject = Readonly<Record<string, unknown>>

export function sarif(
  result: CheckResult,
  { version, cwd }: { readonly version: string; readonly cwd: string },
): string {
  const driver = { name: 'ministore', version, informationUri: HOME, rules: RULES.map(descriptor) }
  const run = {
    tool: { driver },
    // Without a uri of its own, so that the report is the same on every machine.
    originalUriBaseIds: { '%SRCROOT%': { description: { text: 'The root of the repository.' } } },
    results: results(allFindings(result), cwd),
  }
  return `${JSON.stringify({ $schema: SCHEMA, version: '2.1.0', runs: [run] }, null, 2)}\n`
}

function descriptor(id: CheckRule): SarifObject {
  const { means, next } = rules[id]
  return {
    id,
    shortDescription: { text: means },
    fullDescription: { text: `${means} ${next}` },
    help: { text: next },
  }
}

function results(findings: readonly Finding[], cwd: string): SarifObject[] {
  const times = new Map<string, number>()
  return findings.map((finding) => {
    const hash = fingerprint(finding, cwd)
    const time = (times.get(hash) ?? 0) + 1
    times.set(hash, time)
    // Two mutations of one batch can have the same finding; they are still two.
    return sarifResult(finding, cwd, `${hash}:${time}`)
  })
}

/** The same as long as the finding is, however its message is worded. */
function fingerprint({ rule, file, type, seq }: Finding, cwd: string): string {
  const identity = JSON.stringify([rule, pathFrom(cwd, file), type, seq])
  return createHash('sha256').update(identity).digest('hex')
}

function sarifResult(finding: Finding, cwd: string, hash: string): SarifObject {
  const { rule, severity, line, seq, type, repeated } = finding
  const diff = diffLines(finding)
  const text = [...messageLines(finding), ...(diff.length > 0 ? ['', ...diff] : [])]
  const { uri, isBelow } = uriFrom(cwd, finding.file)
  return {
    ruleId: rule,
    ruleIndex: RULES.indexOf(rule),
    level: severity,
    message: { text: text.join('\n') },
    locations: [
      {
        physicalLocation: {
          artifactLocation: isBelow ? { uri, uriBaseId: '%SRCROOT%' } : { uri },
          ...(line === undefined ? {} : { region: { startLine: line } }),
        },
      },
    ],
    partialFingerprints: { 'ministore/v1': hash },
    properties: { seq, type: type === undefined ? undefined : visible(type), repeated },
  }
}
