import type { HexHash, JobId, NodeId } from '@ciro/core/ids.ts';
import type { ModelManifest } from '@ciro/core/model/manifest.ts';
import type { JobHandle, JobOrder } from '../scheduler/job-order.ts';
import type { ChatMessage } from './chat-request.ts';
import type { TextDecoderOfIds } from './answer-text.ts';

/** A served model as intake needs it: its text functions and its numbers. */
export interface ChatModel {
  readonly id: HexHash;
  readonly manifest: Pick<ModelManifest, 'name' | 'architecture' | 'stopIds'>;
  readonly tokenizer: {
    /** Ids of a rendered template. */
    encodePrompt(rendered: string): number[];
    detokenizer(): TextDecoderOfIds;
  };
  readonly template: { render(messages: readonly ChatMessage[]): string };
}

/** Port: the served models, the default first. */
export interface ChatModels {
  /** By name, id or `default`. */
  get(nameOrId: string): ChatModel | undefined;
  list(): readonly ChatModel[];
}

/** Port: runs an order. The signal cancels it: before the first token that throws, later the job ends with what it has. */
export interface JobRunner {
  run(order: JobOrder, signal: AbortSignal): JobHandle;
}

/** A change of a worker's account, in base units. */
export interface CreditNotice {
  readonly job: JobId;
  readonly amount: bigint;
  readonly status: 'pending' | 'payable' | 'void';
  readonly pendingTotal: bigint;
  readonly payableTotal: bigint;
}

/** Port: tells a worker of its credit, if it is connected. */
export interface CreditNotices {
  credited(worker: NodeId, notice: CreditNotice): void;
}
