import type { NodeId } from '@ciro/core/ids.ts';
import { MAX_RESUMES, RESUME_MS } from './session-limits.ts';
import type { Profile } from './worker.ts';

interface Resume {
  readonly token: string;
  readonly profile: Profile | undefined;
  readonly until: number;
}

/** What is remembered of nodes for their next connection: bounded, the oldest forgotten first. No part of who is let in. */
export class Resumes {
  readonly #byNode = new Map<NodeId, Resume>();

  /** Remembers the node's current token and profile; replaces what was known. */
  keep(nodeId: NodeId, token: string, profile: Profile | undefined, now: number): void {
    this.#byNode.delete(nodeId);
    this.#byNode.set(nodeId, { token, profile, until: now + RESUME_MS });
    for (const oldest of this.#byNode.keys()) {
      if (this.#byNode.size <= MAX_RESUMES) return;
      this.#byNode.delete(oldest);
    }
  }

  /** The profile behind a token, if the token is this node's latest and still good. */
  profile(nodeId: NodeId, token: string | undefined, now: number): Profile | undefined {
    const resume = this.#byNode.get(nodeId);
    return resume !== undefined && resume.token === token && now < resume.until ? resume.profile : undefined;
  }
}
