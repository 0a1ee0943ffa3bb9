import { expect, it } from 'vitest';
import { chainModelOf } from '@ciro/core/settlement/escrow.ts';
import { DEADLINE, ESCROW, EscrowedNetwork, FILE, MODEL, SALT, SPEC } from './escrowed-network.fixture.ts';
import type { EscrowClaim, EscrowWanted } from './check-escrow.ts';

interface Case {
  readonly what: string;
  readonly code: string;
  /** What the message has to name. */
  readonly values: RegExp;
  readonly change: (network: EscrowedNetwork) => void;
  readonly claim?: Partial<EscrowClaim>;
  readonly wanted?: Partial<EscrowWanted>;
}
const HASH = chainModelOf({ id: MODEL, file: FILE });

const CASES: readonly Case[] = [
  { what: 'a job that is not there', code: 'escrow_unknown', values: /0x10b has no job 0x7a6/, change: (network) => network.fund(), claim: { escrow: '0x7a6' } },
  { what: 'one that was cancelled', code: 'escrow_not_open', values: /is cancelled/, change: (network) => (network.fund(), network.chain.cancel(ESCROW)) },
  { what: 'one that runs', code: 'escrow_not_open', values: /is running/, change: (network) => (network.fund(), void network.chain.startJob(ESCROW)) },
  { what: 'one that may be taken back', code: 'escrow_unconfirmed', values: /ask again/, change: (network) => (network.fund(), (network.chain.lag = 1)) },
  { what: 'another prompt', code: 'escrow_spec_mismatch', values: /hash 0x[0-9a-f]+, and this request with its salt has 0x/, change: (network) => network.fund(), wanted: { spec: { ...SPEC, messages: [{ role: 'user', content: 'Who?' }] } } },
  { what: 'another salt', code: 'escrow_spec_mismatch', values: /the salt/, change: (network) => network.fund(), claim: { salt: '00'.repeat(32) } },
  { what: 'more tokens', code: 'escrow_spec_mismatch', values: /hash/, change: (network) => network.fund(), wanted: { spec: { ...SPEC, maxTokens: 10 } } },
  { what: 'another model', code: 'escrow_model_mismatch', values: /pays for model 0x5/, change: (network) => network.fund({ model: '0x5' }) },
  { what: 'a model that nobody registered', code: 'escrow_model_unregistered', values: /not registered/, change: (network) => (network.fund(), network.chain.models.clear()) },
  { what: 'a model registered with other hashes', code: 'escrow_model_unregistered', values: /other hashes/, change: (network) => (network.fund(), network.chain.register({ ...HASH, low: 1n })) },
  { what: 'a model that was revoked', code: 'escrow_model_revoked', values: /was revoked/, change: (network) => (network.fund(), network.chain.register(HASH, true)) },
  { what: 'a token that workers are not paid in', code: 'escrow_token_not_served', values: /0x71.*0x5707e/, change: (network) => network.fund({ token: '0x71' }) },
  { what: 'a budget below the price', code: 'escrow_budget_too_small', values: /up to 100 base units.*holds 99/, change: (network) => network.fund({ budget: 99n }) },
  { what: 'a deadline that is near', code: 'escrow_deadline_too_near', values: /in 599 s.*600 s/, change: (network) => (network.fund(), network.pass(DEADLINE - network.chain.now - 599)) },
  { what: 'an account without the role', code: 'escrow_role_missing', values: /COORDINATOR/, change: (network) => (network.fund(), (network.chain.coordinates = false)) },
];

it.each(CASES)('N3: refuses $what by name, and leaves it as it is', async ({ code, values, change, claim = {}, wanted = {} }) => {
  const network = new EscrowedNetwork();
  await network.ledger.start();
  change(network);
  const before = [await network.chain.job(ESCROW, 'newest'), network.ledgerStore.entries.length];
  await expect(network.take(claim, wanted)).rejects.toMatchObject({ name: 'EscrowError', code, message: expect.stringMatching(values) });
  expect([await network.chain.job(ESCROW, 'newest'), network.ledgerStore.entries.length]).toEqual(before);
  expect(await network.store.open()).toEqual([]);
});

it('N3: an escrow is taken once, by whoever asks first', async () => {
  const network = new EscrowedNetwork();
  await network.ledger.start();
  network.fund();
  const outcomes = await Promise.allSettled([network.take(), network.take({ salt: SALT })]);
  expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  await expect(network.take()).rejects.toMatchObject({ code: 'escrow_taken', fields: { job: '0'.repeat(31).concat('1') } });
  expect(network.events.filter(({ type }) => type === 'started')).toHaveLength(1);
});
