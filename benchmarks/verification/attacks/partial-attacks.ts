import { auditDraw, cutOf } from '@ciro/core/audit/audit-draw.ts';
import { domainHash } from '@ciro/core/canonical-json.ts';
import { requantise8 } from '../../../tests/support/cheats/requantise.ts';
import { openStage } from '../stages.ts';
import { placesOf, unitOf, UNITS_OF_PROMPT } from './audited-stage.ts';
import { ATTACK_SEED, cheatedModel, withoutHead } from './compute-attacks.ts';
import { Tally } from './tally.ts';
import type { HexHash } from '@ciro/core/ids.ts';
import type { Reference } from '../stages-reference.ts';
import type { AuditedStage } from './audited-stage.ts';
import type { AttackRow } from './tally.ts';

const SHARES = [0.01, 0.1, 0.5] as const;
/** Units of a stage in one job: a conversation of 320 positions. */
const UNITS_OF_JOB = 20;
/** Draws of jobs that are tried before giving up on having enough cheated units under the cut. */
const MAX_JOBS = 100_000;

/**
 * Cheats in a share of its units only and is honest in all others: rows of 8-bit weights, swapped in one unit at a time, which is
 * harder to see than a cache that was cheated with. Beacons and cuts are drawn by core; what is counted are cheated units that
 * a cut reached. The note has what a single audited stage-job shows.
 */
export async function partialAttackRows(at: AuditedStage, reference: Reference, units: number, signal: AbortSignal): Promise<AttackRow[]> {
  const prompts = Math.min(reference.prompts.ids.length, Math.ceil(units / UNITS_OF_PROMPT));
  await using open = await openStage(cheatedModel(at.model, at.stage.shape, requantise8), at.stage.shape, { create: withoutHead() });
  const cheated: Float32Array[] = [];
  for (let prompt = 0; prompt < prompts; prompt++) {
    signal.throwIfAborted();
    cheated.push(await open.run(reference.input(at.stage.index, prompt)));
  }
  const places = placesOf(prompts * UNITS_OF_PROMPT, prompts);
  const codes = places.map((place) => at.judgeRows(place, unitOf(cheated[place.prompt] ?? new Float32Array(), place.unit, at.channels).slice()));
  return SHARES.map((share) => {
    const tally = new Tally();
    let [audits, shown] = [0, 0];
    for (let job = 0; tally.audited < units && job < MAX_JOBS; job++) {
      const beacon = domainHash('ciro/beacon/1', { seed: ATTACK_SEED, share, job }) as HexHash;
      const cut = cutOf(beacon, at.stage.index, UNITS_OF_JOB);
      let caught = false;
      for (let unit = 0; unit < cut; unit++) {
        if (auditDraw(beacon, at.stage.index, 100 + unit) >= share) continue;
        const judged = codes[(job * UNITS_OF_JOB + unit) % codes.length];
        tally.add(judged?.code ?? null, judged?.grid);
        caught ||= judged?.code != null;
      }
      audits++;
      if (caught) shown++;
    }
    return tally.row(at.model.key, `cheats on ${share * 100} % of its units`, at.stage.name, { note: `${((100 * shown) / audits).toFixed(1)} % of ${audits} audited jobs of ${UNITS_OF_JOB} units show it` });
  });
}
