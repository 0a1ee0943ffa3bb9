//! The JobManager against time, griefing clients and coordinators, hostile tokens, and its court.

use crate::access::IAccessDispatcherTrait;
use crate::job_manager_interface::{
    IJobManagerDispatcherTrait, IJobManagerSafeDispatcherTrait, JobState
};
use crate::job_manager_rules::limits;
use crate::jobs_escrow_fixture::{DEADLINE, EscrowTrait, GRACE, PURSE, WINDOW, escrow};
use crate::jobs_support_fixture::{
    START, at, balance, caller, clock, expect_event, forget_events, passed, refused
};
use crate::jobs_token_fixture::{FALSE, FEE, IJobsTokenDispatcherTrait};

// time, one second before each bound and at it

#[test]
fn a_deadline_lies_within_thirty_days() {
    let e = escrow();
    let last = START + limits::MAX_DEADLINE;
    let token = e.token.contract_address;
    refused(
        e.safe.create_job('n', token, 'model', 'spec', 1, last + 1), 'CIRO-JM: bad deadline'
    );
    refused(e.safe.create_job('n', token, 'model', 'spec', 1, START), 'CIRO-JM: bad deadline');
    passed(e.safe.create_job('n', token, 'model', 'spec', 1, last));
    passed(e.safe.create_job('m', token, 'model', 'spec', 1, START + 1));
}

#[test]
fn a_job_is_topped_up_and_started_up_to_its_deadline() {
    let e = escrow();
    let id = e.open('n', 10);
    clock(DEADLINE + 1);
    refused(e.safe.top_up(id, 1), 'CIRO-JM: past deadline');
    caller('coordinator');
    refused(e.safe.start_job(id), 'CIRO-JM: past deadline');
    clock(DEADLINE);
    e.jobs.start_job(id);
    caller('client');
    e.jobs.top_up(id, 1);
}

#[test]
#[should_panic(expected: ('CIRO-JM: past deadline', 'ENTRYPOINT_FAILED'))]
fn a_late_result_is_refused() {
    let e = escrow();
    let id = e.running('n', 10);
    clock(DEADLINE + 1);
    e.jobs.submit_result(id, 'result', 1);
}

#[test]
fn a_result_is_taken_at_the_deadline() {
    let e = escrow();
    let id = e.running('n', 10);
    clock(DEADLINE);
    e.jobs.submit_result(id, 'result', 1);
    assert(e.jobs.get_job(id).since == DEADLINE, 'since');
}

#[test]
#[should_panic(expected: ('CIRO-JM: dispute window open', 'ENTRYPOINT_FAILED'))]
fn nobody_but_the_client_settles_in_the_window() {
    let e = escrow();
    let id = e.submitted('n', 100, 60);
    clock(START + WINDOW - 1);
    caller('coordinator');
    e.jobs.settle_job(id);
}

#[test]
fn the_client_may_accept_at_once_and_anybody_settles_when_the_window_is_over() {
    let e = escrow();
    let accepted = e.submitted('accepted', 100, 60);
    let left = e.submitted('left', 100, 60);
    caller('client');
    e.jobs.settle_job(accepted);
    clock(START + WINDOW);
    caller('anybody');
    e.jobs.settle_job(left);
    assert(balance(e.token, at('sink')) == 120, 'sink');
}

#[test]
#[should_panic(expected: ('CIRO-JM: dispute window over', 'ENTRYPOINT_FAILED'))]
fn a_dispute_comes_in_the_window() {
    let e = escrow();
    let id = e.submitted('n', 100, 60);
    clock(START + WINDOW);
    caller('court');
    e.jobs.dispute_job(id, 7);
}

#[test]
fn a_dispute_may_come_in_the_last_second() {
    let e = escrow();
    let id = e.submitted('n', 100, 60);
    clock(START + WINDOW - 1);
    caller('court');
    e.jobs.dispute_job(id, 7);
    let job = e.jobs.get_job(id);
    assert(job.state == JobState::Disputed && job.case_id == 7 && job.used == 60, 'job');
    assert(job.since == START + WINDOW - 1, 'since');
}

#[test]
#[should_panic(expected: ('CIRO-JM: not expired', 'ENTRYPOINT_FAILED'))]
fn a_refund_waits_for_deadline_and_grace() {
    let e = escrow();
    let id = e.open('n', 100);
    clock(DEADLINE + GRACE - 1);
    e.jobs.refund_expired(id);
}

#[test]
fn anybody_refunds_an_open_and_a_running_job_after_its_grace_even_in_a_pause() {
    let e = escrow();
    let open = e.open('open', 100);
    let running = e.running('running', 50);
    caller('owner');
    e.access.pause();
    clock(DEADLINE + GRACE);
    caller('anybody');
    forget_events(e.address);
    e.jobs.refund_expired(open);
    expect_event(e.address, array![selector!("JobRefunded"), open].span(), array![100, 1].span());
    e.jobs.refund_expired(running);
    assert(e.jobs.job_state(running) == JobState::Refunded, 'state');
    assert(balance(e.token, at('client')) == PURSE && balance(e.token, e.address) == 0, 'money');
}

#[test]
fn a_dispute_that_no_court_ends_is_refunded_after_thirty_days() {
    let e = escrow();
    let id = e.disputed('n', 100, 60);
    caller('anybody');
    clock(START + limits::MAX_DISPUTE - 1);
    refused(e.safe.refund_expired(id), 'CIRO-JM: not expired');
    clock(START + limits::MAX_DISPUTE);
    e.jobs.refund_expired(id);
    assert(balance(e.token, at('client')) == PURSE, 'client');
}

#[test]
fn a_submitted_job_is_not_refunded_by_time_because_anybody_settles_it() {
    let e = escrow();
    let id = e.submitted('n', 100, 60);
    clock(DEADLINE + GRACE + limits::MAX_DISPUTE);
    caller('anybody');
    refused(e.safe.refund_expired(id), 'CIRO-JM: bad state');
    passed(e.safe.settle_job(id));
    refused(e.safe.refund_expired(id), 'CIRO-JM: bad state');
    refused(e.safe.refund_expired('no job'), 'CIRO-JM: unknown job');
}

// the court

#[test]
fn the_court_refunds_or_settles_what_it_disputed() {
    let e = escrow();
    let lost = e.disputed('lost', 100, 60);
    let won = e.disputed('won', 100, 60);
    caller('owner');
    e.access.pause();
    caller('court');
    forget_events(e.address);
    e.jobs.resolve_job(lost, true);
    expect_event(e.address, array![selector!("JobRefunded"), lost].span(), array![100, 4].span());
    assert(balance(e.token, at('client')) == PURSE - 100, 'refunded');
    e.jobs.resolve_job(won, false);
    expect_event(e.address, array![selector!("JobSettled"), won].span(), array![60, 40].span());
    assert(balance(e.token, at('client')) == PURSE - 60, 'settled');
    assert(balance(e.token, at('sink')) == 60, 'sink');
}

#[test]
fn a_dispute_is_said() {
    let e = escrow();
    let id = e.submitted('n', 100, 60);
    forget_events(e.address);
    caller('court');
    e.jobs.dispute_job(id, 7);
    expect_event(e.address, array![selector!("JobDisputed"), id, 7].span(), array![].span());
}

#[test]
#[should_panic(expected: ('CIRO-AC: missing role', 'ENTRYPOINT_FAILED'))]
fn only_the_court_disputes() {
    let e = escrow();
    let id = e.submitted('n', 100, 60);
    caller('client');
    e.jobs.dispute_job(id, 7);
}

#[test]
#[should_panic(expected: ('CIRO-AC: missing role', 'ENTRYPOINT_FAILED'))]
fn only_the_court_resolves() {
    let e = escrow();
    let id = e.disputed('n', 100, 60);
    caller('coordinator');
    e.jobs.resolve_job(id, true);
}

#[test]
#[should_panic(expected: ('CIRO-JM: zero case', 'ENTRYPOINT_FAILED'))]
fn a_dispute_names_its_case() {
    let e = escrow();
    let id = e.submitted('n', 100, 60);
    caller('court');
    e.jobs.dispute_job(id, 0);
}

#[test]
fn the_court_touches_no_other_state() {
    let e = escrow();
    let open = e.open('open', 10);
    let running = e.running('running', 10);
    let submitted = e.submitted('submitted', 10, 1);
    let disputed = e.disputed('disputed', 10, 1);
    caller('court');
    refused(e.safe.dispute_job(open, 7), 'CIRO-JM: bad state');
    refused(e.safe.dispute_job(running, 7), 'CIRO-JM: bad state');
    refused(e.safe.dispute_job(disputed, 8), 'CIRO-JM: bad state');
    refused(e.safe.resolve_job(submitted, true), 'CIRO-JM: bad state');
    refused(e.safe.resolve_job(open, true), 'CIRO-JM: bad state');
    clock(START + WINDOW);
    refused(e.safe.settle_job(disputed), 'CIRO-JM: bad state');
}

// griefing

#[test]
fn a_coordinator_that_never_submits_costs_the_client_time_only() {
    let e = escrow();
    let id = e.running('n', PURSE);
    clock(DEADLINE + GRACE);
    caller('client');
    e.jobs.refund_expired(id);
    assert(balance(e.token, at('client')) == PURSE, 'purse');
    caller('coordinator');
    refused(e.safe.submit_result(id, 'result', PURSE), 'CIRO-JM: bad state');
    refused(e.safe.settle_job(id), 'CIRO-JM: bad state');
}

#[test]
fn nobody_takes_the_id_of_another_client() {
    let e = escrow();
    let id = e.jobs.job_id_of(at('client'), 'n');
    e.token.mint(at('squatter'), 10);
    caller('squatter');
    let other = e.jobs.create_job('n', e.token.contract_address, 'model', 'spec', 10, DEADLINE);
    assert(other != id, 'squatted');
    assert(e.open('n', 10) == id, 'own');
}

// hostile tokens

#[test]
#[should_panic(expected: ('CIRO-ER: transfer failed', 'ENTRYPOINT_FAILED'))]
fn a_token_that_answers_false_funds_no_job() {
    let e = escrow();
    e.token.set_mode(FALSE);
    e.open('n', 10);
}

#[test]
#[should_panic(expected: ('CIRO-ER: wrong amount arrived', 'ENTRYPOINT_FAILED'))]
fn a_token_that_takes_a_fee_funds_no_job() {
    let e = escrow();
    e.token.set_mode(FEE);
    e.open('n', 10);
}

#[test]
#[should_panic(expected: ('CIRO-ER: transfer failed', 'ENTRYPOINT_FAILED'))]
fn a_token_that_answers_false_settles_no_job() {
    let e = escrow();
    let id = e.submitted('n', 100, 60);
    e.token.set_mode(FALSE);
    clock(START + WINDOW);
    e.jobs.settle_job(id);
}

#[test]
#[should_panic(
    expected: (
        'CIRO-RG: reentered', 'ENTRYPOINT_FAILED', 'ENTRYPOINT_FAILED', 'ENTRYPOINT_FAILED'
    )
)]
fn a_token_does_not_reenter_settle_job() {
    let e = escrow();
    let first = e.submitted('first', 100, 60);
    let second = e.submitted('second', 100, 60);
    clock(START + WINDOW);
    e.token.attack(e.address, selector!("settle_job"), array![second].span());
    e.jobs.settle_job(first);
}

#[test]
#[should_panic(
    expected: (
        'CIRO-JM: bad state', 'ENTRYPOINT_FAILED', 'ENTRYPOINT_FAILED', 'ENTRYPOINT_FAILED'
    )
)]
fn a_token_does_not_settle_a_job_twice() {
    let e = escrow();
    let id = e.submitted('n', 100, 60);
    clock(START + WINDOW);
    e.token.attack(e.address, selector!("settle_job"), array![id].span());
    e.jobs.settle_job(id);
}

#[test]
#[should_panic(
    expected: (
        'CIRO-RG: reentered', 'ENTRYPOINT_FAILED', 'ENTRYPOINT_FAILED', 'ENTRYPOINT_FAILED'
    )
)]
fn a_token_does_not_reenter_create_job() {
    let e = escrow();
    let old = e.submitted('old', 10, 1);
    clock(START + WINDOW);
    e.token.attack(e.address, selector!("settle_job"), array![old].span());
    e.open('new', 10);
}

#[test]
fn one_token_that_fails_leaves_the_other_alone() {
    let e = escrow();
    let stuck = e.submitted('stuck', 100, 60);
    caller('client');
    let id = e.jobs.create_job('n', e.other.contract_address, 'model', 'spec', 10, DEADLINE);
    e.token.set_mode(FALSE);
    e.jobs.cancel_job(id);
    refused(e.safe.settle_job(stuck), 'CIRO-ER: transfer failed');
    assert(balance(e.other, at('client')) == PURSE, 'other');
    assert(e.jobs.held(e.other.contract_address) == 0, 'held');
}

// roles and upgrades

#[test]
fn only_the_owner_upgrades_and_gives_roles() {
    let e = escrow();
    caller('coordinator');
    let access = crate::access::IAccessSafeDispatcher { contract_address: e.address };
    refused(
        crate::access::IAccessSafeDispatcherTrait::upgrade(access, 1.try_into().unwrap()),
        'CIRO-AC: not owner'
    );
    refused(
        crate::access::IAccessSafeDispatcherTrait::grant_role(
            access, selector!("COURT"), at('coordinator')
        ),
        'CIRO-AC: not owner'
    );
}
