// The tables, and every statement on them. Parameters are in the order of the `?`.

export const SCHEMA_VERSION = 1

/**
 * The head is the seq of the last record, which is never removed. So an append changes one table.
 * `first` tells records that were truncated from records that are missing.
 */
export const CREATE: string = `
CREATE TABLE IF NOT EXISTS ministore_schema (version INTEGER PRIMARY KEY) STRICT;
CREATE TABLE IF NOT EXISTS ministore_journals (
  name TEXT PRIMARY KEY,
  store TEXT NOT NULL,
  epoch TEXT NOT NULL,
  first INTEGER NOT NULL DEFAULT 1,
  created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ')),
  features TEXT NOT NULL DEFAULT '{}'
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS ministore_entries (
  journal TEXT NOT NULL,
  seq INTEGER NOT NULL,
  id TEXT NOT NULL,
  data TEXT NOT NULL,
  PRIMARY KEY (journal, seq)
) STRICT, WITHOUT ROWID;
INSERT OR IGNORE INTO ministore_schema
  SELECT ${SCHEMA_VERSION} WHERE NOT EXISTS (SELECT 1 FROM ministore_schema)`

export const TABLES: string = `
SELECT count(*) AS tables FROM sqlite_schema WHERE type = 'table'
AND name IN ('ministore_schema', 'ministore_journals', 'ministore_entries')`

export const VERSION: string = 'SELECT max(version) AS version FROM ministore_schema'

/** Changes with each commit of another connection, also of another process. */
export const DATA_VERSION: string = 'PRAGMA data_version'

/** name, store, epoch, features */
export const INSERT_JOURNAL: string =
  'INSERT INTO ministore_journals (name, store, epoch, features) VALUES (?, ?, ?, ?)'

/** A seq whose record is known, then the name. `known`: the id of the record that has this seq now. */
export const LOOK: string = `
SELECT j.store, j.epoch, j.features, j.first, (SELECT max(version) FROM ministore_schema) AS version,
  coalesce(e.seq, 0) AS head, e.id AS last,
  (SELECT id FROM ministore_entries WHERE journal = j.name AND seq = ?) AS known
FROM ministore_journals j LEFT JOIN ministore_entries e ON e.journal = j.name
  AND e.seq = (SELECT max(seq) FROM ministore_entries WHERE journal = j.name)
WHERE j.name = ?`

/** journal, seq, id, data */
export const INSERT: string =
  'INSERT INTO ministore_entries (journal, seq, id, data) VALUES (?, ?, ?, ?)'

/** journal, after, to, at most so many records. SQLite knows the lengths without reading the texts. */
export const MEASURE: string = `
SELECT coalesce(sum(octet_length(data)), 0) AS bytes FROM (
  SELECT data FROM ministore_entries WHERE journal = ? AND seq > ? AND seq <= ? ORDER BY seq LIMIT ?)`

/** At most so many bytes of a text, else NULL; journal, after, to, at most so many records */
export const READ: string = `
SELECT seq, id, CASE WHEN octet_length(data) <= ? THEN data END AS text
FROM ministore_entries WHERE journal = ? AND seq > ? AND seq <= ? ORDER BY seq LIMIT ?`

/** first, name */
export const SET_FIRST: string = 'UPDATE ministore_journals SET first = ? WHERE name = ?'

/** journal, from, to (exclusive) */
export const REMOVE: string =
  'DELETE FROM ministore_entries WHERE journal = ? AND seq >= ? AND seq < ?'

/** journal */
export const LOWEST: string = 'SELECT min(seq) AS low FROM ministore_entries WHERE journal = ?'

/** name, at most so many names */
export const SIMILAR: string =
  'SELECT name FROM ministore_journals WHERE abs(length(name) - length(?)) <= 3 ORDER BY name LIMIT ?'
