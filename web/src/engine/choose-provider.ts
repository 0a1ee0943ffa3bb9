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

/** What this device has to try; a test hands in a faulty one. */
export interface DeviceEngines {
  readonly qualify: typeof qualify;
  readonly gpu: { requestAdapter(): Promise<{ readonly info: { readonly isFallbackAdapter?: boolean } } | null> } | undefined;
}

/**
 * Qualifies and measures the providers that the choice allows.
 *
 * A software GPU is tried only when WebGPU is asked for by name: it is slower than WASM by far. A GPU that is there and does
 * not qualify is not used: WASM takes its place, and nobody is told but the person in front of it.
 * @throws EngineError `provider-unavailable` when none qualifies; the message carries each reason
 */
export async function chooseProvider(
  choice: ProviderChoice,
  architecture: Architecture,
  signal: AbortSignal,
  { qualify: qualifies, gpu }: DeviceEngines = { qualify, gpu: globalThis.navigator?.gpu },
): Promise<ChosenProvider> {
  const qualifications: Qualification[] = [];
  const profiles: EngineProfile[] = [];
  const look = async (provider: Provider): Promise<void> => {
    signal.throwIfAborted();
    const qualification = await qualifies(provider, architecture);
    qualifications.push(qualification);
    if (qualification.eligible) profiles.push(await measureProvider(provider, architecture, signal));
  };
  for (const provider of await candidates(choice, gpu)) await look(provider);
  if (profiles.length === 0 && qualifications.every(({ provider }) => provider === 'webgpu') && qualifications.length > 0) await look('wasm');
  const [fastest] = profiles.sort((a, b) => a.layerMs - b.layerMs);
  if (!fastest) {
    throw new EngineError('provider-unavailable', `No provider can serve here: ${reasons(choice, qualifications)}. Choose another engine or device.`, {
      fault: 'platform',
      fields: { choice, qualifications },
    });
  }
  return { profile: fastest, qualifications };
}

async function candidates(choice: ProviderChoice, gpu: DeviceEngines['gpu']): Promise<Provider[]> {
  if (choice === 'wasm') return ['wasm'];
  const adapter = (await gpu?.requestAdapter()) ?? undefined;
  if (choice === 'webgpu') return adapter ? ['webgpu'] : [];
  return adapter && !adapter.info.isFallbackAdapter ? ['wasm', 'webgpu'] : ['wasm'];
}

function reasons(choice: ProviderChoice, qualifications: readonly Qualification[]): string {
  if (qualifications.length === 0) return `${choice} is not offered by this browser`;
  return qualifications.map((each) => `${each.provider}: ${refusalOf(each)}`).join('; ');
}

/** Why a provider does not serve: what failed, or the operator or boundary whose values were furthest off. */
export function refusalOf({ failure, boundaries, operators }: Qualification): string {
  if (failure !== undefined) return failure;
  const all = [...operators.map(({ operator, errorOfScale }) => ({ name: `operator ${operator}`, errorOfScale })), ...boundaries.map(({ boundary, errorOfScale }) => ({ name: boundary, errorOfScale }))];
  const worst = all.reduce((most, each) => (each.errorOfScale > most.errorOfScale ? each : most), { name: 'nothing', errorOfScale: 0 });
  return `error ${worst.errorOfScale.toExponential(1)} of scale in ${worst.name}`;
}
