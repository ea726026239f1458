// What Git and editors do to a journal as a whole, so that a refusal can name it.
import { decodeLine } from './line.ts'

const NEWLINE = 0x0a
const RETURN = 0x0d
const BOM = Buffer.from('\uFEFF')

const CRLF =
  'in CRLF (\\r\\n), which Git or an editor made of its line feeds. Put "*.jsonl -text" into .gitattributes, then restore the file or check it out again'

/** `bytes`: the first ones of the file. `begin`: how a journal begins. Undefined if it is something else. */
export function describeRewriting(bytes: Buffer, begin: string): string | undefined {
  const restore = 'Restore it as it was, byte for byte'
  const isAt = (offset: number) => bytes.subarray(offset).toString('latin1').startsWith(begin)
  if (bytes.subarray(0, BOM.length).equals(BOM) && isAt(BOM.length))
    return `the file begins with a byte order mark (BOM), which an editor put there. ${restore}`
  // In either byte order, with or without a mark.
  const every2nd = (from: number) =>
    Buffer.from(bytes.filter((_, index) => index % 2 === from)).toString('latin1')
  if (!isAt(0) && (every2nd(0).includes(begin) || every2nd(1).includes(begin)))
    return `the file was saved as UTF-16, and a journal is UTF-8. ${restore}`
  if (isAt(0) && bytes[bytes.indexOf(NEWLINE) - 1] === RETURN) return `its lines end ${CRLF}`
  return undefined
}

/** Why a line is not a record although it has its newline, which is not in `line`. */
export function describeMisfit(line: Buffer, seed: number): string {
  if (line.length === 0) return 'its line is empty'
  if (line.at(-1) === RETURN && decodeLine(line.subarray(0, -1), seed))
    return `its line ends ${CRLF}`
  return 'its line does not fit its checksum'
}
