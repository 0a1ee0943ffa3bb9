//! Conservation of escrow under seeded random sequences: no unit appears or is lost, each token's jobs are covered by
//! the contract's own balance, and in the end everything can leave.

use crate::job_manager_interface::{IJobManagerDispatcherTrait, JobState};
use crate::job_manager_rules::limits;
use crate::jobs_escrow_fixture::{Escrow, GRACE, PURSE, WINDOW, escrow};
use crate::jobs_support_fixture::{
    Generator, GeneratorImpl, GeneratorTrait, START, at, balance, caller, clock
};
use crate::jobs_token_fixture::{IJobsTokenDispatcher, IJobsTokenDispatcherTrait};

/// Every call keeps memory in the test runner until its process ends; these many fit.
const STEPS: u32 = 24;

fn assert_conserved(e: Escrow, ids: Span<felt252>) {
    let mut open: u128 = 0;
    let mut other_open: u128 = 0;
    for id in ids {
        let job = e.jobs.get_job(*id);
        let live = job.state == JobState::Open
            || job.state == JobState::Running
            || job.state == JobState::Submitted
            || job.state == JobState::Disputed;
        if live && job.token == e.token.contract_address {
            open += job.budget;
        } else if live {
            other_open += job.budget;
        }
    };
    assert_token(e, e.token, 'sink', open);
    assert_token(e, e.other, 'other sink', other_open);
}

fn assert_token(e: Escrow, token: IJobsTokenDispatcher, sink: felt252, open: u128) {
    let own = balance(token, e.address);
    let sum = balance(token, at('client')) + balance(token, at(sink)) + own;
    assert(sum == PURSE, 'sum of balances');
    assert(e.jobs.held(token.contract_address) == open, 'held = live budgets');
    assert(open <= own, 'held covered');
}

/// One legal move of a job that the generator picks, from the state it is in.
fn move_job(e: Escrow, ref g: Generator, id: felt252, now: u64) {
    let job = e.jobs.get_job(id);
    let pick = g.below(4);
    if job.state == JobState::Open {
        if pick == 0 {
            caller('client');
            e.jobs.cancel_job(id);
        } else if now >= job.deadline + GRACE {
            e.jobs.refund_expired(id);
        } else if now <= job.deadline && pick == 1 {
            caller('client');
            e.jobs.top_up(id, g.below(50).into() + 1);
        } else if now <= job.deadline {
            caller('coordinator');
            e.jobs.start_job(id);
        }
    } else if job.state == JobState::Running {
        if now <= job.deadline {
            caller('coordinator');
            let budget: u64 = job.budget.try_into().unwrap();
            e.jobs.submit_result(id, 'result', g.below(budget + 1).into());
        } else if now >= job.deadline + GRACE {
            e.jobs.refund_expired(id);
        }
    } else if job.state == JobState::Submitted {
        if now >= job.since + WINDOW {
            caller('anybody');
            e.jobs.settle_job(id);
        } else if pick < 2 {
            caller('client');
            e.jobs.settle_job(id);
        } else {
            caller('court');
            e.jobs.dispute_job(id, 1);
        }
    } else if job.state == JobState::Disputed && pick != 3 {
        caller('court');
        e.jobs.resolve_job(id, pick == 0);
    }
}

fn run(seed: u64) {
    let e = escrow();
    let mut g = GeneratorTrait::seeded(seed);
    let mut ids: Array<felt252> = array![];
    let mut now = START;
    let mut step: u32 = 0;
    while step != STEPS {
        let count: u64 = ids.len().into();
        if count == 0 || (count < 5 && g.below(3) == 0) {
            caller('client');
            let token = if g.below(3) == 0 {
                e.other
            } else {
                e.token
            };
            let budget: u128 = g.below(100).into() + 1;
            ids
                .append(
                    e
                        .jobs
                        .create_job(
                            step.into(),
                            token.contract_address,
                            'model',
                            'spec',
                            budget,
                            now + 1 + g.below(3_000)
                        )
                );
        } else {
            let at_index: u32 = g.below(count).try_into().unwrap();
            move_job(e, ref g, *ids[at_index], now);
        }
        assert_conserved(e, ids.span());
        now += g.below(200);
        clock(now);
        step += 1;
    };
    drain(e, ids.span(), now);
}

/// With coordinator, court and owner gone, anybody gets everything out by waiting.
fn drain(e: Escrow, ids: Span<felt252>, now: u64) {
    clock(now + limits::MAX_DISPUTE + 10_000);
    caller('anybody');
    for id in ids {
        let state = e.jobs.job_state(*id);
        if state == JobState::Submitted {
            e.jobs.settle_job(*id);
        } else if state == JobState::Open
            || state == JobState::Running
            || state == JobState::Disputed {
            e.jobs.refund_expired(*id);
        }
    };
    assert(balance(e.token, e.address) == 0, 'token left');
    assert(balance(e.other, e.address) == 0, 'other left');
    assert_conserved(e, ids);
}

#[test]
fn escrow_is_conserved_with_seed_1() {
    run(1);
}

#[test]
fn escrow_is_conserved_with_seed_20261130() {
    run(20261130);
}

#[test]
fn escrow_is_conserved_with_seed_987654321() {
    run(987654321);
}

#[test]
fn escrow_keeps_the_largest_amounts() {
    let e = escrow();
    let most: u128 = 0xffffffffffffffffffffffffffffffff;
    let client = balance(e.other, at('client'));
    e.other.mint(at('client'), (most - client).into());
    caller('client');
    let id = e
        .jobs
        .create_job('n', e.other.contract_address, 'model', 'spec', most, START + 100);
    caller('coordinator');
    e.jobs.start_job(id);
    e.jobs.submit_result(id, 'result', most - 1);
    clock(START + WINDOW);
    e.jobs.settle_job(id);
    assert(balance(e.other, at('other sink')) == most - 1, 'sink');
    assert(balance(e.other, at('client')) == 1, 'client');
}
