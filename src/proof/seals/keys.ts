// The keys that sign seals: Ed25519, as PEM text.
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
} from 'node:crypto'

/** Makes a key pair: the private key as PKCS #8, the public one as SPKI. */
export const newKeyPair = (): { privateKey: string; publicKey: string } =>
  generateKeyPairSync('ed25519', {
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  })

/** `name`: of its file. Throws TypeError that shows nothing of the key. */
export const readPrivateKey = (pem: string, name: string): KeyObject =>
  read(() => createPrivateKey(pem), name, 'private')

/** As `readPrivateKey`. A private key is refused, so that it is not handed out in place of the public one. */
export function readPublicKey(pem: string, name: string): KeyObject {
  if (pem.includes('PRIVATE KEY'))
    throw new TypeError(`${name}: this is a private key. Pass the public one, <file>.pub`)
  return read(() => createPublicKey(pem), name, 'public')
}

function read(make: () => KeyObject, name: string, kind: string): KeyObject {
  let key: KeyObject | undefined
  try {
    key = make()
  } catch {}
  if (key?.asymmetricKeyType === 'ed25519') return key
  throw new TypeError(`${name}: this is not a ${kind} Ed25519 key in PEM, without a passphrase`)
}

/** The SHA-256 of the public key (its SPKI, in DER), in hex: names it in seals. */
export function keyId(key: KeyObject): string {
  const publicKey = key.type === 'private' ? createPublicKey(key) : key
  const der = publicKey.export({ type: 'spki', format: 'der' })
  return createHash('sha256').update(der).digest('hex')
}
