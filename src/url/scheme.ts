// Which texts are URLs, and whose.

/** In lower case. Undefined for a path. */
export const schemeOf = (text: string): string | undefined =>
  /^([a-z][a-z0-9+.-]*):\/\//i.exec(text)?.[1]?.toLowerCase()

/** A text or a URL object, of whichever realm. */
export const isEngineUrl = (source: unknown): source is string | URL =>
  (typeof source === 'string' || Object.prototype.toString.call(source) === '[object URL]') &&
  ['postgres', 'postgresql', 'nats', 'tls'].includes(schemeOf(String(source)) ?? '')
