// Servers that tests started are gone when the tests are, also after Ctrl-C and kill -9.
import { type ChildProcess, spawn } from 'node:child_process'
import { constants } from 'node:os'

// It reads what is to go from a pipe, which ends with this process, however this process ends.
const SCRIPT = `
trap '' INT TERM HUP
things=''
while read -r kind thing; do
  case "$kind" in
    forget) things=$(printf '%s\\n' "$things" | grep -vxF -- "$thing") ;;
    *) things="$things
$kind $thing" ;;
  esac
done
printf '%s\\n' "$things" | while read -r kind thing; do
  [ "$kind" = pid ] && kill -9 "$thing"
done 2>/dev/null
sleep 0.1
printf '%s\\n' "$things" | while read -r kind thing; do
  [ "$kind" = dir ] && rm -rf -- "$thing"
done
exit 0
`

let watchdog: ChildProcess | undefined

function tell(line: string): void {
  if (!watchdog) {
    watchdog = spawn('sh', ['-c', SCRIPT], { detached: true, stdio: ['pipe', 'ignore', 'ignore'] })
    watchdog.unref()
    const { stdin } = watchdog
    if (stdin && 'unref' in stdin && typeof stdin.unref === 'function') stdin.unref()
  }
  watchdog.stdin?.write(`${line}\n`)
}

/** Starts a server that does not outlive this process. */
export function spawnWatched(command: string, args: readonly string[]): ChildProcess {
  const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'pipe'] })
  const thing = `pid ${child.pid}`
  if (child.pid !== undefined) tell(thing)
  child.once('exit', () => tell(`forget ${thing}`))
  return child
}

/** Removes the directory when this process is gone, unless somebody did before. */
export const watchDirectory = (path: string): void => tell(`dir ${path}`)

/** Resolves when the process is gone. */
export async function killed(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = new Promise((resolve) => child.once('exit', resolve))
  child.kill(constants.signals[signal])
  await exited
}
