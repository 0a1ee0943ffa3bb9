//! What others call of the DisputeCourt.

use starknet::ContractAddress;
use crate::court_settings::Settings;

/// Votes on cases.
pub const ARBITER: felt252 = selector!("ARBITER");

#[derive(Copy, Drop, PartialEq, Serde)]
pub enum CaseKind {
    /// Against a worker, about a job.
    Worker,
    /// Against an epoch's root.
    Root,
    /// Against the result of a job, by its client.
    Job,
}

#[derive(Copy, Drop, PartialEq, Serde)]
pub enum CaseState {
    Unknown,
    Open,
    Guilty,
    NotGuilty,
}

#[derive(Copy, Drop, PartialEq, Serde)]
pub struct Case {
    pub kind: CaseKind,
    pub state: CaseState,
    pub challenger: ContractAddress,
    /// 0 where a role answers, not an address.
    pub accused: ContractAddress,
    /// A job, or an epoch's number.
    pub ref_id: felt252,
    pub evidence_hash: felt252,
    /// 0 until it is answered.
    pub answer_hash: felt252,
    /// Seconds; an answer comes before.
    pub respond_until: u64,
    /// Seconds; votes come from here on and before `vote_until`.
    pub vote_from: u64,
    pub vote_until: u64,
    pub guilty_votes: u32,
    pub not_guilty_votes: u32,
    /// The least that a guilty vote asks to slash; 0 without one.
    pub least_slash: u128,
}

/// What a worker may lose for one job, over all cases about it.
#[derive(Copy, Drop, PartialEq, Serde)]
pub struct RefCap {
    pub cap: u128,
    pub slashed: u128,
    /// How many cases about it are open. Against a worker there may be several: a friend's does not keep others out.
    pub open_cases: u64,
}

#[starknet::interface]
pub trait IDisputeCourt<TState> {
    fn open(
        ref self: TState,
        kind: CaseKind,
        accused: ContractAddress,
        ref_id: felt252,
        evidence_hash: felt252
    ) -> u64;
    fn respond(ref self: TState, id: u64, evidence_hash: felt252);
    fn vote(ref self: TState, id: u64, guilty: bool, slash_amount: u128);
    fn finalise(ref self: TState, id: u64);
    fn close_stuck(ref self: TState, id: u64);

    fn get_case(self: @TState, id: u64) -> Case;
    fn case_count(self: @TState) -> u64;
    fn has_voted(self: @TState, id: u64, arbiter: ContractAddress) -> bool;
    fn may_vote(self: @TState, id: u64, arbiter: ContractAddress) -> bool;
    fn ref_cap(
        self: @TState, kind: CaseKind, accused: ContractAddress, ref_id: felt252
    ) -> RefCap;
    /// Base units slashed on a day, counted from 1970.
    fn slashed_on(self: @TState, day: u64) -> u128;
    /// Bonds of open cases, in base units.
    fn held(self: @TState) -> u128;
    fn settings(self: @TState) -> Settings;
}
