import { ToyEngine, logitsOf } from './toy-model.ts';
import type { StageShape } from '@ciro/core/model/architecture.ts';
import type { AuditEngine } from '@ciro/web/audit/audit-ports.ts';

/** Layers of the toy model as an auditor runs them. */
export class ToyAuditEngine implements AuditEngine {
  heldBytes = 1_000;
  disposed = false;
  /** Rows are multiplied by this: an auditor whose engine differs a little. */
  factor = 1;
  readonly #engine: ToyEngine;

  constructor(shape: StageShape) {
    this.#engine = new ToyEngine(shape);
  }

  /** Chunks run so far. */
  get runs(): number {
    return this.#engine.runs;
  }

  open(maxPositions: number): void {
    if (this.disposed) throw new Error('this engine was disposed of');
    this.#engine.openJob('audit', maxPositions);
  }

  close(): void {
    this.#engine.closeJob('audit');
  }

  async run(position: number, input: Uint32Array | Float32Array, count: number): Promise<Float32Array> {
    return (await this.#engine.run('audit', position, input, count, {})).rows.map((value) => value * this.factor);
  }

  async logits(row: Float32Array): Promise<Float32Array> {
    return logitsOf(row);
  }

  async dispose(): Promise<void> {
    this.disposed = true;
  }
}
