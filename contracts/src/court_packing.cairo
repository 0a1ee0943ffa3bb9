//! How the DisputeCourt lays out its records: a cell that goes from zero is what costs, so what fits shares one.

use starknet::storage_access::StorePacking;
use crate::court_interface::{CaseKind, CaseState};

const SHIFT_8: NonZero<u128> = 0x100;
const SHIFT_16: NonZero<u128> = 0x10000;
const SHIFT_40: NonZero<u128> = 0x10000000000;
const POW_8: u128 = 0x100;
const POW_16: u128 = 0x10000;
const POW_32: u128 = 0x100000000;
const POW_40: u128 = 0x10000000000;
const POW_80: u128 = 0x100000000000000000000;
const POW_128: felt252 = 0x100000000000000000000000000000000;

/// Times are seconds and take 40 bits each, counts of votes 16.
#[derive(Copy, Drop, PartialEq)]
pub struct CaseCore {
    pub kind: CaseKind,
    pub state: CaseState,
    pub guilty: u32,
    pub not_guilty: u32,
    pub respond_until: u64,
    pub vote_from: u64,
    pub vote_until: u64,
}

#[derive(Copy, Drop, PartialEq)]
pub struct RefCore {
    pub cap: u128,
    pub open_cases: u64,
}

/// respond_until 40 | vote_from 40 | vote_until 40, then kind 8 | state 8 | guilty 16 | not guilty 16
impl CaseCorePacking of StorePacking<CaseCore, felt252> {
    fn pack(value: CaseCore) -> felt252 {
        let times: u128 = value.respond_until.into()
            + value.vote_from.into() * POW_40
            + value.vote_until.into() * POW_80;
        let rest: u128 = kind_code(value.kind)
            + state_code(value.state) * POW_8
            + value.guilty.into() * POW_16
            + value.not_guilty.into() * POW_32;
        times.into() + rest.into() * POW_128
    }

    fn unpack(value: felt252) -> CaseCore {
        let u256 { low, high } = value.into();
        let (low, respond_until) = DivRem::div_rem(low, SHIFT_40);
        let (vote_until, vote_from) = DivRem::div_rem(low, SHIFT_40);
        let (high, kind) = DivRem::div_rem(high, SHIFT_8);
        let (high, state) = DivRem::div_rem(high, SHIFT_8);
        let (not_guilty, guilty) = DivRem::div_rem(high, SHIFT_16);
        CaseCore {
            kind: kind_of(kind),
            state: state_of(state),
            guilty: guilty.try_into().unwrap(),
            not_guilty: not_guilty.try_into().unwrap(),
            respond_until: respond_until.try_into().unwrap(),
            vote_from: vote_from.try_into().unwrap(),
            vote_until: vote_until.try_into().unwrap(),
        }
    }
}

/// cap | open cases 64
impl RefCorePacking of StorePacking<RefCore, felt252> {
    fn pack(value: RefCore) -> felt252 {
        value.cap.into() + value.open_cases.into() * POW_128
    }

    fn unpack(value: felt252) -> RefCore {
        let u256 { low: cap, high } = value.into();
        RefCore { cap, open_cases: high.try_into().unwrap() }
    }
}

pub fn kind_code(kind: CaseKind) -> u128 {
    match kind {
        CaseKind::Worker => 0,
        CaseKind::Root => 1,
        CaseKind::Job => 2,
    }
}

fn kind_of(code: u128) -> CaseKind {
    if code == 1 {
        CaseKind::Root
    } else if code == 2 {
        CaseKind::Job
    } else {
        CaseKind::Worker
    }
}

fn state_code(state: CaseState) -> u128 {
    match state {
        CaseState::Unknown => 0,
        CaseState::Open => 1,
        CaseState::Guilty => 2,
        CaseState::NotGuilty => 3,
    }
}

fn state_of(code: u128) -> CaseState {
    if code == 1 {
        CaseState::Open
    } else if code == 2 {
        CaseState::Guilty
    } else if code == 3 {
        CaseState::NotGuilty
    } else {
        CaseState::Unknown
    }
}
