// vitest runs it for each file of tests.
import { afterAll, afterEach } from 'vitest'
import { endFile, endTest } from './endings.ts'

afterEach(endTest)
afterAll(endFile)
