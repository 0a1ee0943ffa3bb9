//! How the JobManager lays out its records: a cell that goes from zero is what costs, so what fits shares one.

use starknet::storage_access::StorePacking;
use crate::job_manager_interface::JobState;

const SHIFT_8: NonZero<u128> = 0x100;
const SHIFT_40: NonZero<u128> = 0x10000000000;
const POW_40: u128 = 0x10000000000;
const POW_80: u128 = 0x100000000000000000000;
const POW_88: u128 = 0x10000000000000000000000;
const POW_128: felt252 = 0x100000000000000000000000000000000;

/// Times are seconds and take 40 bits each.
#[derive(Copy, Drop, PartialEq)]
pub struct JobMoney {
    pub budget: u128,
    pub deadline: u64,
    pub since: u64,
    pub state: JobState,
    pub token: u8,
}

#[derive(Copy, Drop, PartialEq)]
pub struct JobUse {
    pub used: u128,
    pub case_id: u64,
}

#[derive(Copy, Drop, PartialEq)]
pub struct ModelHead {
    pub high: u128,
    pub registered: bool,
    pub revoked: bool,
}

/// budget | deadline 40 | since 40 | state 8 | token 8
impl JobMoneyPacking of StorePacking<JobMoney, felt252> {
    fn pack(value: JobMoney) -> felt252 {
        let rest: u128 = value.deadline.into()
            + value.since.into() * POW_40
            + state_code(value.state) * POW_80
            + value.token.into() * POW_88;
        join(value.budget, rest)
    }

    fn unpack(value: felt252) -> JobMoney {
        let u256 { low: budget, high } = value.into();
        let (high, deadline) = DivRem::div_rem(high, SHIFT_40);
        let (high, since) = DivRem::div_rem(high, SHIFT_40);
        let (token, state) = DivRem::div_rem(high, SHIFT_8);
        JobMoney {
            budget,
            deadline: deadline.try_into().unwrap(),
            since: since.try_into().unwrap(),
            state: state_of(state),
            token: token.try_into().unwrap(),
        }
    }
}

/// used | case 64
impl JobUsePacking of StorePacking<JobUse, felt252> {
    fn pack(value: JobUse) -> felt252 {
        join(value.used, value.case_id.into())
    }

    fn unpack(value: felt252) -> JobUse {
        let u256 { low: used, high } = value.into();
        JobUse { used, case_id: high.try_into().unwrap() }
    }
}

/// high half of the hash | 1 when registered, 3 when revoked after that
impl ModelHeadPacking of StorePacking<ModelHead, felt252> {
    fn pack(value: ModelHead) -> felt252 {
        join(value.high, if value.revoked {
            3
        } else if value.registered {
            1
        } else {
            0
        })
    }

    fn unpack(value: felt252) -> ModelHead {
        let u256 { low: high, high: flags } = value.into();
        ModelHead { high, registered: flags != 0, revoked: flags == 3 }
    }
}

fn join(low: u128, high: u128) -> felt252 {
    low.into() + high.into() * POW_128
}

fn state_code(state: JobState) -> u128 {
    match state {
        JobState::Unknown => 0,
        JobState::Open => 1,
        JobState::Running => 2,
        JobState::Submitted => 3,
        JobState::Disputed => 4,
        JobState::Settled => 5,
        JobState::Cancelled => 6,
        JobState::Refunded => 7,
    }
}

fn state_of(code: u128) -> JobState {
    if code == 1 {
        JobState::Open
    } else if code == 2 {
        JobState::Running
    } else if code == 3 {
        JobState::Submitted
    } else if code == 4 {
        JobState::Disputed
    } else if code == 5 {
        JobState::Settled
    } else if code == 6 {
        JobState::Cancelled
    } else if code == 7 {
        JobState::Refunded
    } else {
        JobState::Unknown
    }
}
