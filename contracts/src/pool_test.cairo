//! Entry points of the CdcPool, one after another: what they do, what they say, what they refuse.

use crate::access::IAccessDispatcherTrait;
use crate::jobs_pool_fixture::{
    COOL_DOWN, DELAY, INACTIVE, MIN_STAKE, PURSE, Pool, PoolTrait, calldata, deploy_pool, node, perf,
    pool
};
use crate::jobs_support_fixture::{
    START, at, balance, caller, clock, expect_event, forget_events, refused
};
use crate::pool_interface::{
    ICdcPoolDispatcherTrait, ICdcPoolSafeDispatcherTrait, PerformanceEpoch, Worker
};

fn fresh() -> Worker {
    Worker {
        capability_hash: 'gpu',
        payout: at('payout'),
        next_payout: at(0),
        next_payout_at: 0,
        stake: 0,
        cooling: 0,
        ready_at: 0,
        bond: 0,
        bond_at: 0,
        last_seen: START,
    }
}

fn me(p: Pool) -> Worker {
    p.pool.worker(at('worker'))
}

// constructor

#[test]
fn construction_gives_roles_and_data() {
    let p = pool();
    assert(p.access.owner() == at('owner'), 'owner');
    assert(p.access.has_role(selector!("SETTLER"), at('settler')), 'settler');
    assert(p.access.has_role(selector!("COURT"), at('court')), 'court');
    assert(p.pool.stake_token() == p.token.contract_address, 'token');
    assert(p.pool.min_stake() == MIN_STAKE && p.pool.cool_down() == COOL_DOWN, 'stake');
    assert(p.pool.payout_delay() == DELAY && p.pool.inactive_after() == INACTIVE, 'times');
}

#[test]
#[should_panic(expected: ('CIRO-CP: zero address', 'CONSTRUCTOR_FAILED'))]
fn construction_refuses_a_zero_settler() {
    deploy_pool(calldata(0, 't', 1, COOL_DOWN, DELAY, INACTIVE));
}

#[test]
#[should_panic(expected: ('CIRO-CP: zero address', 'CONSTRUCTOR_FAILED'))]
fn construction_refuses_a_zero_token() {
    deploy_pool(calldata('s', 0, 1, COOL_DOWN, DELAY, INACTIVE));
}

#[test]
#[should_panic(expected: ('CIRO-CP: zero amount', 'CONSTRUCTOR_FAILED'))]
fn construction_refuses_no_minimum_stake() {
    deploy_pool(calldata('s', 't', 0, COOL_DOWN, DELAY, INACTIVE));
}

#[test]
#[should_panic(expected: ('CIRO-CP: bad cool down', 'CONSTRUCTOR_FAILED'))]
fn construction_refuses_a_short_cool_down() {
    deploy_pool(calldata('s', 't', 1, 119, DELAY, INACTIVE));
}

#[test]
#[should_panic(expected: ('CIRO-CP: bad cool down', 'CONSTRUCTOR_FAILED'))]
fn construction_refuses_a_long_cool_down() {
    deploy_pool(calldata('s', 't', 1, 7257601, DELAY, INACTIVE));
}

#[test]
#[should_panic(expected: ('CIRO-CP: bad payout delay', 'CONSTRUCTOR_FAILED'))]
fn construction_refuses_a_short_delay() {
    deploy_pool(calldata('s', 't', 1, COOL_DOWN, 59, INACTIVE));
}

#[test]
#[should_panic(expected: ('CIRO-CP: bad payout delay', 'CONSTRUCTOR_FAILED'))]
fn construction_refuses_a_long_delay() {
    deploy_pool(calldata('s', 't', 1, COOL_DOWN, 2592001, INACTIVE));
}

#[test]
#[should_panic(expected: ('CIRO-CP: bad inactive time', 'CONSTRUCTOR_FAILED'))]
fn construction_refuses_a_short_inactive_time() {
    deploy_pool(calldata('s', 't', 1, COOL_DOWN, DELAY, 3599));
}

#[test]
#[should_panic(expected: ('CIRO-CP: bad inactive time', 'CONSTRUCTOR_FAILED'))]
fn construction_refuses_a_long_inactive_time() {
    deploy_pool(calldata('s', 't', 1, COOL_DOWN, DELAY, 604801));
}

#[test]
fn construction_takes_the_bounds_themselves() {
    deploy_pool(calldata('s', 't', 1, 120, 60, 3600));
    deploy_pool(calldata('r', 't', 1, 7257600, 2592000, 604800));
}

// register, set_capability, deregister

#[test]
fn a_worker_registers_with_nothing() {
    let p = pool();
    assert(p.pool.tier_of(at('third')) == 0, 'unknown');
    caller('third');
    p.pool.register('cpu', at('wallet'));
    expect_event(
        p.address,
        array![selector!("WorkerRegistered"), 'third'].span(),
        array!['cpu', 'wallet'].span()
    );
    assert(p.pool.tier_of(at('third')) == 1, 'newcomer');
    assert(p.pool.payout_of(at('third')) == at('wallet'), 'payout');
    assert(me(p) == fresh(), 'fresh');
}

#[test]
#[should_panic(expected: ('CIRO-CP: known worker', 'ENTRYPOINT_FAILED'))]
fn a_worker_registers_once() {
    pool().pool.register('gpu', at('thief'));
}

#[test]
#[should_panic(expected: ('CIRO-CP: zero capability', 'ENTRYPOINT_FAILED'))]
fn a_worker_says_what_it_can() {
    let p = pool();
    caller('third');
    p.pool.register(0, at('wallet'));
}

#[test]
#[should_panic(expected: ('CIRO-CP: zero address', 'ENTRYPOINT_FAILED'))]
fn a_worker_says_where_to_pay() {
    let p = pool();
    caller('third');
    p.pool.register('gpu', at(0));
}

#[test]
fn a_capability_is_changed() {
    let p = pool();
    p.pool.set_capability('fast gpu');
    expect_event(
        p.address,
        array![selector!("CapabilityChanged"), 'worker'].span(),
        array!['fast gpu'].span()
    );
    assert(me(p).capability_hash == 'fast gpu', 'capability');
    refused(p.safe.set_capability(0), 'CIRO-CP: zero capability');
}

#[test]
#[should_panic(expected: ('CIRO-CP: unknown worker', 'ENTRYPOINT_FAILED'))]
fn a_stranger_has_no_capability() {
    let p = pool();
    caller('third');
    p.pool.set_capability('gpu');
}

#[test]
fn a_worker_without_money_leaves_and_may_come_back() {
    let p = pool();
    p.pool.set_payout(at('elsewhere'));
    forget_events(p.address);
    p.pool.deregister();
    expect_event(
        p.address, array![selector!("WorkerDeregistered"), 'worker'].span(), array![].span()
    );
    assert(p.pool.tier_of(at('worker')) == 0, 'tier');
    p.pool.register('gpu', at('payout'));
    clock(START + DELAY);
    assert(p.pool.payout_of(at('worker')) == at('payout'), 'old change is gone');
}

#[test]
#[should_panic(expected: ('CIRO-CP: still holds money', 'ENTRYPOINT_FAILED'))]
fn a_staked_worker_does_not_leave() {
    let p = pool();
    p.staked(1);
    p.pool.deregister();
}

#[test]
fn a_worker_with_cooling_stake_or_bond_does_not_leave() {
    let p = pool();
    p.staked(1);
    p.pool.unstake_intent(1);
    refused(p.safe.deregister(), 'CIRO-CP: still holds money');
    clock(START + COOL_DOWN);
    p.pool.unstake_action(at('worker'));
    p.bonded(1);
    caller('worker');
    refused(p.safe.deregister(), 'CIRO-CP: still holds money');
}

// stake, unstake

#[test]
fn a_stake_makes_the_tier_at_its_minimum() {
    let p = pool();
    p.staked(MIN_STAKE - 1);
    expect_event(
        p.address, array![selector!("StakeIncreased"), 'worker'].span(), array![99, 99].span()
    );
    assert(p.pool.tier_of(at('worker')) == 1, 'newcomer');
    p.staked(1);
    assert(p.pool.tier_of(at('worker')) == 2, 'staked');
    assert(me(p) == Worker { stake: MIN_STAKE, ..fresh() }, 'worker');
    assert(p.pool.held() == MIN_STAKE && balance(p.token, p.address) == MIN_STAKE, 'held');
}

#[test]
#[should_panic(expected: ('CIRO-CP: unknown worker', 'ENTRYPOINT_FAILED'))]
fn a_stranger_does_not_stake() {
    let p = pool();
    caller('third');
    p.pool.stake(1);
}

#[test]
#[should_panic(expected: ('CIRO-CP: zero amount', 'ENTRYPOINT_FAILED'))]
fn nothing_is_no_stake() {
    pool().staked(0);
}

#[test]
fn an_intent_cools_and_says_when_it_is_ready() {
    let p = pool();
    p.staked(100);
    forget_events(p.address);
    let ready_at = START + COOL_DOWN;
    assert(p.pool.unstake_intent(40) == ready_at, 'ready at');
    expect_event(
        p.address,
        array![selector!("UnstakeIntended"), 'worker'].span(),
        array![40, 40, ready_at.into()].span()
    );
    assert(me(p) == Worker { stake: 60, cooling: 40, ready_at, ..fresh() }, 'worker');
    assert(p.pool.tier_of(at('worker')) == 1, 'tier');
    assert(p.pool.at_risk(at('worker')) == 100, 'at risk');
}

#[test]
#[should_panic(expected: ('CIRO-CP: over stake', 'ENTRYPOINT_FAILED'))]
fn an_intent_is_within_the_stake() {
    let p = pool();
    p.staked(100);
    p.pool.unstake_intent(101);
}

#[test]
#[should_panic(expected: ('CIRO-CP: zero amount', 'ENTRYPOINT_FAILED'))]
fn nothing_is_no_intent() {
    let p = pool();
    p.staked(100);
    p.pool.unstake_intent(0);
}

#[test]
fn an_intent_is_cancelled() {
    let p = pool();
    p.staked(100);
    p.pool.unstake_intent(40);
    forget_events(p.address);
    p.pool.cancel_unstake();
    expect_event(
        p.address, array![selector!("UnstakeCancelled"), 'worker'].span(), array![40].span()
    );
    assert(me(p) == Worker { stake: 100, ..fresh() }, 'worker');
}

#[test]
#[should_panic(expected: ('CIRO-CP: nothing cooling', 'ENTRYPOINT_FAILED'))]
fn nothing_is_cancelled_without_an_intent() {
    pool().pool.cancel_unstake();
}

#[test]
#[should_panic(expected: ('CIRO-CP: nothing cooling', 'ENTRYPOINT_FAILED'))]
fn nothing_leaves_without_an_intent() {
    pool().pool.unstake_action(at('worker'));
}

// bonds

#[test]
fn a_bond_comes_from_the_settler_and_goes_to_the_payout() {
    let p = pool();
    p.bonded(50);
    expect_event(p.address, array![selector!("BondAdded"), 'worker'].span(), array![50, 50].span());
    assert(me(p) == Worker { bond: 50, bond_at: START, ..fresh() }, 'worker');
    assert(balance(p.token, at('settler')) == PURSE - 50, 'settler');
    p.pool.release_bond(at('worker'), 20);
    expect_event(
        p.address, array![selector!("BondReleased"), 'worker'].span(), array![20, 'payout'].span()
    );
    assert(balance(p.token, at('payout')) == 20 && p.pool.held() == 30, 'paid');
}

#[test]
#[should_panic(expected: ('CIRO-AC: missing role', 'ENTRYPOINT_FAILED'))]
fn only_the_settler_adds_bonds() {
    pool().pool.add_bond(at('worker'), 1);
}

#[test]
#[should_panic(expected: ('CIRO-AC: missing role', 'ENTRYPOINT_FAILED'))]
fn only_the_settler_releases_bonds() {
    let p = pool();
    p.bonded(1);
    caller('worker');
    p.pool.release_bond(at('worker'), 1);
}

#[test]
#[should_panic(expected: ('CIRO-CP: over bond', 'ENTRYPOINT_FAILED'))]
fn a_release_is_within_the_bond() {
    let p = pool();
    p.bonded(10);
    p.pool.release_bond(at('worker'), 11);
}

#[test]
fn bonds_refuse_strangers_and_nothing() {
    let p = pool();
    caller('settler');
    refused(p.safe.add_bond(at('third'), 1), 'CIRO-CP: unknown worker');
    refused(p.safe.add_bond(at('worker'), 0), 'CIRO-CP: zero amount');
    refused(p.safe.release_bond(at('worker'), 0), 'CIRO-CP: zero amount');
}

#[test]
#[should_panic(expected: ('CIRO-CP: no bond', 'ENTRYPOINT_FAILED'))]
fn no_bond_expires_without_one() {
    pool().pool.release_expired_bond(at('worker'));
}

// epochs

#[test]
fn an_epoch_is_recorded_once_and_repeated_quietly() {
    let p = pool();
    caller('settler');
    p.pool.record_epoch(4, 'root', 3, 2);
    expect_event(
        p.address,
        array![selector!("PerformanceRecorded"), 4].span(),
        array!['root', 3, 2].span()
    );
    p.pool.record_epoch(4, 'root', 3, 2);
    assert(starknet::testing::pop_log_raw(p.address).is_none(), 'quiet');
    assert(p.pool.epoch(4) == PerformanceEpoch { root: 'root', count: 3, depth: 2 }, 'epoch');
    refused(p.safe.record_epoch(4, 'root', 4, 2), 'CIRO-CP: epoch exists');
    refused(p.safe.record_epoch(4, 'root', 3, 3), 'CIRO-CP: epoch exists');
}

#[test]
#[should_panic(expected: ('CIRO-CP: epoch exists', 'ENTRYPOINT_FAILED'))]
fn an_epoch_is_not_replaced() {
    let p = pool();
    caller('settler');
    p.pool.record_epoch(4, 'root', 3, 2);
    p.pool.record_epoch(4, 'other', 3, 2);
}

#[test]
#[should_panic(expected: ('CIRO-CP: bad epoch', 'ENTRYPOINT_FAILED'))]
fn an_epoch_has_a_root() {
    let p = pool();
    caller('settler');
    p.pool.record_epoch(4, 0, 3, 2);
}

#[test]
fn an_epoch_has_workers_and_a_bounded_depth() {
    let p = pool();
    caller('settler');
    refused(p.safe.record_epoch(4, 'root', 0, 2), 'CIRO-CP: bad epoch');
    refused(p.safe.record_epoch(4, 'root', 3, 33), 'CIRO-CP: bad epoch');
    p.pool.record_epoch(4, 'root', 3, 32);
}

#[test]
#[should_panic(expected: ('CIRO-AC: missing role', 'ENTRYPOINT_FAILED'))]
fn only_the_settler_records() {
    pool().pool.record_epoch(4, 'root', 3, 2);
}

#[test]
fn anybody_proves_that_a_worker_was_seen() {
    let p = pool();
    let (first, second) = p.recorded(4, START + 50);
    clock(START + 100);
    caller('anybody');
    forget_events(p.address);
    assert(p.pool.prove_active(at('worker'), 4, 0, perf(START + 50), array![second].span()), 'left');
    expect_event(
        p.address, array![selector!("WorkerSeen"), 'worker'].span(), array![1_000_050].span()
    );
    assert(p.pool.prove_active(at('second'), 4, 1, perf(START + 50), array![first].span()), 'right');
    assert(
        !p.pool.prove_active(at('worker'), 4, 0, perf(START + 50), array![second].span()), 'again'
    );
    assert(me(p).last_seen == START + 50, 'seen');
}

#[test]
#[should_panic(expected: ('CIRO-CP: unknown epoch', 'ENTRYPOINT_FAILED'))]
fn an_unknown_epoch_proves_nothing() {
    pool().pool.prove_active(at('worker'), 4, 0, perf(START), array![].span());
}

#[test]
#[should_panic(expected: ('CIRO-CP: bad proof', 'ENTRYPOINT_FAILED'))]
fn another_worker_leaf_proves_nothing() {
    let p = pool();
    let (_, second) = p.recorded(4, START);
    p.pool.prove_active(at('second'), 4, 0, perf(START), array![second].span());
}

#[test]
fn a_proof_is_bound_to_place_epoch_length_and_numbers() {
    let p = pool();
    let (first, second) = p.recorded(4, START);
    let proof = array![second].span();
    let bad = 'CIRO-CP: bad proof';
    let w = at('worker');
    refused(p.safe.prove_active(w, 4, 1, perf(START), proof), bad);
    refused(p.safe.prove_active(w, 4, 2, perf(START), proof), bad);
    refused(p.safe.prove_active(w, 4, 0, perf(START - 1), proof), bad);
    refused(p.safe.prove_active(w, 4, 0, perf(START), array![].span()), bad);
    refused(p.safe.prove_active(w, 4, 0, perf(START), array![second, 0].span()), bad);
    refused(p.safe.prove_active(at('third'), 4, 0, perf(START), proof), 'CIRO-CP: unknown worker');
    p.pool.record_epoch(5, node(first, second), 2, 1);
    refused(p.safe.prove_active(w, 5, 0, perf(START), proof), bad);
}

#[test]
#[should_panic(expected: ('CIRO-CP: seen in the future', 'ENTRYPOINT_FAILED'))]
fn nobody_was_seen_in_the_future() {
    let p = pool();
    let (_, second) = p.recorded(4, START + 1);
    p.pool.prove_active(at('worker'), 4, 0, perf(START + 1), array![second].span());
}

#[test]
fn the_settler_touches_many_and_leaves_strangers_out() {
    let p = pool();
    clock(START + 10);
    caller('settler');
    p.pool.touch(array![at('worker'), at('third'), at('second')].span());
    assert(me(p).last_seen == START + 10, 'worker');
    assert(p.pool.worker(at('second')).last_seen == START + 10, 'second');
    assert(p.pool.worker(at('third')).last_seen == 0, 'third');
}

#[test]
#[should_panic(expected: ('CIRO-AC: missing role', 'ENTRYPOINT_FAILED'))]
fn only_the_settler_touches() {
    pool().pool.touch(array![at('worker')].span());
}

#[test]
#[should_panic(expected: ('CIRO-CP: too many workers', 'ENTRYPOINT_FAILED'))]
fn a_touch_is_bounded() {
    let p = pool();
    caller('settler');
    let mut many: Array<starknet::ContractAddress> = array![];
    while many.len() != 513 {
        many.append(at('worker'));
    };
    p.pool.touch(many.span());
}
