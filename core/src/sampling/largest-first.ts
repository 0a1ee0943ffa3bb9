/** Ids of the `count` largest logits, ascending by id; of equal logits the lower ids. One pass with a heap of `count`. */
export function largest(logits: Float32Array, count: number): Uint32Array {
  if (count >= logits.length) {
    const all = new Uint32Array(logits.length);
    for (let id = 0; id < all.length; id++) all[id] = id;
    return all;
  }
  const heap = new Uint32Array(count);
  let size = 0;
  for (let id = 0; id < logits.length; id++) {
    if (size < count) {
      heap[size] = id;
      liftUp(heap, size++, logits);
    } else if ((logits[id] ?? 0) > (logits[heap[0] ?? 0] ?? 0)) {
      heap[0] = id;
      sinkDown(heap, size, logits);
    }
  }
  return heap.sort();
}

/** True when id `a` leaves before id `b`: smaller logit, or the same and a higher id. */
function leavesFirst(a: number, b: number, logits: Float32Array): boolean {
  const x = logits[a] ?? 0;
  const y = logits[b] ?? 0;
  return x < y || (x === y && a > b);
}

function liftUp(heap: Uint32Array, from: number, logits: Float32Array): void {
  for (let at = from; at > 0; ) {
    const parent = (at - 1) >> 1;
    if (!leavesFirst(heap[at] ?? 0, heap[parent] ?? 0, logits)) return;
    swap(heap, at, parent);
    at = parent;
  }
}

function sinkDown(heap: Uint32Array, size: number, logits: Float32Array): void {
  for (let at = 0; ; ) {
    let first = at;
    for (const child of [2 * at + 1, 2 * at + 2]) {
      if (child < size && leavesFirst(heap[child] ?? 0, heap[first] ?? 0, logits)) first = child;
    }
    if (first === at) return;
    swap(heap, at, first);
    at = first;
  }
}

function swap(heap: Uint32Array, a: number, b: number): void {
  const kept = heap[a] ?? 0;
  heap[a] = heap[b] ?? 0;
  heap[b] = kept;
}
