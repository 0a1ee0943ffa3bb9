/** Runs the qualification vectors in a page, on the stage graphs as they are or with attention fused; a test asks by `run`. */
import { configureEngine } from '@ciro/web/engine/ort.ts';
import { chooseProvider } from '@ciro/web/engine/choose-provider.ts';
import { qualificationArchitecture, qualify } from '@ciro/web/engine/qualification.ts';
import { fusedSessions } from './fused-attention.ts';
import type { Architecture } from '@ciro/core/model/architecture.ts';
import type { Provider } from '@ciro/web/engine/ort.ts';

configureEngine({ base: new URL('ort/', location.href).href });

/** SmolLM2-135M, whose head width and grouping the vectors keep. */
const MODEL: Architecture = {
  family: 'llama', layers: 30, hidden: 576, heads: 9, kvHeads: 3, headDim: 64, feedForward: 1536, vocabulary: 49152,
  context: 8192, ropeBase: 100_000, normEpsilon: 1e-5, tiedHead: true,
};

Object.assign(globalThis, {
  run: (provider: Provider, attention: 'plain' | 'fused') => qualify(provider, MODEL, ...(attention === 'fused' ? [fusedSessions(qualificationArchitecture(MODEL))] : [])),
  /** What a tab would take whose GPU computes with fused attention. */
  choose: async () => {
    const { profile, qualifications } = await chooseProvider('webgpu', MODEL, new AbortController().signal, {
      gpu: navigator.gpu,
      qualify: (provider, model) => qualify(provider, model, ...(provider === 'webgpu' ? [fusedSessions(qualificationArchitecture(model))] : [])),
    });
    return { provider: profile.provider, eligible: Object.fromEntries(qualifications.map((each) => [each.provider, each.eligible])) };
  },
});
