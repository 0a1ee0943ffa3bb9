import { toBase64 } from '@ciro/core/bytes.ts';
import { nonceCommitment } from '@ciro/core/audit/audit-draw.ts';
import { boundaryGrid } from '@ciro/core/commitment/cells.ts';
import { leafHash } from '@ciro/core/commitment/leaf.ts';
import { payloadWithIds, UNIT_POSITIONS } from '@ciro/core/commitment/unit-hashes.ts';
import { NO_ID, UnitCommitter } from '@ciro/core/commitment/unit-committer.ts';
import { idBytes, idsHash } from '@ciro/core/evidence/job-facts.ts';
import { signJobRoot } from '@ciro/core/identity/identity.ts';
import { planBytes, planHashOf, reusedPositions } from '@ciro/core/job/plan.ts';
import { merkleRoot } from '@ciro/core/merkle/poseidon-tree.ts';
import { price } from '@ciro/core/pricing/price.ts';
import { acknowledgementBytes, receiptBytes, receiptHash } from '@ciro/core/receipt/receipt.ts';
import { sample } from '@ciro/core/sampling/sample.ts';
import { acceptDrafts } from '@ciro/core/speculation/accept-drafts.ts';
import { lookUp } from '@ciro/core/speculation/prompt-look-up.ts';
import { AnswerText } from '@ciro/signaling/intake/answer-text.ts';
import type { EvidenceRequest } from '@ciro/core/evidence/evidence.ts';
import type { ClosedUnit } from '@ciro/core/commitment/unit-committer.ts';
import type { HexHash, JobId } from '@ciro/core/ids.ts';
import type { JobPlan, PlanSampler } from '@ciro/core/job/plan.ts';
import type { JobRecord, StageRecord, UnitRecord } from '@ciro/signaling/scheduler/job-order.ts';
import type { ToyNetwork, ToyWorker } from './toy-network.ts';

/** What a client asks of the toy network. */
export interface ToyQuestion {
  readonly messages: readonly { readonly role: string; readonly content: string }[];
  readonly maxTokens: number;
  readonly temperature?: number;
  readonly seed?: number;
  readonly stop?: readonly string[];
  readonly assurance?: 'stream' | 'checked';
  /** The client leaves after so many ids. */
  readonly leavesAfter?: number;
  /** Ids that the first stage drafts for every lap, where any were met before (SPEC E5). */
  readonly drafts?: number;
  /** Ids that are sampled beyond a stop before the news of it is there. */
  readonly overrun?: number;
  /** Stages that had closed a full unit before that news; the others cut theirs. All of them when absent. */
  readonly ahead?: number;
  /** A stage is lost after so many ids (SPEC G2): it committed to full units alone, and gave no root and no word on what came later. */
  readonly lost?: { readonly stage: number; readonly after: number };
  /** An earlier answer over the same stages that its plan names as prefix, and up to which position (SPEC V2). */
  readonly prefix?: { readonly job: ToyJob; readonly positions: number; readonly rebuilds?: number };
  /** Does an answer again or goes on with it: ids that are kept of it, the workers (by number) that take the stages, and whether the prompt is paid for already. */
  readonly again?: { readonly kept: readonly number[]; readonly workers: readonly number[]; readonly free?: boolean };
}

/** Places where somebody may lie. Each is given what is honest and gives what is used instead. */
export interface ToyLies {
  /** Ids that the coordinator gives to the first stage and plans for. */
  readonly promptIds?: (ids: readonly number[]) => readonly number[];
  /** Rows [positions, hidden] that a stage passes on. */
  readonly rows?: (stage: number, rows: Float32Array) => Float32Array;
  /** Input rows [positions, hidden] from which a stage's kept cache was really made. */
  readonly cache?: (stage: number, rows: Float32Array) => Float32Array;
  /** What the coordinator plans. */
  readonly sampler?: (sampler: PlanSampler) => PlanSampler;
  readonly plan?: (plan: JobPlan) => JobPlan;
  /** True where the neighbour's acknowledgement is lost. */
  readonly silent?: (stage: number, unit: number) => boolean;
  /** What the last stage draws with. */
  readonly drawnWith?: (sampler: PlanSampler) => PlanSampler;
}

/** Inputs and payloads of one stage's units: what an audit would be given. */
export interface ToyPieces {
  readonly inputs: readonly Uint8Array[];
  readonly payloads: readonly Uint8Array[];
}

/** A job that ran, with everything that the parties hold of it. */
export interface ToyJob {
  readonly record: JobRecord;
  readonly text: string;
  readonly request: EvidenceRequest;
  /** Opens the requester's commitment, and those of the stages' workers. */
  readonly nonces: { readonly requester: string | null; readonly workers: readonly string[] };
  readonly pieces: readonly ToyPieces[];
  readonly workers: readonly ToyWorker[];
  /** Ids drafted, and those that came true. */
  readonly drafts: { readonly drafted: number; readonly accepted: number };
  /** Input rows of each stage, [positions, hidden]; for the first one its embedding's. */
  readonly inputs: readonly Float32Array[];
  /** Rows that it passed on, of the same positions. */
  readonly outputs: readonly Float32Array[];
}

const RATES = { promptToken: 250n, generatedToken: 1_000n, feeBasisPoints: 250n };
const JOB = 'answer';
const STATS = { engine: 'wasm', decodeMs: { p50: 7.5, p95: 9 }, commitMs: { p50: 0.1, p95: 0.2 }, unitMs: { p50: 1, p95: 2 }, lapMs: { p50: 30, p95: 40 }, peakMemoryBytes: 1_000_000 } as const;

/** Runs a question through the stages of the toy network, with real commitments, receipts, acknowledgements and roots. */
export async function toyJob(network: ToyNetwork, question: ToyQuestion, lies: ToyLies = {}): Promise<ToyJob> {
  const { model, manifest, stages } = network;
  const { again } = question;
  const workers = again === undefined ? network.workers.slice(0, stages.length) : again.workers.map((index) => network.workers[index] as ToyWorker);
  const kept = again?.kept ?? [];
  const honestPrompt = model.tokenizer.encodePrompt(model.template.render(question.messages));
  const prompt = [...(lies.promptIds?.(honestPrompt) ?? honestPrompt), ...kept];
  const maxTokens = question.maxTokens - kept.length;
  const rates = again?.free === true ? { ...RATES, promptToken: 0n } : RATES;
  const sampler: PlanSampler = { temperature: question.temperature ?? 0, topK: 0, topP: 1, minP: 0, repetitionPenalty: 1, seed: question.seed ?? 1 };
  const nonces = { coordinator: network.randomHex(32), requester: again === undefined ? network.randomHex(32) : null, workers: workers.map(() => network.randomHex(32)) };
  const honest: JobPlan = {
    format: 2,
    network: network.network,
    job: network.randomHex(16) as JobId,
    version: 1,
    modelId: network.modelId,
    precision: 'f32',
    stages: workers.map(({ node, devicePublicKey }, index) => ({ worker: node, devicePublicKey, layers: [stages[index]?.shape.from ?? 0, stages[index]?.shape.to ?? 0], nonce: nonceCommitment(nonces.workers[index] ?? '') })),
    sampler: lies.sampler?.(sampler) ?? sampler,
    promptHash: idsHash(prompt),
    promptTokens: prompt.length,
    maxTokens,
    ...(question.prefix === undefined ? {} : { prefix: { job: question.prefix.job.record.signed.plan.job, planHash: question.prefix.job.record.planHash, positions: question.prefix.positions, ...(question.prefix.rebuilds !== undefined && { rebuilds: question.prefix.rebuilds }) } }),
    stopIds: [...manifest.stopIds],
    quote: { promptToken: String(rates.promptToken), generatedToken: String(rates.generatedToken), feeBasisPoints: String(rates.feeBasisPoints), hold: String(price(rates, prompt.length, maxTokens)) },
    nonces: { coordinator: nonceCommitment(nonces.coordinator), requester: nonces.requester === null ? null : nonceCommitment(nonces.requester) },
  };
  const plan = lies.plan?.(honest) ?? honest;
  const signed = { plan, signature: await network.key.sign(planBytes(plan)) };
  const run = await compute(network, plan, prompt, question, lies);
  const finished = { ...run, plan, planHash: planHashOf(plan), prompt };
  const committed = stages.map((_, index) => commit(network, finished, index, { ahead: index < (question.ahead ?? stages.length), lost: index === question.lost?.stage }));
  const records = await Promise.all(stages.map((_, index) => recordOf(network, finished, committed, workers, { stage: index, lost: question.lost?.stage }, lies)));
  return {
    record: { signed, planHash: finished.planHash, coordinatorNonce: nonces.coordinator, promptIds: prompt, tokenIds: run.ids, surplusIds: run.surplus, finish: run.finish, stages: records, disagreements: [], ttftMs: 12.5, tokensPerSecond: 31 },
    text: run.text,
    request: {
      model: 'default',
      messages: question.messages.map((message) => ({ ...message })),
      max_tokens: question.maxTokens,
      temperature: sampler.temperature,
      seed: sampler.seed,
      ...(question.stop === undefined ? {} : { stop: [...question.stop] }),
      ciro: { assurance: question.assurance ?? 'stream', ...(plan.nonces.requester === null ? {} : { nonce_commitment: plan.nonces.requester }) },
    },
    nonces: { requester: nonces.requester, workers: nonces.workers },
    pieces: committed.map(({ pieces }) => pieces),
    workers,
    drafts: run.drafts,
    inputs: run.inputs,
    outputs: run.outputs,
  };
}

interface Run {
  readonly ids: readonly number[];
  readonly surplus: readonly number[];
  readonly finish: JobRecord['finish'];
  readonly text: string;
  readonly drafts: ToyJob['drafts'];
  /** By stage: rows it was given and rows it gave, of every position that was computed. */
  readonly inputs: readonly Float32Array[];
  readonly outputs: readonly Float32Array[];
}
type Finished = Run & { readonly plan: JobPlan; readonly planHash: HexHash; readonly prompt: readonly number[] };

/** The ring: prompt in chunks of 16, then one position and its drafts a lap, until the answer ends and for `overrun` laps more. */
async function compute(network: ToyNetwork, plan: JobPlan, prompt: readonly number[], question: ToyQuestion, lies: ToyLies): Promise<Run> {
  const { stages, embedding, manifest } = network;
  const { hidden, vocabulary } = manifest.architecture;
  const inputs: Float32Array[][] = stages.map(() => []);
  const outputs: Float32Array[][] = stages.map(() => []);
  for (const { runner } of stages) runner.openJob(JOB, prompt.length + plan.maxTokens);
  const lap = async (position: number, fed: readonly number[]): Promise<Float32Array> => {
    let rows = embedding.rows(Uint32Array.from(fed));
    for (const [index, { runner }] of stages.entries()) {
      inputs[index]?.push(rows);
      const own = (await runner.run(JOB, position, rows, fed.length)).rows;
      rows = lies.rows?.(index, own) ?? own;
      outputs[index]?.push(rows);
    }
    return rows;
  };
  /** Forgets all rows of the newest lap but the first `kept`. */
  const cut = (position: number, kept: number): void => {
    for (const [index, { runner }] of stages.entries()) {
      runner.truncate(JOB, position + kept);
      for (const rows of [inputs[index], outputs[index]]) rows?.push((rows.pop() ?? new Float32Array(0)).subarray(0, kept * hidden));
    }
  };
  const sampler = lies.drawnWith?.(plan.sampler) ?? plan.sampler;
  const reused = question.prefix?.positions ?? 0;
  for (let at = 0; at < reused; at += 16) {
    for (const [index, { runner }] of stages.entries()) {
      const [given = new Float32Array(0), gave = new Float32Array(0)] = [question.prefix?.job.inputs[index], question.prefix?.job.outputs[index]].map((rows) => rows?.slice(at * hidden, (at + 16) * hidden));
      await runner.run(JOB, at, lies.cache?.(index, given) ?? given, 16);
      inputs[index]?.push(given);
      outputs[index]?.push(gave);
    }
  }
  let rows = new Float32Array(hidden);
  for (let at = reused; at < prompt.length; at += 16) rows = Float32Array.from(await lap(at, prompt.slice(at, at + 16)));
  rows = rows.slice(-hidden);
  const drafted = { drafted: 0, accepted: 0 };
  const all: number[] = [];
  const text = new AnswerText(network.model.tokenizer.detokenizer(), question.stop ?? []);
  let shown = (question.again?.kept ?? []).map((id) => text.push(id)).join('');
  let answer = Infinity;
  let finish: JobRecord['finish'] = 'length';
  while (all.length < plan.maxTokens && all.length < answer + (question.overrun ?? 0)) {
    const position = prompt.length - 1 + all.length;
    const drafts = all.length === 0 ? new Uint32Array(0) : lookUp(Uint32Array.of(...prompt, ...all), Math.min(question.drafts ?? 0, plan.maxTokens - all.length - 1)).ids;
    if (all.length > 0) rows = Float32Array.from(await lap(position, [...all.slice(-1), ...drafts]));
    const logits = await network.head.logits(rows);
    const drawn = [...all];
    const ids = acceptDrafts(1 + drafts.length, drafts, plan.stopIds, (row) => {
      drawn.push(sample(logits.subarray(row * vocabulary, (row + 1) * vocabulary), sampler, sampler.seed, position + row, drawn));
      return drawn.at(-1) ?? 0;
    });
    if (all.length > 0) cut(position, ids.length);
    drafted.drafted += drafts.length;
    drafted.accepted += ids.length - 1;
    for (const id of ids) {
      all.push(id);
      if (answer < Infinity) continue;
      shown += text.push(id);
      if (plan.stopIds.includes(id)) [answer, finish] = [all.length, 'stop'];
      else if (all.length === plan.maxTokens) answer = all.length;
      else if (text.stopped) [answer, finish] = [all.length, 'stop'];
      else if (all.length === question.lost?.after) [answer, finish] = [all.length, 'moved'];
      else if (all.length === question.leavesAfter) [answer, finish] = [all.length, 'cancelled'];
    }
    if (plan.stopIds.includes(all.at(-1) ?? -1)) break;
  }
  for (const { runner } of stages) runner.closeJob(JOB);
  const joined = (parts: readonly Float32Array[]): Float32Array => {
    const out = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of parts) {
      out.set(part, at);
      at += part.length;
    }
    return out;
  };
  return { ids: all.slice(0, answer), surplus: all.slice(answer), finish, text: shown + text.finish(), drafts: drafted, inputs: inputs.map(joined), outputs: outputs.map(joined) };
}

interface Committed {
  readonly units: readonly ClosedUnit[];
  readonly salts: readonly string[];
  readonly pieces: ToyPieces;
}

/** Units of a stage up to the answer's end; a full one that the ring had closed before a stop stays full (SPEC U1), and who is lost cuts none. */
function commit(network: ToyNetwork, job: Finished, stage: number, { ahead, lost }: { readonly ahead: boolean; readonly lost: boolean }): Committed {
  const { hidden, layers } = network.manifest.architecture;
  const isLast = stage === network.stages.length - 1;
  const fed = [...job.prompt, ...job.ids, ...job.surplus];
  const following = fed.map((_, position) => (position < job.prompt.length - 1 ? NO_ID : (fed[position + 1] ?? NO_ID)));
  const answered = job.prompt.length + job.ids.length - 1;
  const ran = (job.outputs[stage]?.length ?? 0) / hidden;
  const end = ahead ? Math.max(answered, Math.floor((ran - 1) / 16) * 16) : answered;
  const reused = reusedPositions(job.plan);
  const committer = new UnitCommitter(boundaryGrid(network.table, isLast ? layers + 1 : (network.stages[stage]?.shape.to ?? 0)), { samples: isLast, first: reused });
  const units: ClosedUnit[] = [];
  const inputOf = (position: number): Uint8Array => (stage === 0 ? idBytes(fed.slice(position, position + 1)) : bytesOf(job.inputs[stage] ?? new Float32Array(0), position, hidden));
  const rowOf = (position: number): Float32Array => (job.outputs[stage] ?? new Float32Array(0)).subarray(position * hidden, (position + 1) * hidden);
  for (let position = reused; position < end; position++) {
    const unit = committer.accept(position, inputOf(position), rowOf(position).slice(), following[position]);
    if (unit !== undefined) units.push(unit);
  }
  const open = lost ? undefined : committer.close();
  if (open !== undefined) units.push(open);
  const join = (from: number, to: number, part: (position: number) => Uint8Array): Uint8Array => Uint8Array.from(Array.from({ length: to - from }, (_, index) => [...part(from + index)]).flat());
  const rowBytes = (position: number): Uint8Array => bytesOf(job.outputs[stage] ?? new Float32Array(0), position, hidden);
  return {
    units,
    salts: units.map(() => network.randomHex(16)),
    pieces: {
      inputs: units.map(({ from, to }) => join(from, to, inputOf)),
      payloads: units.map(({ from, to }) => (isLast ? payloadWithIds(join(from, to, rowBytes), idBytes(following.slice(from, to))) : join(from, to, rowBytes))),
    },
  };
}

const bytesOf = (rows: Float32Array, position: number, hidden: number): Uint8Array => new Uint8Array(rows.buffer, rows.byteOffset + 4 * position * hidden, 4 * hidden);

async function recordOf(network: ToyNetwork, { plan, planHash, prompt, ids }: Finished, committed: readonly Committed[], workers: readonly ToyWorker[], { stage, lost }: { readonly stage: number; readonly lost: number | undefined }, { silent = () => false }: ToyLies): Promise<StageRecord> {
  const worker = workers[stage] as ToyWorker;
  const { units, salts } = committed[stage] as Committed;
  const next = workers[(stage + 1) % workers.length] as ToyWorker;
  const alone = workers.length === 1;
  /** The neighbour was gone when the last unit was cut. */
  const nobody = (to: number): boolean => !alone && (stage + 1) % workers.length === lost && to % UNIT_POSITIONS !== 0;
  const answered = prompt.length + ids.length - 1;
  const records = await Promise.all(
    units.map(async (each): Promise<UnitRecord> => {
      const { unit, from, to, canonHash, hintHash, hints } = each;
      const body = { network: plan.network, job: plan.job, planHash, stage, worker: worker.node, unit, from, to, inputHash: each.inputHash as HexHash, payloadHash: each.payloadHash as HexHash, linkHash: each.linkHash as HexHash };
      const hash = receiptHash(body);
      const signer = alone ? 'coordinator' : next.node;
      return {
        receipt: { body, signature: await worker.sign(receiptBytes(body)) },
        receiptValid: true,
        canonHash: canonHash as HexHash,
        hintHash: hintHash as HexHash,
        hintBytes: hints.length,
        hints: toBase64(hints),
        ...(silent(stage, unit) || nobody(to) ? {} : { acknowledgement: { receiptHash: hash, signer, signature: await (alone ? network.key : next).sign(acknowledgementBytes(hash, signer)) }, acknowledgementValid: true }),
      };
    }),
  );
  const context = { network: plan.network, worker: worker.node, job: plan.job, planHash, stage, modelId: plan.modelId, precision: plan.precision };
  const root = merkleRoot(units.map((unit, index) => leafHash(context, unit, salts[index] ?? '')));
  const { from, to } = network.stages[stage]?.shape ?? { from: 0, to: 0 };
  return {
    worker: worker.node,
    layers: [from, to],
    link: alone ? 'none' : 'direct',
    units: records,
    paidPositions: records.reduce((sum, { receipt: { body }, acknowledgementValid }) => sum + (acknowledgementValid === true ? Math.max(0, Math.min(body.to, answered) - body.from) : 0), 0),
    ...(stage === lost ? {} : { root: { root, signature: signJobRoot({ network: plan.network, job: plan.job, planHash, stage, root }, worker.identityKey), salts }, stats: STATS }),
  };
}
