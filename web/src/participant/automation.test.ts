import { describe, expect, it } from 'vitest';
import { statusOf, volunteerOptions } from './automation.ts';
import { EMPTY_VIEW } from './participant-view.ts';
import type { HexHash } from '@ciro/core/ids.ts';

const MIB = 1024 * 1024;

describe('volunteerOptions', () => {
  it('reads the hash that the operator\'s volunteers are opened with', () => {
    expect(volunteerOptions(`#volunteer=1&engine=wasm&memory=${700 * MIB}`, 8)).toEqual({ engine: 'wasm', memoryBudgetBytes: 700 * MIB, pauseOnBattery: false, pauseWhenHidden: false, relayOnly: false, keepAwake: false });
    expect(volunteerOptions('#volunteer=1&relay=only', 8)).toMatchObject({ relayOnly: true });
  });

  it('may say for how many jobs a run is, and ignores what is no number of jobs', () => {
    expect(volunteerOptions('#volunteer=1&batch=1', 8)).toMatchObject({ maxBatchJobs: 1 });
    for (const field of ['batch=0', 'batch=-1', 'batch=1.5', 'batch=x', 'batch=1e9', 'batch=']) expect(volunteerOptions(`#volunteer=1&${field}`, 8)).not.toHaveProperty('maxBatchJobs');
  });

  it('may say how many ids are drafted, none included, and ignores what is no number of drafts', () => {
    expect(volunteerOptions('#volunteer=1&drafts=0', 8)).toMatchObject({ maxDrafts: 0 });
    expect(volunteerOptions('#volunteer=1&drafts=15', 8)).toMatchObject({ maxDrafts: 15 });
    for (const field of ['', 'drafts=16', 'drafts=-1', 'drafts=1.5', 'drafts=x', 'drafts=']) expect(volunteerOptions(`#volunteer=1&${field}`, 8)).not.toHaveProperty('maxDrafts');
  });

  it('is asked for by volunteer=1 only', () => {
    expect(volunteerOptions('', 8)).toBeUndefined();
    expect(volunteerOptions('#chat', 8)).toBeUndefined();
    expect(volunteerOptions('#volunteer=0&engine=wasm', 8)).toBeUndefined();
  });

  it.each(['engine=cuda', 'memory=-1', 'memory=1e99', 'memory=x', 'memory=1'])('falls back to the default for %s', (field) => {
    expect(volunteerOptions(`#volunteer=1&${field}`, 8)).toMatchObject({ engine: 'auto', memoryBudgetBytes: 1024 * MIB });
  });
});

describe('statusOf', () => {
  it('is plain JSON from the first moment on', () => {
    const status = statusOf(EMPTY_VIEW);
    expect(JSON.parse(JSON.stringify(status))).toEqual(status);
    expect(status).toMatchObject({ state: { kind: 'idle' }, node_id: null, layers: null, timings: { join_ms: null, ready_ms: null } });
  });

  it('tells amounts in base units, as text, because JSON numbers would round them', () => {
    const status = statusOf({ ...EMPTY_VIEW, state: { kind: 'ready', layers: [10, 20] }, credits: { pending: 10n ** 18n + 1n, payable: 0n, withheld: 0n } });
    expect(status.layers).toEqual([10, 20]);
    expect(status.totals.credits_pending).toBe('1000000000000000001');
  });

  it('tells what a spare could take over this moment apart from layers that it serves', () => {
    const standby = { kind: 'waiting', why: 'standby', standby: [10, 20], loadedBytes: 9, totalBytes: 9 } as const;
    expect(statusOf({ ...EMPTY_VIEW, state: { ...standby, loaded: true } })).toMatchObject({ layers: null, standby: [10, 20] });
    expect(statusOf({ ...EMPTY_VIEW, state: { ...standby, loaded: false } })).toMatchObject({ layers: null, standby: null });
    expect(statusOf({ ...EMPTY_VIEW, state: { kind: 'ready', layers: [10, 20] } })).toMatchObject({ layers: [10, 20], standby: null });
  });

  it('tells of audits, of the worker\'s own record, and of alarms about the coordinator, without their proofs', () => {
    const head = { body: { network: 'test', sequence: 3, hash: 'ab'.repeat(32) as HexHash, at: 7 }, signature: '7'.repeat(128) };
    const status = statusOf({
      ...EMPTY_VIEW,
      audits: { running: { stage: 1, layers: [10, 20], positions: 40 }, waiting: 2, done: 5, refused: 1 },
      standing: { passed: 9, successfulAudits: 4, failedAudits: 1, auditRate: 0.5, state: 'demoted' },
      credits: { pending: 0n, payable: 0n, withheld: 3n },
      alarms: [{ kind: 'forked-ledger', message: 'two ledgers', proof: { coordinatorPublicKey: '04', heads: [head, head], links: null } }],
    });
    expect(JSON.parse(JSON.stringify(status))).toEqual(status);
    expect(status.audits).toEqual({ running: true, waiting: 2, done: 5, refused: 1 });
    expect(status.standing).toEqual({ passed: 9, successful_audits: 4, failed_audits: 1, audit_rate: 0.5, state: 'demoted' });
    expect(status.alarms).toEqual([{ kind: 'forked-ledger', job: null, message: 'two ledgers' }]);
    expect(status.totals.credits_withheld).toBe('3');
    expect(statusOf(EMPTY_VIEW).standing).toBeNull();
  });
});
