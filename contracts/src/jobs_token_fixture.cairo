//! A token for tests that can be told to misbehave. It asks nobody for an allowance.

use starknet::ContractAddress;

/// Answers `false` to every transfer and moves nothing.
pub const FALSE: felt252 = 'false';
/// Keeps one unit of what is moved.
pub const FEE: felt252 = 'fee';
/// Makes the call given to `attack` in every transfer.
pub const ATTACK: felt252 = 'attack';

#[starknet::interface]
pub trait IJobsToken<TState> {
    fn balance_of(self: @TState, account: ContractAddress) -> u256;
    fn total_supply(self: @TState) -> u256;
    fn transfer(ref self: TState, recipient: ContractAddress, amount: u256) -> bool;
    fn transfer_from(
        ref self: TState, sender: ContractAddress, recipient: ContractAddress, amount: u256
    ) -> bool;
    fn burn(ref self: TState, amount: u256);
    fn mint(ref self: TState, to: ContractAddress, amount: u256);
    fn set_mode(ref self: TState, mode: felt252);
    fn attack(ref self: TState, target: ContractAddress, selector: felt252, calldata: Span<felt252>);
}

#[starknet::contract]
pub mod JobsToken {
    use starknet::{ContractAddress, get_caller_address};
    use starknet::syscalls::call_contract_syscall;
    use starknet::storage::{
        Map, StorageMapReadAccess, StorageMapWriteAccess, StoragePointerReadAccess,
        StoragePointerWriteAccess
    };
    use super::{ATTACK, FALSE, FEE, IJobsToken};

    #[storage]
    struct Storage {
        balances: Map<ContractAddress, u256>,
        supply: u256,
        mode: felt252,
        target: ContractAddress,
        selector: felt252,
        calldata: Map<u32, felt252>,
        calldata_len: u32,
    }

    #[constructor]
    fn constructor(ref self: ContractState) {}

    #[abi(embed_v0)]
    impl JobsTokenImpl of IJobsToken<ContractState> {
        fn balance_of(self: @ContractState, account: ContractAddress) -> u256 {
            self.balances.read(account)
        }

        fn total_supply(self: @ContractState) -> u256 {
            self.supply.read()
        }

        fn transfer(ref self: ContractState, recipient: ContractAddress, amount: u256) -> bool {
            self.move_units(get_caller_address(), recipient, amount)
        }

        fn transfer_from(
            ref self: ContractState,
            sender: ContractAddress,
            recipient: ContractAddress,
            amount: u256
        ) -> bool {
            self.move_units(sender, recipient, amount)
        }

        fn burn(ref self: ContractState, amount: u256) {
            let from = get_caller_address();
            let balance = self.balances.read(from);
            assert(balance >= amount, 'FX: balance');
            self.balances.write(from, balance - amount);
            self.supply.write(self.supply.read() - amount);
        }

        fn mint(ref self: ContractState, to: ContractAddress, amount: u256) {
            self.balances.write(to, self.balances.read(to) + amount);
            self.supply.write(self.supply.read() + amount);
        }

        fn set_mode(ref self: ContractState, mode: felt252) {
            self.mode.write(mode);
        }

        fn attack(
            ref self: ContractState,
            target: ContractAddress,
            selector: felt252,
            calldata: Span<felt252>
        ) {
            self.mode.write(ATTACK);
            self.target.write(target);
            self.selector.write(selector);
            self.calldata_len.write(calldata.len());
            let mut i: u32 = 0;
            for felt in calldata {
                self.calldata.write(i, *felt);
                i += 1;
            };
        }
    }

    #[generate_trait]
    impl Internal of InternalTrait {
        fn move_units(
            ref self: ContractState, from: ContractAddress, to: ContractAddress, amount: u256
        ) -> bool {
            let mode = self.mode.read();
            if mode == FALSE {
                return false;
            }
            if mode == ATTACK {
                self.strike();
            }
            let balance = self.balances.read(from);
            assert(balance >= amount, 'FX: balance');
            self.balances.write(from, balance - amount);
            let arrives = if mode == FEE {
                self.supply.write(self.supply.read() - 1);
                amount - 1
            } else {
                amount
            };
            self.balances.write(to, self.balances.read(to) + arrives);
            true
        }

        fn strike(ref self: ContractState) {
            let mut calldata: Array<felt252> = array![];
            let mut i: u32 = 0;
            while i != self.calldata_len.read() {
                calldata.append(self.calldata.read(i));
                i += 1;
            };
            let answer = call_contract_syscall(
                self.target.read(), self.selector.read(), calldata.span()
            );
            if let Result::Err(reason) = answer {
                panic(reason);
            }
        }
    }
}
