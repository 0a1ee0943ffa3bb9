import { expect, test } from 'vitest';
import { writeGguf } from '../../../../tests/support/gguf-writer.ts';
import { GgufError } from './gguf-error.ts';
import { parseGguf } from './parse-gguf.ts';

/** Set CIRO_FUZZ_SEED to repeat a run. */
const seed = Number(process.env['CIRO_FUZZ_SEED'] ?? Date.now() % 2 ** 31);
const ROUNDS = 20_000;

/** mulberry32: small, seedable, good enough to choose bytes. */
function randomSource(state: number): (below: number) => number {
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

const original = writeGguf({
  metadata: [
    { key: 'general.architecture', type: 'STRING', value: 'llama' },
    { key: 'llama.block_count', type: 'UINT32', value: 2 },
    { key: 'tokenizer.ggml.tokens', type: 'STRING', array: ['<s>', 'a', 'b', 'ab'] },
    { key: 'tokenizer.ggml.scores', type: 'FLOAT32', array: [0, 1, 2, 3] },
    { key: 'wide', type: 'UINT64', value: 5n },
    { key: 'flags', type: 'BOOL', array: [true] },
  ],
  tensors: [
    { name: 'token_embd.weight', type: 'Q8_0', dims: [32, 4], data: new Uint8Array(136) },
    { name: 'blk.0.attn_norm.weight', type: 'F32', dims: [32], data: new Uint8Array(128) },
    { name: 'blk.0.attn_q.weight', type: 'Q4_1', dims: [32, 32], data: new Uint8Array(640) },
  ],
});

/** Interesting words: counts and sizes at the edges of their types. */
const EDGES = [0, 1, 0x7f, 0x80, 0xff, 0x7fffffff, 0x80000000, 0xffffffff];

function mutate(random: (below: number) => number): Uint8Array {
  const bytes = original.slice(0, random(4) === 0 ? random(original.length + 1) : original.length);
  const view = new DataView(bytes.buffer);
  for (let change = random(4); change >= 0 && bytes.length >= 4; change--) {
    const at = random(Math.min(bytes.length - 3, 700));
    if (random(2) === 0) bytes[at] = random(256);
    else view.setUint32(at, EDGES[random(EDGES.length)] ?? 0, true);
  }
  return bytes;
}

test(`${ROUNDS} damaged files end in a header that holds its promises or in a GgufError (seed ${seed})`, () => {
  const random = randomSource(seed);
  const codes = new Map<string, number>();
  for (let round = 0; round < ROUNDS; round++) {
    const bytes = mutate(random);
    const prefix = random(3) === 0 ? bytes.subarray(0, random(bytes.length + 1)) : bytes;
    let outcome: string;
    try {
      const parse = parseGguf(prefix, bytes.length);
      outcome = parse.kind;
      if (parse.kind === 'more') expect(parse.prefixBytes > prefix.length && parse.prefixBytes <= bytes.length).toBe(true);
      else {
        for (const tensor of parse.header.tensors) {
          const inside = tensor.offset >= parse.header.dataStart && tensor.offset + tensor.bytes <= bytes.length && tensor.bytes > 0;
          if (!inside) throw new Error(`round ${round}: ${JSON.stringify(tensor)} lies outside ${bytes.length} bytes`);
        }
      }
    } catch (error) {
      if (!(error instanceof GgufError)) throw new Error(`round ${round}, seed ${seed}`, { cause: error });
      outcome = error.code;
    }
    codes.set(outcome, (codes.get(outcome) ?? 0) + 1);
  }
  // A fuzz run that reaches only the first checks would prove nothing: it has to get deep enough to meet these.
  for (const code of ['header', 'more', 'truncated', 'limit-exceeded', 'bad-dimensions', 'misaligned', 'past-end-of-file', 'bad-utf8']) {
    expect(codes.get(code) ?? 0, `${code}, seed ${seed}`).toBeGreaterThan(0);
  }
});
