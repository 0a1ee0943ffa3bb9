//! The DisputeCourt against time, interested arbiters, repeated cases, caps, and contracts that refuse its rulings. The
//! promise: an honest worker ends whole whoever accuses it, and no bond stays for ever.

use crate::access::{
    IAccessDispatcherTrait, IAccessSafeDispatcher, IAccessSafeDispatcherTrait
};
use crate::court_interface::{
    CaseKind, CaseState, IDisputeCourtDispatcherTrait, IDisputeCourtSafeDispatcherTrait, RefCap
};
use crate::court_rules::limits;
use crate::job_manager_interface::{IJobManagerDispatcherTrait, JobState};
use crate::jobs_court_fixture::{BOND, CAP_DAY, Court, CourtTrait, PURSE, RESPONSE, VOTE, court};
use crate::jobs_pool_fixture::PoolTrait;
use crate::jobs_store_fixture::IJobsStoreDispatcherTrait;
use crate::jobs_support_fixture::{
    DAY, START, at, balance, caller, clock, expect_event, forget_events, refused
};
use crate::pool_interface::ICdcPoolDispatcherTrait;

/// A case about `job` in which the quorum finds 'worker' guilty for `amount`, to the end.
fn sentenced(c: Court, job: felt252, amount: u128) {
    let id = c.accused(job);
    c.answered(id, 'worker');
    c.convicted(id, amount);
    c.ended(id);
}

// time, one second before each bound and at it

#[test]
#[should_panic(expected: ('CIRO-DC: response window over', 'ENTRYPOINT_FAILED'))]
fn an_answer_at_the_end_of_its_window_is_late() {
    let c = court();
    let id = c.accused('job');
    clock(START + RESPONSE);
    c.answered(id, 'worker');
}

#[test]
fn an_answer_in_the_last_second_leaves_the_whole_vote_window() {
    let c = court();
    let id = c.accused('job');
    clock(START + RESPONSE - 1);
    c.answered(id, 'worker');
    assert(c.court.get_case(id).vote_until == START + RESPONSE - 1 + VOTE, 'until');
    c.votes(id, 'a1', false, 0);
}

#[test]
#[should_panic(expected: ('CIRO-DC: vote not open', 'ENTRYPOINT_FAILED'))]
fn nobody_votes_before_the_answer_or_the_end_of_its_window() {
    let c = court();
    let id = c.accused('job');
    clock(START + RESPONSE - 1);
    c.votes(id, 'a1', true, 1);
}

#[test]
fn without_an_answer_the_vote_opens_when_its_window_is_over() {
    let c = court();
    let id = c.accused('job');
    clock(START + RESPONSE);
    c.votes(id, 'a1', true, 1);
    clock(START + RESPONSE + VOTE - 1);
    c.votes(id, 'a2', true, 1);
}

#[test]
#[should_panic(expected: ('CIRO-DC: vote window over', 'ENTRYPOINT_FAILED'))]
fn a_vote_at_the_end_of_its_window_is_late() {
    let c = court();
    let id = c.accused('job');
    clock(START + RESPONSE + VOTE);
    c.votes(id, 'a1', true, 1);
}

#[test]
fn a_case_without_a_quorum_ends_for_the_accused_when_its_window_is_over() {
    let c = court();
    let id = c.accused_with(1_000);
    clock(START + RESPONSE);
    c.votes(id, 'a1', true, 500);
    c.votes(id, 'a2', true, 500);
    clock(START + RESPONSE + VOTE - 1);
    caller('accuser');
    refused(c.safe.finalise(id), 'CIRO-DC: not decided');
    clock(START + RESPONSE + VOTE);
    forget_events(c.address);
    c.ended(id);
    expect_event(
        c.address,
        array![selector!("CaseRuled"), 1, 'worker'].span(),
        array![0, 1, 0, 'worker'].span()
    );
    assert(c.pool.pool.at_risk(at('worker')) == 1_000, 'whole');
    assert(balance(c.bonds, at('worker')) == BOND, 'the accuser pays');
}

#[test]
fn a_verdict_holds_however_late_it_is_carried_out() {
    let c = court();
    let id = c.accused_with(1_000);
    c.answered(id, 'worker');
    c.convicted(id, 100);
    clock(START + RESPONSE + VOTE + DAY);
    c.ended(id);
    assert(c.court.get_case(id).state == CaseState::Guilty, 'guilty');
    assert(c.pool.pool.at_risk(at('worker')) == 900, 'slashed');
}

// the promise

#[test]
fn a_false_accusation_pays_the_worker_and_leaves_stake_and_bond_whole() {
    let c = court();
    c.pool.staked(1_000);
    c.pool.bonded(100);
    let mut job: felt252 = 1;
    while job != 4 {
        let id = c.accused(job);
        c.answered(id, 'worker');
        c.votes(id, 'a1', true, 1_000);
        c.votes(id, 'a2', true, 1_000);
        c.votes(id, 'a3', false, 0);
        c.votes(id, 'a4', false, 0);
        c.votes(id, 'a5', false, 0);
        c.ended(id);
        job += 1;
    };
    assert(c.pool.pool.at_risk(at('worker')) == 1_100, 'whole');
    assert(balance(c.bonds, at('worker')) == 3 * BOND, 'paid');
    assert(balance(c.bonds, at('accuser')) == PURSE - 3 * BOND, 'the accuser pays');
}

#[test]
fn a_worker_that_is_away_loses_nothing_either() {
    let c = court();
    let id = c.accused_with(1_000);
    clock(START + RESPONSE + VOTE);
    c.ended(id);
    assert(c.pool.pool.at_risk(at('worker')) == 1_000, 'whole');
    assert(balance(c.bonds, at('worker')) == BOND, 'paid');
}

#[test]
fn stake_that_cools_when_the_case_opens_is_still_there_at_its_end() {
    let c = court();
    c.pool.staked(1_000);
    c.pool.pool.unstake_intent(1_000);
    let id = c.accused('job');
    clock(START + RESPONSE);
    clock(START + RESPONSE + VOTE - 1);
    c.convicted(id, 500);
    c.ended(id);
    assert(c.pool.pool.worker(at('worker')).cooling == 500, 'slashed');
}

// interested arbiters

#[test]
#[should_panic(expected: ('CIRO-DC: interested arbiter', 'ENTRYPOINT_FAILED'))]
fn an_arbiter_does_not_vote_on_its_own_accusation() {
    let c = court();
    caller('a1');
    let id = c.court.open(CaseKind::Worker, at('worker'), 'job', 'evidence');
    c.answered(id, 'worker');
    c.votes(id, 'a1', true, 1);
}

#[test]
fn nor_on_a_case_against_itself_its_payee_or_its_role() {
    let c = court();
    caller('owner');
    let arbiter = selector!("ARBITER");
    c.access.grant_role(arbiter, at('worker'));
    c.access.grant_role(arbiter, at('payout'));
    c.access.grant_role(arbiter, at('settler'));
    c.access.grant_role(arbiter, at('coordinator'));
    let worker = c.accused('job');
    let root = c.root_case(4);
    let (job, _) = c.job_case();
    c.answered(worker, 'worker');
    c.answered(root, 'settler');
    c.answered(job, 'coordinator');
    let interested = 'CIRO-DC: interested arbiter';
    caller('worker');
    refused(c.safe.vote(worker, false, 0), interested);
    caller('payout');
    refused(c.safe.vote(worker, false, 0), interested);
    caller('settler');
    refused(c.safe.vote(root, false, 0), interested);
    caller('coordinator');
    refused(c.safe.vote(job, false, 0), interested);
    assert(!c.court.may_vote(worker, at('payout')), 'may not');
    c.votes(root, 'worker', false, 0);
}

#[test]
fn a_dismissed_arbiter_votes_no_more() {
    let c = court();
    let id = c.accused('job');
    c.answered(id, 'worker');
    caller('owner');
    c.access.revoke_role(selector!("ARBITER"), at('a1'));
    assert(!c.court.may_vote(id, at('a1')), 'may not');
    caller('a1');
    refused(c.safe.vote(id, true, 1), 'CIRO-AC: missing role');
}

// caps

#[test]
fn one_job_costs_at_most_its_share_however_many_cases_it_has() {
    let c = court();
    c.pool.staked(1_000);
    sentenced(c, 'job', 400);
    assert(c.pool.pool.at_risk(at('worker')) == 600, 'first');
    sentenced(c, 'job', 400);
    assert(c.pool.pool.at_risk(at('worker')) == 500, 'up to the cap');
    sentenced(c, 'job', 400);
    assert(c.pool.pool.at_risk(at('worker')) == 500, 'no more');
    assert(
        c.court.ref_cap(CaseKind::Worker, at('worker'), 'job') == RefCap {
            cap: 500, slashed: 500, open_cases: 0
        },
        'cap'
    );
}

#[test]
fn cases_side_by_side_take_no_more_than_the_cap_of_their_job() {
    let c = court();
    c.pool.staked(1_000);
    let friend = c.accused('job');
    let first = c.accused('job');
    let second = c.accused('job');
    for id in array![
        first, second
    ] {
        c.answered(id, 'worker');
        c.convicted(id, 400);
        c.ended(id);
    };
    assert(c.pool.pool.at_risk(at('worker')) == 500, 'the cap, and no more');
    assert(
        c.court.ref_cap(CaseKind::Worker, at('worker'), 'job') == RefCap {
            cap: 500, slashed: 500, open_cases: 1
        },
        'one is left'
    );
    c.answered(friend, 'worker');
    c.acquitted(friend);
    c.ended(friend);
    assert(c.court.ref_cap(CaseKind::Worker, at('worker'), 'job').open_cases == 0, 'none');
    assert(c.court.held() == 0, 'bonds');
}

#[test]
fn accusing_oneself_early_lowers_no_cap() {
    let c = court();
    let id = c.accused('job');
    c.answered(id, 'worker');
    c.acquitted(id);
    c.ended(id);
    c.pool.staked(1_000);
    sentenced(c, 'job', 400);
    assert(c.pool.pool.at_risk(at('worker')) == 600, 'slashed all the same');
}

#[test]
fn a_day_costs_all_workers_at_most_its_cap() {
    let c = court();
    c.pool.staked(50_000);
    sentenced(c, 'one', 9_000);
    sentenced(c, 'two', 9_000);
    assert(c.pool.pool.at_risk(at('worker')) == 40_000, 'capped');
    assert(c.court.slashed_on(START / DAY) == CAP_DAY, 'day');
    let next = (START / DAY + 1) * DAY;
    clock(next - 1);
    sentenced(c, 'three', 9_000);
    assert(c.pool.pool.at_risk(at('worker')) == 40_000, 'last second of the day');
    clock(next);
    sentenced(c, 'four', 9_000);
    assert(c.pool.pool.at_risk(at('worker')) == 31_000, 'next day');
}

#[test]
fn the_least_amount_of_the_guilty_votes_is_taken() {
    let c = court();
    let id = c.accused_with(1_000);
    c.answered(id, 'worker');
    c.votes(id, 'a1', true, 400);
    c.votes(id, 'a2', true, 100);
    c.votes(id, 'a3', true, 300);
    c.ended(id);
    assert(c.pool.pool.at_risk(at('worker')) == 900, 'least');
}

#[test]
fn a_newcomer_with_nothing_is_found_guilty_for_nothing() {
    let c = court();
    sentenced(c, 'job', 400);
    assert(c.court.get_case(1).state == CaseState::Guilty, 'guilty');
    assert(c.pool.pool.at_risk(at('worker')) == 0, 'nothing');
    assert(balance(c.bonds, at('accuser')) == PURSE, 'bond back');
}

#[test]
fn one_unit_is_split_without_a_loss() {
    let c = court();
    c.pool.staked(1_000);
    sentenced(c, 'job', 1);
    assert(balance(c.pool.token, at('treasury')) == 1, 'remainder');
    assert(balance(c.pool.token, at('accuser')) == 0, 'floor');
}

// no move blocks money

#[test]
fn a_pause_stops_no_answer_vote_or_ruling() {
    let c = court();
    let id = c.accused_with(1_000);
    caller('owner');
    c.access.pause();
    c.answered(id, 'worker');
    c.convicted(id, 100);
    c.ended(id);
    assert(c.court.get_case(id).state == CaseState::Guilty, 'guilty');
}

#[test]
fn a_ruling_that_the_store_refuses_is_not_carried_out_in_part() {
    let c = court();
    let id = c.root_case(4);
    c.answered(id, 'settler');
    c.convicted(id, 0);
    c.store.refuse();
    caller('anybody');
    refused(c.safe.finalise(id), 'FX: refused');
    assert(balance(c.bonds, at('accuser')) == PURSE - BOND, 'bond still held');
}

#[test]
#[should_panic(expected: ('CIRO-DC: not stuck', 'ENTRYPOINT_FAILED'))]
fn a_case_is_stuck_thirty_days_after_its_vote() {
    let c = court();
    let id = c.accused('job');
    clock(START + RESPONSE + VOTE + limits::STUCK_AFTER - 1);
    c.court.close_stuck(id);
}

#[test]
fn a_stuck_case_returns_the_bond_by_its_verdict_and_does_nothing_else() {
    let c = court();
    c.pool.staked(1_000);
    let root = c.root_case(4);
    let worker = c.accused('job');
    clock(START + RESPONSE);
    c.convicted(root, 0);
    c.votes(worker, 'a1', true, 1);
    c.store.refuse();
    clock(START + RESPONSE + VOTE + limits::STUCK_AFTER);
    forget_events(c.address);
    caller('anybody');
    c.court.close_stuck(root);
    expect_event(c.address, array![selector!("CaseStuck"), 1].span(), array![].span());
    c.court.close_stuck(worker);
    assert(c.store.fate(4) == 'held', 'untouched');
    assert(balance(c.bonds, at('accuser')) == PURSE - BOND, 'guilty: back');
    assert(balance(c.bonds, at('worker')) == BOND, 'not guilty: to the accused');
    assert(c.court.held() == 0 && balance(c.bonds, c.address) == 0, 'nothing kept');
}

#[test]
fn a_job_whose_court_is_late_is_refunded_by_time_and_its_case_closes() {
    let c = court();
    let (id, job) = c.job_case();
    clock(START + RESPONSE);
    c.convicted(id, 0);
    clock(START + 2_592_000);
    c.escrow.jobs.refund_expired(job);
    caller('anybody');
    refused(c.safe.finalise(id), 'CIRO-JM: bad state');
}

#[test]
fn a_case_whose_job_was_refunded_by_time_is_closed_as_stuck() {
    let c = court();
    let (id, job) = c.job_case();
    clock(START + RESPONSE + VOTE + limits::STUCK_AFTER);
    c.escrow.jobs.refund_expired(job);
    caller('anybody');
    c.court.close_stuck(id);
    assert(c.escrow.jobs.job_state(job) == JobState::Refunded, 'refunded');
    assert(balance(c.bonds, at('treasury')) == BOND, 'no quorum: treasury');
}

// hostile tokens, roles

#[test]
#[should_panic(
    expected: (
        'CIRO-RG: reentered', 'ENTRYPOINT_FAILED', 'ENTRYPOINT_FAILED', 'ENTRYPOINT_FAILED'
    )
)]
fn a_bond_token_does_not_reenter_finalise() {
    let c = court();
    let first = c.accused('one');
    let second = c.accused('two');
    clock(START + RESPONSE + VOTE);
    crate::jobs_token_fixture::IJobsTokenDispatcherTrait::attack(
        c.bonds, c.address, selector!("finalise"), array![second.into()].span()
    );
    c.ended(first);
}

#[test]
fn an_arbiter_upgrades_nothing_and_appoints_nobody() {
    let c = court();
    let access = IAccessSafeDispatcher { contract_address: c.address };
    caller('a1');
    refused(access.upgrade(1.try_into().unwrap()), 'CIRO-AC: not owner');
    refused(access.grant_role(selector!("ARBITER"), at('friend')), 'CIRO-AC: not owner');
}
