// The pages of the site before they are built; `npm run docs:test` builds them and opens a browser.
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { pageOf, writePages } from '../../site/pages.ts'
import { sidebarOf } from '../../site/sidebar.ts'
import { documents } from './markdown.ts'

let directory: string
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'ministore-site-'))
  writePages(directory)
})
afterAll(() => rmSync(directory, { recursive: true }))

test('the sidebar has every document of docs/ once, a new one too, and none that does not exist', () => {
  const paths = [...documents.map(({ path }) => path), 'docs/guides/new.md']
  const listed = sidebarOf(paths).flatMap(({ pages }) => pages)
  for (const path of paths.filter((path) => path.startsWith('docs/')))
    expect(listed).toContain(path)
  expect(listed.filter((path) => !paths.includes(path))).toEqual([])
  expect(new Set(listed).size).toBe(listed.length)
})

test('every link between pages leads to a page, an image or a shown source file', () => {
  const pages = readdirSync(directory, { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.md'),
  )
  for (const { path } of documents) expect(pages).toContain(pageOf(path))
  const broken = pages.flatMap((name) => {
    // Source code is in fences.
    const prose = readFileSync(join(directory, name), 'utf8').replace(/^ *```[\s\S]*?^ *```/gm, '')
    return [...prose.matchAll(/\]\((?!\w+:)([^)#\s]+)/g)].flatMap(([, to = '']) => {
      const file = to.startsWith('/')
        ? join(directory, 'public', to)
        : join(directory, dirname(name), to)
      return existsSync(file) ? [] : [`${name}: ${to}`]
    })
  })
  expect(broken).toEqual([])
})
