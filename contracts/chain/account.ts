import { Account, TransactionType } from 'starknet';
import type { Abi, CompiledSierra, Invocations } from 'starknet';
import { ChainError } from './chain-error.ts';
import { felt } from './felts.ts';
import type { ContractClass } from '../build/artefacts.ts';
import type { Felt } from './felts.ts';
import type { Call, ChainClient, Receipt } from './starknet.ts';

/** No tip: blocks of all three networks have room. */
const OPTIONS = { tip: 0 };

export interface Keys {
  readonly address: Felt;
  readonly privateKey: Felt;
}

/** An account that signs; one transaction after the other. */
export class ChainAccount {
  readonly address: Felt;
  readonly chain: ChainClient;
  readonly account: Account;

  constructor(chain: ChainClient, { address, privateKey }: Keys) {
    this.chain = chain;
    this.address = address;
    this.account = new Account({ provider: chain.provider, address, signer: privateKey });
  }

  /** Runs the calls in one transaction. `what` names it in errors. @throws ChainError `reverted`, `refused`, `node-silent` */
  async execute(what: string, calls: readonly Call[]): Promise<Receipt> {
    const started = performance.now();
    const { transaction_hash } = await this.chain.ask(what, () => this.account.execute(calls.map(toStarknetJs), OPTIONS));
    return this.chain.receipt(felt(transaction_hash), what, started);
  }

  /** Declares a class. @throws ChainError `compiled-class` when the node makes another compiled class of it, `foreign-class` when it gives it another hash */
  async declare(what: string, contractClass: ContractClass, { classHash, compiledClassHash }: { readonly classHash: Felt; readonly compiledClassHash: Felt }): Promise<Receipt> {
    const started = performance.now();
    const { transaction_hash, class_hash } = await this.chain.ask(what, async () => {
      try {
        return await this.account.declare({ contract: toSierra(contractClass), compiledClassHash }, OPTIONS);
      } catch (error) {
        const expected = expectedCompiledClass(error);
        if (expected === undefined) throw error;
        throw new ChainError('compiled-class', `${what}: this node makes compiled class ${expected} of it, classes.lock.json says ${compiledClassHash}. The node is of another Starknet version; run \`npm run contracts -- --ask\` against a node of it, or use starknet-devnet 0.8.2.`, {
          fault: 'user',
          fields: { expected, compiledClassHash },
        });
      }
    });
    const receipt = await this.chain.receipt(felt(transaction_hash), what, started);
    if (felt(class_hash) === classHash) return receipt;
    throw new ChainError('foreign-class', `${what}: the node calls the class ${felt(class_hash)}, classes.lock.json ${classHash}. Nothing was deployed from it. Run \`npm run contracts -- --check\`.`, { fault: 'user', fields: { found: felt(class_hash), classHash } });
  }

  /** Asks the node what compiled class it makes of a class: a fee estimate with a wrong hash names the right one. Nothing is sent. */
  async compiledClassHash(contractClass: ContractClass): Promise<Felt> {
    return this.chain.ask('the compiled class', async () => {
      try {
        await this.account.declare({ contract: toSierra(contractClass), compiledClassHash: '0x1' }, OPTIONS);
      } catch (error) {
        const expected = expectedCompiledClass(error);
        if (expected !== undefined) return expected;
        throw error;
      }
      throw new ChainError('refused', 'The node accepted a wrong compiled class hash, so it cannot be asked for the right one.', { fault: 'platform' });
    });
  }

  /** What transactions that would follow each other could cost at most, in fri: their estimates with room for a rise of prices. Nothing is sent. */
  async estimate(transactions: readonly Estimable[]): Promise<bigint[]> {
    if (transactions.length === 0) return [];
    const invocations: Invocations = transactions.map((each) =>
      'calls' in each
        ? { type: TransactionType.INVOKE, payload: each.calls.map(toStarknetJs) }
        : { type: TransactionType.DECLARE, contract: toSierra(each.contractClass), compiledClassHash: each.compiledClassHash },
    );
    const fees = await this.chain.ask('a fee estimate', () => this.account.estimateFeeBulk(invocations, OPTIONS));
    return fees.map(({ overall_fee }) => BigInt(overall_fee));
  }
}

export type Estimable = { readonly calls: readonly Call[] } | { readonly contractClass: ContractClass; readonly compiledClassHash: Felt };

const toStarknetJs = ({ to, entrypoint, calldata }: Call) => ({ contractAddress: to, entrypoint, calldata: [...calldata] });
const toSierra = (contractClass: ContractClass): CompiledSierra => ({ ...contractClass, abi: contractClass.abi as Abi }) as unknown as CompiledSierra;

function expectedCompiledClass(error: unknown): Felt | undefined {
  const found = error instanceof Error ? /Expected: (0x[0-9a-f]+)/.exec(error.message)?.[1] : undefined;
  return found === undefined ? undefined : felt(found);
}

