// Which member of a group gets which partitions.

/**
 * Balanced: the numbers of partitions differ by one at most. Sticky: a member keeps what it has, as far as that
 * allows. `owners`: by partition; members in the order in which they joined.
 */
export function assign<Member>(
  owners: readonly (Member | undefined)[],
  members: readonly Member[],
): (Member | undefined)[] {
  const held = new Map(members.map((member): [Member, number[]] => [member, []]))
  const free: number[] = []
  for (const [partition, owner] of owners.entries()) {
    const own = owner === undefined ? undefined : held.get(owner)
    if (own) own.push(partition)
    else free.push(partition)
  }
  // Who has the most may keep one more, so that as few as possible move.
  const bySize = [...held].toSorted(([, one], [, other]) => other.length - one.length)
  const least = Math.floor(owners.length / members.length)
  const withOneMore = owners.length % members.length
  const next: (Member | undefined)[] = owners.map(() => undefined)
  const quotas = bySize.map(([member, own], index) => {
    const quota = least + (index < withOneMore ? 1 : 0)
    free.push(...own.splice(quota))
    for (const partition of own) next[partition] = member
    return { member, wanted: quota - own.length }
  })
  free.sort((one, other) => one - other)
  for (const { member, wanted } of quotas) {
    for (const partition of free.splice(0, wanted)) next[partition] = member
  }
  return next
}
