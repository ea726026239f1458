// What is going on, for whoever waits: on stderr, and only where somebody sits in front of it.

/** Without a text: takes the last one away. */
export function report(text = ''): void {
  if (process.stderr.isTTY && !process.env['CI']) process.stderr.write(`\r${text}\u001b[K`)
}
