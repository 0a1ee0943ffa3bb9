/** Leaves of a group in one claim: 128 fresh payees take about 120 M of L2 gas, and three such groups fit in a transaction. */
export const MAX_GROUP = 128;

/** An aligned group: `size` leaves, a power of two, from `first` on. */
export interface LeafGroup {
  readonly first: number;
  readonly size: number;
}

/**
 * Groups that cover every due leaf (SPEC X8): as large as at least half of their leaves are due, so that no claim carries more
 * leaves that get nothing than leaves that get something. Rising, without overlap. `due[i]`: leaf i is to be paid; `left[i]`: it is left to its
 * payee, and in no group (SPEC X9).
 */
export function planGroups(due: readonly boolean[], largest: number = MAX_GROUP, left: readonly boolean[] = []): LeafGroup[] {
  const groups: LeafGroup[] = [];
  const cover = (first: number, size: number): void => {
    let wanted = 0;
    for (let at = first; at < first + size; at++) if (due[at] === true) wanted++;
    if (wanted === 0) return;
    if (2 * wanted >= size && !left.slice(first, first + size).includes(true)) {
      groups.push({ first, size });
      return;
    }
    cover(first, size / 2);
    cover(first + size / 2, size / 2);
  };
  let size = 1;
  while (size < Math.min(largest, due.length)) size *= 2;
  size = Math.min(size, largest);
  for (let first = 0; first < due.length; first += size) cover(first, size);
  return groups;
}
