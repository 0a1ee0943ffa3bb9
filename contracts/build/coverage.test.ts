import { expect, it } from 'vitest';
import { coverageOf, describeCoverage, partOf } from './coverage.ts';

const CONTRACT = `
#[starknet::interface]
pub trait IStore<TState> {
    fn post(ref self: TState, amounts: Span<(felt252, u128)>);
    fn claim(ref self: TState) -> bool;
    fn paid(self: @TState) -> u128;
}
pub mod errors {
    pub const BAD: felt252 = 'CIRO-CS: bad'; // 'CIRO-CS: no error'
    pub const WORSE: felt252 = 'CIRO-CS: worse';
}
#[starknet::contract]
pub mod Store {
    impl StoreImpl of super::IStore<ContractState> {}
}
`;
const FOREIGN = '#[starknet::interface]\npub trait IErc20<TState> {\n    fn transfer(ref self: TState);\n}\n';
const TEST = `
#[test]
#[should_panic(
    expected: ('CIRO-CS: bad', 'ENTRYPOINT_FAILED')
)]
fn refuses() { store().claim(); }
#[test]
fn calls() { call_contract_syscall(at, selector!("post"), data); } // store().paid()
`;

it('lists errors that nothing expects and entry points that nothing calls, of contracts’ own interfaces only', () => {
  const { errors, entryPoints } = coverageOf(new Map([['store', CONTRACT], ['erc20', FOREIGN], ['store_test', TEST], ['x_fixture', CONTRACT.replaceAll('CIRO-CS', 'CIRO-XX')]]));
  expect(errors).toEqual({ total: 2, missing: ["store.cairo: 'CIRO-CS: worse'"] });
  expect(entryPoints).toEqual({ total: 3, missing: ['store.cairo: paid'] });
  expect(partOf(errors)).toBe(0.5);
  expect(describeCoverage('errors', errors)).toBe("errors: 1 of 2 (50 %)\n  no test: store.cairo: 'CIRO-CS: worse'");
});
