// walmq serve: the one process that has the directory open.
import { Command, InvalidArgumentError } from 'commander'
import { type Server, startServer } from '../server/server.ts'
import { dirOption, keyFileOption, readKey, wholeNumber } from './options.ts'
import { safe, show } from './output.ts'

interface ServeOptions {
  readonly dir: string
  readonly tcp: { readonly host?: string; readonly port: number } | undefined
  readonly encryptionKeyFile: string | undefined
  readonly json: boolean
}

export function serveCommand(): Command {
  return new Command('serve')
    .description('Open the directory and answer on its socket, until SIGTERM or SIGINT.')
    .addOption(dirOption())
    .option(
      '--tcp <[host:]port>',
      'answer on TCP, too, to who shows the token; 0: any port',
      tcpAddress,
    )
    .addOption(keyFileOption())
    .option('--json', 'print JSON', false)
    .addHelpText(
      'after',
      `
TCP is on 127.0.0.1 where no host is given. The token is in the directory, in the file "token".
Nothing on TCP is encrypted: beyond this machine, use a tunnel.
`,
    )
    .action(async ({ dir, tcp, encryptionKeyFile, json }: ServeOptions) => {
      const stopped = new Promise((resolve) => {
        for (const signal of ['SIGTERM', 'SIGINT']) process.once(signal, resolve)
      })
      const encryptionKey = await readKey(encryptionKeyFile)
      const server = await startServer(dir, { tcp, encryptionKey })
      tellRecovery(server)
      const { socket, tcp: address } = server
      await show({ listening: { socket, tcp: address } }, json, () =>
        [`listening on ${socket}`, ...(address ? [`${address.host}:${address.port}`] : [])].join(
          ' and ',
        ),
      )
      await stopped
      await server.close()
    })
}

function tellRecovery({ broker: { recovery } }: Server): void {
  const told = [
    ...recovery.repairs.map(({ path, bytes }) => `cut ${bytes} torn bytes off ${path}`),
    ...recovery.removed.map((path) => `removed ${path}, as a crash had interrupted`),
    ...recovery.made.map((path) => `made ${path}, as a crash had interrupted`),
  ]
  for (const each of told) console.error(`walmq: ${safe(each)}`)
}

function tcpAddress(text: string): ServeOptions['tcp'] {
  const [, host, digits = ''] = /^(?:(.+):)?(\d+)$/.exec(text) ?? []
  const port = wholeNumber(digits)
  if (port > 65_535) throw new InvalidArgumentError('It is no port.')
  return host === undefined ? { port } : { host, port }
}
