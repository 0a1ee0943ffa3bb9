//! What others call of the CdcPool: who works, what stands behind them, and who was seen when.

use starknet::ContractAddress;

/// Brings bonds and the epochs' performance.
pub const SETTLER: felt252 = selector!("SETTLER");
/// Slashes.
pub const COURT: felt252 = selector!("COURT");

#[derive(Copy, Drop, PartialEq, Serde)]
pub struct Worker {
    pub capability_hash: felt252,
    /// Where earnings go now; 0 for an unknown worker.
    pub payout: ContractAddress,
    /// Where they go from `next_payout_at` on; 0 without a change ahead.
    pub next_payout: ContractAddress,
    pub next_payout_at: u64,
    pub stake: u128,
    /// On its way out, and slashed first.
    pub cooling: u128,
    /// Seconds; when `cooling` may leave.
    pub ready_at: u64,
    pub bond: u128,
    /// Seconds; when the bond grew last.
    pub bond_at: u64,
    /// Seconds.
    pub last_seen: u64,
}

/// What one worker did in one epoch, a leaf of the epoch's performance root.
#[derive(Copy, Drop, PartialEq, Serde)]
pub struct Performance {
    pub jobs: u32,
    pub audits_passed: u32,
    pub audits_failed: u32,
    /// Seconds.
    pub last_seen: u64,
}

#[derive(Copy, Drop, PartialEq, Serde)]
pub struct PerformanceEpoch {
    /// 0 when the epoch was not recorded.
    pub root: felt252,
    pub count: u64,
    pub depth: u32,
}

#[starknet::interface]
pub trait ICdcPool<TState> {
    fn register(ref self: TState, capability_hash: felt252, payout: ContractAddress);
    fn set_capability(ref self: TState, capability_hash: felt252);
    fn set_payout(ref self: TState, payout: ContractAddress);
    fn deregister(ref self: TState);

    fn stake(ref self: TState, amount: u128);
    fn unstake_intent(ref self: TState, amount: u128) -> u64;
    fn cancel_unstake(ref self: TState);
    fn unstake_action(ref self: TState, worker: ContractAddress) -> u128;

    fn add_bond(ref self: TState, worker: ContractAddress, amount: u128);
    fn release_bond(ref self: TState, worker: ContractAddress, amount: u128);
    fn release_expired_bond(ref self: TState, worker: ContractAddress) -> u128;

    fn slash(
        ref self: TState, worker: ContractAddress, amount: u128, case_id: u64, to: ContractAddress
    ) -> u128;

    fn record_epoch(ref self: TState, epoch: u64, perf_root: felt252, count: u64, depth: u32);
    fn prove_active(
        ref self: TState,
        worker: ContractAddress,
        epoch: u64,
        index: u64,
        perf: Performance,
        proof: Span<felt252>
    ) -> bool;
    fn touch(ref self: TState, workers: Span<ContractAddress>);

    fn set_cool_down(ref self: TState, seconds: u64);

    fn worker(self: @TState, worker: ContractAddress) -> Worker;
    fn payout_of(self: @TState, worker: ContractAddress) -> ContractAddress;
    /// Stake, cooling stake and bond together: what a slash can reach.
    fn at_risk(self: @TState, worker: ContractAddress) -> u128;
    fn is_active(self: @TState, worker: ContractAddress) -> bool;
    /// 0 unknown, 1 newcomer, 2 staked.
    fn tier_of(self: @TState, worker: ContractAddress) -> u8;
    fn epoch(self: @TState, epoch: u64) -> PerformanceEpoch;
    fn performance_leaf(
        self: @TState, epoch: u64, worker: ContractAddress, perf: Performance
    ) -> felt252;
    /// Base units that belong to workers.
    fn held(self: @TState) -> u128;
    fn stake_token(self: @TState) -> ContractAddress;
    fn min_stake(self: @TState) -> u128;
    fn cool_down(self: @TState) -> u64;
    fn payout_delay(self: @TState) -> u64;
    fn inactive_after(self: @TState) -> u64;
}
