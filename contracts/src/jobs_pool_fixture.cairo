//! A CdcPool with a token and a registered worker, as the tests of the pool begin with.

use core::poseidon::hades_permutation;
use starknet::ContractAddress;
use crate::access::IAccessDispatcher;
use crate::jobs_support_fixture::{START, at, caller, clock, deploy, deploy_token, forget_events};
use crate::jobs_token_fixture::{IJobsTokenDispatcher, IJobsTokenDispatcherTrait};
use crate::pool::CdcPool;
use crate::pool_interface::{
    ICdcPoolDispatcher, ICdcPoolDispatcherTrait, ICdcPoolSafeDispatcher, Performance
};

pub const MIN_STAKE: u128 = 100;
pub const COOL_DOWN: u64 = 604_800;
pub const DELAY: u64 = 3_600;
pub const INACTIVE: u64 = 86_400;
pub const PURSE: u128 = 1_000_000;

#[derive(Copy, Drop)]
pub struct Pool {
    pub pool: ICdcPoolDispatcher,
    pub safe: ICdcPoolSafeDispatcher,
    pub access: IAccessDispatcher,
    pub address: ContractAddress,
    pub token: IJobsTokenDispatcher,
}

pub fn calldata(
    settler: felt252,
    token: felt252,
    min_stake: u128,
    cool_down: u64,
    delay: u64,
    inactive: u64
) -> Array<felt252> {
    array![
        'owner',
        settler,
        'court',
        token,
        min_stake.into(),
        cool_down.into(),
        delay.into(),
        inactive.into()
    ]
}

pub fn deploy_pool(data: Array<felt252>) -> ContractAddress {
    deploy(CdcPool::TEST_CLASS_HASH, 0, data)
}

pub fn pool() -> Pool {
    clock(START);
    let token = deploy_token(3);
    let address = deploy_pool(
        calldata('settler', token.contract_address.into(), MIN_STAKE, COOL_DOWN, DELAY, INACTIVE)
    );
    token.mint(at('worker'), PURSE.into());
    token.mint(at('second'), PURSE.into());
    token.mint(at('settler'), PURSE.into());
    let pool = ICdcPoolDispatcher { contract_address: address };
    caller('second');
    pool.register('gpu', at('second payout'));
    caller('worker');
    pool.register('gpu', at('payout'));
    forget_events(address);
    Pool {
        pool,
        safe: ICdcPoolSafeDispatcher { contract_address: address },
        access: IAccessDispatcher { contract_address: address },
        address,
        token
    }
}

pub fn perf(last_seen: u64) -> Performance {
    Performance { jobs: 3, audits_passed: 2, audits_failed: 1, last_seen }
}

pub fn node(left: felt252, right: felt252) -> felt252 {
    let (hash, _, _) = hades_permutation(left, right, 2);
    hash
}

#[generate_trait]
pub impl PoolImpl of PoolTrait {
    fn staked(self: @Pool, amount: u128) {
        caller('worker');
        (*self.pool).stake(amount);
    }

    fn bonded(self: @Pool, amount: u128) {
        caller('settler');
        (*self.pool).add_bond(at('worker'), amount);
    }

    fn slashed(self: @Pool, amount: u128) -> u128 {
        caller('court');
        (*self.pool).slash(at('worker'), amount, 9, at('fund'))
    }

    /// An epoch of two workers: 'worker' at 0, 'second' at 1. Answers the two leaves.
    fn recorded(self: @Pool, epoch: u64, seen: u64) -> (felt252, felt252) {
        let first = (*self.pool).performance_leaf(epoch, at('worker'), perf(seen));
        let second = (*self.pool).performance_leaf(epoch, at('second'), perf(seen));
        caller('settler');
        (*self.pool).record_epoch(epoch, node(first, second), 2, 1);
        (first, second)
    }
}
