//! Conservation of stakes and bonds under seeded random sequences: no unit appears or is lost, what the pool says it
//! holds is the sum over its workers and its own balance, and in the end all of it can leave.

use crate::jobs_pool_fixture::{COOL_DOWN, PURSE, Pool, pool};
use crate::jobs_support_fixture::{
    Generator, GeneratorImpl, GeneratorTrait, START, at, balance, caller, clock
};
use crate::pool_interface::ICdcPoolDispatcherTrait;
use crate::pool_rules::limits;

/// Every call keeps memory in the test runner until its process ends; these many fit.
const STEPS: u32 = 30;

fn who(first: bool) -> felt252 {
    if first {
        'worker'
    } else {
        'second'
    }
}

fn assert_conserved(p: Pool) {
    let outside = balance(p.token, at('worker'))
        + balance(p.token, at('second'))
        + balance(p.token, at('settler'))
        + balance(p.token, at('payout'))
        + balance(p.token, at('second payout'))
        + balance(p.token, at('fund'));
    assert(outside + balance(p.token, p.address) == 3 * PURSE, 'sum of balances');
    let inside = p.pool.at_risk(at('worker')) + p.pool.at_risk(at('second'));
    assert(p.pool.held() == inside, 'held = workers');
    assert(balance(p.token, p.address) == inside, 'balance = held');
}

/// One legal move of a worker, its settler or the court.
fn act(p: Pool, ref g: Generator, now: u64) {
    let name = who(g.below(2) == 0);
    let w = p.pool.worker(at(name));
    let pick = g.below(8);
    let amount: u128 = g.below(60).into() + 1;
    caller(name);
    if pick == 0 {
        p.pool.stake(amount);
    } else if pick == 1 && w.stake >= amount {
        p.pool.unstake_intent(amount);
    } else if pick == 2 && w.cooling != 0 {
        p.pool.cancel_unstake();
    } else if pick == 3 && w.cooling != 0 && now >= w.ready_at {
        p.pool.unstake_action(at(name));
    } else if pick == 4 {
        caller('settler');
        p.pool.add_bond(at(name), amount);
    } else if pick == 5 && w.bond >= amount {
        caller('settler');
        p.pool.release_bond(at(name), amount);
    } else if pick == 6 {
        caller('court');
        let before = w.stake + w.cooling + w.bond;
        let taken = p.pool.slash(at(name), amount, 1, at('fund'));
        assert(taken <= amount && taken <= before, 'slash bounded');
        let after = p.pool.worker(at(name));
        assert(after.stake == w.stake || after.cooling == 0, 'cooling goes first');
        assert(after.bond == w.bond || after.stake == 0, 'bond goes last');
    } else if pick == 7 {
        p.pool.set_payout(at(if name == 'worker' {
            'payout'
        } else {
            'second payout'
        }));
    }
}

fn run(seed: u64) {
    let p = pool();
    let mut g = GeneratorTrait::seeded(seed);
    let mut now = START;
    let mut step: u32 = 0;
    while step != STEPS {
        act(p, ref g, now);
        assert_conserved(p);
        now += g.below(COOL_DOWN / 4);
        clock(now);
        step += 1;
    };
    drain(p, 'worker', now);
    drain(p, 'second', now + COOL_DOWN + limits::BOND_HOLD);
    assert(p.pool.held() == 0 && balance(p.token, p.address) == 0, 'all left');
    assert_conserved(p);
}

/// With settler, court and owner gone a worker gets everything out by waiting.
fn drain(p: Pool, name: felt252, now: u64) {
    let stake = p.pool.worker(at(name)).stake;
    caller(name);
    if stake != 0 {
        p.pool.unstake_intent(stake);
    }
    clock(now + COOL_DOWN + limits::BOND_HOLD);
    caller('anybody');
    let w = p.pool.worker(at(name));
    if w.cooling != 0 {
        p.pool.unstake_action(at(name));
    }
    if w.bond != 0 {
        p.pool.release_expired_bond(at(name));
    }
}

#[test]
fn stakes_are_conserved_with_seed_2() {
    run(2);
}

#[test]
fn stakes_are_conserved_with_seed_77() {
    run(77);
}

#[test]
fn stakes_are_conserved_with_seed_123456789() {
    run(123456789);
}
