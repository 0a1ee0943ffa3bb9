//! Entry points of the DisputeCourt, one after another: what they do, what they say, what they refuse.

use crate::access::IAccessDispatcherTrait;
use crate::court_interface::{
    Case, CaseKind, CaseState, IDisputeCourtDispatcherTrait, IDisputeCourtSafeDispatcherTrait, RefCap
};
use crate::job_manager_interface::{IJobManagerDispatcherTrait, JobState};
use crate::jobs_court_fixture::{
    BOND, CAP_CASE_BPS, CAP_DAY, CourtTrait, PURSE, Plan, RESPONSE, VOTE, court, deploy_court, five,
    plan
};
use crate::jobs_escrow_fixture::EscrowTrait;
use crate::jobs_pool_fixture::pool;
use crate::jobs_store_fixture::IJobsStoreDispatcherTrait;
use crate::jobs_support_fixture::{
    START, at, balance, caller, clock, deploy, expect_event, forget_events, refused
};
use crate::pool::CdcPool;
use crate::pool_interface::ICdcPoolDispatcherTrait;

// constructor

#[test]
fn construction_keeps_what_it_is_given() {
    let c = court();
    let s = c.court.settings();
    assert(s.pool == c.pool.address && s.job_manager == c.escrow.address, 'contracts');
    assert(s.bond_token == c.bonds.contract_address, 'bond token');
    assert(s.stake_token == c.pool.token.contract_address, 'stake token');
    assert(s.bond == BOND && s.response_window == RESPONSE && s.vote_window == VOTE, 'windows');
    assert(s.quorum == 3 && s.cap_case_bps == CAP_CASE_BPS && s.cap_day == CAP_DAY, 'caps');
    assert(s.challenger_bps == 3_000 && s.burn_bps == 2_000, 'split');
    assert(c.access.has_role(selector!("ARBITER"), at('a5')), 'arbiter');
    assert(c.access.owner() == at('owner'), 'owner');
}

#[test]
#[should_panic(expected: ('CIRO-DC: zero address', 'CONSTRUCTOR_FAILED'))]
fn construction_refuses_a_zero_treasury() {
    deploy_court(Plan { treasury: 0, ..plan(pool().address) });
}

#[test]
#[should_panic(expected: ('CIRO-DC: zero address', 'CONSTRUCTOR_FAILED'))]
fn construction_refuses_a_zero_pool() {
    deploy_court(plan(at(0)));
}

#[test]
#[should_panic(expected: ('CIRO-DC: zero bond', 'CONSTRUCTOR_FAILED'))]
fn construction_refuses_no_bond() {
    deploy_court(Plan { bond: 0, ..plan(pool().address) });
}

#[test]
#[should_panic(expected: ('CIRO-DC: bad response window', 'CONSTRUCTOR_FAILED'))]
fn construction_refuses_a_short_response_window() {
    deploy_court(Plan { response: 59, ..plan(pool().address) });
}

#[test]
#[should_panic(expected: ('CIRO-DC: bad response window', 'CONSTRUCTOR_FAILED'))]
fn construction_refuses_a_long_response_window() {
    deploy_court(Plan { response: 604801, ..plan(pool().address) });
}

#[test]
#[should_panic(expected: ('CIRO-DC: bad vote window', 'CONSTRUCTOR_FAILED'))]
fn construction_refuses_a_short_vote_window() {
    deploy_court(Plan { vote: 59, ..plan(pool().address) });
}

#[test]
#[should_panic(expected: ('CIRO-DC: bad vote window', 'CONSTRUCTOR_FAILED'))]
fn construction_refuses_a_long_vote_window() {
    deploy_court(Plan { vote: 604801, ..plan(pool().address) });
}

#[test]
#[should_panic(expected: ('CIRO-DC: bad arbiters', 'CONSTRUCTOR_FAILED'))]
fn construction_refuses_two_arbiters() {
    let two = array![at('a1'), at('a2')].span();
    deploy_court(Plan { arbiters: two, quorum: 2, ..plan(pool().address) });
}

#[test]
#[should_panic(expected: ('CIRO-DC: bad arbiters', 'CONSTRUCTOR_FAILED'))]
fn construction_refuses_an_arbiter_twice() {
    let twice = array![at('a1'), at('a2'), at('a1')].span();
    deploy_court(Plan { arbiters: twice, quorum: 2, ..plan(pool().address) });
}

#[test]
#[should_panic(expected: ('CIRO-DC: bad quorum', 'CONSTRUCTOR_FAILED'))]
fn construction_refuses_a_quorum_of_less_than_half() {
    deploy_court(Plan { quorum: 2, arbiters: five(), ..plan(pool().address) });
}

#[test]
#[should_panic(expected: ('CIRO-DC: bad quorum', 'CONSTRUCTOR_FAILED'))]
fn construction_refuses_a_quorum_of_more_than_all() {
    deploy_court(Plan { quorum: 6, ..plan(pool().address) });
}

#[test]
#[should_panic(expected: ('CIRO-DC: bad cap', 'CONSTRUCTOR_FAILED'))]
fn construction_refuses_a_cap_over_half() {
    deploy_court(Plan { cap_case_bps: 5_001, ..plan(pool().address) });
}

#[test]
#[should_panic(expected: ('CIRO-DC: bad cap', 'CONSTRUCTOR_FAILED'))]
fn construction_refuses_no_cap_a_day() {
    deploy_court(Plan { cap_day: 0, ..plan(pool().address) });
}

#[test]
#[should_panic(expected: ('CIRO-DC: bad split', 'CONSTRUCTOR_FAILED'))]
fn construction_refuses_shares_over_the_whole() {
    deploy_court(Plan { challenger_bps: 5_000, burn_bps: 5_001, ..plan(pool().address) });
}

#[test]
#[should_panic(expected: ('CIRO-DC: bad split', 'CONSTRUCTOR_FAILED'))]
fn construction_refuses_a_challenger_share_over_half() {
    deploy_court(Plan { challenger_bps: 5_001, burn_bps: 0, ..plan(pool().address) });
}

#[test]
#[should_panic(expected: ('CIRO-DC: cool down too short', 'CONSTRUCTOR_FAILED'))]
fn construction_refuses_a_pool_that_lets_stake_leave_during_a_case() {
    let short = deploy(
        CdcPool::TEST_CLASS_HASH,
        0,
        array!['owner', 's', 'c', 't', 1, (RESPONSE + VOTE - 1).into(), 3600, 86400]
    );
    deploy_court(plan(short));
}

// open

#[test]
fn a_case_takes_a_bond_and_sets_its_times() {
    let c = court();
    let id = c.accused_with(1_000);
    assert(id == 1 && c.court.case_count() == 1, 'id');
    let respond_until = START + RESPONSE;
    let vote_until = START + RESPONSE + VOTE;
    let expected = Case {
        kind: CaseKind::Worker,
        state: CaseState::Open,
        challenger: at('accuser'),
        accused: at('worker'),
        ref_id: 'job',
        evidence_hash: 'evidence',
        answer_hash: 0,
        respond_until,
        vote_from: respond_until,
        vote_until,
        guilty_votes: 0,
        not_guilty_votes: 0,
        least_slash: 0
    };
    assert(c.court.get_case(id) == expected, 'case');
    assert(c.court.held() == BOND && balance(c.bonds, c.address) == BOND, 'bond');
    assert(
        c.court.ref_cap(CaseKind::Worker, at('worker'), 'job') == RefCap {
            cap: 500, slashed: 0, open_cases: 1
        },
        'cap'
    );
    expect_event(
        c.address,
        array![selector!("CaseOpened"), 1, 'worker'].span(),
        array![0, 'job', 'accuser', 'evidence', respond_until.into(), vote_until.into()].span()
    );
}

#[test]
#[should_panic(expected: ('CIRO-AC: paused', 'ENTRYPOINT_FAILED'))]
fn a_pause_stops_new_cases() {
    let c = court();
    caller('owner');
    c.access.pause();
    c.accused('job');
}

#[test]
#[should_panic(expected: ('CIRO-DC: zero evidence', 'ENTRYPOINT_FAILED'))]
fn a_case_has_evidence() {
    let c = court();
    caller('accuser');
    c.court.open(CaseKind::Worker, at('worker'), 'job', 0);
}

#[test]
#[should_panic(expected: ('CIRO-DC: bad ref', 'ENTRYPOINT_FAILED'))]
fn a_case_is_about_something() {
    court().accused(0);
}

#[test]
#[should_panic(expected: ('CIRO-DC: bad ref', 'ENTRYPOINT_FAILED'))]
fn an_epoch_is_a_number() {
    court().root_case(0x10000000000000000);
}

#[test]
#[should_panic(expected: ('CIRO-DC: bad accused', 'ENTRYPOINT_FAILED'))]
fn a_stranger_is_not_accused() {
    let c = court();
    caller('accuser');
    c.court.open(CaseKind::Worker, at('stranger'), 'job', 'evidence');
}

#[test]
fn nobody_is_named_for_a_root_or_a_job() {
    let c = court();
    caller('client');
    let bad = 'CIRO-DC: bad accused';
    refused(c.safe.open(CaseKind::Root, at('worker'), 4, 'evidence'), bad);
    refused(c.safe.open(CaseKind::Job, at('worker'), 'job', 'evidence'), bad);
    refused(c.safe.open(CaseKind::Worker, at(0), 'job', 'evidence'), bad);
}

#[test]
#[should_panic(expected: ('CIRO-DC: own case', 'ENTRYPOINT_FAILED'))]
fn nobody_accuses_themselves() {
    let c = court();
    caller('worker');
    c.court.open(CaseKind::Worker, at('worker'), 'job', 'evidence');
}

#[test]
fn a_friend_of_the_accused_keeps_nobody_out() {
    let c = court();
    let friend = c.accused('job');
    let honest = c.accused('job');
    assert(honest == friend + 1, 'two cases');
    assert(c.court.ref_cap(CaseKind::Worker, at('worker'), 'job').open_cases == 2, 'open');
    assert(c.court.held() == 2 * BOND, 'bonds');
}

#[test]
#[should_panic(expected: ('CIRO-DC: case open', 'ENTRYPOINT_FAILED'))]
fn an_epoch_is_disputed_once_at_a_time() {
    let c = court();
    c.root_case(4);
    c.root_case(4);
}

#[test]
#[should_panic(expected: ('CIRO-DC: not client', 'ENTRYPOINT_FAILED'))]
fn only_its_client_disputes_a_job() {
    let c = court();
    let job = c.escrow.submitted('n', 100, 60);
    caller('accuser');
    c.court.open(CaseKind::Job, at(0), job, 'evidence');
}

#[test]
fn a_case_holds_its_epoch_or_disputes_its_job() {
    let c = court();
    let root = c.root_case(4);
    assert(c.store.fate(4) == 'held' && c.store.case_of(4) == root, 'held');
    let (id, job) = c.job_case();
    let disputed = c.escrow.jobs.get_job(job);
    assert(disputed.state == JobState::Disputed && disputed.case_id == id, 'disputed');
    assert(c.court.held() == 2 * BOND, 'bonds');
}

// respond

#[test]
fn an_answer_opens_the_vote() {
    let c = court();
    let id = c.accused('job');
    clock(START + 10);
    forget_events(c.address);
    c.answered(id, 'worker');
    let case = c.court.get_case(id);
    assert(case.answer_hash == 'answer' && case.vote_from == START + 10, 'case');
    assert(case.vote_until == START + 10 + VOTE, 'until');
    expect_event(
        c.address,
        array![selector!("CaseAnswered"), 1].span(),
        array!['worker', 'answer', (START + 10 + VOTE).into()].span()
    );
}

#[test]
#[should_panic(expected: ('CIRO-DC: not accused', 'ENTRYPOINT_FAILED'))]
fn only_the_accused_answers() {
    let c = court();
    let id = c.accused('job');
    c.answered(id, 'settler');
}

#[test]
fn a_root_is_answered_for_by_the_settler_and_a_job_by_the_coordinator() {
    let c = court();
    let root = c.root_case(4);
    let (job, _) = c.job_case();
    caller('coordinator');
    refused(c.safe.respond(root, 'answer'), 'CIRO-DC: not accused');
    caller('settler');
    refused(c.safe.respond(job, 'answer'), 'CIRO-DC: not accused');
    c.answered(root, 'settler');
    c.answered(job, 'coordinator');
}

#[test]
#[should_panic(expected: ('CIRO-DC: answered', 'ENTRYPOINT_FAILED'))]
fn a_case_is_answered_once() {
    let c = court();
    let id = c.accused('job');
    c.answered(id, 'worker');
    c.answered(id, 'worker');
}

#[test]
#[should_panic(expected: ('CIRO-DC: unknown case', 'ENTRYPOINT_FAILED'))]
fn an_unknown_case_is_not_answered() {
    court().answered(1, 'worker');
}

// vote

#[test]
fn votes_are_counted_with_the_least_amount() {
    let c = court();
    let id = c.accused_with(1_000);
    assert(!c.court.may_vote(id, at('a4')), 'not before the vote');
    c.answered(id, 'worker');
    forget_events(c.address);
    c.votes(id, 'a1', true, 300);
    expect_event(
        c.address, array![selector!("VoteCast"), 1, 'a1'].span(), array![1, 300].span()
    );
    c.votes(id, 'a2', true, 200);
    c.votes(id, 'a3', false, 0);
    let case = c.court.get_case(id);
    assert(case.guilty_votes == 2 && case.not_guilty_votes == 1, 'votes');
    assert(case.least_slash == 200, 'least');
    assert(c.court.has_voted(id, at('a1')) && !c.court.has_voted(id, at('a4')), 'voted');
    assert(!c.court.may_vote(id, at('a1')) && c.court.may_vote(id, at('a4')), 'may vote');
    c.votes(id, 'a5', true, 250);
    assert(!c.court.may_vote(id, at('a4')), 'not once it is decided');
}

#[test]
#[should_panic(expected: ('CIRO-AC: missing role', 'ENTRYPOINT_FAILED'))]
fn only_arbiters_vote() {
    let c = court();
    let id = c.accused('job');
    c.answered(id, 'worker');
    c.votes(id, 'anybody', false, 0);
}

#[test]
#[should_panic(expected: ('CIRO-DC: voted', 'ENTRYPOINT_FAILED'))]
fn an_arbiter_votes_once() {
    let c = court();
    let id = c.accused('job');
    c.answered(id, 'worker');
    c.votes(id, 'a1', false, 0);
    c.votes(id, 'a1', true, 1);
}

#[test]
#[should_panic(expected: ('CIRO-DC: bad slash amount', 'ENTRYPOINT_FAILED'))]
fn a_guilty_vote_names_an_amount() {
    let c = court();
    let id = c.accused('job');
    c.answered(id, 'worker');
    c.votes(id, 'a1', true, 0);
}

#[test]
#[should_panic(expected: ('CIRO-DC: decided', 'ENTRYPOINT_FAILED'))]
fn nobody_votes_after_the_quorum() {
    let c = court();
    let id = c.accused_with(1_000);
    c.answered(id, 'worker');
    c.convicted(id, 100);
    c.votes(id, 'a4', true, 1);
}

// finalise

#[test]
fn a_guilty_worker_pays_accuser_fire_and_treasury() {
    let c = court();
    let id = c.accused_with(1_000);
    c.answered(id, 'worker');
    c.convicted(id, 333);
    forget_events(c.address);
    let supply = crate::jobs_token_fixture::IJobsTokenDispatcherTrait::total_supply(c.pool.token);
    c.ended(id);
    expect_event(
        c.address,
        array![selector!("CaseRuled"), 1, 'worker'].span(),
        array![1, 0, 333, 'accuser'].span()
    );
    // 30 % and 20 % of 333, rounded down; the rest is the treasury's.
    expect_event(c.address, array![selector!("SlashSplit"), 1].span(), array![99, 66, 168].span());
    let token = c.pool.token;
    assert(balance(token, at('accuser')) == 99, 'accuser');
    assert(balance(token, at('treasury')) == 168, 'treasury');
    let after = crate::jobs_token_fixture::IJobsTokenDispatcherTrait::total_supply(token);
    assert(supply - after == 66, 'burnt');
    assert(c.pool.pool.at_risk(at('worker')) == 667, 'left');
    assert(balance(c.bonds, at('accuser')) == PURSE, 'bond back');
    assert(c.court.held() == 0 && balance(c.bonds, c.address) == 0, 'held');
    assert(balance(token, c.address) == 0, 'nothing kept');
    assert(c.court.get_case(id).state == CaseState::Guilty, 'state');
}

#[test]
fn an_acquitted_worker_gets_the_bond() {
    let c = court();
    let id = c.accused_with(1_000);
    c.answered(id, 'worker');
    c.acquitted(id);
    c.ended(id);
    assert(c.court.get_case(id).state == CaseState::NotGuilty, 'state');
    assert(balance(c.bonds, at('worker')) == BOND, 'bond');
    assert(balance(c.bonds, at('accuser')) == PURSE - BOND, 'accuser');
    assert(c.pool.pool.at_risk(at('worker')) == 1_000, 'whole');
}

#[test]
fn a_root_is_vetoed_or_released() {
    let c = court();
    let bad = c.root_case(4);
    let good = c.root_case(5);
    c.answered(bad, 'settler');
    c.answered(good, 'settler');
    c.convicted(bad, 0);
    c.acquitted(good);
    c.ended(bad);
    c.ended(good);
    assert(c.store.fate(4) == 'vetoed' && c.store.fate(5) == 'released', 'fates');
    assert(balance(c.bonds, at('accuser')) == PURSE - BOND, 'accuser');
    assert(balance(c.bonds, at('treasury')) == BOND, 'treasury');
}

#[test]
fn a_job_is_refunded_or_settled() {
    let c = court();
    let (bad, lost) = c.job_case();
    c.answered(bad, 'coordinator');
    c.convicted(bad, 0);
    c.ended(bad);
    assert(c.escrow.jobs.job_state(lost) == JobState::Refunded, 'refunded');
    assert(balance(c.bonds, at('client')) == PURSE, 'bond back');
    let won = c.escrow.submitted('m', 100, 60);
    caller('client');
    let good = c.court.open(CaseKind::Job, at(0), won, 'evidence');
    c.answered(good, 'coordinator');
    c.acquitted(good);
    c.ended(good);
    assert(c.escrow.jobs.job_state(won) == JobState::Settled, 'settled');
    assert(balance(c.bonds, at('treasury')) == BOND, 'treasury');
}

#[test]
#[should_panic(expected: ('CIRO-DC: not decided', 'ENTRYPOINT_FAILED'))]
fn a_case_without_a_quorum_waits() {
    let c = court();
    let id = c.accused('job');
    c.answered(id, 'worker');
    c.votes(id, 'a1', true, 1);
    c.votes(id, 'a2', true, 1);
    c.ended(id);
}

#[test]
#[should_panic(expected: ('CIRO-DC: case closed', 'ENTRYPOINT_FAILED'))]
fn a_case_ends_once() {
    let c = court();
    let id = c.accused('job');
    c.answered(id, 'worker');
    c.acquitted(id);
    c.ended(id);
    c.ended(id);
}
