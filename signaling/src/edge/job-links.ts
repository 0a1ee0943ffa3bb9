import { evidencePath } from './chat-format.ts';
import { trackingPath } from './links.ts';

/** Where everything about a job is. */
export const jobLinks = (job: string): { readonly events: string; readonly answer: string; readonly evidence: string } => ({ events: `${trackingPath(job)}/events`, answer: `${trackingPath(job)}/answer`, evidence: evidencePath(job) });
