// What is done behind each test, and behind each file of tests, by modules that several of them share. A
// process runs many files and loads such a module once: a hook of its own would be there for the first only.
type Ending = () => unknown

const tests: Ending[] = []
const files: Ending[] = []

/** Also behind tests that know nothing of it: then there is nothing to be done. */
export const afterEveryTest = (run: Ending): number => tests.push(run)
export const afterEveryFile = (run: Ending): number => files.push(run)

export async function endTest(): Promise<void> {
  for (const run of tests) await run()
}

export async function endFile(): Promise<void> {
  for (const run of files) await run()
}
