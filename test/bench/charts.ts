// Charts as plain SVG, readable on light and on dark pages.
import { isLoaded } from './environment.ts'
import type { Figure, Role } from './measure.ts'
import type { Line, Row } from './row.ts'
import { number, type Report } from './table.ts'

/** File names and their content; only of the rows that were run. */
export function draw({ rows, environment }: Report): Map<string, string> {
  const charts = new Map<string, string>()
  const { cpu, cores, fileSystem, node, date } = environment
  const busy = isLoaded(environment) ? '; the machine was busy' : ''
  const foot = `${cpu} × ${cores}, ${fileSystem}, Node ${node}, ${date.slice(0, 10)}${busy}`
  const durable = rows.filter(({ id }) => id === 'durable-one' || id === 'durable-many')
  if (durable.length > 0) {
    charts.set('throughput.svg', bars('Durable records per second', durable.map(perSecond), foot))
  }
  for (const { id, title, unit, figures, curves, work } of rows) {
    if (id === 'durable-one') charts.set('latency.svg', latencies(title, figures, foot))
    if (id === 'replay' || id === 'in-memory' || id === 'snapshot') {
      const panel = { title: work, items: figures.map(asItem), unit }
      charts.set(`${id}.svg`, bars(`${title}, ${unit} (less is better)`, [panel], foot))
    }
    if (curves)
      charts.set(`${id}.svg`, growth(`${title}: ${work}`, unit, curves.of, curves.lines, foot))
  }
  return charts
}

const WIDTH = 760
const LEFT = 275
const RIGHT = 110
const BAR = 22

const STYLE = `<style>
  svg { --page: #ffffff; --ink: #1f2328; --faint: #6e7781; --grid: #d8dee4; --ministore: #0969da; --peer: #8c959f; --floor: #bf8700;
    --c0: #0969da; --c1: #54aeff; --c2: #cf222e; --c3: #8250df; --c4: #1a7f37; --c5: #bf8700;
    background: var(--page); font: 12px system-ui, sans-serif }
  @media (prefers-color-scheme: dark) {
    svg { --page: #0d1117; --ink: #e6edf3; --faint: #8d96a0; --grid: #30363d; --ministore: #4493f8; --peer: #6e7681; --floor: #d29922;
      --c0: #4493f8; --c1: #a5d6ff; --c2: #ff7b72; --c3: #d2a8ff; --c4: #3fb950; --c5: #d29922 }
  }
  text { fill: var(--ink) } .faint { fill: var(--faint) } .title { font-size: 15px; font-weight: 600 }
  .grid { stroke: var(--grid) } .ministore { fill: var(--ministore) } .peer { fill: var(--peer) } .floor { fill: var(--floor) }
</style>`

interface Item {
  readonly name: string
  readonly role: Role
  readonly value: number
}
interface Panel {
  readonly title: string
  readonly items: readonly Item[]
  readonly unit: string
}

const asItem = ({ name, role, value, isDurable }: Figure): Item => ({
  ...{ role, value, name: isDurable === false ? `${name} (not durable)` : name },
})

const perSecond = ({ title, figures }: Row): Panel => ({
  ...{ title, unit: '/s' },
  items: figures
    .filter(({ isDurable }) => isDurable)
    .map(({ name, role, value }) => ({ name, role, value: 1e6 / value })),
})

/** Bars begin at zero, each panel on a scale of its own. */
function bars(title: string, panels: readonly Panel[], foot: string): string {
  const body: string[] = []
  let y = 46
  for (const { title: panel, items, unit } of panels) {
    if (panels.length > 1 || panel !== title) body.push(label(16, y, panel, 'faint'))
    y += 12
    const most = Math.max(...items.map(({ value }) => value))
    for (const { name, role, value } of items) {
      const width = Math.max(1, (value / most) * (WIDTH - LEFT - RIGHT))
      body.push(
        label(LEFT - 8, y + 15, name, '', 'end'),
        `<rect class="${role}" x="${LEFT}" y="${y + 3}" width="${round(width)}" height="${BAR - 6}" rx="2"/>`,
        label(LEFT + width + 6, y + 15, quantity(value, unit)),
      )
      y += BAR
    }
    y += 28
  }
  return svg(title, y + 4, body, foot)
}

/** From the median to the 99th percentile, on a logarithmic scale. */
function latencies(title: string, figures: readonly Figure[], foot: string): string {
  const shown = figures.filter(({ percentiles }) => percentiles)
  const values = shown.flatMap(({ percentiles }) => [percentiles?.p50 ?? 1, percentiles?.p99 ?? 1])
  const scale = logarithm(values, LEFT, WIDTH - RIGHT)
  const bottom = 52 + shown.length * BAR
  const body = scale.ticks.flatMap((tick) => [
    `<line class="grid" x1="${round(scale.at(tick))}" x2="${round(scale.at(tick))}" y1="44" y2="${bottom}"/>`,
    label(scale.at(tick), bottom + 16, quantity(tick, 'µs'), 'faint', 'middle'),
  ])
  shown.forEach((figure, index) => {
    const { p50 = 1, p90 = 1, p99 = 1 } = figure.percentiles ?? {}
    const y = 60 + index * BAR
    const [from, to] = [scale.at(p50), scale.at(p99)]
    const dots = [p50, p90, p99].map(
      (value, at) =>
        `<circle class="${figure.role}" cx="${round(scale.at(value))}" cy="${y}" r="${5 - at}"/>`,
    )
    body.push(
      label(LEFT - 8, y + 4, asItem(figure).name, '', 'end'),
      `<rect class="${figure.role}" x="${round(from)}" y="${y - 1.5}" width="${round(to - from)}" height="3"/>`,
      ...dots,
      label(to + 10, y + 4, `${quantity(p50, 'µs')} … ${quantity(p99, 'µs')}`, 'faint'),
    )
  })
  return svg(`${title}: latency of a call, p50, p90, p99`, bottom + 28, body, foot)
}

/** Both scales are logarithmic: what costs the same at every size is a level line. */
function growth(
  title: string,
  unit: string,
  of: string,
  lines: readonly Line[],
  foot: string,
): string {
  const [left, right, top, bottom] = [70, WIDTH - 200, 50, 360]
  const x = logarithm(
    lines.flatMap(({ points }) => points.map(([size]) => size)),
    left,
    right,
  )
  const y = logarithm(
    lines.flatMap(({ points }) => points.map(([, value]) => value)),
    bottom,
    top,
  )
  const body = [
    ...x.ticks.flatMap((tick) => [
      `<line class="grid" x1="${round(x.at(tick))}" x2="${round(x.at(tick))}" y1="${top}" y2="${bottom}"/>`,
      label(x.at(tick), bottom + 18, tick.toLocaleString('en'), 'faint', 'middle'),
    ]),
    ...y.ticks.flatMap((tick) => [
      `<line class="grid" x1="${left}" x2="${right}" y1="${round(y.at(tick))}" y2="${round(y.at(tick))}"/>`,
      label(left - 8, y.at(tick) + 4, quantity(tick, unit), 'faint', 'end'),
    ]),
    label((left + right) / 2, bottom + 36, of, 'faint', 'middle'),
  ]
  const ends = apart(lines.map(({ points }) => y.at(points.at(-1)?.[1] ?? 1)))
  lines.forEach(({ name, points }, index) => {
    const color = `var(--c${index % 6})`
    const path = points.map(([size, value]) => `${round(x.at(size))},${round(y.at(value))}`)
    const last = x.at(points.at(-1)?.[0] ?? 1)
    body.push(
      `<polyline points="${path.join(' ')}" style="stroke: ${color}" fill="none" stroke-width="2.5"/>`,
      ...path.map((point) => {
        const [cx, cy] = point.split(',')
        return `<circle cx="${cx}" cy="${cy}" r="3.5" style="fill: ${color}"/>`
      }),
      `<text x="${round(last + 10)}" y="${round((ends[index] ?? 0) + 4)}" style="fill: ${color}">${escapeText(name)}</text>`,
    )
  })
  return svg(title, bottom + 46, body, foot)
}

/** Labels that would cover each other move down, in the order of their lines. */
function apart(places: readonly number[]): number[] {
  const moved = [...places]
  let free = Number.NEGATIVE_INFINITY
  for (const [index] of [...places.entries()].sort(([, one], [, other]) => one - other)) {
    moved[index] = Math.max(moved[index] ?? 0, free)
    free = (moved[index] ?? 0) + 15
  }
  return moved
}

/** Whole powers of ten around `values`, from pixel `from` to pixel `to`. */
function logarithm(values: readonly number[], from: number, to: number) {
  const low = Math.floor(Math.log10(Math.min(...values)))
  const high = Math.max(low + 1, Math.ceil(Math.log10(Math.max(...values))))
  return {
    at: (value: number) => from + ((Math.log10(value) - low) / (high - low)) * (to - from),
    ticks: Array.from({ length: high - low + 1 }, (_, step) => 10 ** (low + step)),
  }
}

function svg(title: string, height: number, body: readonly string[], foot: string): string {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height + 22}" width="${WIDTH}" role="img">`,
    `<title>${escapeText(title)}</title>`,
    STYLE,
    '<rect width="100%" height="100%" style="fill: var(--page)"/>',
    label(16, 26, title, 'title'),
    ...body,
    label(16, height + 10, foot, 'faint'),
    '</svg>\n',
  ].join('\n')
}

function label(x: number, y: number, text: string, style = '', anchor = 'start'): string {
  const attributes = `${style && ` class="${style}"`}${anchor === 'start' ? '' : ` text-anchor="${anchor}"`}`
  return `<text x="${round(x)}" y="${round(y)}"${attributes}>${escapeText(text)}</text>`
}

const LARGER: Readonly<Record<string, string>> = { ns: 'µs', µs: 'ms', ms: 's' }

function quantity(value: number, unit: string): string {
  const larger = LARGER[unit]
  if (larger && value >= 1000) return quantity(value / 1000, larger)
  return `${number(value)}${unit === '/s' ? '' : ' '}${unit}`
}

const round = (value: number) => Math.round(value * 10) / 10

const escapeText = (text: string) =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
