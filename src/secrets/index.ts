export { SecretError, type SecretErrorCode } from './error.ts'
export { fileKeys } from './file-keys.ts'
export {
  type KeyEntry,
  type KeyStorage,
  type KeyStore,
  type KeyStoreOptions,
  keyStore,
  masterKey,
  type SubjectKey,
  type Wrapping,
} from './keys.ts'
export { memoryKeys } from './memory-keys.ts'
export { type KeyDatabase, type PostgresKeysOptions, postgresKeys } from './postgres-keys.ts'
export type { Plain, Revealed, Secret } from './sealed.ts'
export { type SecretOptions, type SecretSchema, secret } from './secret.ts'
export { reveal, type Vault, vault } from './vault.ts'
