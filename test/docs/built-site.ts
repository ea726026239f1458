// The built site: every link of the built site leads somewhere, and its search finds pages in Chromium.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Page } from 'playwright-core'

// Node loads it itself: jiti would evaluate its modules in another order.
const { chromium } = createRequire(import.meta.url)(
  'playwright-core',
) as typeof import('playwright-core')

const dist = fileURLToPath(new URL('../../site/dist/', import.meta.url))
const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
}

// Part of npm run test:long.
if (process.argv.includes('--build')) execFileSync('npm', ['run', '--silent', 'docs'])

const pages = readdirSync(dist, { recursive: true, encoding: 'utf8' }).filter((name) =>
  name.endsWith('.html'),
)
assert.ok(pages.includes('index.html') && pages.includes('api/index.html'))
assert.deepEqual(pages.flatMap(brokenLinks), [], 'every link and anchor leads somewhere')

const index = readFileSync(join(dist, 'llms.txt'), 'utf8')
const listed = [...index.matchAll(/\]\(\/(.*?)\)/g)].map(([, path = '']) => path)
assert.ok(listed.includes('docs/guides/first-ten-minutes.md'))
assert.deepEqual(
  listed.filter((path) => !existsSync(join(dist, path))),
  [],
)
assert.match(readFileSync(join(dist, 'llms-full.txt'), 'utf8'), /# The first ten minutes/)

const server = createServer(({ url = '/' }, response) => {
  const file = fileOf(url)
  response.setHeader('content-type', TYPES[extname(file)] ?? 'application/octet-stream')
  if (existsSync(file)) response.end(readFileSync(file))
  else response.writeHead(404).end()
}).listen(0, '127.0.0.1')
const browser = await chromium.launch({
  executablePath: process.env['CHROMIUM_PATH'] ?? '/usr/bin/chromium',
  // Chromium refuses its sandbox to root.
  args: ['--no-sandbox', '--disable-background-networking'],
})
try {
  const { port } = server.address() as AddressInfo
  const page = await browser.newPage({ baseURL: `http://127.0.0.1:${port}` })
  const problems: string[] = []
  page.on('pageerror', (error) => void problems.push(String(error)))
  page.on('console', (message) => {
    if (message.type() === 'error') problems.push(message.text())
  })
  await page.goto('/')
  assert.match(await page.locator('h1').innerText(), /^ministore\b/)
  // A guide by a word of its text, and the reference by the name of a function.
  assert.match(await search(page, 'first ten minutes'), /^The first ten minutes/)
  assert.match(page.url(), /\/docs\/guides\/first-ten-minutes/)
  assert.match(await search(page, 'defineStore()'), /^Function: defineStore\(\)/)
  assert.match(page.url(), /\/api\//)
  await page.goto('/docs/guides/errors.html#locked')
  assert.ok(await page.locator('#locked').isVisible())
  assert.deepEqual(problems, [])
} finally {
  await browser.close()
  server.close()
}
console.log(`${pages.length} pages: no broken link, and the search finds what it should`)

/** Follows the first result, and returns the heading of the page that it leads to. */
async function search(page: Page, words: string): Promise<string> {
  await page.getByRole('button', { name: 'Search' }).first().click()
  await page.locator('.search-input').fill(words)
  const before = page.url()
  await page.locator('.result').first().click()
  await page.waitForURL((url) => url.href !== before)
  return page.locator('h1').innerText()
}

function fileOf(url: string): string {
  const path = decodeURIComponent(new URL(url, 'http://localhost').pathname)
  if (path.endsWith('/')) return join(dist, path, 'index.html')
  return join(dist, extname(path) === '' ? `${path}.html` : path)
}

function brokenLinks(name: string): string[] {
  return linksOf(name).flatMap((href) => {
    const url = new URL(href.replaceAll('&amp;', '&'), `http://localhost/${name}`)
    const file = fileOf(url.href)
    const anchor = decodeURIComponent(url.hash.slice(1))
    if (!existsSync(file)) return [`${name}: ${href}`]
    return anchor === '' || anchorsOf(file).has(anchor) ? [] : [`${name}: ${href}`]
  })
}

/** Those within the site. */
function linksOf(name: string): string[] {
  const html = readFileSync(join(dist, name), 'utf8')
  return [...html.matchAll(/<(?:a|img)\b[^>]*?\s(?:href|src)="([^"]*)"/g)]
    .map(([, href = '']) => href)
    .filter((href) => !/^\w+:/.test(href))
}

function anchorsOf(file: string): Set<string | undefined> {
  const text = readFileSync(file, 'utf8')
  return new Set([...text.matchAll(/\sid="([^"]*)"/g)].map(([, id]) => id))
}
