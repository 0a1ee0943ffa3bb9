import { expect, it } from 'vitest';
import { identityPublicKey } from '../identity/identity.ts';
import { STATEMENT_REQUEST_VALID_S, statementAuthorization, workerOfAuthorization } from './statement-request.ts';

const KEY = '0x5eed';
const worker = identityPublicKey(KEY);
const NOW = 1_800_000_000;

it('M12: knows the worker by its signature, for this network and a few minutes only', () => {
  const header = statementAuthorization({ network: 'ciro-1', worker, at: NOW }, KEY);
  const read = (text: string | undefined, network = 'ciro-1', now = NOW): string | undefined => workerOfAuthorization(text, { network, now });
  expect(read(header)).toBe(worker);
  expect(read(header, 'ciro-1', NOW + STATEMENT_REQUEST_VALID_S)).toBe(worker);
  expect(read(header, 'ciro-1', NOW + STATEMENT_REQUEST_VALID_S + 1)).toBeUndefined();
  expect(read(header, 'ciro-1', NOW - STATEMENT_REQUEST_VALID_S - 1)).toBeUndefined();
  expect(read(header, 'ciro-2')).toBeUndefined();
  expect(read(header.replace(String(NOW), String(NOW + 1)))).toBeUndefined();
  expect(read(header.replace(worker, identityPublicKey('0x5eee')))).toBeUndefined();
  for (const text of [undefined, '', 'Bearer ciro-sk-x', header.slice(0, -1), `${header}0`, `CiroWorker ${worker}.${NOW}.${'0'.repeat(128)}`, `CiroWorker 0x1.${NOW}.${'f'.repeat(128)}`]) expect(read(text)).toBeUndefined();
});
