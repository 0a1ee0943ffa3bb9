//! What the DisputeCourt calls of other contracts beyond their published traits.

use starknet::ContractAddress;

/// The CommitmentStore, whose epochs a case about a root holds, releases or vetoes.
#[starknet::interface]
pub trait IEpochHold<TState> {
    fn hold_epoch(ref self: TState, epoch: u64, case_id: u64);
    fn release_epoch(ref self: TState, epoch: u64);
    /// Whether it is vetoed: false when it was final before.
    fn veto_epoch(ref self: TState, epoch: u64) -> bool;
}

/// Who may answer for a contract.
#[starknet::interface]
pub trait IRoles<TState> {
    fn has_role(self: @TState, role: felt252, account: ContractAddress) -> bool;
}

/// A token that its holder can destroy.
#[starknet::interface]
pub trait IBurnable<TState> {
    fn burn(ref self: TState, amount: u256);
}
