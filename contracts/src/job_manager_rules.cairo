//! The bounds of the JobManager and the reasons it gives.

pub mod limits {
    /// Seconds; a deadline lies at most this far ahead, so that no budget is bound for longer.
    pub const MAX_DEADLINE: u64 = 2_592_000;
    /// Seconds; a submission made just before the deadline must get into a block.
    pub const MIN_REFUND_GRACE: u64 = 60;
    pub const MAX_REFUND_GRACE: u64 = 604_800;
    /// Seconds; a client must be able to look at the result and to open a case.
    pub const MIN_DISPUTE_WINDOW: u64 = 60;
    pub const MAX_DISPUTE_WINDOW: u64 = 604_800;
    /// Seconds; more than the longest case of the court, so that only a court that is gone runs out of it.
    pub const MAX_DISPUTE: u64 = 2_592_000;
    /// Allowed tokens; the index of one takes eight bits of a job.
    pub const MAX_TOKENS: u32 = 16;
}

pub mod errors {
    pub const ZERO_ADDRESS: felt252 = 'CIRO-JM: zero address';
    pub const BAD_GRACE: felt252 = 'CIRO-JM: bad refund grace';
    pub const BAD_WINDOW: felt252 = 'CIRO-JM: bad dispute window';
    pub const BAD_TOKENS: felt252 = 'CIRO-JM: bad token list';
    pub const BAD_MODEL: felt252 = 'CIRO-JM: bad model';
    pub const MODEL_EXISTS: felt252 = 'CIRO-JM: model exists';
    pub const UNKNOWN_MODEL: felt252 = 'CIRO-JM: unknown model';
    pub const MODEL_REVOKED: felt252 = 'CIRO-JM: model revoked';
    pub const TOKEN_NOT_ALLOWED: felt252 = 'CIRO-JM: token not allowed';
    pub const ZERO_SPEC: felt252 = 'CIRO-JM: zero spec hash';
    pub const ZERO_AMOUNT: felt252 = 'CIRO-JM: zero amount';
    pub const BAD_DEADLINE: felt252 = 'CIRO-JM: bad deadline';
    pub const JOB_EXISTS: felt252 = 'CIRO-JM: job exists';
    pub const UNKNOWN_JOB: felt252 = 'CIRO-JM: unknown job';
    pub const BAD_STATE: felt252 = 'CIRO-JM: bad state';
    pub const NOT_CLIENT: felt252 = 'CIRO-JM: not client';
    pub const PAST_DEADLINE: felt252 = 'CIRO-JM: past deadline';
    pub const ZERO_ROOT: felt252 = 'CIRO-JM: zero result root';
    pub const OVER_BUDGET: felt252 = 'CIRO-JM: over budget';
    pub const WINDOW_OPEN: felt252 = 'CIRO-JM: dispute window open';
    pub const WINDOW_OVER: felt252 = 'CIRO-JM: dispute window over';
    pub const NOT_EXPIRED: felt252 = 'CIRO-JM: not expired';
    pub const ZERO_CASE: felt252 = 'CIRO-JM: zero case';
}
