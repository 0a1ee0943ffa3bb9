import { canonicalJson } from '../canonical-json.ts';
import { modelIdOf } from '../model/model-id.ts';
import { checkOf, differs } from './report.ts';
import type { JobFacts } from './job-facts.ts';
import type { Check, WrongElement } from './report.ts';

/** The manifest is the model that the signed plan names, and what is said of the model is what the manifest says (SPEC D1). */
export function checkModel({ evidence, plan }: JobFacts): Check {
  const { manifest, model } = evidence;
  const element: WrongElement | undefined =
    differs('manifest', plan.modelId, modelIdOf(manifest), 'hash of the manifest against the model id of the signed plan') ??
    differs('model.id', plan.modelId, model.id, 'the model id of the signed plan') ??
    differs('model.name', manifest.name, model.name, 'the name in the manifest') ??
    differs('model.sha256', manifest.file.sha256, model.sha256, 'the file in the manifest') ??
    differs('model.architecture', canonicalJson(manifest.architecture), canonicalJson(model.architecture), 'the architecture in the manifest');
  return checkOf('model', element, `manifest and calibration of ${manifest.name} give model id ${plan.modelId}`);
}
