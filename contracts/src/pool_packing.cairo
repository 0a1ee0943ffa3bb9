//! How the CdcPool lays out a worker: an amount and up to two times of 40 bits share a cell.

use starknet::storage_access::StorePacking;

const SHIFT_40: NonZero<u128> = 0x10000000000;
const POW_40: u128 = 0x10000000000;
const SHIFT_64: NonZero<u128> = 0x10000000000000000;
const POW_64: u128 = 0x10000000000000000;
const POW_128: felt252 = 0x100000000000000000000000000000000;

/// Stake, and when the worker was seen last.
#[derive(Copy, Drop, PartialEq)]
pub struct Staked {
    pub amount: u128,
    pub last_seen: u64,
}

/// Stake on its way out, and when it may leave.
#[derive(Copy, Drop, PartialEq)]
pub struct Cooling {
    pub amount: u128,
    pub ready_at: u64,
}

/// Withheld earnings, when they grew last, and when the next payout address holds.
#[derive(Copy, Drop, PartialEq)]
pub struct Bonded {
    pub amount: u128,
    pub grown_at: u64,
    pub next_payout_at: u64,
}

/// Leaves and levels of an epoch's performance tree.
#[derive(Copy, Drop, PartialEq)]
pub struct TreeShape {
    pub count: u64,
    pub depth: u32,
}

impl StakedPacking of StorePacking<Staked, felt252> {
    fn pack(value: Staked) -> felt252 {
        join(value.amount, value.last_seen.into())
    }

    fn unpack(value: felt252) -> Staked {
        let u256 { low: amount, high } = value.into();
        Staked { amount, last_seen: high.try_into().unwrap() }
    }
}

impl CoolingPacking of StorePacking<Cooling, felt252> {
    fn pack(value: Cooling) -> felt252 {
        join(value.amount, value.ready_at.into())
    }

    fn unpack(value: felt252) -> Cooling {
        let u256 { low: amount, high } = value.into();
        Cooling { amount, ready_at: high.try_into().unwrap() }
    }
}

impl BondedPacking of StorePacking<Bonded, felt252> {
    fn pack(value: Bonded) -> felt252 {
        join(value.amount, value.grown_at.into() + value.next_payout_at.into() * POW_40)
    }

    fn unpack(value: felt252) -> Bonded {
        let u256 { low: amount, high } = value.into();
        let (next_payout_at, grown_at) = DivRem::div_rem(high, SHIFT_40);
        Bonded {
            amount,
            grown_at: grown_at.try_into().unwrap(),
            next_payout_at: next_payout_at.try_into().unwrap(),
        }
    }
}

impl TreeShapePacking of StorePacking<TreeShape, u128> {
    fn pack(value: TreeShape) -> u128 {
        value.count.into() + value.depth.into() * POW_64
    }

    fn unpack(value: u128) -> TreeShape {
        let (depth, count) = DivRem::div_rem(value, SHIFT_64);
        TreeShape { count: count.try_into().unwrap(), depth: depth.try_into().unwrap() }
    }
}

fn join(low: u128, high: u128) -> felt252 {
    low.into() + high.into() * POW_128
}
