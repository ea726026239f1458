// The digest of a text, at once: WebCrypto has only one that is asynchronous, and `node:crypto` is not in browsers.
import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex } from '@noble/hashes/utils.js'

/** SHA-256 of the text as UTF-8, as 64 lower-case hex digits. */
export const textDigest = (text: string): string =>
  bytesToHex(sha256(new TextEncoder().encode(text)))
