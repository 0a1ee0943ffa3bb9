//! What a DisputeCourt is built with, for good.

use starknet::ContractAddress;
use crate::address::is_zero;
use crate::court_rules::{errors, limits};

#[derive(Copy, Drop, PartialEq, Serde, starknet::Store)]
pub struct Settings {
    pub pool: ContractAddress,
    pub store: ContractAddress,
    pub job_manager: ContractAddress,
    pub bond_token: ContractAddress,
    /// The pool's.
    pub stake_token: ContractAddress,
    pub treasury: ContractAddress,
    /// Base units of `bond_token` that opening a case takes.
    pub bond: u128,
    /// Seconds.
    pub response_window: u64,
    /// Seconds.
    pub vote_window: u64,
    /// Equal votes that decide.
    pub quorum: u32,
    /// Basis points of what a worker has at stake that one job may cost it, over all cases.
    pub cap_case_bps: u16,
    /// Base units of `stake_token` that a day may cost all workers.
    pub cap_day: u128,
    /// Basis points of what is slashed.
    pub challenger_bps: u16,
    /// Basis points of what is slashed; above 0 says that `stake_token` has `burn(amount)`.
    pub burn_bps: u16,
}

/// `cool_down` is the pool's, in seconds.
pub fn check(s: @Settings, arbiters: u32, cool_down: u64) {
    let s = *s;
    assert(
        !is_zero(s.pool)
            && !is_zero(s.store)
            && !is_zero(s.job_manager)
            && !is_zero(s.bond_token)
            && !is_zero(s.treasury),
        errors::ZERO_ADDRESS
    );
    assert(s.bond != 0, errors::ZERO_BOND);
    assert(
        s.response_window >= limits::MIN_RESPONSE_WINDOW
            && s.response_window <= limits::MAX_RESPONSE_WINDOW,
        errors::BAD_RESPONSE_WINDOW
    );
    assert(
        s.vote_window >= limits::MIN_VOTE_WINDOW && s.vote_window <= limits::MAX_VOTE_WINDOW,
        errors::BAD_VOTE_WINDOW
    );
    assert(
        arbiters >= limits::MIN_ARBITERS && arbiters <= limits::MAX_ARBITERS, errors::BAD_ARBITERS
    );
    // More than half of them, so that no two sides can have a quorum.
    assert(s.quorum <= arbiters && s.quorum * 2 > arbiters, errors::BAD_QUORUM);
    assert(
        s.cap_case_bps != 0 && s.cap_case_bps <= limits::MAX_CAP_CASE_BPS && s.cap_day != 0,
        errors::BAD_CAP
    );
    assert(
        s.challenger_bps <= limits::MAX_CHALLENGER_BPS
            && s.burn_bps <= limits::BPS - s.challenger_bps,
        errors::BAD_SPLIT
    );
    assert(cool_down >= s.response_window + s.vote_window, errors::SHORT_COOL_DOWN);
}
