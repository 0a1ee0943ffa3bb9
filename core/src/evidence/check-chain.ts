import { checkOf, differs, wrong } from './report.ts';
import { fedIds, followingIds, idsHash, isLost } from './job-facts.ts';
import type { EvidenceUnit } from './evidence.ts';
import type { JobFacts } from './job-facts.ts';
import type { Check, WrongElement } from './report.ts';

/**
 * What each stage passed on is what the next one was given, from the prompt ids to the ids of the answer (SPEC U4, B4). A unit
 * that a stop cut at different ends on both sides is compared by the neighbour's signature instead, which `checkReceipts` looks at;
 * what a worker that left was given or passed on is compared as far as it signed for it.
 */
export function checkChain(facts: JobFacts): Check {
  const { stages } = facts.evidence;
  let compared = 0;
  let element: WrongElement | undefined;
  for (const [index, stage] of stages.entries()) {
    for (const [number, unit] of stage.units.entries()) {
      const at = `stages[${index}].units[${number}]`;
      element ??= index === 0 ? inputOf(facts, unit, at) : undefined;
      element ??= index === stages.length - 1 ? outputOf(facts, unit) : passedOn(facts, index, unit, number, at);
      compared++;
    }
    if (element !== undefined) break;
  }
  return checkOf('hash chain', element, `${compared} units over ${stages.length} stages, from the prompt ids to the answer's`);
}

/** Stage 0 was given the ids of the prompt and of the answer. */
function inputOf(facts: JobFacts, unit: EvidenceUnit, at: string): WrongElement | undefined {
  const ids = fedIds(facts, unit);
  if (ids === undefined) return wrong(`${at}.to`, `at most ${facts.ids.length}`, unit.to, 'positions whose ids are known');
  return differs(idsAt(facts, unit.from, unit.to), unit.input_sha256, idsHash(ids), `hash of the ids fed at positions ${unit.from} to ${unit.to - 1} against what stage 0 signed`);
}

/** The last stage signed the ids that followed. */
function outputOf(facts: JobFacts, unit: EvidenceUnit): WrongElement | undefined {
  const ids = followingIds(facts, unit);
  if (ids === undefined) return wrong('surplus_ids', `ids up to position ${unit.to}`, `${facts.ids.length} ids`, 'ids that the last stage committed to');
  return differs(idsAt(facts, unit.from + 1, unit.to + 1), unit.link_sha256, idsHash(ids), `hash of the ids after positions ${unit.from} to ${unit.to - 1} against what the last stage signed`);
}

function passedOn(facts: JobFacts, index: number, unit: EvidenceUnit, number: number, at: string): WrongElement | undefined {
  const link = differs(`${at}.link_sha256`, unit.payload_sha256, unit.link_sha256, 'the payload crosses the link');
  if (link !== undefined) return link;
  const given = facts.evidence.stages[index + 1]?.units[number];
  // A full unit that only one side had closed when the answer was stopped.
  const left = isLost(facts, index) || isLost(facts, index + 1);
  if (given?.to !== unit.to && left) return undefined;
  if (given === undefined) return unit.from >= facts.positions ? undefined : wrong(`stages[${index + 1}].units[${number}]`, `positions ${unit.from} to ${unit.to - 1}`, 'nothing', 'the unit that this one was passed on to');
  if (given.to !== unit.to) return acknowledged(facts, index, number) ? undefined : wrong(`${at}.to`, given.to, unit.to, 'both ends of a link, where no acknowledgement says what was given');
  return differs(`stages[${index + 1}].units[${number}].input_sha256`, unit.link_sha256, given.input_sha256, `what stage ${index} passed on`);
}

const acknowledged = ({ evidence, firstUnit }: JobFacts, index: number, number: number): boolean =>
  evidence.stages[index]?.receipts.some((each) => each.kind === 'acknowledgement' && each.unit === firstUnit + number && each.valid) === true;

/** Which list of ids holds the first of these positions that the answer, not the prompt, decides. */
function idsAt({ evidence, ids }: JobFacts, from: number, to: number): string {
  const prompt = evidence.prompt_ids.length;
  const answer = prompt + evidence.token_ids.length;
  const last = Math.min(to, ids.length);
  if (last <= prompt) return `prompt_ids[${from}]`;
  return last <= answer || from < answer ? `token_ids[${Math.max(0, from - prompt)}]` : `surplus_ids[${from - answer}]`;
}
