import type { SessionPort } from '@ciro/core/model/job-cache.ts';

/**
 * Keeps keys and values in 8 bits, one scale a head and position, to hold four times as many jobs. What a chunk attends to
 * inside itself is exact, so the first chunk of a job is honest; every later one reads the cache.
 */
export function cache8Bit(session: SessionPort, headDim: number): SessionPort {
  return {
    async run(feeds) {
      const outputs = { ...(await session.run(feeds)) };
      for (const [name, values] of Object.entries(outputs)) {
        if (/^new_(key|value)\./.test(name)) outputs[name] = rounded(values, headDim);
      }
      return outputs;
    },
  };
}

function rounded(values: Float32Array, headDim: number): Float32Array {
  const out = new Float32Array(values.length);
  for (let at = 0; at < values.length; at += headDim) {
    let most = 0;
    for (let i = at; i < at + headDim; i++) most = Math.max(most, Math.abs(values[i] ?? 0));
    const scale = most / 127;
    for (let i = at; i < at + headDim; i++) out[i] = scale === 0 ? 0 : scale * Math.round((values[i] ?? 0) / scale);
  }
  return out;
}
