// A finding as text, for each format that people read.
import type { Change } from '../../diff/change.ts'
import type { Finding } from '../finding.ts'
import { jsonScalar, jsonText } from './json.ts'
import { atMost, counted, cut, visible } from './words.ts'

const MESSAGE_LENGTH = 2000
const DIFF_LINES = 60
const DIFF_LINE_LENGTH = 200
const CHANGES = 20
const VALUE_LENGTH = 80

/** `data/a.jsonl:7`. */
export const placeText = ({ file, line }: Finding): string =>
  line === undefined ? visible(file) : `${visible(file)}:${line}`

/** `seq 5`, `addTopic`: which record it is about. */
export const recordWords = ({ seq, type }: Finding): string[] => [
  ...(seq === undefined ? [] : [`seq ${seq}`]),
  ...(type === undefined ? [] : [visible(type)]),
]

/** What happened, and how many other records have the same. */
export function messageLines({ message, repeated }: Finding): string[] {
  const lines = cut(message, MESSAGE_LENGTH).split(/\r?\n/).map(visible)
  return repeated ? [...lines, `(and ${counted(repeated, 'more record')} like it)`] : lines
}

/** Empty if there is no diff. */
export function diffLines({ diff }: Finding): string[] {
  const text = diff?.unified.trimEnd() ?? ''
  if (text === '') return []
  return atMost(text.split('\n'), DIFF_LINES, (line) => visible(cut(line, DIFF_LINE_LENGTH)))
}

export const changeLines = ({ diff }: Finding): string[] =>
  atMost(diff?.changes ?? [], CHANGES, changeText)

function changeText(change: Change): string {
  const [before, value] = [
    change.op === 'add' ? [] : [shortText(change.before)],
    change.op === 'remove' ? [] : [shortText(change.value)],
  ]
  return `${change.op} ${visible(change.path) || '(all)'}  ${[...before, ...value].join(' → ')}`
}

const shortText = (value: unknown) => visible(cut(valueText(value), VALUE_LENGTH))

/** A value of a state, which need not be JSON. */
function valueText(value: unknown): string {
  if (typeof value === 'object' || typeof value === 'string') return jsonText(value)
  return String(jsonScalar(value))
}
