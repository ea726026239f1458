// Text of several lines on a terminal, of which no one has vouched for the words.
import pc from 'picocolors'
import { safe } from './text.ts'

/** Without characters that a terminal obeys; JSON stays the same JSON. */
export const safeLines = (text: string): string => text.split('\n').map(safe).join('\n')

/** A unified diff in the colours that everyone knows. */
export const coloured = (diff: string): string =>
  diff
    .split('\n')
    .map((line) => colouredLine(safe(line)))
    .join('\n')

function colouredLine(line: string): string {
  if (line.startsWith('---') || line.startsWith('+++')) return pc.bold(line)
  if (line.startsWith('@@')) return pc.cyan(line)
  if (line.startsWith('+')) return pc.green(line)
  return line.startsWith('-') ? pc.red(line) : line
}
