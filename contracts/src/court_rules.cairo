//! The bounds of the DisputeCourt and the reasons it gives.

pub mod limits {
    /// Seconds; the accused must learn of the case and answer.
    pub const MIN_RESPONSE_WINDOW: u64 = 60;
    pub const MAX_RESPONSE_WINDOW: u64 = 604_800;
    /// Seconds; arbiters must look at both sides. Both windows together stay under what a job waits for its court.
    pub const MIN_VOTE_WINDOW: u64 = 60;
    pub const MAX_VOTE_WINDOW: u64 = 604_800;
    /// Seconds after the vote window; a case that could not be carried out is closed without its effects.
    pub const STUCK_AFTER: u64 = 2_592_000;
    /// With fewer no majority outlives one key that is stolen.
    pub const MIN_ARBITERS: u32 = 3;
    /// Vote counts take 16 bits of a case.
    pub const MAX_ARBITERS: u32 = 100;
    /// Basis points; one job never costs a worker more than half of what it has at stake.
    pub const MAX_CAP_CASE_BPS: u16 = 5_000;
    /// Basis points; accusing oneself from another address must cost most of what is slashed.
    pub const MAX_CHALLENGER_BPS: u16 = 5_000;
    pub const BPS: u16 = 10_000;
    pub const DAY: u64 = 86_400;
}

pub mod errors {
    pub const ZERO_ADDRESS: felt252 = 'CIRO-DC: zero address';
    pub const ZERO_BOND: felt252 = 'CIRO-DC: zero bond';
    pub const BAD_RESPONSE_WINDOW: felt252 = 'CIRO-DC: bad response window';
    pub const BAD_VOTE_WINDOW: felt252 = 'CIRO-DC: bad vote window';
    pub const BAD_ARBITERS: felt252 = 'CIRO-DC: bad arbiters';
    pub const BAD_QUORUM: felt252 = 'CIRO-DC: bad quorum';
    pub const BAD_CAP: felt252 = 'CIRO-DC: bad cap';
    pub const BAD_SPLIT: felt252 = 'CIRO-DC: bad split';
    pub const SHORT_COOL_DOWN: felt252 = 'CIRO-DC: cool down too short';
    pub const ZERO_EVIDENCE: felt252 = 'CIRO-DC: zero evidence';
    pub const BAD_REF: felt252 = 'CIRO-DC: bad ref';
    pub const BAD_ACCUSED: felt252 = 'CIRO-DC: bad accused';
    pub const OWN_CASE: felt252 = 'CIRO-DC: own case';
    pub const NOT_CLIENT: felt252 = 'CIRO-DC: not client';
    pub const CASE_OPEN: felt252 = 'CIRO-DC: case open';
    pub const UNKNOWN_CASE: felt252 = 'CIRO-DC: unknown case';
    pub const CLOSED: felt252 = 'CIRO-DC: case closed';
    pub const NOT_ACCUSED: felt252 = 'CIRO-DC: not accused';
    pub const ANSWERED: felt252 = 'CIRO-DC: answered';
    pub const RESPONSE_OVER: felt252 = 'CIRO-DC: response window over';
    pub const VOTE_NOT_OPEN: felt252 = 'CIRO-DC: vote not open';
    pub const VOTE_OVER: felt252 = 'CIRO-DC: vote window over';
    pub const VOTED: felt252 = 'CIRO-DC: voted';
    pub const INTERESTED: felt252 = 'CIRO-DC: interested arbiter';
    pub const DECIDED: felt252 = 'CIRO-DC: decided';
    pub const BAD_SLASH: felt252 = 'CIRO-DC: bad slash amount';
    pub const NOT_DECIDED: felt252 = 'CIRO-DC: not decided';
    pub const NOT_STUCK: felt252 = 'CIRO-DC: not stuck';
}
