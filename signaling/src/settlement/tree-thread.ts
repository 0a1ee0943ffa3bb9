/** Thread: hashes parts of settlement trees. 100,000 payees are 300,000 permutations, which would hold up the coordinator for half a minute. */
import { parentPort } from 'node:worker_threads';
import { growTree } from '@ciro/core/settlement/epoch-tree.ts';
import { leafHasher } from '@ciro/core/settlement/leaf.ts';
import type { GrownPart, TreePart } from './tree-messages.ts';

const port = parentPort;
if (port === null) throw new TypeError('tree-thread.ts is started as a worker thread');
port.on('message', ({ id, chainId, store, depth, leaves, before }: TreePart) => {
  const hash = leafHasher({ chainId, store });
  const hashed = leaves.map((leaf) => (typeof leaf === 'bigint' ? leaf : hash(leaf[0], leaf[1])));
  port.postMessage({ id, tree: growTree(hashed, { depth, before }) } satisfies GrownPart);
});
