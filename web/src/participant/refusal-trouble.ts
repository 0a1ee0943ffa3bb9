import type { Refused } from '@ciro/core/protocol/control-from-coordinator.ts';
import type { InferOutput } from 'valibot';
import type { Trouble } from './contribution-state.ts';

type Refusal = InferOutput<typeof Refused>;

const TODO: Record<Refusal['code'], string> = {
  'protocol-version': 'Reload this page to get the current version.',
  'bad-signature': 'Reload this page. If it happens again, clear this site\'s data to begin with a new worker key.',
  malformed: 'Reload this page to get the current version.',
  'hello-expected': 'Reload this page; the device was too busy to answer in time.',
  'too-many-messages': 'Wait a minute, then contribute again.',
  replaced: 'Another tab of this browser contributes with the same key. Close it, or leave it running and close this one.',
  full: 'The network has all the tabs it can hold. Try again in a few minutes.',
};

/** What a refusal means to the person in front of the tab. */
export const refusalTrouble = (refusal: Refusal): Trouble => ({ code: `refused-${refusal.code}`, message: refusal.message, todo: TODO[refusal.code] });
