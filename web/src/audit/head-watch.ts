import { canonicalJson } from '@ciro/core/canonical-json.ts';
import { utf8 } from '@ciro/core/bytes.ts';
import { checkLinks, headBytes } from '@ciro/core/ledger/head.ts';
import { SignedHead } from '@ciro/core/protocol/audit-from-coordinator.ts';
import { encodeFrame } from '@ciro/core/protocol/frame.ts';
import { parseAs } from '@ciro/core/protocol/parse.ts';
import { StageError } from '../pipeline/stage-error.ts';
import { HEAD_CHECK_MS, HEAD_GOSSIP_MS, HEAD_MIN_INTERVAL_MS, LINKS_PAGE, MAX_CHECKED_LINKS, MAX_FORK_ALARMS, MAX_HEAD_BYTES, MAX_HEAD_PEERS, MAX_KNOWN_LINKS, MAX_PENDING_HEADS, MAX_UNANSWERED } from './audit-limits.ts';
import type { HexHash, JobId, NodeId } from '@ciro/core/ids.ts';
import type { LedgerLink, LedgerPoint, LinkProblem } from '@ciro/core/ledger/head.ts';
import type { StageIdentity } from '../pipeline/stage-ports.ts';
import type { Alarm, ForkProof } from './alarm.ts';

/** What the coordinator answers to a question for links. `refused`: it answered, but not with links. */
export type LinksAnswer = { readonly links: readonly LedgerLink[] } | { readonly refused: string };

export interface HeadPorts {
  readonly identity: Pick<StageIdentity, 'network' | 'coordinatorPublicKey'>;
  verify(publicKey: string, bytes: Uint8Array, signature: string): Promise<boolean>;
  /** Links of entries `from + 1` to `to`, the first of them at least. Rejects when the coordinator could not be asked: that proves nothing. */
  links(from: number, to: number): Promise<LinksAnswer>;
  sendFrame(peer: NodeId, frame: Uint8Array<ArrayBuffer>): boolean;
  /** Neighbours with an open link. */
  peers(): Iterable<NodeId>;
  /** Milliseconds of a monotonic clock. */
  now(): number;
  /** The newest head that lies on one chain with all before: to be given again after a restart. */
  keep(head: SignedHead): void;
  alarm(alarm: Alarm): void;
}

/** A head belongs to no job (SPEC F2). */
const NO_JOB = '0'.repeat(32) as JobId;

/**
 * Watches that the coordinator has one ledger: every signed head that this tab is shown, by the coordinator or by a neighbour,
 * must lie on one chain of links with the others (SPEC B1, B2). What does not is an alarm with its proof.
 */
export class HeadWatch {
  readonly #ports: HeadPorts;
  /** The newest head that was linked to all before. */
  #anchor: SignedHead | undefined;
  /** Signed heads past the anchor, not linked yet. */
  #pending: SignedHead[] = [];
  /** Hashes on the chain up to the anchor, newest last. */
  readonly #known = new Map<number, HexHash>();
  readonly #alarmed = new Set<string>();
  readonly #told = new Map<NodeId, { at: number; hash: HexHash }>();
  readonly #heardAt = new Map<NodeId, number>();
  #checkedAt = -Infinity;
  #unanswered = 0;
  #checking: Promise<void> | undefined;
  /** Of the head that was kept: it comes before all others, however long its signature takes. */
  #keptLooked: Promise<void> | undefined;

  /** `kept`: the head that was kept before a restart, if there is one; it is checked like any other. */
  constructor(ports: HeadPorts, kept?: SignedHead) {
    this.#ports = ports;
    if (kept !== undefined) this.#keptLooked = this.#isSigned(kept).then((signed) => (signed ? this.#consider(kept) : undefined));
  }

  /** A head from the coordinator itself; one that it did not sign is no head. */
  async fromCoordinator(head: SignedHead): Promise<void> {
    if (await this.#isSigned(head)) await this.#considerAfterKept(head);
  }

  /** A head in a frame from a neighbour. Throws StageError `bad-head`. */
  async fromNeighbour(peer: NodeId, payload: Uint8Array): Promise<void> {
    const now = this.#ports.now();
    const heardAt = this.#heardAt.get(peer) ?? -Infinity;
    remember(this.#heardAt, peer, now);
    if (now - heardAt < HEAD_MIN_INTERVAL_MS) throw bad(`came ${Math.round(now - heardAt)} ms after the last one`);
    if (payload.length > MAX_HEAD_BYTES) throw bad(`has ${payload.length} bytes; at most ${MAX_HEAD_BYTES}`);
    let head: SignedHead;
    try {
      head = parseAs(SignedHead, JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(payload)), 'head from a neighbour');
    } catch (cause) {
      throw bad(`cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`);
    }
    if (!(await this.#isSigned(head))) throw bad('was not signed by the coordinator');
    await this.#considerAfterKept(head);
  }

  /** A link was opened: its neighbour is told what this tab knows. */
  greet(peer: NodeId): void {
    this.#told.delete(peer);
    this.#tell(peer);
  }

  /** Resolves when no links are being asked for. */
  async settled(): Promise<void> {
    while (this.#checking !== undefined) await this.#checking;
  }

  async #isSigned({ body, signature }: SignedHead): Promise<boolean> {
    const { network, coordinatorPublicKey } = this.#ports.identity;
    return body.network === network && this.#ports.verify(coordinatorPublicKey, headBytes(body), signature);
  }

  async #considerAfterKept(head: SignedHead): Promise<void> {
    await this.#keptLooked;
    this.#consider(head);
  }

  #consider(head: SignedHead): void {
    const { sequence, hash } = head.body;
    const rival = [this.#anchor, ...this.#pending].find((each) => each?.body.sequence === sequence);
    if (rival !== undefined) {
      if (rival.body.hash !== hash) this.#alarm([rival, head], null);
      return;
    }
    if (this.#anchor === undefined) this.#adopt(head);
    else if (this.#known.has(sequence)) {
      // On the chain already, or beside it: the anchor's own links tell.
      if (this.#known.get(sequence) !== hash) this.#alarm([head, this.#anchor], { problem: null, shown: [], refused: `the coordinator has shown ${this.#known.get(sequence) ?? ''} for entry ${sequence}` });
      return;
    } else this.#pending = [...this.#pending, head].slice(-MAX_PENDING_HEADS);
    for (const peer of this.#ports.peers()) this.#tell(peer);
    this.#check();
  }

  #adopt(head: SignedHead): void {
    this.#anchor = head;
    this.#know(head.body.sequence, head.body.hash);
    this.#ports.keep(head);
  }

  #know(sequence: number, hash: HexHash): void {
    this.#known.set(sequence, hash);
    for (const oldest of this.#known.keys()) {
      if (this.#known.size <= MAX_KNOWN_LINKS) break;
      this.#known.delete(oldest);
    }
  }

  get #newest(): SignedHead | undefined {
    return this.#pending.reduce<SignedHead | undefined>((most, each) => (most === undefined || each.body.sequence > most.body.sequence ? each : most), this.#anchor);
  }

  #tell(peer: NodeId): void {
    const head = this.#newest;
    const told = this.#told.get(peer);
    const now = this.#ports.now();
    if (head === undefined || (told !== undefined && (told.hash === head.body.hash || now - told.at < HEAD_GOSSIP_MS))) return;
    const frame = encodeFrame({ kind: 'head', job: NO_JOB, planVersion: 0, position: 0, count: 0, acceptedTo: 0, stage: 0, payload: utf8(canonicalJson(head)) });
    if (this.#ports.sendFrame(peer, frame)) remember(this.#told, peer, { at: now, hash: head.body.hash });
  }

  /** Links what is pending, one question at a time and not too often; what comes meanwhile waits for the next head. */
  #check(): void {
    const now = this.#ports.now();
    if (this.#checking !== undefined || this.#pending.length === 0 || now - this.#checkedAt < HEAD_CHECK_MS) return;
    this.#checkedAt = now;
    const heads = this.#pending.toSorted((a, b) => a.body.sequence - b.body.sequence);
    this.#checking = this.#link(heads)
      .then(() => (this.#unanswered = 0), (error: unknown) => this.#notAnswered(heads, error))
      .then(() => void (this.#checking = undefined));
  }

  /** The heads stay, and are looked at with the next one. A coordinator that never answers does not show its links either. */
  #notAnswered(heads: readonly SignedHead[], error: unknown): void {
    const [first] = heads;
    if (++this.#unanswered < MAX_UNANSWERED || this.#anchor === undefined || first === undefined) return;
    this.#alarm([this.#anchor, first], { problem: null, shown: [], refused: `${this.#unanswered} questions for links were not answered: ${error instanceof Error ? error.message : String(error)}` });
  }

  /** Every head must be linked to the anchor; the highest one that is becomes the new one. */
  async #link(heads: readonly SignedHead[]): Promise<void> {
    for (const head of heads) {
      const anchor = this.#anchor;
      if (anchor === undefined) return;
      const [from, to] = head.body.sequence < anchor.body.sequence ? [head, anchor] : [anchor, head];
      // A tab that was away for so long cannot look at all of it: it begins anew. Nor does it for a neighbour's oldest heads.
      const tooFar = to.body.sequence - from.body.sequence > (to === head ? MAX_CHECKED_LINKS : MAX_KNOWN_LINKS);
      const broken = tooFar ? undefined : await this.#walk(from.body, to.body);
      if (broken !== undefined) this.#alarm([from, to], broken);
      else if (to === head) this.#adopt(head);
    }
    this.#pending = this.#pending.filter((head) => !heads.includes(head));
  }

  /** Why the coordinator's links do not lead from one point to the other; undefined when they do. */
  async #walk(from: LedgerPoint, to: LedgerPoint): Promise<ForkProof['links'] | undefined> {
    let at = from;
    while (at.sequence < to.sequence) {
      const end = Math.min(to.sequence, at.sequence + LINKS_PAGE);
      const answer = await this.#ports.links(at.sequence, end);
      if ('refused' in answer) return { problem: null, shown: [], refused: answer.refused };
      const { links } = answer;
      const last = links.at(-1);
      // Fewer may come than were asked for: the next question begins where they end.
      const goal: LedgerPoint = last === undefined || at.sequence + links.length >= to.sequence ? to : { sequence: at.sequence + links.length, hash: last.hash };
      const problem: LinkProblem | null = checkLinks(at, goal, links);
      if (problem !== null) return { problem, shown: links, refused: null };
      for (const { sequence, hash } of links) this.#know(sequence, hash);
      at = goal;
    }
    return undefined;
  }

  #alarm(heads: ForkProof['heads'], links: ForkProof['links']): void {
    const [first, second] = heads;
    // Neighbours may show the same head again and again, and one proof is enough: a few are kept.
    const name = `${first.body.hash} ${second.body.hash}`;
    if (this.#alarmed.has(name) || this.#alarmed.size >= MAX_FORK_ALARMS) return;
    this.#alarmed.add(name);
    const how = links === null ? 'both have that number' : (links.refused ?? `entry ${links.problem?.sequence ?? 0}: ${links.problem?.code ?? ''}`);
    this.#ports.alarm({
      kind: 'forked-ledger',
      message: `The coordinator signed two heads that are not of one ledger: entry ${first.body.sequence} with hash ${first.body.hash}, and entry ${second.body.sequence} with hash ${second.body.hash} (${how}).`,
      proof: { coordinatorPublicKey: this.#ports.identity.coordinatorPublicKey, heads, links },
    });
  }
}

function remember<Value>(map: Map<NodeId, Value>, peer: NodeId, value: Value): void {
  map.delete(peer);
  map.set(peer, value);
  for (const oldest of map.keys()) {
    if (map.size <= MAX_HEAD_PEERS) break;
    map.delete(oldest);
  }
}

const bad = (what: string): StageError => new StageError('bad-head', `A ledger head from a neighbour ${what}; it was dropped.`, { fault: 'peer' });
