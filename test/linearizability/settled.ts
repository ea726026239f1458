// What the answers of a history prove of its calls of unknown outcome. A search would find that out by trying them in
// each order, which takes exponential time in their number.
import type { StoreAnswer, StoreCall, StoreOperation } from './shared-store.ts'

type Keyed = StoreOperation & { readonly call: StoreCall & { readonly what: 'dispatch' } }
type Done = StoreAnswer & { readonly what: 'done' }

/**
 * The history, with fewer calls of unknown outcome: it is linearizable if and only if the given one is. A key has one
 * record. So if a call with the key was answered as the first one, no other call with it took effect. If all were
 * answered as duplicates, a call of unknown outcome took effect: at the seq that the duplicates name, and before the
 * first of them ended. Which of several did makes no difference if they ask for the same, so it is the earliest one.
 */
export function settled(operations: readonly StoreOperation[]): StoreOperation[] {
  const changes = new Map<StoreOperation, StoreOperation | undefined>()
  for (const group of byKey(operations)) {
    const unknown = group.filter(({ answer }) => answer === undefined)
    if (unknown.length === 0) continue
    const answers = group.flatMap(({ answer, end }) =>
      answer?.what === 'done' ? [{ ...answer, end }] : [],
    )
    const [first] = answers
    if (!first) continue
    const isContradiction = answers.some(({ seq }) => seq !== first.seq)
    if (isContradiction || new Set(group.map(bodyOf)).size > 1) continue
    const writer = answers.every(({ duplicate }) => duplicate) ? writerOf(unknown, answers) : null
    if (writer === undefined) continue
    for (const each of unknown) changes.set(each, undefined)
    if (writer) {
      const end = Math.min(...answers.map((each) => each.end))
      changes.set(writer, {
        ...writer,
        end,
        answer: { what: 'done', seq: first.seq, duplicate: false },
      })
    }
  }
  return operations.flatMap((each) => (changes.has(each) ? (changes.get(each) ?? []) : each))
}

function byKey(operations: readonly StoreOperation[]): Iterable<Keyed[]> {
  const groups = new Map<string, Keyed[]>()
  for (const operation of operations) {
    const { call } = operation
    if (call.what !== 'dispatch' || call.key === undefined) continue
    const group = groups.get(call.key) ?? []
    group.push(operation as Keyed)
    groups.set(call.key, group)
  }
  return groups.values()
}

const bodyOf = ({ call }: Keyed): string => JSON.stringify(call.mutations)

/** The earliest that can have written the record which the duplicates name. */
function writerOf(
  unknown: readonly Keyed[],
  answers: readonly (Done & { readonly end: number })[],
): Keyed | undefined {
  const seq = answers[0]?.seq ?? 0
  const end = Math.min(...answers.map((each) => each.end))
  return unknown
    .filter(({ call, start }) => start <= end && (call.expectSeq ?? seq - 1) === seq - 1)
    .toSorted((a, b) => a.start - b.start)[0]
}
