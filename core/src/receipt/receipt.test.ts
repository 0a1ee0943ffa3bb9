import * as v from 'valibot';
import { expect, it } from 'vitest';
import { utf8 } from '../bytes.ts';
import { Acknowledgement, acknowledgementBytes, disagreementBytes, Receipt, receiptBytes, receiptHash } from './receipt.ts';

const hex = (byte: string, bytes: number): string => byte.repeat(bytes);
const signature = hex('9a', 64);
const fields = { network: 'ciro-test', job: hex('c3', 16), planHash: hex('01', 32), stage: 1, worker: hex('02', 20), unit: 2, from: 32, to: 40, inputHash: hex('03', 32), payloadHash: hex('04', 32), linkHash: hex('05', 32) };
const { body } = v.parse(Receipt, { body: fields, signature });

it('R1: the worker signs the domain and the canonical JSON of the eleven fields', () => {
  const [domain, json] = Buffer.from(receiptBytes(body)).toString().split('\0');
  expect(domain).toBe('ciro/receipt/1');
  expect(JSON.parse(json ?? '')).toEqual(fields);
  // By Python: sha256(b'ciro/receipt/1\0' + json.dumps(body, sort_keys=True, separators=(',', ':')).encode()).
  expect(receiptHash(body)).toBe('4bf618ba94ec2d3513bd6ef259bb16357eb29c2e87fcbe6a81611289010849a7');
});

it('R1: a receipt that differs in any field has another hash', () => {
  const others = Object.entries(fields).map(([key, value]) => receiptHash(v.parse(Receipt, { body: { ...fields, [key]: typeof value === 'number' ? value + 1 : key === 'network' ? 'other' : value.replace(/^./, 'f') }, signature }).body));
  expect(new Set([...others, receiptHash(body)]).size).toBe(12);
});

it('R2: the neighbour signs the receipt hash and its own name under another domain', () => {
  const hash = receiptHash(body);
  const bytes = acknowledgementBytes(hash, body.worker);
  expect([...bytes.subarray(0, 23)]).toEqual([...utf8('ciro/acknowledgement/1'), 0]);
  expect(bytes).not.toEqual(acknowledgementBytes(hash, 'coordinator'));
  expect(Buffer.from(bytes).toString()).toContain(hash);
});

it('R2: a disagreement signs what was given instead, under a domain of its own', () => {
  const hash = receiptHash(body);
  const bytes = Buffer.from(disagreementBytes(hash, body.worker, body.inputHash)).toString();
  expect(bytes.split('\0')[0]).toBe('ciro/disagreement/1');
  expect(JSON.parse(bytes.split('\0')[1] ?? '')).toEqual({ receiptHash: hash, signer: body.worker, linkHash: body.inputHash });
});

it('R2: an acknowledgement is signed by a worker or by the coordinator, by nobody else', () => {
  const acknowledgement = { receiptHash: receiptHash(body), signer: body.worker, signature };
  expect(v.is(Acknowledgement, acknowledgement)).toBe(true);
  expect(v.is(Acknowledgement, { ...acknowledgement, signer: 'coordinator' })).toBe(true);
  expect(v.is(Acknowledgement, { ...acknowledgement, signer: 'auditor' })).toBe(false);
});

it('R1: a receipt with a missing, surplus or mistyped field is none', () => {
  for (const key of Object.keys(fields) as (keyof typeof fields)[]) {
    const { [key]: _value, ...rest } = fields;
    expect(v.is(Receipt, { body: rest, signature }), key).toBe(false);
    expect(v.is(Receipt, { body: { ...fields, [key]: null }, signature }), key).toBe(false);
  }
  expect(v.is(Receipt, { body: { ...fields, note: 1 }, signature })).toBe(false);
  expect(v.is(Receipt, { body: fields, signature: signature.slice(2) })).toBe(false);
  expect(v.is(Receipt, { body: fields, signature: signature.toUpperCase() })).toBe(false);
});
