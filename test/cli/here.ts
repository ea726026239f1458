// A command in this very process, where starting one would take most of the time of a test.
import { vi } from 'vitest'
import { program } from '../../src/cli/program.ts'
import { answerWith, takeAnswer } from '../../src/cli/terminal/exit.ts'
import { safeLines } from '../../src/cli/terminal/lines.ts'
import type { Ran } from './run.ts'

/** As `main.ts` has it. One at a time; not where it is used wrongly, since that ends the process. */
export async function ministoreHere(...args: string[]): Promise<Ran> {
  let [stdout, stderr] = ['', '']
  const out = vi.spyOn(process.stdout, 'write').mockImplementation((text, ...rest) => {
    stdout += String(text)
    const done = rest.find((each) => typeof each === 'function')
    done?.()
    return true
  })
  const error = vi.spyOn(console, 'error').mockImplementation((text: string) => {
    stderr += `${text}\n`
  })
  takeAnswer()
  try {
    await (await program(args)).parseAsync(args, { from: 'user' })
  } catch (thrown) {
    console.error(`ministore: ${safeLines((thrown as Error).message)}`)
    answerWith(2)
  } finally {
    out.mockRestore()
    error.mockRestore()
  }
  return { status: takeAnswer(), stdout, stderr }
}
