// All SQL there is. Values are parameters, always; numbers travel as text, since a bigint is not a number.

export interface Statement {
  readonly text: string
  /** Of what is run often: it is parsed once in each session that is ours alone. */
  readonly name?: string
  /** Several statements, without parameters. */
  readonly isScript?: true
}

/** Raised when what is in the tables changes: an older ministore then refuses them. */
export const SCHEMA_VERSION = 1

/**
 * One message is one transaction, and the lock goes with it: concurrent IF NOT EXISTS would race. No
 * serials: seq is the journal's own.
 */
export const CREATE: Statement = {
  isScript: true,
  text: `
SELECT pg_advisory_xact_lock(7883953211);
CREATE TABLE IF NOT EXISTS ministore_schema (version integer PRIMARY KEY);
CREATE TABLE IF NOT EXISTS ministore_journals (
  name text PRIMARY KEY, store text NOT NULL, epoch uuid NOT NULL DEFAULT gen_random_uuid(),
  head bigint NOT NULL DEFAULT 0, first bigint NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT now(), features text NOT NULL DEFAULT '{}') WITH (fillfactor = 50);
CREATE TABLE IF NOT EXISTS ministore_entries (
  journal text NOT NULL, seq bigint NOT NULL, id text NOT NULL, data text NOT NULL,
  at timestamptz NOT NULL DEFAULT clock_timestamp(), PRIMARY KEY (journal, seq));
INSERT INTO ministore_schema VALUES (${SCHEMA_VERSION}) ON CONFLICT DO NOTHING;`,
}

/**
 * In every new session with the process ID $2, and, in one of another process ID, before every statement: then the
 * settings end with the transaction. A plan that was made while a table was small must not read all of it when
 * it is large. A statement gives up on the server before its caller does, which then knows that nothing happened:
 * after $1 milliseconds, unless the server has a limit of its own.
 */
export const GREET: string = `
SELECT pg_is_in_recovery()::text AS standby, current_setting('fsync') AS fsync,
  current_setting('server_encoding') AS encoding, current_setting('server_version_num') AS version,
  pg_backend_pid()::text AS pid, extract(epoch FROM pg_postmaster_start_time())::text AS started,
  set_config('default_transaction_isolation', 'read committed', pg_backend_pid()::text <> $2),
  set_config('enable_seqscan', 'off', pg_backend_pid()::text <> $2),
  set_config('statement_timeout', CASE current_setting('statement_timeout')
    WHEN '0' THEN $1::text ELSE current_setting('statement_timeout') END, pg_backend_pid()::text <> $2)`

export const LISTENER: string =
  'SELECT pg_backend_pid()::text AS pid, pg_is_in_recovery() AS standby'

/** $1 channels, $2 the payload. It must not wait for the disk. */
export const NOTIFY: Statement = {
  text: `SELECT set_config('synchronous_commit', 'off', true), pg_notify(channel, $2)
FROM unnest($1::text[]) AS channel`,
}

/** What an application and, of these, a reader needs. A right to a column is a right to the table here. */
const RIGHTS = `(VALUES ('SELECT', 'ministore_schema', 'SELECT', true),
    ('SELECT', 'ministore_journals', 'SELECT', true), ('SELECT', 'ministore_entries', 'SELECT', true),
    ('INSERT', 'ministore_journals', 'INSERT', false), ('UPDATE (head)', 'ministore_journals', 'UPDATE', false),
    ('INSERT', 'ministore_entries', 'INSERT', false))`

/** $1 whether it is for reading alone. `lacking`: the GRANTs that the role needs; null if it needs none. */
export const FIND: Statement = {
  text: `
SELECT count(*)::text AS tables, count(*) FILTER (WHERE relpersistence <> 'p')::text AS lossy,
  (SELECT string_agg(format('GRANT %s ON %s TO %I;', rights, name, current_user), ' ')
    FROM ${RIGHTS} AS needed (rights, name, kind, is_to_read)
    WHERE (is_to_read OR NOT $1::boolean) AND NOT has_any_column_privilege(to_regclass(name), kind)) AS lacking
FROM pg_class WHERE oid IN (to_regclass('ministore_schema'), to_regclass('ministore_journals'),
  to_regclass('ministore_entries'))`,
}

export const VERSION: Statement = {
  text: 'SELECT max(version)::text AS version FROM ministore_schema',
}

/** A database may have it off; `remote_apply` is stricter than on, and stays. */
const DURABLE = `set_config('synchronous_commit', CASE current_setting('synchronous_commit')
  WHEN 'remote_apply' THEN 'remote_apply' ELSE 'on' END, true)`
/** Before a commit, whatever the transaction has set. */
export const SYNCHRONOUS: string = `SELECT ${DURABLE}`

/**
 * $1 name, $2 store, $3 features. It writes even if the journal exists: when that is durable, so is all
 * that was written before, such as records of a server that crashed before its standby had them.
 */
export const OPEN: Statement = {
  text: `
INSERT INTO ministore_journals AS j (name, store, features) VALUES ($1, $2, $3)
ON CONFLICT (name) DO UPDATE SET head = j.head
RETURNING j.store, j.features, j.epoch::text AS epoch, j.head::text AS head, j.first::text AS first,
  (SELECT id FROM ministore_entries WHERE journal = j.name AND seq = j.head) AS last,
  (j.xmax = 0)::text AS created, ${DURABLE}`,
}

/** As `OPEN`, of a journal that is there: $1 name. */
export const SYNC: Statement = {
  text: `
UPDATE ministore_journals SET head = head WHERE name = $1 RETURNING ${DURABLE}`,
}

/**
 * $1 name, $2 expected, $3 epoch, $4 ids, $5 texts, $6 and $7 seq and id of a record that is known; seq 0 if none is.
 * No row: another head, another epoch, or another record at $6 (unless it was truncated).
 */
export const APPEND: Statement = {
  name: 'ministore_append',
  text: `WITH h AS (UPDATE ministore_journals SET head = head + cardinality($4::text[])
    WHERE name = $1 AND head = $2::bigint AND epoch = $3::uuid
      AND (first > $6::bigint OR EXISTS (
        SELECT FROM ministore_entries WHERE journal = $1 AND seq = $6::bigint AND id = $7::text))
    RETURNING head),
  i AS (INSERT INTO ministore_entries (journal, seq, id, data)
    SELECT $1, $2::bigint + t.n, t.id, t.data
    FROM h, unnest($4::text[], $5::text[]) WITH ORDINALITY AS t (id, data, n))
SELECT h.head::text AS head, ${DURABLE} FROM h`,
}

/** $1 name, $2 a seq whose record is known. `known`: the id of the record that is there now. */
export const LOOK: Statement = {
  text: `
SELECT store, features, epoch::text AS epoch, head::text AS head, first::text AS first,
  (SELECT id FROM ministore_entries WHERE journal = $1 AND seq = head) AS last,
  (SELECT id FROM ministore_entries WHERE journal = $1 AND seq = $2::bigint) AS known
FROM ministore_journals WHERE name = $1`,
}

/**
 * Whether it is a standby, and how many milliseconds it is late. A standby that has replayed all that it received is
 * not late as long as it is connected. Otherwise, what it replayed last is as old as that.
 */
export const LAG: Statement = {
  text: `SELECT pg_is_in_recovery()::text AS standby,
  CASE WHEN pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn()
      AND EXISTS (SELECT FROM pg_stat_wal_receiver) THEN 0
    ELSE greatest(0, round(1000 * extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp())))
  END::text AS lag`,
}

/** $1 a name, $2 at most so many. */
export const SIMILAR: Statement = {
  text: `SELECT name FROM ministore_journals WHERE abs(length(name) - length($1)) <= 3 ORDER BY name LIMIT $2::integer`,
}

/**
 * $1 name, $2 after, $3 to, $4 at most so many records, $5 and bytes, but always one; $6 at most so many of one record, else no data;
 * $7 and $8 seq and id of a record that is known, `other`: another record is there now. A statement has one view of
 * both tables: what it says of head and first is true of its records.
 */
export const READ: Statement = {
  name: 'ministore_read',
  text: `SELECT j.epoch::text AS epoch, j.head::text AS head, j.first::text AS first,
  EXISTS (SELECT FROM ministore_entries
    WHERE journal = $1 AND seq = $7::bigint AND id <> $8::text)::text AS other,
  e.seq::text AS seq, e.id, CASE WHEN octet_length(e.data) <= $6::bigint THEN e.data END AS data
FROM ministore_journals j LEFT JOIN (
  SELECT seq, id, data, sum(octet_length(data)) OVER (ORDER BY seq ROWS UNBOUNDED PRECEDING) AS bytes
  FROM (SELECT seq, id, data FROM ministore_entries
    WHERE journal = $1 AND seq > $2::bigint AND seq <= $3::bigint
    ORDER BY seq LIMIT $4::integer) AS part
) AS e ON e.bytes <= $5::bigint OR e.seq = $2::bigint + 1
WHERE j.name = $1
ORDER BY e.seq`,
}

/** $1 name, $2 up to, $3 epoch. From here on no one reads them; `low`: the first that is to be removed. */
export const TRUNCATE: Statement = {
  text: `
UPDATE ministore_journals j SET first = greatest(first, least($2::bigint, head) + 1)
WHERE name = $1 AND epoch = $3::uuid
RETURNING first::text AS first,
  (SELECT min(seq) FROM ministore_entries WHERE journal = $1)::text AS low`,
}

/** $1 name, $2 from, $3 to. */
export const REMOVE: Statement = {
  text: 'DELETE FROM ministore_entries WHERE journal = $1 AND seq >= $2::bigint AND seq < $3::bigint',
}
