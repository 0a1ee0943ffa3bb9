//! What others call in the CommitmentStore, and what its views answer.

use starknet::ContractAddress;

/// Posts epochs.
pub const SETTLER: felt252 = selector!("SETTLER");
/// Holds, releases and vetoes epochs.
pub const COURT: felt252 = selector!("COURT");

/// One leaf of a group: what `account` earned in all so far. Account 0 is padding.
#[derive(Copy, Drop, Serde, PartialEq)]
pub struct Item {
    pub account: ContractAddress,
    pub cumulative: u128,
}

/// Where an epoch stands at this moment.
#[derive(Copy, Drop, Serde, PartialEq)]
pub enum EpochState {
    /// Never posted.
    Unknown,
    /// Inside its challenge window.
    Pending,
    /// The court looks at it, inside or after its window.
    Held,
    /// Claimable if it is among the last eight final ones.
    Final,
    /// Never claimable.
    Vetoed,
}

/// All that is stored of an epoch.
#[derive(Copy, Drop, Serde, PartialEq)]
pub struct EpochInfo {
    pub root: felt252,
    /// Sum of all cumulative amounts, in base units.
    pub total: u128,
    /// Number of leaves; those after it are padding.
    pub count: u32,
    /// Levels of the tree.
    pub depth: u8,
    /// Seconds; the challenge window ends here.
    pub claimable_at: u64,
    /// Seconds; 0 if it never was held.
    pub held_until: u64,
    pub state: EpochState,
}

pub mod errors {
    pub const ZERO_ADDRESS: felt252 = 'CIRO-CS: zero address';
    pub const WINDOW_BOUNDS: felt252 = 'CIRO-CS: window out of bounds';
    pub const HOLD_BOUNDS: felt252 = 'CIRO-CS: hold out of bounds';
    pub const ZERO_ROOT: felt252 = 'CIRO-CS: zero root';
    pub const ZERO_TOTAL: felt252 = 'CIRO-CS: zero total';
    pub const BAD_SHAPE: felt252 = 'CIRO-CS: bad count or depth';
    pub const EPOCH_ORDER: felt252 = 'CIRO-CS: not the next epoch';
    pub const EPOCH_EXISTS: felt252 = 'CIRO-CS: epoch exists';
    pub const NOT_FUNDED: felt252 = 'CIRO-CS: not funded';
    pub const UNKNOWN_EPOCH: felt252 = 'CIRO-CS: unknown epoch';
    pub const NOT_YET: felt252 = 'CIRO-CS: not claimable yet';
    pub const HELD: felt252 = 'CIRO-CS: held';
    pub const VETOED: felt252 = 'CIRO-CS: vetoed';
    pub const TOO_OLD: felt252 = 'CIRO-CS: too old';
    pub const WINDOW_OVER: felt252 = 'CIRO-CS: window over';
    pub const HOLD_USED_UP: felt252 = 'CIRO-CS: hold used up';
    pub const HOLD_NOT_OVER: felt252 = 'CIRO-CS: hold not over';
    pub const INDEX_RANGE: felt252 = 'CIRO-CS: index range';
    pub const MISALIGNED: felt252 = 'CIRO-CS: misaligned';
    pub const BAD_LENGTH: felt252 = 'CIRO-CS: bad proof length';
    pub const BAD_PROOF: felt252 = 'CIRO-CS: bad proof';
    pub const OVER_TOTAL: felt252 = 'CIRO-CS: over total';
    pub const NOTHING_OVER: felt252 = 'CIRO-CS: nothing to sweep';
}

#[starknet::interface]
pub trait IStore<TState> {
    fn post_epoch(
        ref self: TState,
        epoch: u64,
        root: felt252,
        total: u128,
        count: u32,
        depth: u8,
        data_hash: felt252
    );
    fn hold_epoch(ref self: TState, epoch: u64, case: u64);
    fn release_epoch(ref self: TState, epoch: u64);
    fn veto_epoch(ref self: TState, epoch: u64) -> bool;
    fn claim(
        ref self: TState,
        epoch: u64,
        index: u32,
        account: ContractAddress,
        cumulative: u128,
        proof: Span<felt252>
    ) -> u128;
    fn claim_group(
        ref self: TState, epoch: u64, first_index: u32, items: Span<Item>, proof: Span<felt252>
    ) -> (u32, u128);
    fn sweep(ref self: TState) -> u128;

    fn prove(
        self: @TState,
        epoch: u64,
        index: u32,
        account: ContractAddress,
        cumulative: u128,
        proof: Span<felt252>
    ) -> bool;
    fn leaf(self: @TState, account: ContractAddress, cumulative: u128) -> felt252;
    fn paid_of(self: @TState, account: ContractAddress) -> u128;
    fn paid_total(self: @TState) -> u128;
    fn epoch_info(self: @TState, epoch: u64) -> EpochInfo;
    fn last_epoch(self: @TState) -> u64;
    fn is_claimable(self: @TState, epoch: u64) -> bool;
    fn token(self: @TState) -> ContractAddress;
    fn treasury(self: @TState) -> ContractAddress;
    fn challenge_window(self: @TState) -> u64;
    fn max_hold(self: @TState) -> u64;
}
