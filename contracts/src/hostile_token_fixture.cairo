//! A token that does what a bad one may do: answers false, takes a fee on the way, or calls back.

use starknet::ContractAddress;

pub const HONEST: felt252 = 0;
pub const ANSWERS_FALSE: felt252 = 1;
/// Of every transfer one unit does not arrive.
pub const TAKES_FEE: felt252 = 2;
/// Makes the call given by `aim` inside every transfer.
pub const CALLS_BACK: felt252 = 3;

#[starknet::interface]
pub trait IHostileToken<TState> {
    fn balance_of(self: @TState, account: ContractAddress) -> u256;
    fn transfer(ref self: TState, recipient: ContractAddress, amount: u256) -> bool;
    fn transfer_from(
        ref self: TState, sender: ContractAddress, recipient: ContractAddress, amount: u256
    ) -> bool;
    fn transfer_batch(ref self: TState, transfers: Span<(ContractAddress, u128)>) -> bool;
    fn mint(ref self: TState, to: ContractAddress, amount: u256);
    fn behave(ref self: TState, mode: felt252);
    fn aim(
        ref self: TState, target: ContractAddress, selector: felt252, calldata: Array<felt252>
    );
}

#[starknet::contract]
pub mod HostileToken {
    use starknet::{
        ContractAddress, SyscallResultTrait, get_caller_address, syscalls::call_contract_syscall
    };
    use starknet::storage::{
        Map, StorageMapReadAccess, StorageMapWriteAccess, StoragePointerReadAccess,
        StoragePointerWriteAccess
    };
    use super::{ANSWERS_FALSE, CALLS_BACK, TAKES_FEE};

    #[storage]
    struct Storage {
        mode: felt252,
        balances: Map<ContractAddress, u256>,
        target: ContractAddress,
        selector: felt252,
        calldata_length: u32,
        calldata: Map<u32, felt252>,
    }

    #[constructor]
    fn constructor(ref self: ContractState, mode: felt252) {
        self.mode.write(mode);
    }

    #[abi(embed_v0)]
    impl HostileTokenImpl of super::IHostileToken<ContractState> {
        fn balance_of(self: @ContractState, account: ContractAddress) -> u256 {
            self.balances.read(account)
        }

        fn transfer(ref self: ContractState, recipient: ContractAddress, amount: u256) -> bool {
            self.move_tokens(get_caller_address(), recipient, amount)
        }

        fn transfer_from(
            ref self: ContractState,
            sender: ContractAddress,
            recipient: ContractAddress,
            amount: u256
        ) -> bool {
            self.move_tokens(sender, recipient, amount)
        }

        fn transfer_batch(
            ref self: ContractState, transfers: Span<(ContractAddress, u128)>
        ) -> bool {
            let mut all = true;
            for (to, amount) in transfers {
                all = self.move_tokens(get_caller_address(), *to, (*amount).into()) && all;
            };
            all
        }

        fn mint(ref self: ContractState, to: ContractAddress, amount: u256) {
            self.balances.write(to, self.balances.read(to) + amount);
        }

        fn behave(ref self: ContractState, mode: felt252) {
            self.mode.write(mode);
        }

        fn aim(
            ref self: ContractState,
            target: ContractAddress,
            selector: felt252,
            calldata: Array<felt252>
        ) {
            self.mode.write(CALLS_BACK);
            self.target.write(target);
            self.selector.write(selector);
            self.calldata_length.write(calldata.len());
            let mut place: u32 = 0;
            for value in calldata {
                self.calldata.write(place, value);
                place += 1;
            };
        }
    }

    #[generate_trait]
    impl Internal of InternalTrait {
        fn move_tokens(
            ref self: ContractState, from: ContractAddress, to: ContractAddress, amount: u256
        ) -> bool {
            let mode = self.mode.read();
            if mode == ANSWERS_FALSE {
                return false;
            }
            if mode == CALLS_BACK {
                let mut calldata: Array<felt252> = array![];
                for place in 0..self.calldata_length.read() {
                    calldata.append(self.calldata.read(place));
                };
                call_contract_syscall(self.target.read(), self.selector.read(), calldata.span())
                    .unwrap_syscall();
            }
            let arrives = if mode == TAKES_FEE {
                amount - 1
            } else {
                amount
            };
            self.balances.write(from, self.balances.read(from) - amount);
            self.balances.write(to, self.balances.read(to) + arrives);
            true
        }
    }
}
