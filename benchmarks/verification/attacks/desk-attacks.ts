/**
 * Attacks on the protocol of an audit: through the coordinator's real audit desk, with scripted tabs that compute a toy model, in
 * virtual time. What is counted as caught: nobody is paid for the cheated units.
 */
import { AuditNetwork } from '@ciro/signaling/audit/audit-network.fixture.ts';
import { nodeId } from '@ciro/signaling/scheduler/workers.fixture.ts';
import { STAGE_NAMES } from '../models.ts';
import { Tally } from './tally.ts';
import type { Tab } from '@ciro/signaling/audit/tab.fixture.ts';
import type { PlayedJob } from '@ciro/signaling/audit/played-job.fixture.ts';
import type { Running } from './compute-rows.ts';
import type { AttackRow } from './tally.ts';

const STAGES = 3;
/** Three of them serve the job, two are there to audit. */
const TABS = 5;
/** Positions of a job are 20 of the fixture's prompt and these, less one: 50 units a stage, since an audit waits in real time, too. */
const ANSWER_TOKENS = 781;
const UNITS_OF_JOB = 50;

/** A script of one job: how it is played, and what tabs do differently. */
interface DeskAttack {
  readonly name: string;
  readonly note: string;
  play(network: AuditNetwork, job: number, stage: number): PlayedJob;
}

/** Rows coarser than they should be, by one stage. */
const coarse = (stage: number) => (at: number, _position: number, row: Float32Array): Float32Array => (at === stage ? row.map((value) => Math.round(value * 64) / 64) : row);
const refuses = (tab: Tab): void => {
  tab.word = (message) => (message.type === 'piece' && message.side !== 'rows' ? undefined : message);
};

const ATTACKS: readonly DeskAttack[] = [
  {
    name: 'withheld rows, by the cheat alone',
    note: "its neighbours' copies are audited in their place; the last stage's payload has no copy: unpaid",
    play(network, job, stage) {
      refuses(network.tab(stage + 1));
      return network.play(job, { tokens: ANSWER_TOKENS, cheat: coarse(stage) });
    },
  },
  {
    name: 'withheld rows, by all parties',
    note: 'the first stage is audited from the ids that the coordinator has, when its payload comes',
    play(network, job, stage) {
      for (let each = 1; each <= STAGES; each++) refuses(network.tab(each));
      return network.play(job, { tokens: ANSWER_TOKENS, cheat: coarse(stage) });
    },
  },
  {
    name: 'works from other inputs than it acknowledged',
    note: '',
    play: (network, job, stage) => network.play(job, { tokens: ANSWER_TOKENS, misread: (at, _position, input) => (at !== stage ? input : typeof input === 'number' ? (input + 1) % 61 : input.map((value) => value + 1)) }),
  },
];

/** One line an attack and stage; at least `units` units each, 50 a job. */
export async function deskAttackRows(units: number, { signal, say }: Running): Promise<AttackRow[]> {
  const rows: AttackRow[] = [];
  const started = performance.now();
  for (const attack of ATTACKS) {
    for (let stage = 0; stage < STAGES; stage++) {
      const tally = new Tally();
      for (let job = 1; tally.audited < units; job++) {
        signal.throwIfAborted();
        const code = await outcome(attack, job, stage);
        for (let unit = 0; unit < UNITS_OF_JOB; unit++) tally.add(code);
      }
      rows.push(tally.row('toy', attack.name, STAGE_NAMES[stage] ?? '', { note: attack.note }));
    }
  }
  say(`attacks on the audit desk in ${((performance.now() - started) / 1000).toFixed(0)} s`);
  return rows;
}

async function outcome(attack: DeskAttack, job: number, stage: number): Promise<string | null> {
  const network = await AuditNetwork.make(TABS);
  const played = attack.play(network, job, stage);
  const result = await network.until(network.audit(network.desk(), played));
  const cheat = network.standings.isDemoted(nodeId(stage + 1)) ? ', demoted' : '';
  const status = result.stages[stage]?.status;
  return status === 'failed' || status === 'unpaid' ? `${status}${cheat}` : null;
}
