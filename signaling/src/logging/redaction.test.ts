import { expect, it } from 'vitest';
import * as v from 'valibot';
import Fastify from 'fastify';
import { CiroError } from '@ciro/core/errors.ts';
import { errorFields } from './error-fields.ts';
import { logOptions } from './log-options.ts';
import { addressHash, REDACTED_FIELDS, withoutSecrets } from './redaction.ts';

const KEY = new Uint8Array(32).fill(7);

it('O3: keys, tokens, passwords and addresses are cut out of a line, whichever field they came in; ids, versions and times stay', () => {
  const api = `ciro-sk-${'a1_-'.repeat(10)}abc`;
  const line = `{"time":"2026-12-01T09:12:33.123Z","a":"${api}","b":"Bearer xyz.123","c":"postgres://ciro:hunter2@db:5432/ciro","d":"from 203.0.113.9 and 2001:db8::1","job":"${'ab'.repeat(16)}","v":"5.12.8"}`;
  const cut = withoutSecrets(line, KEY);
  for (const secret of [api, 'xyz.123', 'hunter2', '203.0.113.9', '2001:db8::1']) expect(cut, secret).not.toContain(secret);
  for (const kept of ['2026-12-01T09:12:33.123Z', 'postgres://ciro:', '@db:5432/ciro', 'ab'.repeat(16), '5.12.8']) expect(cut, kept).toContain(kept);
  expect(JSON.parse(cut)).toMatchObject({ d: `from ${addressHash('203.0.113.9', KEY)} and ${addressHash('2001:db8::1', KEY)}` });
  expect(withoutSecrets('at http://127.0.0.1:8080 and [::1]:80', KEY)).toBe('at http://127.0.0.1:8080 and [::1]:80');
});

it('O3: an address has one name while a key is used, another under another key, and IPv6 hosts one for their /64', () => {
  const [one, other] = [addressHash('203.0.113.9', KEY), addressHash('203.0.113.9', new Uint8Array(32))];
  expect(one).toMatch(/^a-[0-9a-f]{16}$/);
  expect([addressHash('::ffff:203.0.113.9', KEY), addressHash('203.0.113.10', KEY) === one, other === one]).toEqual([one, false, false]);
  expect(addressHash('2001:db8:1:2::1', KEY)).toBe(addressHash('2001:db8:1:2::ffff', KEY));
});

it('O3: of an error that repeats what was sent only its kind is told; of ours the code and whose fault it was', () => {
  const caught = (task: () => unknown): unknown => {
    try {
      return task();
    } catch (error) {
      return error;
    }
  };
  for (const error of [caught(() => v.parse(v.number(), 'my secret prompt')), caught(() => JSON.parse('my secret prompt'))]) expect(JSON.stringify(errorFields(error))).not.toContain('secret');
  const own = new CiroError('locked', 'the folder is in use', { fault: 'user', fields: { prompt: 'my secret prompt' }, cause: new Error('below') });
  expect(errorFields(own)).toMatchObject({ code: 'locked', fault: 'user', message: 'the folder is in use', cause: { message: 'below' } });
  expect(JSON.stringify(errorFields(own))).not.toContain('secret');
  expect(errorFields('my secret prompt')).toEqual({ type: 'string', message: 'something that is no error was thrown', stack: '' });
});

it('O3: what stands on the list is left out of every line, at the top and one level down', () => {
  const lines: string[] = [];
  const { logger } = logOptions('info', { write: (line) => lines.push(line) });
  const app = Fastify({ logger });
  const fields = Object.fromEntries(REDACTED_FIELDS.map((field) => [field, 'my secret']));
  app.log.info({ ...fields, nested: fields, job: 'ab' }, 'said');
  app.log.debug('not at this level');
  expect(lines).toHaveLength(1);
  expect(lines[0]).not.toContain('my secret');
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({ level: 'info', msg: 'said', job: 'ab', time: expect.stringMatching(/^2\d{3}-/) });
});
