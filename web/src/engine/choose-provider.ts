import { EngineError } from '@ciro/core/model/engine-error.ts';
import { measureProvider } from './micro-benchmark.ts';
import { qualify } from './qualification.ts';
import type { Architecture } from '@ciro/core/model/architecture.ts';
import type { EngineProfile } from './micro-benchmark.ts';
import type { Provider } from './ort.ts';
import type { Qualification } from './qualification.ts';

/** What the user or operator asked for; `auto` takes the faster provider that qualifies. */
export type ProviderChoice = 'auto' | Provider;

export interface ChosenProvider {
  readonly profile: EngineProfile;
  /** Of every provider tried, the refused ones included: shown to the user, kept in the node record. */
  readonly qualifications: readonly Qualification[];
}

/**
 * Qualifies and measures the providers that the choice allows.
 *
 * A software GPU is tried only when WebGPU is asked for by name: it is slower than WASM by far.
 * @throws EngineError `provider-unavailable` when none qualifies; the message carries each reason
 */
export async function chooseProvider(choice: ProviderChoice, architecture: Architecture, signal: AbortSignal): Promise<ChosenProvider> {
  const qualifications: Qualification[] = [];
  const profiles: EngineProfile[] = [];
  for (const provider of await candidates(choice)) {
    signal.throwIfAborted();
    const qualification = await qualify(provider, architecture);
    qualifications.push(qualification);
    if (qualification.eligible) profiles.push(await measureProvider(provider, architecture, signal));
  }
  const [fastest] = profiles.sort((a, b) => a.layerMs - b.layerMs);
  if (!fastest) {
    throw new EngineError('provider-unavailable', `No provider can serve here: ${reasons(choice, qualifications)}. Choose another engine or device.`, {
      fault: 'platform',
      fields: { choice, qualifications },
    });
  }
  return { profile: fastest, qualifications };
}

async function candidates(choice: ProviderChoice): Promise<Provider[]> {
  if (choice === 'wasm') return ['wasm'];
  const adapter = (await globalThis.navigator?.gpu?.requestAdapter()) ?? undefined;
  if (choice === 'webgpu') return adapter ? ['webgpu'] : [];
  return adapter && !adapter.info.isFallbackAdapter ? ['wasm', 'webgpu'] : ['wasm'];
}

function reasons(choice: ProviderChoice, qualifications: readonly Qualification[]): string {
  if (qualifications.length === 0) return `${choice} is not offered by this browser`;
  return qualifications
    .map(({ provider, failure, boundaries }) => {
      const worst = boundaries.reduce((most, { errorOfScale }) => Math.max(most, errorOfScale), 0);
      return `${provider}: ${failure ?? `error ${worst.toExponential(1)} of scale`}`;
    })
    .join('; ');
}
