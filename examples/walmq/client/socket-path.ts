// Where the server of a directory listens.
import { join } from 'node:path'

export const socketPath = (directory: string): string => join(directory, 'walmq.sock')
