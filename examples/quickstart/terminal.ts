// How the story is printed; nothing here is about ministore.
import pc from 'picocolors'

let sections = 0

export function section(title: string): void {
  sections += 1
  console.log(`\n${pc.bold(pc.cyan(`${sections}  ${title}`))}`)
}

export function text(line: string): void {
  console.log(`   ${line}`)
}

export function row(label: string, value: string | number, note = ''): void {
  console.log(`   ${label.padEnd(22)}${pc.bold(value)}  ${pc.dim(note)}`.trimEnd())
}

/** One line that grows on a terminal; elsewhere a line now and then. */
export function progress(done: number, total: number): void {
  const counted = `${done} of ${total}`
  if (!process.stdout.isTTY) {
    if (done % 25 === 0) text(counted)
    return
  }
  const filled = Math.round((done / total) * 40)
  const bar = pc.green('█'.repeat(filled)) + pc.dim('░'.repeat(40 - filled))
  process.stdout.write(`\r   ${bar}  ${counted}`)
}

export function endProgress(): void {
  if (process.stdout.isTTY) console.log()
}
