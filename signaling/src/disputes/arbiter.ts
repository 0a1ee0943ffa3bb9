import * as v from 'valibot';
import { chargeOf, evidenceFelt, textHash } from '@ciro/core/dispute/case-file.ts';
import { judgeCase } from '@ciro/core/dispute/judge-case.ts';
import { EpochData } from '@ciro/core/settlement/epoch.ts';
import { verifyEpoch } from '@ciro/core/settlement/verify-epoch.ts';
import type { JudgePorts } from '@ciro/core/dispute/judge-case.ts';
import type { Report } from '@ciro/core/evidence/report.ts';
import type { CourtCase } from './court-port.ts';

/** What an arbiter finds, and why; `cannot tell`: it does not vote on this (SPEC Q2). */
export interface Finding {
  readonly finding: 'guilty' | 'not guilty' | 'cannot tell';
  readonly why: string;
  readonly report?: Report;
}

/** Looks at a case against a worker. `text`: the file as it was published. */
export async function findWorker({ accused, ref, evidence }: Pick<CourtCase, 'accused' | 'ref' | 'evidence'>, text: string, ports: JudgePorts): Promise<Finding> {
  const hash = textHash(text);
  if (evidenceFelt(hash) !== evidence) return { finding: 'cannot tell', why: `the file hashes to ${evidenceFelt(hash)}, and the case names ${evidence}: it is another file` };
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { finding: 'cannot tell', why: 'the file is no JSON' };
  }
  const { file, ...judged } = await judgeCase(value, ports);
  if (file === undefined) return judged;
  const charge = chargeOf(file, hash);
  if (charge.accused !== accused || charge.ref !== ref) return { ...judged, finding: 'not guilty', why: `the file is about ${charge.accused} and job ${charge.ref}, the case about ${accused} and ${ref}` };
  return judged;
}

/** An epoch as the settlement contract has it; felts in 0x hex. */
export interface EpochOnChain {
  readonly chainId: string;
  readonly store: string;
  readonly epoch: number;
  readonly root: string;
  readonly total: bigint;
  readonly count: number;
  readonly depth: number;
}

/** Looks at an epoch (SPEC Q5): guilty is one whose published data do not verify, or are not what the chain has. `before`: the epoch before it, as it was published. */
export function findRoot(published: unknown, onChain: EpochOnChain, before?: unknown): Finding {
  const report = verifyEpoch(published, before === undefined ? {} : { before });
  const parsed = v.safeParse(EpochData, published);
  if (!parsed.success) return { finding: 'cannot tell', why: 'what was published is no epoch', report };
  const { chain_id, store, epoch, root, total, count, depth } = parsed.output;
  if (chain_id !== onChain.chainId || store !== onChain.store || epoch !== onChain.epoch) return { finding: 'cannot tell', why: `what was published is epoch ${epoch} of contract ${store} on ${chain_id}`, report };
  if (report.verdict === 'failed') return { finding: 'guilty', why: `${report.first?.at} is ${report.first?.got} and should be ${report.first?.expected}: ${report.first?.why}`, report };
  const posted = { root: onChain.root, total: String(onChain.total), count: onChain.count, depth: onChain.depth };
  for (const [name, mine] of Object.entries({ root, total, count, depth })) {
    const theirs = posted[name as keyof typeof posted];
    if (mine !== theirs) return { finding: 'guilty', why: `${name} of the published entries is ${mine}, and ${theirs} was posted`, report };
  }
  return { finding: 'not guilty', why: 'the published entries give what was posted', report };
}
