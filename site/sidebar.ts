// The order of the site.

export interface Group {
  readonly text: string
  /** Paths from the root of the repository. */
  readonly pages: readonly string[]
}

const GROUPS: readonly Group[] = [
  {
    text: 'Start',
    pages: [
      'README.md',
      'docs/guides/first-ten-minutes.md',
      'docs/guides/if-you-know.md',
      'docs/guides/defining-a-store.md',
      'docs/guides/errors.md',
      'docs/guides/testing.md',
      'docs/guides/http-service.md',
    ],
  },
  {
    text: 'Keep it correct',
    pages: [
      'docs/guides/replay-check.md',
      'docs/ci/README.md',
      'docs/guides/schema-lock.md',
      'docs/guides/evolution.md',
      'docs/guides/idempotency.md',
      'docs/guides/audit.md',
      'docs/guides/privacy.md',
      'docs/guides/tamper-evidence.md',
      'docs/guides/verifying.md',
    ],
  },
  {
    text: 'Run it',
    pages: [
      'docs/guides/files.md',
      'docs/guides/bundling.md',
      'docs/guides/hot-reload.md',
      'docs/guides/snapshots.md',
      'docs/guides/tables.md',
      'docs/guides/observability.md',
      'docs/guides/scaling.md',
      'docs/engines/postgres.md',
      'docs/engines/nats.md',
      'docs/engines/sqlite.md',
      'docs/guides/outbox.md',
      'docs/guides/moving-a-journal.md',
    ],
  },
  {
    text: 'Reference',
    pages: [
      'docs/CLI.md',
      'docs/JOURNAL.md',
      'docs/TRUST.md',
      'docs/PERFORMANCE.md',
      'docs/benchmarks/README.md',
      'docs/benchmarks/results.md',
      'docs/benchmarks/profile.md',
      'docs/GLOSSARY.md',
      'docs/ARCHITECTURE.md',
    ],
  },
  {
    text: 'Examples',
    pages: [
      'examples/quickstart/README.md',
      'examples/walmq/README.md',
      'examples/arcella/README.md',
    ],
  },
  { text: 'Project', pages: ['CHANGELOG.md', 'CONTRIBUTING.md', 'SECURITY.md'] },
]

/** All groups. A document of docs/ that no group names is in the last one. */
export function sidebarOf(documents: readonly string[]): readonly Group[] {
  const listed = new Set(GROUPS.flatMap(({ pages }) => pages))
  const others = documents.filter((path) => path.startsWith('docs/') && !listed.has(path))
  return others.length === 0 ? GROUPS : [...GROUPS, { text: 'More', pages: others }]
}
