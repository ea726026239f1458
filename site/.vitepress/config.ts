import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitepress'
import llms from 'vitepress-plugin-llms'
import { documents } from '../../test/docs/markdown.ts'
import { sidebarOf } from '../sidebar.ts'

const pages = fileURLToPath(new URL('../pages', import.meta.url))
const page = (path: string) => path.replace(/README\.md$/, 'index.md')
const link = (path: string) => `/${page(path).replace(/(index)?\.md$/, '')}`
/** A page is called what its first heading says. */
function title(path: string): string {
  const [, heading = path] = /^# (.+)$/m.exec(readFileSync(join(pages, page(path)), 'utf8')) ?? []
  return heading.replaceAll('`', '')
}

// As GitHub makes the anchor of a heading.
const slugify = (heading: string): string =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\p{M}_\- ]/gu, '')
    .replaceAll(' ', '-')

// biome-ignore lint/style/noDefaultExport: VitePress wants it
export default defineConfig({
  title: 'ministore',
  description: 'An embedded event store for TypeScript',
  lang: 'en-US',
  // No icon: a browser would ask for one.
  head: [['link', { rel: 'icon', href: 'data:,' }]],
  base: process.env['DOCS_BASE'] ?? '/',
  srcDir: 'pages',
  outDir: 'dist',
  lastUpdated: false,
  markdown: { anchor: { slugify }, theme: { light: 'github-light', dark: 'github-dark' } },
  vite: {
    plugins: [llms({ ignoreFiles: ['api/**', 'examples/**/*.ts.md', 'docs/benchmarks/**'] })],
    build: { chunkSizeWarningLimit: 2000 },
  },
  themeConfig: {
    nav: [
      { text: 'Guides', link: '/docs/guides/first-ten-minutes' },
      { text: 'Command line', link: '/docs/CLI' },
      { text: 'API', link: '/api/' },
    ],
    sidebar: [
      ...sidebarOf(documents.map(({ path }) => path)).map(({ text, pages }) => ({
        text,
        collapsed: false,
        items: pages.map((path) => ({
          text: path === 'README.md' ? 'Overview' : title(path),
          link: link(path),
        })),
      })),
      { text: 'API reference', link: '/api/' },
    ],
    outline: [2, 3],
    search: {
      provider: 'local',
      options: {
        // The reference by its titles only: that is a fifth of the index.
        _render(source, env, md) {
          const html = md.render(source, env)
          if (!env.relativePath.startsWith('api/')) return html
          return md.render(/^# .+$/m.exec(source)?.[0] ?? '', env)
        },
      },
    },
  },
})
