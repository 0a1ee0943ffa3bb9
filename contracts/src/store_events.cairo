//! What the CommitmentStore tells.

use starknet::ContractAddress;

#[derive(Drop, PartialEq, starknet::Event)]
pub struct EpochPosted {
    #[key]
    pub epoch: u64,
    pub root: felt252,
    pub total: u128,
    pub count: u32,
    pub depth: u8,
    /// Hash of the published leaves.
    pub data_hash: felt252,
    pub claimable_at: u64,
}

#[derive(Drop, PartialEq, starknet::Event)]
pub struct EpochHeld {
    #[key]
    pub epoch: u64,
    #[key]
    pub case: u64,
    pub until: u64,
}

#[derive(Drop, PartialEq, starknet::Event)]
pub struct EpochReleased {
    #[key]
    pub epoch: u64,
}

#[derive(Drop, PartialEq, starknet::Event)]
pub struct EpochVetoed {
    #[key]
    pub epoch: u64,
    #[key]
    pub by: ContractAddress,
}

#[derive(Drop, PartialEq, starknet::Event)]
pub struct Claimed {
    #[key]
    pub epoch: u64,
    #[key]
    pub account: ContractAddress,
    pub amount: u128,
    pub cumulative: u128,
}

/// The token's transfers in the same transaction say who got what.
#[derive(Drop, PartialEq, starknet::Event)]
pub struct GroupClaimed {
    #[key]
    pub epoch: u64,
    #[key]
    pub first_index: u32,
    pub payees: u32,
    pub sum: u128,
}

#[derive(Drop, PartialEq, starknet::Event)]
pub struct Swept {
    #[key]
    pub to: ContractAddress,
    pub amount: u128,
}
