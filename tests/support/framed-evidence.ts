import { toyEvidence } from './toy-evidence.ts';
import type { Evidence } from '@ciro/core/evidence/evidence.ts';
import type { ToyNetwork } from './toy-network.ts';
import type { ToyQuestion } from './toy-answer.ts';

/** Evidence of an honest job in which two auditors and the coordinator agree on made-up rows for one stage: a quorum that convicts an honest worker, and that can be made again to the last hash. */
export async function framedEvidence(network: ToyNetwork, question: ToyQuestion, stage: number): Promise<Evidence> {
  const lying = Object.create(network, {
    run: { value: async (at: number, inputs: Float32Array, chunk?: number) => (await network.run(at, inputs, chunk)).map((value) => (at === stage ? value + 0.01 : value)) },
  }) as ToyNetwork;
  const { file } = await toyEvidence(lying, question);
  const { request: _request, answer_text: _text, timings: _timings, earlier: _earlier, ...evidence } = file;
  return evidence;
}
