//! Entry points of the JobManager, one after another: what they do, what they say, what they refuse.

use crate::access::IAccessDispatcherTrait;
use crate::job_manager_interface::{IJobManagerDispatcherTrait, Job, JobState, Model};
use crate::jobs_escrow_fixture::{
    DEADLINE, Escrow, EscrowTrait, GRACE, PURSE, WINDOW, calldata, deploy_jobs, escrow
};
use crate::jobs_support_fixture::{START, at, balance, caller, clock, expect_event, forget_events};
use crate::jobs_token_fixture::IJobsTokenDispatcherTrait;

fn job(e: Escrow, budget: u128, used: u128, state: JobState) -> Job {
    let result_root = if used == 0 {
        0
    } else {
        'result'
    };
    Job {
        client: at('client'),
        token: e.token.contract_address,
        model_id: 'model',
        spec_hash: 'spec',
        result_root,
        budget,
        used,
        deadline: DEADLINE,
        since: START,
        state,
        case_id: 0,
    }
}

// constructor

#[test]
fn construction_gives_roles_sinks_and_windows() {
    let e = escrow();
    assert(e.access.owner() == at('owner'), 'owner');
    assert(e.access.has_role(selector!("COORDINATOR"), at('coordinator')), 'coordinator');
    assert(e.access.has_role(selector!("COURT"), at('court')), 'court');
    assert(e.jobs.sink_of(e.token.contract_address) == at('sink'), 'sink');
    assert(e.jobs.sink_of(e.other.contract_address) == at('other sink'), 'other sink');
    assert(e.jobs.sink_of(at('foreign')) == at(0), 'foreign');
    assert(e.jobs.refund_grace() == GRACE && e.jobs.dispute_window() == WINDOW, 'windows');
}

#[test]
#[should_panic(expected: ('CIRO-JM: zero address', 'CONSTRUCTOR_FAILED'))]
fn construction_refuses_a_zero_coordinator() {
    deploy_jobs(calldata('owner', 0, GRACE, WINDOW, array![(at('t'), at('s'))].span()));
}

#[test]
#[should_panic(expected: ('CIRO-JM: zero address', 'CONSTRUCTOR_FAILED'))]
fn construction_refuses_a_zero_sink() {
    deploy_jobs(calldata('owner', 'c', GRACE, WINDOW, array![(at('t'), at(0))].span()));
}

#[test]
#[should_panic(expected: ('CIRO-JM: bad refund grace', 'CONSTRUCTOR_FAILED'))]
fn construction_refuses_a_short_grace() {
    deploy_jobs(calldata('owner', 'c', 59, WINDOW, array![(at('t'), at('s'))].span()));
}

#[test]
#[should_panic(expected: ('CIRO-JM: bad refund grace', 'CONSTRUCTOR_FAILED'))]
fn construction_refuses_a_long_grace() {
    deploy_jobs(calldata('owner', 'c', 604801, WINDOW, array![(at('t'), at('s'))].span()));
}

#[test]
#[should_panic(expected: ('CIRO-JM: bad dispute window', 'CONSTRUCTOR_FAILED'))]
fn construction_refuses_a_short_window() {
    deploy_jobs(calldata('owner', 'c', GRACE, 59, array![(at('t'), at('s'))].span()));
}

#[test]
#[should_panic(expected: ('CIRO-JM: bad dispute window', 'CONSTRUCTOR_FAILED'))]
fn construction_refuses_a_long_window() {
    deploy_jobs(calldata('owner', 'c', GRACE, 604801, array![(at('t'), at('s'))].span()));
}

#[test]
fn construction_takes_the_bounds_themselves() {
    deploy_jobs(calldata('owner', 'c', 60, 60, array![(at('t'), at('s'))].span()));
    deploy_jobs(calldata('owner', 'd', 604800, 604800, array![(at('t'), at('s'))].span()));
}

#[test]
#[should_panic(expected: ('CIRO-JM: bad token list', 'CONSTRUCTOR_FAILED'))]
fn construction_refuses_no_tokens() {
    deploy_jobs(calldata('owner', 'c', GRACE, WINDOW, array![].span()));
}

#[test]
#[should_panic(expected: ('CIRO-JM: bad token list', 'CONSTRUCTOR_FAILED'))]
fn construction_refuses_a_token_twice() {
    let twice = array![(at('t'), at('s')), (at('t'), at('u'))];
    deploy_jobs(calldata('owner', 'c', GRACE, WINDOW, twice.span()));
}

// models

#[test]
fn a_model_is_registered_and_revoked() {
    let e = escrow();
    caller('model admin');
    e.jobs.register_model('second', 3, 0, 0);
    expect_event(
        e.address, array![selector!("ModelRegistered"), 'second'].span(), array![3, 0, 0].span()
    );
    let expected = Model {
        content_hash_high: 3, content_hash_low: 0, meta_hash: 0, registered: true, revoked: false
    };
    assert(e.jobs.model('second') == expected, 'registered');
    e.jobs.revoke_model('second');
    expect_event(e.address, array![selector!("ModelRevoked"), 'second'].span(), array![].span());
    assert(e.jobs.model('second') == Model { revoked: true, ..expected }, 'revoked');
    assert(!e.jobs.model('third').registered, 'third');
}

#[test]
#[should_panic(expected: ('CIRO-AC: missing role', 'ENTRYPOINT_FAILED'))]
fn only_the_model_admin_registers() {
    escrow().jobs.register_model('second', 1, 2, 3);
}

#[test]
#[should_panic(expected: ('CIRO-AC: missing role', 'ENTRYPOINT_FAILED'))]
fn only_the_model_admin_revokes() {
    escrow().jobs.revoke_model('model');
}

#[test]
#[should_panic(expected: ('CIRO-JM: bad model', 'ENTRYPOINT_FAILED'))]
fn a_model_has_a_hash() {
    let e = escrow();
    caller('model admin');
    e.jobs.register_model('second', 0, 0, 1);
}

#[test]
#[should_panic(expected: ('CIRO-JM: model exists', 'ENTRYPOINT_FAILED'))]
fn a_revoked_model_never_comes_back() {
    let e = escrow();
    caller('model admin');
    e.jobs.revoke_model('model');
    e.jobs.register_model('model', 1, 2, 'meta');
}

#[test]
#[should_panic(expected: ('CIRO-JM: unknown model', 'ENTRYPOINT_FAILED'))]
fn an_unknown_model_is_not_revoked() {
    let e = escrow();
    caller('model admin');
    e.jobs.revoke_model('second');
}

// create_job

#[test]
fn a_job_takes_its_budget() {
    let e = escrow();
    let id = e.open('n', 1_000);
    assert(id == e.jobs.job_id_of(at('client'), 'n'), 'id');
    assert(e.jobs.get_job(id) == job(e, 1_000, 0, JobState::Open), 'job');
    assert(e.jobs.job_state(id) == JobState::Open, 'state');
    assert(e.jobs.held(e.token.contract_address) == 1_000, 'held');
    assert(balance(e.token, e.address) == 1_000, 'balance');
    assert(balance(e.token, at('client')) == PURSE - 1_000, 'purse');
    expect_event(
        e.address,
        array![selector!("JobCreated"), id, 'client'].span(),
        array![e.token.contract_address.into(), 'model', 'spec', 1_000, DEADLINE.into()].span()
    );
}

#[test]
fn ids_differ_by_client_and_nonce() {
    let e = escrow();
    let id = e.jobs.job_id_of(at('client'), 'n');
    assert(id != e.jobs.job_id_of(at('client'), 'm'), 'nonce');
    assert(id != e.jobs.job_id_of(at('other'), 'n'), 'client');
}

#[test]
#[should_panic(expected: ('CIRO-AC: paused', 'ENTRYPOINT_FAILED'))]
fn a_pause_stops_new_jobs() {
    let e = escrow();
    caller('owner');
    e.access.pause();
    e.open('n', 1);
}

#[test]
#[should_panic(expected: ('CIRO-JM: token not allowed', 'ENTRYPOINT_FAILED'))]
fn a_foreign_token_is_refused() {
    escrow().jobs.create_job('n', at('foreign'), 'model', 'spec', 1, DEADLINE);
}

#[test]
#[should_panic(expected: ('CIRO-JM: unknown model', 'ENTRYPOINT_FAILED'))]
fn an_unknown_model_is_refused() {
    let e = escrow();
    e.jobs.create_job('n', e.token.contract_address, 'second', 'spec', 1, DEADLINE);
}

#[test]
#[should_panic(expected: ('CIRO-JM: model revoked', 'ENTRYPOINT_FAILED'))]
fn a_revoked_model_is_refused() {
    let e = escrow();
    caller('model admin');
    e.jobs.revoke_model('model');
    e.open('n', 1);
}

#[test]
#[should_panic(expected: ('CIRO-JM: zero spec hash', 'ENTRYPOINT_FAILED'))]
fn a_job_without_a_spec_is_refused() {
    let e = escrow();
    e.jobs.create_job('n', e.token.contract_address, 'model', 0, 1, DEADLINE);
}

#[test]
#[should_panic(expected: ('CIRO-JM: zero amount', 'ENTRYPOINT_FAILED'))]
fn a_job_without_a_budget_is_refused() {
    escrow().open('n', 0);
}

#[test]
#[should_panic(expected: ('CIRO-JM: bad deadline', 'ENTRYPOINT_FAILED'))]
fn a_job_of_the_past_is_refused() {
    let e = escrow();
    e.jobs.create_job('n', e.token.contract_address, 'model', 'spec', 1, START);
}

#[test]
#[should_panic(expected: ('CIRO-JM: job exists', 'ENTRYPOINT_FAILED'))]
fn a_nonce_serves_once() {
    let e = escrow();
    let id = e.open('n', 1);
    e.jobs.cancel_job(id);
    e.open('n', 1);
}

// top_up

#[test]
fn a_top_up_raises_the_budget_of_an_open_and_of_a_running_job() {
    let e = escrow();
    let id = e.open('n', 100);
    forget_events(e.address);
    e.jobs.top_up(id, 10);
    expect_event(e.address, array![selector!("JobToppedUp"), id].span(), array![10, 110].span());
    caller('coordinator');
    e.jobs.start_job(id);
    caller('client');
    e.jobs.top_up(id, 1);
    assert(e.jobs.get_job(id) == job(e, 111, 0, JobState::Running), 'job');
    assert(e.jobs.held(e.token.contract_address) == 111, 'held');
    assert(balance(e.token, e.address) == 111, 'balance');
}

#[test]
#[should_panic(expected: ('CIRO-AC: paused', 'ENTRYPOINT_FAILED'))]
fn a_pause_stops_top_ups() {
    let e = escrow();
    let id = e.open('n', 1);
    caller('owner');
    e.access.pause();
    caller('client');
    e.jobs.top_up(id, 1);
}

#[test]
#[should_panic(expected: ('CIRO-JM: not client', 'ENTRYPOINT_FAILED'))]
fn only_the_client_tops_up() {
    let e = escrow();
    let id = e.open('n', 1);
    caller('other');
    e.jobs.top_up(id, 1);
}

#[test]
#[should_panic(expected: ('CIRO-JM: zero amount', 'ENTRYPOINT_FAILED'))]
fn a_top_up_adds_something() {
    let e = escrow();
    let id = e.open('n', 1);
    e.jobs.top_up(id, 0);
}

#[test]
#[should_panic(expected: ('CIRO-JM: bad state', 'ENTRYPOINT_FAILED'))]
fn a_submitted_job_is_not_topped_up() {
    let e = escrow();
    let id = e.submitted('n', 10, 1);
    caller('client');
    e.jobs.top_up(id, 1);
}

// cancel_job

#[test]
fn an_open_job_is_cancelled_even_in_a_pause() {
    let e = escrow();
    let id = e.open('n', 100);
    caller('owner');
    e.access.pause();
    forget_events(e.address);
    caller('client');
    e.jobs.cancel_job(id);
    expect_event(e.address, array![selector!("JobCancelled"), id].span(), array![100].span());
    assert(e.jobs.job_state(id) == JobState::Cancelled, 'state');
    assert(balance(e.token, at('client')) == PURSE, 'purse');
    assert(e.jobs.held(e.token.contract_address) == 0, 'held');
}

#[test]
#[should_panic(expected: ('CIRO-JM: not client', 'ENTRYPOINT_FAILED'))]
fn only_the_client_cancels() {
    let e = escrow();
    let id = e.open('n', 1);
    caller('coordinator');
    e.jobs.cancel_job(id);
}

#[test]
#[should_panic(expected: ('CIRO-JM: bad state', 'ENTRYPOINT_FAILED'))]
fn a_client_does_not_cancel_after_the_start() {
    let e = escrow();
    let id = e.running('n', 1);
    caller('client');
    e.jobs.cancel_job(id);
}

#[test]
#[should_panic(expected: ('CIRO-JM: unknown job', 'ENTRYPOINT_FAILED'))]
fn an_unknown_job_is_not_cancelled() {
    escrow().jobs.cancel_job('no job');
}

// start_job, submit_result

#[test]
fn the_coordinator_starts_and_submits() {
    let e = escrow();
    let id = e.open('n', 100);
    forget_events(e.address);
    caller('coordinator');
    e.jobs.start_job(id);
    expect_event(e.address, array![selector!("JobStarted"), id].span(), array![].span());
    e.jobs.submit_result(id, 'result', 60);
    expect_event(
        e.address, array![selector!("JobSubmitted"), id].span(), array!['result', 60].span()
    );
    assert(e.jobs.get_job(id) == job(e, 100, 60, JobState::Submitted), 'job');
    assert(e.jobs.held(e.token.contract_address) == 100, 'held');
}

#[test]
#[should_panic(expected: ('CIRO-AC: missing role', 'ENTRYPOINT_FAILED'))]
fn only_the_coordinator_starts() {
    let e = escrow();
    let id = e.open('n', 1);
    e.jobs.start_job(id);
}

#[test]
#[should_panic(expected: ('CIRO-JM: bad state', 'ENTRYPOINT_FAILED'))]
fn a_job_starts_once() {
    let e = escrow();
    let id = e.running('n', 1);
    e.jobs.start_job(id);
}

#[test]
#[should_panic(expected: ('CIRO-JM: model revoked', 'ENTRYPOINT_FAILED'))]
fn a_job_of_a_revoked_model_does_not_start() {
    let e = escrow();
    let id = e.open('n', 1);
    caller('model admin');
    e.jobs.revoke_model('model');
    caller('coordinator');
    e.jobs.start_job(id);
}

#[test]
#[should_panic(expected: ('CIRO-AC: missing role', 'ENTRYPOINT_FAILED'))]
fn only_the_coordinator_submits() {
    let e = escrow();
    let id = e.running('n', 1);
    caller('client');
    e.jobs.submit_result(id, 'result', 1);
}

#[test]
#[should_panic(expected: ('CIRO-JM: zero result root', 'ENTRYPOINT_FAILED'))]
fn a_result_has_a_root() {
    let e = escrow();
    let id = e.running('n', 1);
    e.jobs.submit_result(id, 0, 1);
}

#[test]
#[should_panic(expected: ('CIRO-JM: over budget', 'ENTRYPOINT_FAILED'))]
fn a_result_costs_no_more_than_the_budget() {
    let e = escrow();
    let id = e.running('n', 10);
    e.jobs.submit_result(id, 'result', 11);
}

#[test]
#[should_panic(expected: ('CIRO-JM: bad state', 'ENTRYPOINT_FAILED'))]
fn a_job_that_was_not_started_has_no_result() {
    let e = escrow();
    let id = e.open('n', 10);
    caller('coordinator');
    e.jobs.submit_result(id, 'result', 1);
}

// settle_job

#[test]
fn a_settled_job_pays_the_sink_and_returns_the_rest() {
    let e = escrow();
    let id = e.submitted('n', 100, 60);
    forget_events(e.address);
    clock(START + WINDOW);
    caller('anybody');
    e.jobs.settle_job(id);
    expect_event(e.address, array![selector!("JobSettled"), id].span(), array![60, 40].span());
    assert(e.jobs.job_state(id) == JobState::Settled, 'state');
    assert(balance(e.token, at('sink')) == 60, 'sink');
    assert(balance(e.token, at('client')) == PURSE - 60, 'client');
    assert(balance(e.token, e.address) == 0 && e.jobs.held(e.token.contract_address) == 0, 'left');
}

#[test]
fn a_job_may_cost_nothing_or_everything() {
    let e = escrow();
    let free = e.submitted('free', 100, 0);
    let full = e.submitted('full', 100, 100);
    caller('client');
    e.jobs.settle_job(free);
    assert(balance(e.token, at('sink')) == 0, 'free');
    e.jobs.settle_job(full);
    assert(balance(e.token, at('sink')) == 100, 'full');
    assert(balance(e.token, at('client')) == PURSE - 100, 'client');
}

#[test]
#[should_panic(expected: ('CIRO-JM: unknown job', 'ENTRYPOINT_FAILED'))]
fn an_unknown_job_is_not_settled() {
    escrow().jobs.settle_job('no job');
}

#[test]
#[should_panic(expected: ('CIRO-JM: bad state', 'ENTRYPOINT_FAILED'))]
fn a_job_settles_once() {
    let e = escrow();
    let id = e.submitted('n', 100, 60);
    caller('client');
    e.jobs.settle_job(id);
    e.jobs.settle_job(id);
}
