// Who may use a file: owner, group, mode, access control list, and its extended attributes.
import * as fs from 'node:fs'
import { loadAddon } from './addon.ts'
import { systemCode } from './system-error.ts'

/** What the kernel computes of each file by itself. */
const OF_THE_KERNEL = /^(security\.(ima|evm|capability)|trusted\.overlay\..*|com\.apple\..*)$/

/** Linux has no names but these. The addon lists others, of no length, where overlayfs hides some of its own. */
const ON_LINUX = /^(user|trusted|security|system)\../

type Attributes = NonNullable<Awaited<ReturnType<typeof loadAddon>>>

/** Throws what the system throws, with a message that says what could not be kept. */
export async function copyAccess(fd: number, path: string): Promise<void> {
  const like = fs.openSync(path, 'r')
  try {
    const [from, to] = [fs.fstatSync(like), fs.fstatSync(fd)]
    // The mode comes last: until the list is there, the bits of the group would let too many in.
    if (from.uid !== to.uid || from.gid !== to.gid)
      await kept(path, `owner ${from.uid} and group ${from.gid}`, () =>
        fs.fchownSync(fd, from.uid, from.gid),
      )
    await copyAttributes(like, fd, path)
    const mode = from.mode & 0o7777
    if ((fs.fstatSync(fd).mode & 0o7777) !== mode)
      await kept(path, `mode ${mode.toString(8)}`, () => fs.fchmodSync(fd, mode))
  } finally {
    fs.closeSync(like)
  }
}

async function copyAttributes(from: number, to: number, path: string): Promise<void> {
  const attributes = process.platform === 'win32' ? undefined : await loadAddon()
  if (!attributes) return
  const wanted = await namesOf(attributes, from)
  const isSurplus = (name: string) => !wanted.includes(name)
  // A directory may give its own list to each new file.
  for (const name of (await namesOf(attributes, to)).filter(isSurplus))
    await kept(path, `absence of ${name}`, () => attributes.removeAttr(to, name))
  for (const name of wanted) {
    const value = await attributes.getAttr(from, name)
    const current = await attributes.getAttr(to, name)
    if (!value || current?.equals(value)) continue
    const what = name === 'system.posix_acl_access' ? 'access control list' : `attribute ${name}`
    await kept(path, what, () => attributes.setAttr(to, name, value))
  }
}

async function namesOf({ listAttrs }: Attributes, fd: number): Promise<readonly string[]> {
  try {
    const isName = (name: string) => process.platform !== 'linux' || ON_LINUX.test(name)
    return (await listAttrs(fd)).filter((name) => isName(name) && !OF_THE_KERNEL.test(name))
  } catch (error) {
    if (systemCode(error) === 'ENOTSUP') return []
    throw error
  }
}

async function kept(path: string, what: string, run: () => unknown): Promise<void> {
  try {
    await run()
  } catch (cause) {
    const message = `the new file cannot have the ${what} of ${path}: ${(cause as Error).message}`
    throw Object.assign(new Error(message, { cause }), { code: systemCode(cause) })
  }
}
