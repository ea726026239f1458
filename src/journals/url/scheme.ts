// Which texts are URLs, and whose.

/** In lower case. Undefined for a path. A URL of SQLite may name a path without a `/` in front. */
export const schemeOf = (text: string): string | undefined =>
  /^(?:([a-z][a-z0-9+.-]*):\/\/|(sqlite):)/i.exec(text)?.slice(1).find(Boolean)?.toLowerCase()

/** A text or a URL object, of whichever realm. */
export const isEngineUrl = (source: unknown): source is string | URL =>
  (typeof source === 'string' || Object.prototype.toString.call(source) === '[object URL]') &&
  ['postgres', 'postgresql', 'nats', 'tls', 'sqlite'].includes(schemeOf(String(source)) ?? '')
