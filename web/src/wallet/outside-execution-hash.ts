import { keccak, poseidonHashMany } from '@scure/starknet';
import { utf8 } from '@ciro/core/bytes.ts';
import type { FeltCall } from './check-outside-execution.ts';

/** What an account lets a caller carry out (SNIP-9 version 2). Felts; seconds, both exclusive. */
export interface OutsideExecution {
  readonly chainId: bigint;
  readonly caller: bigint;
  readonly nonce: bigint;
  readonly after: bigint;
  readonly before: bigint;
  readonly calls: readonly FeltCall[];
}

const shortText = (text: string): bigint => [...utf8(text)].reduce((sum, byte) => sum * 256n + BigInt(byte), 0n);
const typeHash = (types: string): bigint => keccak(utf8(types));

const DOMAIN_TYPE = typeHash('"StarknetDomain"("name":"shortstring","version":"shortstring","chainId":"shortstring","revision":"shortstring")');
const CALL = '"Call"("To":"ContractAddress","Selector":"selector","Calldata":"felt*")';
const CALL_TYPE = typeHash(CALL);
const EXECUTION_TYPE = typeHash(`"OutsideExecution"("Caller":"ContractAddress","Nonce":"felt","Execute After":"u128","Execute Before":"u128","Calls":"Call*")${CALL}`);
const MESSAGE = shortText('StarkNet Message');
const NAME = shortText('Account.execute_from_outside');
const VERSION = 2n;
const REVISION = 1n;

/** SNIP-12 (revision 1) hash of an outside execution for an account: the felt that its key signs. */
export function outsideExecutionHash({ chainId, caller, nonce, after, before, calls }: OutsideExecution, account: bigint): bigint {
  const domain = poseidonHashMany([DOMAIN_TYPE, NAME, VERSION, chainId, REVISION]);
  const hashes = calls.map(({ to, selector, calldata }) => poseidonHashMany([CALL_TYPE, to, selector, poseidonHashMany([...calldata])]));
  const execution = poseidonHashMany([EXECUTION_TYPE, caller, nonce, after, before, poseidonHashMany(hashes)]);
  return poseidonHashMany([MESSAGE, domain, account, execution]);
}
