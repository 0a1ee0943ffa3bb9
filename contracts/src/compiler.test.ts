import { describe, it } from 'vitest';
import { runCairoTests } from '../build/cairo-tests.ts';
import { compileContract, contractsOf } from '../build/compile.ts';

/** What the tools read out of the compiler's memory is a promise of nobody: these show that the pinned version keeps it. */
describe.concurrent('the pinned compiler', () => {
  it('tells where a contract does not compile', async ({ expect, signal }) => {
    const contract = '#[starknet::contract]\npub mod Broken {\n    #[storage]\n    struct Storage {}\n    #[external(v0)]\n    fn one(self: @ContractState) -> felt252 {\n        crate::low::one() + absent\n    }\n}\n';
    const sources = new Map([['low', 'pub fn one() -> felt252 {\n    1\n}\n'], ['broken', contract]]);
    const [broken] = contractsOf(sources);
    if (broken === undefined) throw new Error('There is one contract.');
    await expect(compileContract(broken, { sources, folder: '', report: () => undefined, signal })).rejects.toThrow(/contracts\/src\/broken\.cairo:7:29: .*not found\.\n {4}crate::low::one\(\) \+ absent/);
  });

  it('tells which tests fail, and why', async ({ expect, signal }) => {
    const source = "#[test]\nfn passes() {}\n#[test]\nfn panics() {\n    assert(1 == 2, 'CIRO-XX: deliberate');\n}\n#[test]\n#[should_panic(expected: ('CIRO-XX: other',))]\nfn panics_otherwise() {\n    assert(1 == 2, 'CIRO-XX: deliberate');\n}\n";
    const { passed, failed } = await runCairoTests('some_test', { sources: new Map([['some_test', source]]), signal });
    expect(passed).toBe(1);
    expect(failed.map(({ test }) => test).sort()).toEqual(['some_test::panics', 'some_test::panics_otherwise']);
    expect(failed.map(({ reason }) => reason).join('\n')).toContain("'CIRO-XX: deliberate'");
  });
});
