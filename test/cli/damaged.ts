import { readFileSync, writeFileSync } from 'node:fs'

/** Flips a bit in the middle of record `seq`, which is line `seq + 1`. */
export function damagedAt(path: string, seq: number): void {
  const lines = readFileSync(path, 'latin1').split('\n')
  const line = lines[seq] ?? ''
  const middle = Math.floor(line.length / 2)
  const flipped = String.fromCharCode(line.charCodeAt(middle) ^ 1)
  lines[seq] = `${line.slice(0, middle)}${flipped}${line.slice(middle + 1)}`
  writeFileSync(path, lines.join('\n'), 'latin1')
}
