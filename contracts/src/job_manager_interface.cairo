//! What others call of the JobManager: the escrow of jobs and the register of models.

use starknet::ContractAddress;

/// Starts jobs and submits their results.
pub const COORDINATOR: felt252 = selector!("COORDINATOR");
/// Registers and revokes models.
pub const MODEL_ADMIN: felt252 = selector!("MODEL_ADMIN");
/// Disputes jobs and resolves them.
pub const COURT: felt252 = selector!("COURT");

#[derive(Copy, Drop, PartialEq, Serde)]
pub enum JobState {
    Unknown,
    Open,
    Running,
    Submitted,
    Disputed,
    Settled,
    Cancelled,
    Refunded,
}

#[derive(Copy, Drop, PartialEq, Serde)]
pub struct Job {
    pub client: ContractAddress,
    pub token: ContractAddress,
    pub model_id: felt252,
    pub spec_hash: felt252,
    /// 0 until a result is submitted.
    pub result_root: felt252,
    /// Base units that the client has put in.
    pub budget: u128,
    /// Base units that the result costs; at most the budget.
    pub used: u128,
    /// Seconds; a result is taken up to this time.
    pub deadline: u64,
    /// Seconds; when it was submitted or disputed, else when it was created.
    pub since: u64,
    pub state: JobState,
    /// The court's case, 0 without one.
    pub case_id: u64,
}

#[derive(Copy, Drop, PartialEq, Serde)]
pub struct Model {
    /// SHA-256 of the manifest in two halves.
    pub content_hash_high: u128,
    pub content_hash_low: u128,
    pub meta_hash: felt252,
    pub registered: bool,
    pub revoked: bool,
}

#[starknet::interface]
pub trait IJobManager<TState> {
    fn register_model(
        ref self: TState,
        model_id: felt252,
        content_hash_high: u128,
        content_hash_low: u128,
        meta_hash: felt252
    );
    fn revoke_model(ref self: TState, model_id: felt252);

    fn create_job(
        ref self: TState,
        nonce: felt252,
        token: ContractAddress,
        model_id: felt252,
        spec_hash: felt252,
        budget: u128,
        deadline: u64
    ) -> felt252;
    fn top_up(ref self: TState, job_id: felt252, amount: u128);
    fn cancel_job(ref self: TState, job_id: felt252);
    fn start_job(ref self: TState, job_id: felt252);
    fn submit_result(ref self: TState, job_id: felt252, result_root: felt252, used: u128);
    fn settle_job(ref self: TState, job_id: felt252);
    fn refund_expired(ref self: TState, job_id: felt252);
    fn dispute_job(ref self: TState, job_id: felt252, case_id: u64);
    fn resolve_job(ref self: TState, job_id: felt252, refund: bool);

    fn job_id_of(self: @TState, client: ContractAddress, nonce: felt252) -> felt252;
    fn get_job(self: @TState, job_id: felt252) -> Job;
    fn job_state(self: @TState, job_id: felt252) -> JobState;
    fn model(self: @TState, model_id: felt252) -> Model;
    /// Base units of `token` that belong to jobs.
    fn held(self: @TState, token: ContractAddress) -> u128;
    /// Where `token` goes when it was earned; 0 when the token is not allowed.
    fn sink_of(self: @TState, token: ContractAddress) -> ContractAddress;
    fn refund_grace(self: @TState) -> u64;
    fn dispute_window(self: @TState) -> u64;
}
