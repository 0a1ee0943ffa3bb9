import { refuse } from './relayer-error.ts';
import { callKey } from './policy.ts';
import { addressOf } from './starknet-hashes.ts';
import type { ChainCall } from './chain-port.ts';
import type { Felt } from './felt.ts';
import type { Policy } from './policy.ts';
import type { AccountDeployment } from './wire.ts';

/** Throws unless every call is on the list and all of them are within the policy's sizes. */
export function checkCalls(policy: Policy, calls: readonly ChainCall[]): void {
  if (calls.length > policy.maxCalls) throw refuse('too-many-calls', `${calls.length} calls in one action; at most ${policy.maxCalls} are sponsored together: split them`, { calls: calls.length, limit: policy.maxCalls });
  const felts = calls.reduce((sum, call) => sum + call.calldata.length, 0);
  if (felts > policy.maxCalldata) throw refuse('calldata-too-long', `${felts} felts of calldata in one action; at most ${policy.maxCalldata} are sponsored: split the calls`, { felts, limit: policy.maxCalldata });
  const foreign = calls.find(({ to, selector }) => !policy.allowed.has(callKey(to, selector)));
  if (foreign !== undefined) throw refuse('call-not-allowed', `call of selector ${foreign.selector} at ${foreign.to} is not sponsored here; pay for it from the account's own STRK, or ask the operator to add it to the policy`, { to: foreign.to, selector: foreign.selector });
}

/** Throws unless the account may be deployed here and lies where it says. Gives its Stark public key. */
export function checkDeployment(policy: Policy, { address, classHash, salt, calldata }: AccountDeployment): Felt {
  if (classHash === '0x0') throw refuse('invalid-class-hash', 'class hash 0 is no class; send the class hash of the account');
  if (policy.accountClasses.get(classHash) !== 'public-key') throw refuse('class-hash-not-supported', `accounts of class ${classHash} are not deployed here; supported: ${deployable(policy).join(', ')}`, { classHash });
  const [publicKey] = calldata;
  if (calldata.length !== 1 || publicKey === undefined || publicKey === '0x0' || publicKey !== salt) {
    throw refuse('invalid-deployment-data', 'the constructor takes one felt, the public key, and the salt is that key, too', { calldata: calldata.length });
  }
  const expected = addressOf(classHash, salt, calldata);
  if (expected !== address) throw refuse('invalid-deployment-data', `this class, salt and calldata give the address ${expected}, not ${address}; derive it with deployer 0`, { expected, address });
  return publicKey;
}

const deployable = ({ accountClasses }: Policy): Felt[] => [...accountClasses].filter(([, constructor]) => constructor === 'public-key').map(([classHash]) => classHash);
