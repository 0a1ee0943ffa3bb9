//! An account as the paymaster meets it: checks caller, time, nonce and signature (SNIP-9), then makes the calls. Its
//! signature is a hash with a secret in it, for a test can't sign with a key.

use core::poseidon::poseidon_hash_span;
use starknet::ContractAddress;
use crate::paymaster::OutsideExecution;

#[starknet::interface]
pub trait IAccount<TState> {
    fn execute_from_outside(
        ref self: TState, outside: OutsideExecution, signature: Array<felt252>
    ) -> Array<Span<felt252>>;
    fn execute_from_outside_v2(
        ref self: TState, outside: OutsideExecution, signature: Span<felt252>
    ) -> Array<Span<felt252>>;
    fn sign(self: @TState, outside: OutsideExecution) -> Array<felt252>;
}

/// What accounts call in these tests: counts, or fails when told to.
#[starknet::interface]
pub trait ITarget<TState> {
    fn work(ref self: TState, amount: felt252);
    fn fail(ref self: TState);
    fn done(self: @TState, account: ContractAddress) -> felt252;
}

pub fn signature_of(account: ContractAddress, outside: OutsideExecution) -> Array<felt252> {
    let mut data: Array<felt252> = array!['secret', account.into()];
    outside.serialize(ref data);
    array![poseidon_hash_span(data.span())]
}

#[starknet::contract]
pub mod Account {
    use starknet::{
        SyscallResultTrait, get_block_timestamp, get_caller_address, get_contract_address,
        syscalls::call_contract_syscall
    };
    use starknet::account::Call;
    use starknet::storage::{Map, StorageMapReadAccess, StorageMapWriteAccess};
    use crate::paymaster::OutsideExecution;

    #[storage]
    struct Storage {
        nonces: Map<felt252, bool>,
    }

    #[constructor]
    fn constructor(ref self: ContractState, salt: felt252) {}

    #[abi(embed_v0)]
    impl AccountImpl of super::IAccount<ContractState> {
        fn execute_from_outside(
            ref self: ContractState, outside: OutsideExecution, signature: Array<felt252>
        ) -> Array<Span<felt252>> {
            self.execute_from_outside_v2(outside, signature.span())
        }

        fn execute_from_outside_v2(
            ref self: ContractState, outside: OutsideExecution, signature: Span<felt252>
        ) -> Array<Span<felt252>> {
            assert(get_caller_address() == outside.caller, 'SRC9: invalid caller');
            let now = get_block_timestamp();
            assert(outside.execute_after < now, 'SRC9: now <= execute_after');
            assert(now < outside.execute_before, 'SRC9: now >= execute_before');
            assert(!self.nonces.read(outside.nonce), 'SRC9: duplicated nonce');
            self.nonces.write(outside.nonce, true);
            assert(signature == self.sign(outside).span(), 'SRC9: invalid signature');
            let mut answers: Array<Span<felt252>> = array![];
            for call in outside
                .calls {
                    let Call { to, selector, calldata } = *call;
                    answers.append(call_contract_syscall(to, selector, calldata).unwrap_syscall());
                };
            answers
        }

        fn sign(self: @ContractState, outside: OutsideExecution) -> Array<felt252> {
            super::signature_of(get_contract_address(), outside)
        }
    }
}

#[starknet::contract]
pub mod Target {
    use starknet::{ContractAddress, get_caller_address};
    use starknet::storage::{Map, StorageMapReadAccess, StorageMapWriteAccess};

    #[storage]
    struct Storage {
        sums: Map<ContractAddress, felt252>,
    }

    #[abi(embed_v0)]
    impl TargetImpl of super::ITarget<ContractState> {
        fn work(ref self: ContractState, amount: felt252) {
            let caller = get_caller_address();
            self.sums.write(caller, self.sums.read(caller) + amount);
        }

        fn fail(ref self: ContractState) {
            core::panic_with_felt252('TARGET: failed');
        }

        fn done(self: @ContractState, account: ContractAddress) -> felt252 {
            self.sums.read(account)
        }
    }
}
