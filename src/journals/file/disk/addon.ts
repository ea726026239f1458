// The native addon: locks, and extended attributes.

interface Addon {
  /** Locks `length` bytes from `offset` on. False if another process has them locked. */
  tryLock(fd: number, offset: number, length: number): boolean
  listAttrs(fd: number): Promise<readonly string[]>
  getAttr(fd: number, name: string): Promise<Buffer | null>
  setAttr(fd: number, name: string, value: Buffer): Promise<void>
  removeAttr(fd: number, name: string): Promise<void>
}

/** Undefined if it has no build for this platform, is not installed, or may not be loaded. */
export async function loadAddon(): Promise<Addon | undefined> {
  // The addon ends these processes when it is loaded.
  if ('Bun' in globalThis || 'Deno' in globalThis) return undefined
  try {
    return await load('fs-native-extensions')
  } catch {
    return undefined
  }
}

/**
 * By a name that no bundler follows: a bundle would have the addon's loader without the addon, and may
 * run it at its start. Installed beside the bundle, it is found.
 */
const load = (name: string): Promise<Addon> =>
  import(/* webpackIgnore: true */ /* turbopackIgnore: true */ /* @vite-ignore */ name)
