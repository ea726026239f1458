// Rows as text for a terminal, and as Markdown.
import { type Environment, isLoaded } from './environment.ts'
import type { Figure } from './measure.ts'
import type { Curves, Row, Target } from './row.ts'

export interface Report {
  readonly environment: Environment
  readonly rows: readonly Row[]
  /** Rows that could not be run at all. */
  readonly failed: readonly { readonly id: string; readonly reason: string }[]
}

type Cells = readonly string[]

/** For a terminal. */
export const asText = (report: Report): string => render(report, text)

/** For docs/benchmarks/results.md. */
export const asMarkdown = (report: Report): string => render(report, markdown)

interface Style {
  heading(title: string): string
  table(head: Cells, rows: readonly Cells[]): string
  item(line: string): string
}

const text: Style = {
  heading: (title) => `── ${title} ${'─'.repeat(Math.max(0, 76 - title.length))}`,
  table(head, rows) {
    const widths = head.map((_, at) =>
      Math.max(...[head, ...rows].map((row) => row[at]?.length ?? 0)),
    )
    const line = (row: Cells) =>
      row
        .map((cell, at) =>
          at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0),
        )
        .join('  ')
        .trimEnd()
    return [head, ...rows].map(line).join('\n')
  },
  item: (line) => `  ${line}`,
}

const markdown: Style = {
  heading: (title) => `## ${title}\n`,
  table: (head, rows) =>
    [head, head.map((_, at) => (at === 0 ? '---' : '---:')), ...rows]
      .map((row) => `| ${row.join(' | ')} |`)
      .join('\n'),
  item: (line) => `- ${line}`,
}

function render({ environment, rows, failed }: Report, style: Style): string {
  const parts = [
    machine(environment).map(style.item).join('\n'),
    ...rows.map((row) => renderRow(row, style)),
    ...failed.map(({ id, reason }) => style.item(`${id}: could not be run: ${reason}`)),
  ]
  return `${parts.join('\n\n')}\n`
}

function machine(environment: Environment): string[] {
  const { cpu, cores, memoryGB, kernel, node, fileSystem, sync, load, rounds } = environment
  const { date, isQuick, records, versions } = environment
  const list = Object.entries(versions).map(([name, version]) => `${name} ${version}`)
  return [
    `${cpu} × ${cores}, ${memoryGB} GB, ${kernel}, Node ${node}`,
    `files on ${fileSystem}; syncs with ${sync}`,
    `${date}, medians of ${rounds} rounds, ${records} records${isQuick ? ', --quick' : ''}`,
    list.join(', '),
    `load ${load} when it began${isLoaded(environment) ? ': the machine was busy, so take the ratios as coarse and the times as nothing' : ''}`,
  ]
}

function renderRow(row: Row, style: Style): string {
  const notes = [
    ...row.targets.map(targetText),
    ...(row.notes ?? []),
    ...row.figures.flatMap(({ name, note }) => (note ? [`${name}: ${note}`] : [])),
    ...row.skipped.map(({ name, reason }) => `${name}: not available: ${reason}`),
  ]
  return [
    style.heading(row.title),
    style.item(row.work),
    '',
    ...(row.figures.length > 0 ? [style.table(...figureTable(row)), ''] : []),
    ...(row.curves ? [style.table(...curveTable(row.curves, row.unit)), ''] : []),
    ...notes.map(style.item),
  ].join('\n')
}

function targetText({ text, value, isLeast, limit, isMet }: Target): string {
  if (isMet === undefined) return `target not measured: ${text}`
  const found = `${number(value)}, ${isLeast ? 'at least' : 'at most'} ${number(limit)}`
  return `${isMet ? 'target met' : 'TARGET MISSED'}: ${text} (${found})`
}

function figureTable({ figures, unit }: Row): [Cells, Cells[]] {
  const hasRatio = figures.some(({ ratio }) => ratio !== undefined)
  const hasCpu = figures.some(({ cpu }) => cpu !== undefined)
  const hasPercentiles = figures.some(({ percentiles }) => percentiles)
  const hasDurable = figures.some(({ isDurable }) => isDurable !== undefined)
  const head = [
    ...['', unit],
    ...(hasRatio ? ['ratio'] : []),
    ...(hasCpu ? [`${unit} of CPU`, 'ratio'] : []),
    ...(hasPercentiles ? ['p50', 'p90', 'p99', 'max'] : []),
    ...(hasDurable ? ['durable'] : []),
  ]
  const cells = ({ name, value, ratio, cpu, percentiles, isDurable }: Figure) => [
    ...[name, number(value)],
    ...(hasRatio ? [number(ratio)] : []),
    ...(hasCpu ? [number(cpu), number((cpu ?? Number.NaN) / (figures[0]?.cpu ?? 0))] : []),
    ...(hasPercentiles
      ? (['p50', 'p90', 'p99', 'max'] as const).map((key) => number(percentiles?.[key]))
      : []),
    ...(hasDurable ? [isDurable ? 'yes' : 'no'] : []),
  ]
  return [head, figures.map(cells)]
}

function curveTable({ of, lines }: Curves, unit: string): [Cells, Cells[]] {
  const sizes = [...new Set(lines.flatMap(({ points }) => points.map(([size]) => size)))]
  const head = [`${unit} at … ${of}`, ...sizes.map((size) => size.toLocaleString('en'))]
  const cells = lines.map(({ name, points }) => [
    name,
    ...sizes.map((size) => number(points.find(([at]) => at === size)?.[1])),
  ])
  return [head, cells]
}

/** Three digits, as that is all that a busy machine gives. */
export function number(value: number | undefined): string {
  if (value === undefined || Number.isNaN(value)) return '–'
  const size = Math.abs(value)
  const digits = size >= 100 ? 0 : size >= 10 ? 1 : size >= 0.1 || size === 0 ? 2 : 4
  return value.toLocaleString('en', {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  })
}
