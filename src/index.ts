// The front door: what those who use a store need. What tools need is in `ministore-ts/check`, what engines need in
// `ministore-ts/shared`. test/architecture.test.ts lists both.

export { defineStore } from './define/definition.ts'
export type {
  CommandPart,
  DefinitionOf,
  MutationConfig,
  MutationPart,
  Tx,
} from './define/dsl.ts'
export type { Health } from './define/health.ts'
export type { Accepted } from './define/messages.ts'
export type {
  BoundMetadata,
  DefaultMetadata,
  MetadataInput,
  MetadataOutput,
  MetadataTypes,
} from './define/metadata.ts'
export type {
  DispatchOptions,
  ExecuteOptions,
  OpenOptions,
  RecordsOptions,
  Recovery,
  Store,
  SubscribeOptions,
} from './define/open-store.ts'
export type { Conflict, Executed, Invalid, Outcome } from './define/outcome.ts'
export { commandsFor, mutationsFor } from './define/parts.ts'
export type { Nothing, NothingIn, Problem } from './define/problem.ts'
export { reject } from './define/reject.ts'
export type {
  AnyStoreDefinition,
  FileOpenOptions,
  JournalRecord,
  JournalSource,
  Mutation,
  MutationInput,
  MutationName,
  RejectionOf,
  Replayed,
  State,
  StoreDefinition,
  StoreOf,
} from './define/store-definition.ts'
export { mutationsFromUnion, type UnionParts, type UnionReducers } from './define/union.ts'
export { upcaster } from './define/upcaster.ts'
export {
  type AnyRejection,
  Rejection,
  type RejectionJson,
  StoreError,
  type StoreErrorCode,
  type StoreErrorJson,
  type StoreErrorOptions,
} from './errors.ts'
export { memoryJournal } from './journals/memory.ts'
export type { Json } from './json/json.ts'
export type {
  AcceptedSources,
  GuardMeta,
  ImpureSource,
  Meta,
  Metadata,
  Upcaster,
  WellKnownMetadata,
} from './mutation/spec.ts'
export type {
  AppendResult,
  Awaitable,
  Entry,
  Journal,
  JournalInfo,
  NewEntry,
  Replica,
  SqlTransaction,
  TornTail,
  UnusedSnapshot,
} from './port/journal.ts'
export type {
  AppendEvent,
  CompactionEvent,
  DispatchEvent,
  FollowEvent,
  Observer,
  ReconnectEvent,
  ReplayEvent,
  SnapshotEvent,
  StopEvent,
  StoreEvent,
} from './port/observer.ts'
export type {
  CompactOptions,
  CompactReceipt,
  KeptKey,
  Snapshot,
  SnapshotReceipt,
  Snapshots,
} from './port/snapshots.ts'
export type { CheckOptions, ReplayReport } from './proof/check/report.ts'
export type { Finding } from './proof/finding.ts'
export type { VerifyOptions, VerifyReport } from './proof/verify/report.ts'
export type { Within, WithinRecord } from './record/append.ts'
export type { Receipt, RecordOf } from './record/record.ts'
export type { Immutable, ImmutableObject } from './table/immutable.ts'
