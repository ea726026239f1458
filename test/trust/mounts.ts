// File systems of a test's own: full ones, and ones that lose what was not synced. They are mounted in
// a mount namespace, which the kernel clears away with its last process, however that ends.
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { whyNot } from './probe.ts'

// Who is not root may mount in a user namespace, though no loop devices.
const UNSHARE = ['unshare', process.getuid?.() === 0 ? '-m' : '-Urm', 'sh']

/** Shuts a file system down without letting it flush its log: what was not synced is lost. */
const CUT = `
import fcntl, os, struct, sys
directory = os.open(sys.argv[1], os.O_RDONLY)
print('ready', flush=True)
sys.stdin.readline()
fcntl.ioctl(directory, 0x8004587d, struct.pack('I', 2))
`

const FILE_SYSTEMS = {
  tmpfs: { make: ':', mount: 'mount -t tmpfs -o size=1m tmpfs mnt' },
  ext4: {
    make: 'truncate -s 128M image && mkfs.ext4 -q image',
    mount: 'mount -o loop image mnt',
  },
  // It takes no less.
  xfs: { make: 'truncate -s 300M image && mkfs.xfs -q image', mount: 'mount -o loop image mnt' },
} as const
type Kind = keyof typeof FILE_SYSTEMS

/** Why this machine cannot mount one and cut its power; undefined where it can. */
export function whyNoMount(kind: Kind): string | undefined {
  const directory = mkdtempSync(join(tmpdir(), 'ministore-mount-'))
  const { make, mount } = FILE_SYSTEMS[kind]
  // A tmpfs keeps nothing, so there is nothing to cut.
  const cut = kind === 'tmpfs' ? ':' : `echo | python3 -c "$CUT" mnt; umount mnt; ${mount}`
  const script = `mkdir mnt; ${make}; ${mount}; ${cut}`
  const env = { ...process.env, CUT }
  const why = whyNot([...UNSHARE, '-ec', script], { cwd: directory, env })
  rmSync(directory, { recursive: true, force: true })
  return why && `${kind}: ${why}`
}

/** One file system. */
export class Mount {
  /** Where it is, as seen from outside of the namespace. */
  readonly directory: string
  readonly #outside = mkdtempSync(join(tmpdir(), 'ministore-mount-'))
  readonly #kind: Kind
  readonly #shell: ChildProcess
  readonly #answers: AsyncIterator<string>

  constructor(kind: Kind) {
    this.#kind = kind
    const [command = '', ...args] = UNSHARE
    this.#shell = spawn(command, args, { cwd: this.#outside, stdio: ['pipe', 'pipe', 'inherit'] })
    if (!this.#shell.stdout) throw new Error('a shell without stdout')
    this.#answers = createInterface({ input: this.#shell.stdout })[Symbol.asyncIterator]()
    this.directory = join('/proc', `${this.#shell.pid}`, 'root', this.#outside, 'mnt')
  }

  /** Makes it and mounts it. */
  async make(): Promise<void> {
    await this.run(`mkdir mnt && ${FILE_SYSTEMS[this.#kind].make}`)
    await this.mount()
  }

  mount(): Promise<void> {
    return this.run(FILE_SYSTEMS[this.#kind].mount)
  }

  unmount(): Promise<void> {
    return this.run('umount mnt')
  }

  async run(command: string): Promise<void> {
    this.#shell.stdin?.write(`{ ${command}; } >&2; echo $?\n`)
    const { value } = await this.#answers.next()
    if (value !== '0') throw new Error(`${command} ended with ${value}`)
  }

  /** Resolves with what cuts the power, once that can be done at once. */
  async prepareCut(): Promise<() => Promise<void>> {
    const python = spawn('python3', ['-c', CUT, this.directory], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    const ended = new Promise<void>((resolve, reject) => {
      python.once('error', reject)
      python.once('close', (code) => (code === 0 ? resolve() : reject(new Error(`cut: ${code}`))))
    })
    await Promise.race([ended, new Promise((resolve) => python.stdout.once('data', resolve))])
    return () => {
      python.stdin.end('\n')
      return ended
    }
  }

  /** Ends the namespace, and with it all that is mounted there. */
  async remove(): Promise<void> {
    this.#shell.stdin?.end()
    while (!(await this.#answers.next()).done);
    rmSync(this.#outside, { recursive: true, force: true })
  }
}
