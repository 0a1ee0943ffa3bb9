//! What the JobManager says of every change: the job, client, case, model or token as keys.

use starknet::ContractAddress;
use crate::job_manager_interface::JobState;

#[derive(Drop, PartialEq, starknet::Event)]
pub struct TokenAllowed {
    #[key]
    pub token: ContractAddress,
    pub sink: ContractAddress,
}

#[derive(Drop, PartialEq, starknet::Event)]
pub struct ModelRegistered {
    #[key]
    pub model_id: felt252,
    pub content_hash_high: u128,
    pub content_hash_low: u128,
    pub meta_hash: felt252,
}

#[derive(Drop, PartialEq, starknet::Event)]
pub struct ModelRevoked {
    #[key]
    pub model_id: felt252,
}

#[derive(Drop, PartialEq, starknet::Event)]
pub struct JobCreated {
    #[key]
    pub job_id: felt252,
    #[key]
    pub client: ContractAddress,
    pub token: ContractAddress,
    pub model_id: felt252,
    pub spec_hash: felt252,
    pub budget: u128,
    pub deadline: u64,
}

#[derive(Drop, PartialEq, starknet::Event)]
pub struct JobToppedUp {
    #[key]
    pub job_id: felt252,
    pub amount: u128,
    pub budget: u128,
}

#[derive(Drop, PartialEq, starknet::Event)]
pub struct JobCancelled {
    #[key]
    pub job_id: felt252,
    pub returned: u128,
}

#[derive(Drop, PartialEq, starknet::Event)]
pub struct JobStarted {
    #[key]
    pub job_id: felt252,
}

#[derive(Drop, PartialEq, starknet::Event)]
pub struct JobSubmitted {
    #[key]
    pub job_id: felt252,
    pub result_root: felt252,
    pub used: u128,
}

#[derive(Drop, PartialEq, starknet::Event)]
pub struct JobDisputed {
    #[key]
    pub job_id: felt252,
    #[key]
    pub case_id: u64,
}

#[derive(Drop, PartialEq, starknet::Event)]
pub struct JobSettled {
    #[key]
    pub job_id: felt252,
    pub paid: u128,
    pub returned: u128,
}

#[derive(Drop, PartialEq, starknet::Event)]
pub struct JobRefunded {
    #[key]
    pub job_id: felt252,
    pub returned: u128,
    /// The state that it was in.
    pub from: JobState,
}
