// Standard output, and text that no one has vouched for.

// Each write is told of its own error; without a listener the same error would end the process.
process.stdout.on('error', () => undefined)

/** Resolves when it was handed over, even if the reader has left, as `head` does. */
export function print(text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    if (text === '') return resolve()
    process.stdout.write(`${text}\n`, (error) => {
      if (!error || ('code' in error && error.code === 'EPIPE')) resolve()
      else reject(error)
    })
  })
}

/** Ends the process once all that was printed is out. */
export function leave(exitCode: number): void {
  process.stdout.write('', () => process.exit(exitCode))
}

const UNSAFE = /(?![\n\t])[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu

/** Without characters that a terminal obeys. */
export const safe = (text: string): string =>
  text.replace(UNSAFE, (each) => `\\u${each.charCodeAt(0).toString(16).padStart(4, '0')}`)

/** Rows as columns, with the names above. */
export function table(names: readonly string[], rows: readonly (readonly unknown[])[]): string {
  const cells = [names, ...rows.map((row) => row.map((cell) => safe(String(cell ?? ''))))]
  const widths = names.map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)))
  return cells
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}
