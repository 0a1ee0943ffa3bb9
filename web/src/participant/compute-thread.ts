import * as Comlink from 'comlink';
import type { ComputeApi, ComputeConfig, ComputeHost, ComputeOrder, EngineChoice, MeasuredProfile, RunProgress } from '../worker/compute-api.ts';
import type { SignedPlan } from '@ciro/core/job/plan.ts';
import type { HexHash, JobId, NodeId } from '@ciro/core/ids.ts';
import type { Layers } from './contribution-state.ts';

/** The compute worker as the window uses it: `ComputeApi`, with what crosses the thread boundary taken care of. */
export interface ComputeThread {
  configure(config: ComputeConfig, host: ComputeHost): Promise<void>;
  join(): Promise<HexHash[]>;
  device(): Promise<string>;
  measure(modelId: string, choice: EngineChoice): Promise<MeasuredProfile>;
  scores(): ReturnType<ComputeApi['scores']>;
  retime(): ReturnType<ComputeApi['retime']>;
  assign(assignment: number, modelId: string, layers: Layers | null, standby: boolean): Promise<void>;
  attachLink(peer: NodeId, port: MessagePort): Promise<void>;
  detachLink(peer: NodeId): Promise<void>;
  attachWeights(peer: NodeId, port: MessagePort): Promise<void>;
  detachWeights(peer: NodeId): Promise<void>;
  plan(signed: SignedPlan, stage: number, promptIds: Uint8Array | null): Promise<void>;
  start(job: JobId, version: number): Promise<void>;
  finish(job: JobId, version: number, acceptedTo: number): Promise<void>;
  order(message: ComputeOrder): Promise<void>;
  dropAudits(): Promise<void>;
  progress(): Promise<RunProgress>;
  memory(): Promise<{ readonly heldBytes: number; readonly peakBytes: number }>;
  generated(): ReturnType<ComputeApi['generated']>;
  /** Ends the thread, whatever it is doing, and starts another one in its place, which knows nothing. What was asked of the old one never answers. */
  restart(): void;
  /** Ends the thread and gives its memory back; nothing that was asked of it answers any more. */
  end(): void;
}

/** Starts the dedicated worker: only now is the engine fetched. `onCrash` is told when it dies outside of any call. */
export function startComputeThread(onCrash: (reason: string) => void): ComputeThread {
  let { worker, api } = start(onCrash);
  return {
    configure: (config, host) => api.configure(config, Comlink.proxy(host)),
    join: () => api.join(),
    device: () => api.device(),
    measure: (modelId, choice) => api.measure(modelId, choice),
    scores: () => api.scores(),
    retime: () => api.retime(),
    assign: (assignment, modelId, layers, standby) => api.assign(assignment, modelId, layers, standby),
    attachLink: (peer, port) => api.attachLink(peer, Comlink.transfer(port, [port])),
    detachLink: (peer) => api.detachLink(peer),
    attachWeights: (peer, port) => api.attachWeights(peer, Comlink.transfer(port, [port])),
    detachWeights: (peer) => api.detachWeights(peer),
    plan: (signed, stage, promptIds) => api.plan(signed, stage, promptIds),
    start: (job, version) => api.start(job, version),
    finish: (job, version, acceptedTo) => api.finish(job, version, acceptedTo),
    order: (message) => api.order(message),
    dropAudits: () => api.dropAudits(),
    progress: () => api.progress(),
    memory: () => api.memory(),
    generated: () => api.generated(),
    restart: () => {
      worker.terminate();
      ({ worker, api } = start(onCrash));
    },
    end: () => worker.terminate(),
  };
}

function start(onCrash: (reason: string) => void): { readonly worker: Worker; readonly api: Comlink.Remote<ComputeApi> } {
  const worker = new Worker(new URL('../worker/compute-worker.ts', import.meta.url), { type: 'module', name: 'ciro-compute' });
  worker.onerror = (event) => onCrash(event.message === '' ? 'its script did not load' : event.message);
  worker.onmessageerror = () => onCrash('a message could not be read');
  return { worker, api: Comlink.wrap<ComputeApi>(worker) };
}
