/** A build stays executable for this long: a page signs within a second, a wallet asks its owner. Seconds. */
export const DEFAULT_VALIDITY_S = 900;
/** The longest time bounds that are signed; a client that checks refuses more (SPEC Y4). Seconds. */
export const MAX_VALIDITY_S = 3600;
/** `Execute After` lies this far before chain time, because bounds are exclusive and blocks of a node may differ. Seconds. */
export const BOUNDS_MARGIN_S = 60;

/** Builds that wait for their signature, of all clients: about 2 kB each. */
export const MAX_BINDINGS = 20_000;
/** Builds of one client that wait: a page has one or two. */
export const MAX_BINDINGS_PER_CLIENT = 32;
/** Executed nonces are remembered until their bounds are over, so that a repeat is told its transaction. */
export const MAX_TRACKED = 20_000;

/** Addresses and clients counted at a time, about 200 bytes each; beyond it newcomers are refused until the day or hour turns. */
export const MAX_COUNTED = 200_000;

/** Body of a request: 16 calls with 512 felts are about 50 kB, typed data twice of it. Bytes. */
export const MAX_BODY_BYTES = 128 * 1024;
/** Felts of a signature: a Stark key's has 2, wallets with several signers or a session up to about 60. */
export const MAX_SIGNATURE_FELTS = 64;
/** What is kept of a node's words, because they may be as long as it likes. Characters. */
export const MAX_REASON = 400;

/** A node that has not answered by then is taken for silent. Milliseconds: a simulation takes far less than one, also of a full batch. */
export const NODE_TIMEOUT_MS = 10_000;
/** The same for an upstream paymaster, which talks to a node itself. Milliseconds. */
export const UPSTREAM_TIMEOUT_MS = 20_000;

/** Actions in one transaction: at 3 M to 6 M L2 gas each (measured through the Paymaster) they stay under a tenth of the 1,100 M that a transaction may have. */
export const MAX_BATCH = 16;
/** Calldata of one transaction, with 20 % left under the network's 5,000 for its own frame. Felts. */
export const MAX_BATCH_CALLDATA = 4_000;
/** Actions that wait for a sender; at 16 a transaction and one transaction every 2 s a sender clears them in a minute. */
export const MAX_QUEUE = 512;
/** A simulation is trusted for this long before it is made again. Milliseconds: about one block. */
export const SIMULATION_FRESH_MS = 2_000;
/** A simulation is made again so often when its sender's nonce moved meanwhile. */
export const SIMULATION_TRIES = 5;
/** An action is put into a transaction at most so often: after a reverted batch, a lost transaction, a refused one. */
export const MAX_ATTEMPTS = 3;

/** The bounds of a transaction over what its simulation used: prices move by 12.5 % a block, state by what others do. Per cent. */
export const AMOUNT_MARGIN_PERCENT = 30;
export const PRICE_MARGIN_PERCENT = 50;
/** L2 gas of the sender's own signature check, which simulations leave out so that nothing is signed for them. Measured: 0.13 M for an account with one Stark key; others have more to check. */
export const VALIDATION_L2_GAS = 500_000n;

/** A sender whose transaction was refused or lost rests for this long. Milliseconds. */
export const COOL_DOWN_MS = 30_000;
/** Times that the same signed transaction is handed in when the node does not answer; its hash and nonce are fixed, so a repeat is harmless. */
export const SUBMIT_TRIES = 3;
/** First and longest pause between looks at a transaction. Milliseconds. */
export const FIRST_LOOK_MS = 50;
export const LONGEST_LOOK_MS = 2_000;
/** A transaction that the node does not know for this long was dropped. Milliseconds: about ten blocks. */
export const DROPPED_AFTER_MS = 60_000;

/** A sender's balance is read again after this time. Milliseconds. */
export const BALANCE_FRESH_MS = 30_000;
/** Class hash of an account that was seen deployed; it changes by an upgrade only. Milliseconds. */
export const CLASS_FRESH_MS = 60_000;

/** A ticket is for the visit in which it was issued. Seconds. */
export const TICKET_TTL_S = 3600;
