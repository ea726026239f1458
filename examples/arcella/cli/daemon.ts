// arcella daemon: the one process that has the directory open.
import { Command } from 'commander'
import { print, safe } from './output.ts'

export const daemonCommand = (): Command =>
  new Command('daemon')
    .description('Open the directory, run what should run, and answer, until SIGTERM or SIGINT.')
    .action(async (_, command: Command) => {
      const { dir, json }: { dir: string; json: boolean } = command.optsWithGlobals()
      const stopped = new Promise<undefined>((resolve) => {
        for (const signal of ['SIGTERM', 'SIGINT']) process.once(signal, () => resolve(undefined))
      })
      // Verbs that ask a daemon need nothing of this.
      const { startDaemon } = await import('../control/server.ts')
      const daemon = await startDaemon(dir)
      const { socket, failed } = daemon
      await print(json ? JSON.stringify({ listening: socket }) : `listening on ${safe(socket)}`)
      const error = await Promise.race([stopped, failed])
      // What was not written is not known here: the next start reads what there is.
      if (error) throw error
      await daemon.close()
    })
