//! What the CommitmentStore keeps, in as few storage cells as it goes: a new cell costs more than all the
//! arithmetic of a claim.

use core::traits::DivRem;
use starknet::storage_access::StorePacking;
use crate::store_interface::EpochState;

const TWO_POW_6: NonZero<u128> = 0x40;
const TWO_POW_32: NonZero<u128> = 0x100000000;
const TWO_POW_40: NonZero<u128> = 0x10000000000;
const TWO_POW_64: NonZero<u128> = 0x10000000000000000;
const SHIFT_40: u128 = 0x10000000000;
const SHIFT_64: u128 = 0x10000000000000000;
const SHIFT_80: u128 = 0x100000000000000000000;
const SHIFT_112: u128 = 0x10000000000000000000000000000;
const SHIFT_118: u128 = 0x400000000000000000000000000000;
const SHIFT_128: felt252 = 0x100000000000000000000000000000000;

/// What was done to an epoch.
#[derive(Copy, Drop, PartialEq)]
pub enum Mark {
    Untouched,
    Held,
    Released,
    Vetoed,
}

/// One cell: total 128 bits, then claimable_at 40, held_until 40, count 32, depth 6, mark 2.
#[derive(Copy, Drop, PartialEq)]
pub struct Meta {
    pub total: u128,
    pub count: u32,
    pub depth: u8,
    /// Seconds; below 2^40, the year 36,812.
    pub claimable_at: u64,
    /// Seconds; below 2^40.
    pub held_until: u64,
    pub mark: Mark,
}

/// Two cells.
#[derive(Copy, Drop, PartialEq, starknet::Store)]
pub struct Epoch {
    pub root: felt252,
    pub meta: Meta,
}

/// One cell: paid 128 bits, then last_epoch 64, challenge_window 32. The window makes it a cell that is there before the
/// first post, and a post reads it anyway.
#[derive(Copy, Drop, PartialEq)]
pub struct Ledger {
    /// Sum of all payments, base units.
    pub paid: u128,
    pub last_epoch: u64,
    /// Seconds; fixed, below 2^32.
    pub challenge_window: u64,
}

/// A hold lapses by time alone; `release_epoch` only writes it down.
pub fn state(meta: @Meta, now: u64) -> EpochState {
    if *meta.mark == Mark::Vetoed {
        EpochState::Vetoed
    } else if *meta.mark == Mark::Held && now < *meta.held_until {
        EpochState::Held
    } else if now < *meta.claimable_at {
        EpochState::Pending
    } else {
        EpochState::Final
    }
}

impl MetaPacking of StorePacking<Meta, felt252> {
    fn pack(value: Meta) -> felt252 {
        let mark: u128 = match value.mark {
            Mark::Untouched => 0,
            Mark::Held => 1,
            Mark::Released => 2,
            Mark::Vetoed => 3,
        };
        let high = value.claimable_at.into()
            + value.held_until.into() * SHIFT_40
            + value.count.into() * SHIFT_80
            + value.depth.into() * SHIFT_112
            + mark * SHIFT_118;
        value.total.into() + high.into() * SHIFT_128
    }

    fn unpack(value: felt252) -> Meta {
        let wide: u256 = value.into();
        let (rest, claimable_at) = DivRem::div_rem(wide.high, TWO_POW_40);
        let (rest, held_until) = DivRem::div_rem(rest, TWO_POW_40);
        let (rest, count) = DivRem::div_rem(rest, TWO_POW_32);
        let (mark, depth) = DivRem::div_rem(rest, TWO_POW_6);
        let mark = if mark == 0 {
            Mark::Untouched
        } else if mark == 1 {
            Mark::Held
        } else if mark == 2 {
            Mark::Released
        } else {
            Mark::Vetoed
        };
        Meta {
            total: wide.low,
            count: count.try_into().unwrap(),
            depth: depth.try_into().unwrap(),
            claimable_at: claimable_at.try_into().unwrap(),
            held_until: held_until.try_into().unwrap(),
            mark
        }
    }
}

impl LedgerPacking of StorePacking<Ledger, felt252> {
    fn pack(value: Ledger) -> felt252 {
        let high: u128 = value.last_epoch.into() + value.challenge_window.into() * SHIFT_64;
        value.paid.into() + high.into() * SHIFT_128
    }

    fn unpack(value: felt252) -> Ledger {
        let wide: u256 = value.into();
        let (challenge_window, last_epoch) = DivRem::div_rem(wide.high, TWO_POW_64);
        Ledger {
            paid: wide.low,
            last_epoch: last_epoch.try_into().unwrap(),
            challenge_window: challenge_window.try_into().unwrap()
        }
    }
}
