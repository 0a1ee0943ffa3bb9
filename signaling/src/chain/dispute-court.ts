import { approveCall } from '@ciro/core/sponsorship/pool-calls.ts';
import { ContractCaller, ContractError, hexOf } from './contract-caller.ts';
import type { CaseKind, Charge, CourtCase, CourtPort, CourtSettings, Ruling, Transaction } from '../disputes/court-port.ts';
import type { ContractCallerOptions } from './contract-caller.ts';

/** As the contract's enums count them. */
const KINDS = ['worker', 'root', 'job'] as const satisfies readonly CaseKind[];
const STATES = [undefined, 'open', 'guilty', 'not guilty'] as const;
const CASE_FELTS = 13;
const SETTINGS_FELTS = 14;

export type DisputeCourtOptions = ContractCallerOptions & {
  /** Address of the contract, 0x hex. */
  readonly court: string;
};

/** The DisputeCourt over a node. */
export class DisputeCourt implements CourtPort {
  readonly court: string;
  readonly #caller: ContractCaller;
  #settings: Promise<CourtSettings> | undefined;

  /** `caller`: shared with other contracts of the same account, so that their transactions do not take each other's nonces. */
  constructor({ court, ...options }: DisputeCourtOptions, caller: ContractCaller = new ContractCaller(options)) {
    this.court = hexOf(court);
    this.#caller = caller;
  }

  get account(): string | null {
    return this.#caller.account;
  }

  settings(): Promise<CourtSettings> {
    return (this.#settings ??= this.#readSettings().catch((error: unknown) => {
      this.#settings = undefined;
      throw error;
    }));
  }

  async caseCount(): Promise<number> {
    return Number((await this.#view('case_count', [], 1))[0]);
  }

  async find(id: number): Promise<CourtCase | undefined> {
    const [kind, state, challenger = 0n, accused = 0n, ref = 0n, evidence = 0n, answer = 0n, respondUntil, voteFrom, voteUntil, guilty, notGuilty, leastSlash = 0n] = await this.#view('get_case', [hexOf(id)], CASE_FELTS);
    const [known, kindOf] = [STATES[Number(state)], KINDS[Number(kind)]];
    if (state === 0n) return undefined;
    if (known === undefined || kindOf === undefined) throw new ContractError('bad-answer', `get_case of ${this.court} answered kind ${kind} and state ${state}; the contract is of another version`, { fault: 'platform' });
    return {
      id, kind: kindOf, state: known, challenger: hexOf(challenger), accused: hexOf(accused), ref: hexOf(ref), evidence: hexOf(evidence), answer: answer === 0n ? null : hexOf(answer),
      respondUntil: Number(respondUntil), voteFrom: Number(voteFrom), voteUntil: Number(voteUntil), guiltyVotes: Number(guilty), notGuiltyVotes: Number(notGuilty), leastSlash,
    };
  }

  async openedBy(account: string, { kind, accused, ref, evidence }: Charge, fromBlock: number): Promise<number[]> {
    const events = await this.#caller.events(this.court, 'CaseOpened', [null, accused], fromBlock);
    return events.flatMap(({ keys: [id], data: [kindOf, refOf, challenger, evidenceOf] }) =>
      id !== undefined && kindOf === BigInt(KINDS.indexOf(kind)) && refOf === BigInt(ref) && challenger === BigInt(account) && evidenceOf === BigInt(evidence) ? [Number(id)] : [],
    );
  }

  async refCap({ kind, accused, ref }: Omit<Charge, 'evidence'>): Promise<{ cap: bigint; slashed: bigint; openCases: number }> {
    const [cap = 0n, slashed = 0n, open = 0n] = await this.#view('ref_cap', [kindFelt(kind), accused, ref], 3);
    return { cap, slashed, openCases: Number(open) };
  }

  async mayVote(id: number, arbiter: string): Promise<boolean> {
    return (await this.#view('may_vote', [hexOf(id), arbiter], 1))[0] === 1n;
  }

  async ruling(id: number, fromBlock: number): Promise<Ruling | undefined> {
    const [event] = await this.#caller.events(this.court, 'CaseRuled', [hexOf(id)], fromBlock);
    const [guilty, byTimeout, slashed, bondTo] = event?.data ?? [];
    if (event === undefined || slashed === undefined || bondTo === undefined) return undefined;
    return { guilty: guilty === 1n, byTimeout: byTimeout === 1n, slashed, bondTo: hexOf(bondTo), transaction: event.transaction, block: event.block };
  }

  head(): Promise<{ readonly number: number; readonly time: number }> {
    return this.#caller.head();
  }

  async transaction(hash: string): Promise<Transaction> {
    const sent = await this.#caller.sent(hash);
    return sent.state === 'reverted' ? { state: sent.state, reason: sent.reason } : { state: sent.state };
  }

  async open({ kind, accused, ref, evidence }: Charge): Promise<string> {
    const { bond, bondToken } = await this.settings();
    return this.#caller.send('open', [
      approveCall(bondToken, this.court, bond),
      { contractAddress: this.court, entrypoint: 'open', calldata: [kindFelt(kind), accused, ref, evidence] },
    ]);
  }

  async respond(id: number, evidence: string): Promise<string> {
    return this.#move('respond', [hexOf(id), evidence]);
  }

  async vote(id: number, guilty: boolean, slash: bigint): Promise<string> {
    return this.#move('vote', [hexOf(id), guilty ? '0x1' : '0x0', hexOf(slash)]);
  }

  async finalise(id: number): Promise<string> {
    return this.#move('finalise', [hexOf(id)]);
  }

  async closeStuck(id: number): Promise<string> {
    return this.#move('close_stuck', [hexOf(id)]);
  }

  #move(entrypoint: string, calldata: string[]): Promise<string> {
    return this.#caller.send(entrypoint, [{ contractAddress: this.court, entrypoint, calldata }]);
  }

  #view(entrypoint: string, calldata: readonly string[], least: number): Promise<bigint[]> {
    return this.#caller.view(this.court, entrypoint, calldata, least);
  }

  async #readSettings(): Promise<CourtSettings> {
    const felts = await this.#view('settings', [], SETTINGS_FELTS);
    const at = (index: number): bigint => felts[index] ?? 0n;
    return {
      pool: hexOf(at(0)), store: hexOf(at(1)), jobManager: hexOf(at(2)), bondToken: hexOf(at(3)), stakeToken: hexOf(at(4)), treasury: hexOf(at(5)), bond: at(6), responseWindow: Number(at(7)),
      voteWindow: Number(at(8)), quorum: Number(at(9)), capCaseBps: Number(at(10)), capDay: at(11), challengerBps: Number(at(12)), burnBps: Number(at(13)),
    };
  }
}

const kindFelt = (kind: CaseKind): string => hexOf(KINDS.indexOf(kind));
