import { chainModelOf } from '@ciro/core/settlement/escrow.ts';
import type { ChainModel } from '@ciro/core/settlement/escrow.ts';
import type { JobManagerPort } from './ports.ts';

/** A served model: its id, and the SHA-256 of its file. */
export interface ServedModelHashes {
  readonly id: string;
  readonly file: string;
}

/** Port: the contract's register of models, with an account that may write it. */
export interface ModelRegister extends Pick<JobManagerPort, 'model'> {
  /** Gives the transaction's hash. */
  registerModel(model: ChainModel): Promise<string>;
}

/** Registers the models that the contract does not know; a revoked one never comes back. Gives what was sent, by the model's felt. */
export async function registerModels(register: ModelRegister, models: readonly ServedModelHashes[]): Promise<ReadonlyMap<string, string>> {
  const sent = new Map<string, string>();
  for (const model of models.map(chainModelOf)) {
    const { registered } = await register.model(model.id);
    if (!registered) sent.set(model.id, await register.registerModel(model));
  }
  return sent;
}
