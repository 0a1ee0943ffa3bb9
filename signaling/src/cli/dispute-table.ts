import { formatCredits } from '@ciro/core/units.ts';
import { usage } from './job-options.ts';
import { alignedTable } from './evidence-table.ts';
import { DISPUTE_USAGE } from './dispute-options.ts';
import type { CourtCase, CourtPort } from '../disputes/court-port.ts';

/** Cases in the list: the newest. */
const MAX_LISTED = 20;

/** A case that has to be there; wrong usage else. */
export async function existingCase(court: CourtPort, id: number): Promise<CourtCase> {
  const found = await court.find(id);
  if (found === undefined) throw usage(`the court has no case ${id}; it has ${await court.caseCount()}`, DISPUTE_USAGE);
  return found;
}

/** The newest cases, one a line. */
export async function listCases(court: CourtPort): Promise<string> {
  const count = await court.caseCount();
  const { quorum } = await court.settings();
  const ids = Array.from({ length: Math.min(count, MAX_LISTED) }, (_, index) => count - index);
  const found = (await Promise.all(ids.map((id) => court.find(id)))).flatMap((each) => each ?? []);
  if (found.length === 0) return 'the court has no cases';
  const rows = found.map(({ id, kind, state, accused, ref, guiltyVotes, notGuiltyVotes }) => [String(id), kind, state, kind === 'worker' ? accused : '-', ref, `${guiltyVotes} : ${notGuiltyVotes} of ${quorum}`]);
  return alignedTable([['case', 'against', 'state', 'accused', 'about', 'guilty : not'], ...rows]);
}

/** One case, with what it can cost whom. */
export async function describeCase(court: CourtPort, id: number): Promise<string> {
  const found = await existingCase(court, id);
  const [settings, { time }, cap] = await Promise.all([court.settings(), court.head(), court.refCap(found)]);
  const { kind, state, challenger, accused, ref, evidence, answer, respondUntil, voteFrom, voteUntil, guiltyVotes, notGuiltyVotes, leastSlash } = found;
  const left = (until: number): string => (until > time ? `in ${until - time} s` : 'over');
  const lines: readonly (readonly [string, string])[] = [
    ['case', `${id}, against ${kind === 'worker' ? `worker ${accused}` : kind === 'root' ? `epoch ${BigInt(ref)}` : `job ${ref}`}: ${state}`],
    ...(kind === 'worker' ? [['about job', ref] as const] : []),
    ['opened by', challenger],
    ['evidence', evidence],
    ['answer', answer ?? `none; its time: ${left(respondUntil)}`],
    ['votes', `${guiltyVotes} guilty, ${notGuiltyVotes} not guilty; ${settings.quorum} decide`],
    ['voting', state !== 'open' ? 'over' : voteFrom > time ? `begins in ${voteFrom - time} s` : `ends: ${left(voteUntil)}`],
    ['bond', `${formatCredits(settings.bond)} of token ${settings.bondToken}`],
    ...(kind === 'worker' ? [['can cost', `${formatCredits(cap.cap - cap.slashed)} of token ${settings.stakeToken}${leastSlash === 0n ? '' : `; the least that was voted is ${formatCredits(leastSlash)}`}`] as const] : []),
  ];
  const ruling = state === 'open' ? undefined : await court.ruling(id, 0);
  const ruled: readonly (readonly [string, string])[] = ruling === undefined ? [] : [['ruling', `${ruling.guilty ? 'guilty' : 'not guilty'}${ruling.byTimeout ? ', because the time ran out' : ''}: ${formatCredits(ruling.slashed)} slashed, the bond to ${ruling.bondTo}, transaction ${ruling.transaction}`]];
  return alignedTable([...lines, ...ruled]);
}
