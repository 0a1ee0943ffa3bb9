//! CIRO: an ERC-20 token (SNIP-2) with a cap, minted by role. One balance is one storage cell: the cap is below
//! 2^128, so the high half of a balance is always 0.

use starknet::ContractAddress;

/// May mint, up to the cap.
pub const MINTER: felt252 = selector!("MINTER");

#[starknet::interface]
pub trait IToken<TState> {
    fn name(self: @TState) -> ByteArray;
    fn symbol(self: @TState) -> ByteArray;
    fn decimals(self: @TState) -> u8;
    fn total_supply(self: @TState) -> u256;
    fn cap(self: @TState) -> u256;
    fn balance_of(self: @TState, account: ContractAddress) -> u256;
    fn allowance(self: @TState, owner: ContractAddress, spender: ContractAddress) -> u256;
    fn transfer(ref self: TState, recipient: ContractAddress, amount: u256) -> bool;
    fn transfer_from(
        ref self: TState, sender: ContractAddress, recipient: ContractAddress, amount: u256
    ) -> bool;
    fn approve(ref self: TState, spender: ContractAddress, amount: u256) -> bool;
    fn mint(ref self: TState, to: ContractAddress, amount: u256);
    fn burn(ref self: TState, amount: u256);
    fn burn_from(ref self: TState, account: ContractAddress, amount: u256);
}

/// Names of the first ERC-20 tokens on Starknet, for wallets that still ask by them.
#[starknet::interface]
pub trait ITokenCamel<TState> {
    fn totalSupply(self: @TState) -> u256;
    fn balanceOf(self: @TState, account: ContractAddress) -> u256;
    fn transferFrom(
        ref self: TState, sender: ContractAddress, recipient: ContractAddress, amount: u256
    ) -> bool;
}

pub mod errors {
    pub const CAP_RANGE: felt252 = 'CIRO-TK: cap out of range';
    pub const CAP_EXCEEDED: felt252 = 'CIRO-TK: cap exceeded';
    pub const ZERO_ADDRESS: felt252 = 'CIRO-TK: zero address';
    pub const ZERO_AMOUNT: felt252 = 'CIRO-TK: zero amount';
    pub const BALANCE: felt252 = 'CIRO-TK: balance too low';
    pub const ALLOWANCE: felt252 = 'CIRO-TK: allowance too low';
}

#[starknet::contract]
pub mod CiroToken {
    use core::integer::BoundedInt;
    use starknet::{ContractAddress, get_caller_address};
    use starknet::storage::{
        Map, StorageMapReadAccess, StorageMapWriteAccess, StoragePointerReadAccess,
        StoragePointerWriteAccess
    };
    use crate::access::AccessComponent;
    use crate::erc20::IBatchErc20;
    use super::{MINTER, errors};

    component!(path: AccessComponent, storage: access, event: AccessEvent);

    #[abi(embed_v0)]
    impl AccessImpl = AccessComponent::AccessImpl<ContractState>;
    impl AccessInternal = AccessComponent::InternalImpl<ContractState>;

    #[storage]
    struct Storage {
        #[substorage(v0)]
        access: AccessComponent::Storage,
        Token_cap: u128,
        Token_supply: u128,
        Token_balances: Map<ContractAddress, u128>,
        Token_allowances: Map<(ContractAddress, ContractAddress), u256>,
    }

    #[event]
    #[derive(Drop, PartialEq, starknet::Event)]
    pub enum Event {
        #[flat]
        AccessEvent: AccessComponent::Event,
        Transfer: Transfer,
        Approval: Approval,
    }

    #[derive(Drop, PartialEq, starknet::Event)]
    pub struct Transfer {
        #[key]
        pub from: ContractAddress,
        #[key]
        pub to: ContractAddress,
        pub value: u256,
    }

    #[derive(Drop, PartialEq, starknet::Event)]
    pub struct Approval {
        #[key]
        pub owner: ContractAddress,
        #[key]
        pub spender: ContractAddress,
        pub value: u256,
    }

    #[constructor]
    fn constructor(
        ref self: ContractState,
        owner: ContractAddress,
        cap: u256,
        recipient: ContractAddress,
        initial: u256
    ) {
        self.access.initializer(owner);
        let cap: u128 = cap.try_into().expect(errors::CAP_RANGE);
        assert(cap != 0, errors::CAP_RANGE);
        self.Token_cap.write(cap);
        if initial != 0 {
            self.create(recipient, initial);
        }
    }

    #[abi(embed_v0)]
    impl TokenImpl of super::IToken<ContractState> {
        fn name(self: @ContractState) -> ByteArray {
            "Ciro"
        }

        fn symbol(self: @ContractState) -> ByteArray {
            "CIRO"
        }

        fn decimals(self: @ContractState) -> u8 {
            18
        }

        fn total_supply(self: @ContractState) -> u256 {
            self.Token_supply.read().into()
        }

        fn cap(self: @ContractState) -> u256 {
            self.Token_cap.read().into()
        }

        fn balance_of(self: @ContractState, account: ContractAddress) -> u256 {
            self.Token_balances.read(account).into()
        }

        fn allowance(
            self: @ContractState, owner: ContractAddress, spender: ContractAddress
        ) -> u256 {
            self.Token_allowances.read((owner, spender))
        }

        /// Moves `amount` base units of the caller's. An amount of 0 is allowed, as the standard asks.
        fn transfer(ref self: ContractState, recipient: ContractAddress, amount: u256) -> bool {
            self.move_tokens(get_caller_address(), recipient, amount);
            true
        }

        /// Moves by allowance. An allowance of 2^256 - 1 is not used up.
        fn transfer_from(
            ref self: ContractState,
            sender: ContractAddress,
            recipient: ContractAddress,
            amount: u256
        ) -> bool {
            self.spend_allowance(sender, amount);
            self.move_tokens(sender, recipient, amount);
            true
        }

        fn approve(ref self: ContractState, spender: ContractAddress, amount: u256) -> bool {
            let owner = get_caller_address();
            assert_address(spender);
            self.Token_allowances.write((owner, spender), amount);
            self.emit(Approval { owner, spender, value: amount });
            true
        }

        /// Role MINTER, while not paused, up to the cap.
        fn mint(ref self: ContractState, to: ContractAddress, amount: u256) {
            self.access.assert_role(MINTER);
            self.access.assert_not_paused();
            assert(amount != 0, errors::ZERO_AMOUNT);
            self.create(to, amount);
        }

        fn burn(ref self: ContractState, amount: u256) {
            self.destroy(get_caller_address(), amount);
        }

        fn burn_from(ref self: ContractState, account: ContractAddress, amount: u256) {
            self.spend_allowance(account, amount);
            self.destroy(account, amount);
        }
    }

    #[abi(embed_v0)]
    impl BatchImpl of IBatchErc20<ContractState> {
        /// Moves base units of the caller's to each of `transfers`, or nothing. Emits Transfer for each.
        fn transfer_batch(
            ref self: ContractState, transfers: Span<(ContractAddress, u128)>
        ) -> bool {
            let from = get_caller_address();
            let mut sum: u128 = 0;
            for (_, amount) in transfers {
                sum += *amount;
            };
            self.take(from, sum.into());
            for (to, amount) in transfers {
                self.give(from, *to, *amount);
            };
            true
        }
    }

    #[abi(embed_v0)]
    impl TokenCamelImpl of super::ITokenCamel<ContractState> {
        fn totalSupply(self: @ContractState) -> u256 {
            self.total_supply()
        }

        fn balanceOf(self: @ContractState, account: ContractAddress) -> u256 {
            self.balance_of(account)
        }

        fn transferFrom(
            ref self: ContractState,
            sender: ContractAddress,
            recipient: ContractAddress,
            amount: u256
        ) -> bool {
            self.transfer_from(sender, recipient, amount)
        }
    }

    #[generate_trait]
    impl Internal of InternalTrait {
        fn create(ref self: ContractState, to: ContractAddress, amount: u256) {
            assert_address(to);
            let room = self.Token_cap.read() - self.Token_supply.read();
            assert(amount <= room.into(), errors::CAP_EXCEEDED);
            let value: u128 = amount.low;
            self.Token_supply.write(self.Token_supply.read() + value);
            // No balance is above the supply, so this does not overflow.
            self.Token_balances.write(to, self.Token_balances.read(to) + value);
            self.emit(Transfer { from: zero_address(), to, value: amount });
        }

        fn destroy(ref self: ContractState, from: ContractAddress, amount: u256) {
            assert(amount != 0, errors::ZERO_AMOUNT);
            let value = self.take(from, amount);
            self.Token_supply.write(self.Token_supply.read() - value);
            self.emit(Transfer { from, to: zero_address(), value: amount });
        }

        fn move_tokens(
            ref self: ContractState, from: ContractAddress, to: ContractAddress, amount: u256
        ) {
            let value = self.take(from, amount);
            self.give(from, to, value);
        }

        /// Adds what was taken from `from`. No balance is above the supply, so this does not overflow.
        fn give(ref self: ContractState, from: ContractAddress, to: ContractAddress, value: u128) {
            assert_address(to);
            self.Token_balances.write(to, self.Token_balances.read(to) + value);
            self.emit(Transfer { from, to, value: value.into() });
        }

        fn take(ref self: ContractState, from: ContractAddress, amount: u256) -> u128 {
            let balance = self.Token_balances.read(from);
            assert(amount <= balance.into(), errors::BALANCE);
            self.Token_balances.write(from, balance - amount.low);
            amount.low
        }

        fn spend_allowance(ref self: ContractState, owner: ContractAddress, amount: u256) {
            let spender = get_caller_address();
            let left = self.Token_allowances.read((owner, spender));
            assert(amount <= left, errors::ALLOWANCE);
            if left != BoundedInt::max() {
                self.Token_allowances.write((owner, spender), left - amount);
            }
        }
    }

    fn assert_address(account: ContractAddress) {
        let value: felt252 = account.into();
        assert(value != 0, errors::ZERO_ADDRESS);
    }

    fn zero_address() -> ContractAddress {
        0.try_into().unwrap()
    }
}
