//! What the DisputeCourt says of every change: the case as a key, with its accused or the arbiter.

use starknet::ContractAddress;
use crate::court_interface::CaseKind;

#[derive(Drop, PartialEq, starknet::Event)]
pub struct CaseOpened {
    #[key]
    pub id: u64,
    #[key]
    pub accused: ContractAddress,
    pub kind: CaseKind,
    pub ref_id: felt252,
    pub challenger: ContractAddress,
    pub evidence_hash: felt252,
    pub respond_until: u64,
    pub vote_until: u64,
}

#[derive(Drop, PartialEq, starknet::Event)]
pub struct CaseAnswered {
    #[key]
    pub id: u64,
    pub by: ContractAddress,
    pub evidence_hash: felt252,
    pub vote_until: u64,
}

#[derive(Drop, PartialEq, starknet::Event)]
pub struct VoteCast {
    #[key]
    pub id: u64,
    #[key]
    pub arbiter: ContractAddress,
    pub guilty: bool,
    pub slash_amount: u128,
}

#[derive(Drop, PartialEq, starknet::Event)]
pub struct CaseRuled {
    #[key]
    pub id: u64,
    #[key]
    pub accused: ContractAddress,
    pub guilty: bool,
    /// No side had the quorum.
    pub by_timeout: bool,
    pub slashed: u128,
    pub bond_to: ContractAddress,
}

#[derive(Drop, PartialEq, starknet::Event)]
pub struct SlashSplit {
    #[key]
    pub id: u64,
    pub to_challenger: u128,
    pub burnt: u128,
    pub to_treasury: u128,
}

/// The case ended without its effects on pool, store or job.
#[derive(Drop, PartialEq, starknet::Event)]
pub struct CaseStuck {
    #[key]
    pub id: u64,
}
