//! The part of an ERC-20 token that our contracts call, and transfers that fail loudly: a token may answer `false`,
//! or take a fee on the way.

use starknet::{ContractAddress, get_contract_address};

#[starknet::interface]
pub trait IErc20<TState> {
    fn balance_of(self: @TState, account: ContractAddress) -> u256;
    fn transfer(ref self: TState, recipient: ContractAddress, amount: u256) -> bool;
    fn transfer_from(
        ref self: TState, sender: ContractAddress, recipient: ContractAddress, amount: u256
    ) -> bool;
}

/// A token that pays many in one call, for a fraction of the cost of as many calls.
#[starknet::interface]
pub trait IBatchErc20<TState> {
    fn transfer_batch(ref self: TState, transfers: Span<(ContractAddress, u128)>) -> bool;
}

/// A token that its holder can destroy.
#[starknet::interface]
pub trait IBurnable<TState> {
    fn burn(ref self: TState, amount: u256);
}

pub mod errors {
    pub const TRANSFER_FAILED: felt252 = 'CIRO-ER: transfer failed';
    pub const WRONG_AMOUNT: felt252 = 'CIRO-ER: wrong amount arrived';
}

/// Sends `amount` base units of `token` that the calling contract holds.
pub fn send(token: ContractAddress, to: ContractAddress, amount: u128) {
    assert(
        IErc20Dispatcher { contract_address: token }.transfer(to, amount.into()),
        errors::TRANSFER_FAILED
    );
}

/// Sends to each what it is given beside, of a token that has `transfer_batch`.
pub fn send_batch(token: ContractAddress, transfers: Span<(ContractAddress, u128)>) {
    assert(
        IBatchErc20Dispatcher { contract_address: token }.transfer_batch(transfers),
        errors::TRANSFER_FAILED
    );
}

/// Takes exactly `amount` base units from `from`, who has approved them: what arrived is counted.
pub fn pull(token: ContractAddress, from: ContractAddress, amount: u128) {
    let erc20 = IErc20Dispatcher { contract_address: token };
    let this = get_contract_address();
    let before = erc20.balance_of(this);
    assert(erc20.transfer_from(from, this, amount.into()), errors::TRANSFER_FAILED);
    assert(erc20.balance_of(this) == before + amount.into(), errors::WRONG_AMOUNT);
}
