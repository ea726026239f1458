// What each rule means, and what to do about it.
import type { CheckRule } from '../finding.ts'

export const rules: Readonly<Record<CheckRule, { readonly means: string; readonly next: string }>> =
  {
    unreadable: {
      means: 'The journal cannot be opened, or a record cannot be read.',
      next: 'Opening the store would fail in the same way. Look at the line that is named; restore the journal from a copy if its bytes are damaged.',
    },
    wrong_store: {
      means: 'The journal belongs to another store.',
      next: 'Check it with the definition whose name its first line has, or give the definition back its old name.',
    },
    torn_write: {
      means: 'The journal ends in a write that was cut off.',
      next: 'Nothing: it was never acknowledged, and the next opening sets it aside.',
    },
    unknown_mutation: {
      means: 'A record has a mutation that the definition does not have.',
      next: 'Journals outlive code: move the mutation to `retired` instead of removing it.',
    },
    upcast_failed: {
      means: 'An upcaster cannot handle an old payload.',
      next: 'Widen the upcaster of that version until it takes every payload that was recorded with it.',
    },
    invalid_payload: {
      means: "Today's schema refuses a recorded payload, or reads it as another one.",
      next: 'Declare the schema as it was under `upcast`, which makes the changed one a new version.',
    },
    apply_failed: {
      means: 'A reducer threw on a recorded mutation.',
      next: 'Make the reducer take every record that is in a journal; refuse new ones in `check`, which is never replayed.',
    },
    payload_changed: {
      means: 'A reducer writes to its payload.',
      next: 'Copy the value first, and change the copy.',
    },
    impure: {
      means:
        'A reducer, an upcaster or a schema depends on a clock, random numbers, the time zone or the host. As a note: it uses them, and its result does not depend on it.',
      next: 'Take the time from `meta.at`, and put everything else into the payload before dispatching. If it is harmless in your environment, give the reason in `accept`.',
    },
    nondeterministic: {
      means: 'A reducer, an upcaster or a schema gave two different results for the same record.',
      next: 'Let it use nothing but draft, payload and meta: no variables outside, no clock, no random numbers.',
    },
    not_in_place: {
      means: 'Opening cannot replay a reducer in place.',
      next: 'Nothing: the state is right, but opening is slower. The message names the reason.',
    },
    not_a_tree: {
      means: 'An object is reachable twice in the state.',
      next: 'Copy it, or keep its key instead: read back from JSON, it would be two objects.',
    },
    invalid_state: {
      means: 'The state is not JSON, or does not fit its schema.',
      next: 'Fix the reducer that wrote the value, or the schema of the state.',
    },
    digest_mismatch: {
      means: 'The state has another digest than the recorded or expected one.',
      next: 'Find the change of a reducer that did it. If it was meant, record the digests again.',
    },
    other_recording: {
      means: 'The baseline belongs to another journal.',
      next: 'Record the digests of this journal again.',
    },
    lost_records: {
      means:
        'The journal does not exist any more, has no records, or fewer than its baseline covers.',
      next: 'Restore the journal from a copy or from version control. If it was removed on purpose, remove its baseline too.',
    },
    not_compared: {
      means: 'There is no baseline or no schema lockfile to compare with.',
      next: 'Write it with `npx ministore-ts check --update` or `npx ministore-ts schema --update`, and commit it.',
    },
    snapshot_mismatch: {
      means: 'The snapshot beside the journal is not what its records give, or is not used.',
      next: 'Remove it, or take a new one with `npx ministore-ts snapshot`; as a note it only says that opening is slower.',
    },
    schema_changed: {
      means: 'A payload schema changed since it was locked, and its version did not.',
      next: 'Declare the old schema under `upcast`; where every old payload still fits, update the schema lock.',
    },
    not_covered: {
      means: 'No journal has this mutation, version or command, so its replay is not checked.',
      next: 'Add a sample journal that has it.',
    },
  }
