// The schema lock: what journals may hold, written down, and whether today's definition still takes it.
export { compareSchemas, schemaChanges } from './compare.ts'
export {
  type JsonSchema,
  type LockedMutation,
  parseSchemaLock,
  type SchemaLock,
  SchemaLockError,
  type SchemaNode,
  schemaLock,
  schemaLockText,
} from './lock.ts'
