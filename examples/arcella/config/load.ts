// The configuration, layer by layer: defaults, then arcella.toml, then what it includes.
import { existsSync, readFileSync, realpathSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { globSync, isDynamicPattern } from 'tinyglobby'
import { MAX_TOML_BYTES, TomlDocument } from '../toml/document.ts'
import { type Config, type ConfigFile, configFile, DEFAULTS, layered } from './schema.ts'

/** arcella.toml includes files of depth 1. */
export const MAX_DEPTH = 5
export const MAX_FILES = 256

export interface Loaded {
  readonly config: Config
  /** In the order in which they count; the last one wins. */
  readonly files: readonly string[]
  /** Such as a cycle, each with its place. */
  readonly warnings: readonly string[]
}

/**
 * Where the file is not there, the defaults hold. Throws TomlProblem, with file, line and column, for what is
 * wrong in a file, and an Error for a file that cannot be read.
 */
export function loadConfig(path: string): Loaded {
  const loading = new Loading()
  if (existsSync(path)) loading.add(resolve(path), [])
  const { files, warnings } = loading
  return {
    config: files.map(({ file }) => file).reduce(layered, DEFAULTS),
    files: files.map(({ path }) => path),
    warnings,
  }
}

class Loading {
  readonly files: { readonly path: string; readonly file: ConfigFile }[] = []
  readonly warnings: string[] = []

  /** `within`: the files that include it, the outermost first, by their real paths. */
  add(path: string, within: readonly string[]): void {
    const document = new TomlDocument(path, read(path))
    const file = document.read(configFile)
    this.files.push({ path, file: fromHere(file, dirname(path)) })
    const inside = [...within, realpathSync(path)]
    for (const [index, pattern] of (file.includes ?? []).entries()) {
      const at = ['includes', String(index)]
      for (const found of this.#matching(document, at, pattern)) {
        if (inside.includes(realpathSync(found)))
          this.#warn(document, at, `${found} includes itself; it is passed over here`)
        else if (inside.length > MAX_DEPTH)
          throw document.problem(at, `includes are deeper than ${MAX_DEPTH}`)
        else if (this.files.length >= MAX_FILES)
          throw document.problem(at, `more than ${MAX_FILES} files are included`)
        else this.add(found, inside)
      }
    }
  }

  #matching(document: TomlDocument, at: readonly string[], pattern: string): string[] {
    const cwd = dirname(document.file)
    const isGlob = isDynamicPattern(pattern)
    const found = isGlob
      ? globSync(pattern, { cwd, absolute: true, expandDirectories: false }).sort()
      : [resolve(cwd, pattern)].filter((path) => existsSync(path))
    if (found.length > 0) return found
    // A pattern may well fit nothing; a file that is named should be there.
    if (!isGlob) throw document.problem(at, `${pattern} is not there`)
    this.#warn(document, at, `no file fits ${pattern}`)
    return []
  }

  #warn(document: TomlDocument, at: readonly string[], what: string): void {
    this.warnings.push(document.problem(at, what).message)
  }
}

/** Its paths, as its directory sees them. */
function fromHere({ publish, filesystem, ...file }: ConfigFile, directory: string): ConfigFile {
  const walmq = publish?.walmq_dir
  const mapped = Object.entries(filesystem ?? {}).map(([at, path]) => [
    at,
    resolve(directory, path),
  ])
  return {
    ...file,
    ...(publish && {
      publish: { ...publish, ...(walmq && { walmq_dir: resolve(directory, walmq) }) },
    }),
    ...(filesystem && { filesystem: Object.fromEntries(mapped) }),
  }
}

function read(path: string): string {
  const { size } = statSync(path)
  if (size > MAX_TOML_BYTES) throw new Error(`${path} has more than ${MAX_TOML_BYTES} bytes`)
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(path))
  } catch (cause) {
    throw new Error(`${path} is not UTF-8`, { cause })
  }
}
