import type { ChainDoor } from '@ciro/core/sponsorship/chain-door.ts';
import type { PolicyData } from './policy.ts';

/** What workers and requesters do with our contracts, as far as somebody pays for it: the Paymaster contract's own list holds the same. */
const ENTRYPOINTS: { readonly [Contract in 'store' | 'pool' | 'jobManager' | 'court' | 'token' | 'stakeToken']: readonly string[] } = {
  store: ['claim'],
  pool: ['register', 'set_capability', 'set_payout', 'deregister', 'stake', 'unstake_intent', 'cancel_unstake', 'unstake_action', 'prove_active'],
  jobManager: ['create_job', 'top_up', 'cancel_job', 'refund_expired'],
  court: ['open', 'respond', 'finalise'],
  token: ['approve', 'transfer'],
  stakeToken: ['approve'],
};

/** STRK that a network's relayer signs for in a day when nobody says how much: about 230 first claims at 0.0215 STRK. */
const NETWORK_STRK_PER_DAY = '5';
/** A devnet's STRK are worth nothing; a runaway loop is stopped all the same. */
const LOCAL_STRK_PER_DAY = '1000';
/** All tabs of a devnet are one client: they share the machine's address. */
const LOCAL_ACTIONS_PER_HOUR = 10_000;

/** The sponsoring policy for our own contracts: new accounts need a ticket of this coordinator (SPEC Y1). */
export function ownPolicy(door: ChainDoor, { local, strkPerDay }: { readonly local: boolean; readonly strkPerDay?: string | undefined }): PolicyData {
  return {
    version: 1,
    calls: Object.entries(ENTRYPOINTS).map(([contract, entrypoints]) => ({ to: door[contract as keyof typeof ENTRYPOINTS], entrypoints: [...entrypoints] })),
    accountClasses: [{ classHash: door.accountClass, constructor: 'public-key' }],
    strkPerDay: strkPerDay ?? (local ? LOCAL_STRK_PER_DAY : NETWORK_STRK_PER_DAY),
    newAccounts: { tickets: true, workBits: null },
    ...(local ? { actionsPerClientPerHour: LOCAL_ACTIONS_PER_HOUR, buildsPerClientPerHour: LOCAL_ACTIONS_PER_HOUR } : {}),
  };
}
