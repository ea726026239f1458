import { join } from 'node:path'
import { built } from '../../built.ts'

/** The compiled file behind the command `walmq`. */
export const main = (): string => join(built('walmq'), 'cli/main.js')
