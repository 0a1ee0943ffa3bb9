import { pedersen } from '@scure/starknet';

/** Class of the OpenZeppelin account 1.0.0 that a worker's identity key owns (SPEC X6); every devnet has it, and it takes outside executions of version 2. In minimal hex. */
export const ACCOUNT_CLASS_HASH = '0x5b4b537eaa2399e3aa99c4e2e0208ebd6c71bc1467938cd52c798c601e43564';

/** The universal deployer of all networks and devnets: it deploys any declared class at an address that hangs on what is deployed alone. In minimal hex. */
export const UNIVERSAL_DEPLOYER = '0x41a78e741e5af2fec34b695679bc6891742439f7afb8484ecd7766661ad02bf';

/** 'STARKNET_CONTRACT_ADDRESS' as a Cairo short string. */
const ADDRESS_TAG = BigInt(`0x${Array.from('STARKNET_CONTRACT_ADDRESS', (letter) => letter.charCodeAt(0).toString(16)).join('')}`);
/** Addresses lie below this: the network keeps the rest for itself. */
const ADDRESS_BOUND = 2n ** 251n - 256n;

/**
 * Address at which an identity's account is, or will be once somebody deploys it (SPEC X6): Pedersen of (tag, deployer 0, salt,
 * class, hash of the constructor's arguments), where salt and only argument are the public key. 0x hex without leading zeros. Eight Pedersen hashes: 10 ms.
 */
export function payoutAddress(identityPublicKey: string): string {
  const key = BigInt(identityPublicKey);
  const hash = pedersenOf([ADDRESS_TAG, 0n, key, BigInt(ACCOUNT_CLASS_HASH), pedersenOf([key])]);
  return `0x${(hash % ADDRESS_BOUND).toString(16)}`;
}

/** Pedersen hash of a list, closed by its length. */
const pedersenOf = (elements: readonly bigint[]): bigint => [...elements, BigInt(elements.length)].reduce((hash, element) => BigInt(pedersen(hash, element)), 0n);
