//! What the CdcPool says of every change: the worker, case or epoch as keys.

use starknet::ContractAddress;

#[derive(Drop, PartialEq, starknet::Event)]
pub struct WorkerRegistered {
    #[key]
    pub worker: ContractAddress,
    pub capability_hash: felt252,
    pub payout: ContractAddress,
}

#[derive(Drop, PartialEq, starknet::Event)]
pub struct CapabilityChanged {
    #[key]
    pub worker: ContractAddress,
    pub capability_hash: felt252,
}

#[derive(Drop, PartialEq, starknet::Event)]
pub struct PayoutChanged {
    #[key]
    pub worker: ContractAddress,
    pub payout: ContractAddress,
    /// Seconds; holds from then on.
    pub from: u64,
}

#[derive(Drop, PartialEq, starknet::Event)]
pub struct WorkerDeregistered {
    #[key]
    pub worker: ContractAddress,
}

#[derive(Drop, PartialEq, starknet::Event)]
pub struct StakeIncreased {
    #[key]
    pub worker: ContractAddress,
    pub amount: u128,
    pub total: u128,
}

#[derive(Drop, PartialEq, starknet::Event)]
pub struct UnstakeIntended {
    #[key]
    pub worker: ContractAddress,
    pub amount: u128,
    pub cooling: u128,
    pub ready_at: u64,
}

#[derive(Drop, PartialEq, starknet::Event)]
pub struct UnstakeCancelled {
    #[key]
    pub worker: ContractAddress,
    pub amount: u128,
}

#[derive(Drop, PartialEq, starknet::Event)]
pub struct Unstaked {
    #[key]
    pub worker: ContractAddress,
    pub amount: u128,
}

#[derive(Drop, PartialEq, starknet::Event)]
pub struct BondAdded {
    #[key]
    pub worker: ContractAddress,
    pub amount: u128,
    pub total: u128,
}

#[derive(Drop, PartialEq, starknet::Event)]
pub struct BondReleased {
    #[key]
    pub worker: ContractAddress,
    pub amount: u128,
    pub to: ContractAddress,
}

#[derive(Drop, PartialEq, starknet::Event)]
pub struct Slashed {
    #[key]
    pub worker: ContractAddress,
    #[key]
    pub case_id: u64,
    pub from_cooling: u128,
    pub from_stake: u128,
    pub from_bond: u128,
    pub to: ContractAddress,
}

#[derive(Drop, PartialEq, starknet::Event)]
pub struct PerformanceRecorded {
    #[key]
    pub epoch: u64,
    pub root: felt252,
    pub count: u64,
    pub depth: u32,
}

#[derive(Drop, PartialEq, starknet::Event)]
pub struct WorkerSeen {
    #[key]
    pub worker: ContractAddress,
    pub at: u64,
}

#[derive(Drop, PartialEq, starknet::Event)]
pub struct CoolDownChanged {
    pub seconds: u64,
}
