import { AuditError } from './audit-error.ts';

/** Probability that at least `quorum` of `arbiters` belong to an attacker who holds the share `bought` of all weight: binomial, exact but for rounding. */
export function boughtMajority(arbiters: number, quorum: number, bought: number): number {
  if (!Number.isInteger(arbiters) || !Number.isInteger(quorum) || quorum < 0 || quorum > arbiters || !(bought >= 0 && bought <= 1)) {
    throw new AuditError('bad-argument', `${quorum} of ${arbiters} arbiters at a share of ${bought} is no question; give 0 <= quorum <= arbiters and a share of 0 to 1`, { fault: 'bug' });
  }
  let sum = 0;
  for (let k = quorum; k <= arbiters; k++) sum += choose(arbiters, k) * power(bought, k) * power(1 - bought, arbiters - k);
  return sum;
}

/** The same when `arbiters` are drawn without replacement and with equal weight from `nodes`, of which `bought` are the attacker's: hypergeometric. */
export function boughtMajorityOf(nodes: number, bought: number, arbiters: number, quorum: number): number {
  if (![nodes, bought, arbiters, quorum].every((count) => Number.isInteger(count) && count >= 0) || bought > nodes || arbiters > nodes || quorum > arbiters) {
    throw new AuditError('bad-argument', `${quorum} of ${arbiters} arbiters from ${nodes} nodes with ${bought} bought is no question; give counts that fit into each other`, { fault: 'bug' });
  }
  let sum = 0;
  for (let k = quorum; k <= Math.min(arbiters, bought); k++) sum += (choose(bought, k) * choose(nodes - bought, arbiters - k)) / choose(nodes, arbiters);
  return sum;
}

/** Binomial coefficient; exact below 2^53. */
function choose(n: number, k: number): number {
  if (k > n) return 0;
  let product = 1;
  for (let i = 1; i <= k; i++) product = (product * (n - k + i)) / i;
  return product;
}

/** Products only: `**` may differ between engines in the last bit. */
function power(base: number, exponent: number): number {
  let product = 1;
  for (let i = 0; i < exponent; i++) product *= base;
  return product;
}
