// walmq inspect: what is in a file of messages. Needs no server, and changes nothing.
import { basename, dirname } from 'node:path'
import { Command } from 'commander'
import { BrokerError } from '../broker/errors.ts'
import { nodeDisk, withFile } from '../messages/disk.ts'
import { type Identity, readIdentity } from '../messages/identity.ts'
import { baseOf, type Placed, scan } from '../messages/segment.ts'
import { keyFileOption, readKey } from './options.ts'
import { print, safe } from './output.ts'

interface InspectOptions {
  readonly encryptionKeyFile: string | undefined
  readonly json: boolean
}
interface Row {
  readonly offset: number
  /** Where it begins in the file, and how many bytes it takes. */
  readonly at: number
  readonly bytes: number
  readonly ts: number
  readonly key: string | null
  readonly body_b64: string
}

export const inspectCommand = (): Command =>
  new Command('inspect')
    .description('Print the messages in a segment, a file *.wal. Needs no server.')
    .argument('<file>', 'beside it is the file "partition", which is needed to read it')
    .addOption(keyFileOption())
    .option('--json', 'print JSON', false)
    .addHelpText(
      'after',
      `
Exit code: 0 all of it is messages, 1 something at its end is not, 2 it cannot be read. A running
server may be writing: then the end may be a message that is not whole yet.
`,
    )
    .action(async (path: string, { encryptionKeyFile, json }: InspectOptions) => {
      const base = baseOf(basename(path))
      if (base === undefined) throw new Error(`${path} is not named as a segment is, 20 digits.wal`)
      const disk = nodeDisk()
      const identity = await readIdentity(disk, dirname(path), await readKey(encryptionKeyFile))
      if (!identity) throw new Error(`there is no file "partition" beside ${path}`)
      await withFile(disk, path, 'r', async (file) => {
        const size = await file.size()
        let [offset, end] = [base, 0]
        for await (const placed of scan(file, { from: 0, to: size, seed: identity.seed })) {
          const rows = placed.map((each, index) => rowOf(each, offset + index, identity))
          const shown = rows.map((row) => `${json ? JSON.stringify(row) : text(row)}\n`).join('')
          if (!(await print(shown))) return
          offset += placed.length
          end = placed.at(-1)?.end ?? end
        }
        if (end === size) return
        console.error(`walmq: ${size - end} bytes from byte ${end} on are no message`)
        process.exitCode = 1
      })
    })

function rowOf({ frame, at, end }: Placed, offset: number, { cipher }: Identity): Row {
  const { ts, key, isEncrypted } = frame
  const body = isEncrypted ? cipher?.open(frame.body, { offset, ts, key }) : Buffer.from(frame.body)
  if (!body) throw new BrokerError('corrupt', `offset ${offset} cannot be decrypted`)
  const body_b64 = body.toString('base64')
  return { offset, at, bytes: end - at, ts, key: key ?? null, body_b64 }
}

function text({ offset, at, bytes, ts, key, body_b64 }: Row): string {
  const body = Buffer.from(body_b64, 'base64')
  const shown = body.toString().slice(0, 100)
  const of = key === null ? '' : `\tkey ${JSON.stringify(key)}`
  const row = `${offset}\tbyte ${at}\t${bytes} bytes\t${new Date(ts).toISOString()}${of}`
  return safe(`${row}\t${JSON.stringify(shown)}`)
}
