//! Conservation of bonds and of what is slashed under seeded random cases: bonds in = bonds out, no stake appears or is
//! lost but what is burnt, no cap is passed, and in the end the court holds nothing.

use crate::court_interface::{CaseKind, CaseState, IDisputeCourtDispatcherTrait};
use crate::jobs_court_fixture::{BOND, CAP_DAY, Court, CourtTrait, PURSE, RESPONSE, VOTE, court};
use crate::jobs_pool_fixture::PoolTrait;
use crate::jobs_support_fixture::{
    DAY, Generator, GeneratorImpl, GeneratorTrait, START, at, balance, clock
};
use crate::jobs_token_fixture::IJobsTokenDispatcherTrait;
use crate::pool_interface::ICdcPoolDispatcherTrait;

/// Every call keeps memory in the test runner until its process ends; these many fit.
const CASES: u32 = 4;
const STAKE: u128 = 30_000;

fn bonds(c: Court) -> u128 {
    balance(c.bonds, at('accuser'))
        + balance(c.bonds, at('worker'))
        + balance(c.bonds, at('treasury'))
        + balance(c.bonds, c.address)
}

fn stakes(c: Court) -> u128 {
    balance(c.pool.token, c.pool.address)
        + balance(c.pool.token, at('accuser'))
        + balance(c.pool.token, at('treasury'))
        + balance(c.pool.token, c.address)
}

fn assert_conserved(c: Court, burnt_from: u256, open: u128) {
    assert(bonds(c) == PURSE, 'bonds');
    assert(c.court.held() == open * BOND, 'held = open cases');
    assert(balance(c.bonds, c.address) == c.court.held(), 'covered');
    let burnt: u128 = (burnt_from - c.pool.token.total_supply()).try_into().unwrap();
    assert(stakes(c) + burnt == STAKE, 'stakes');
    assert(balance(c.pool.token, c.address) == 0, 'no stake kept');
    assert(c.pool.pool.held() == balance(c.pool.token, c.pool.address), 'pool covered');
}

fn vote_by(n: u64) -> felt252 {
    if n == 0 {
        'a1'
    } else if n == 1 {
        'a2'
    } else if n == 2 {
        'a3'
    } else if n == 3 {
        'a4'
    } else {
        'a5'
    }
}

fn decided(c: Court, id: u64) -> bool {
    let case = c.court.get_case(id);
    case.guilty_votes == 3 || case.not_guilty_votes == 3
}

/// One case about one of two jobs, with or without an answer, with up to five votes, to its end.
fn try_case(c: Court, ref g: Generator, now: u64, supply: u256) -> u64 {
    let job: felt252 = g.below(2).into() + 1;
    let before = c.pool.pool.at_risk(at('worker'));
    let id = c.accused(job);
    assert_conserved(c, supply, 1);
    let mut now = now;
    if g.below(2) == 0 {
        c.answered(id, 'worker');
    } else {
        now += RESPONSE;
        clock(now);
    }
    let mut n: u64 = 0;
    while n != 5 && !decided(c, id) {
        let pick = g.below(4);
        if pick == 0 {
            c.votes(id, vote_by(n), false, 0);
        } else if pick != 1 {
            c.votes(id, vote_by(n), true, g.below(9_000).into() + 1);
        }
        n += 1;
    };
    if !decided(c, id) {
        now += VOTE;
        clock(now);
    }
    c.ended(id);
    let case = c.court.get_case(id);
    let taken = before - c.pool.pool.at_risk(at('worker'));
    assert((case.state == CaseState::Guilty) == (case.guilty_votes == 3), 'quorum');
    assert(taken == 0 || case.state == CaseState::Guilty, 'only the guilty');
    assert(taken <= case.least_slash, 'least vote');
    let about = c.court.ref_cap(CaseKind::Worker, at('worker'), job);
    assert(about.slashed <= about.cap && about.cap <= STAKE / 2, 'cap of the job');
    assert(c.court.slashed_on(now / DAY) <= CAP_DAY, 'cap of the day');
    assert_conserved(c, supply, 0);
    now
}

fn run(seed: u64) {
    let c = court();
    c.pool.staked(STAKE);
    let supply = c.pool.token.total_supply();
    let mut g = GeneratorTrait::seeded(seed);
    let mut now = START;
    let mut n: u32 = 0;
    while n != CASES {
        now = try_case(c, ref g, now, supply);
        now += g.below(DAY);
        clock(now);
        n += 1;
    };
}

#[test]
fn bonds_and_stakes_are_conserved_with_seed_3() {
    run(3);
}

#[test]
fn bonds_and_stakes_are_conserved_with_seed_4711() {
    run(4711);
}
