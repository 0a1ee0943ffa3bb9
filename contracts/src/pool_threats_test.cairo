//! The CdcPool against time, dodges, hostile tokens and its roles.

use crate::access::{
    IAccessDispatcherTrait, IAccessSafeDispatcher, IAccessSafeDispatcherTrait
};
use crate::jobs_pool_fixture::{
    COOL_DOWN, DELAY, INACTIVE, MIN_STAKE, PURSE, PoolTrait, calldata, deploy_pool, pool
};
use crate::jobs_support_fixture::{
    START, at, balance, caller, clock, expect_event, forget_events, refused
};
use crate::jobs_token_fixture::{FALSE, FEE, IJobsTokenDispatcherTrait};
use crate::pool_interface::{ICdcPoolDispatcherTrait, ICdcPoolSafeDispatcherTrait};
use crate::pool_rules::limits;

// time, one second before each bound and at it

#[test]
#[should_panic(expected: ('CIRO-CP: not ready', 'ENTRYPOINT_FAILED'))]
fn cooling_stake_stays_to_the_last_second() {
    let p = pool();
    p.staked(100);
    p.pool.unstake_intent(40);
    clock(START + COOL_DOWN - 1);
    p.pool.unstake_action(at('worker'));
}

#[test]
fn anybody_sends_cooled_stake_home_even_in_a_pause() {
    let p = pool();
    p.staked(100);
    p.pool.unstake_intent(40);
    caller('owner');
    p.access.pause();
    clock(START + COOL_DOWN);
    forget_events(p.address);
    caller('anybody');
    assert(p.pool.unstake_action(at('worker')) == 40, 'amount');
    expect_event(p.address, array![selector!("Unstaked"), 'worker'].span(), array![40].span());
    assert(balance(p.token, at('worker')) == PURSE - 60, 'home');
    assert(p.pool.held() == 60 && p.pool.worker(at('worker')).cooling == 0, 'left');
    refused(p.safe.unstake_action(at('worker')), 'CIRO-CP: nothing cooling');
}

#[test]
fn a_further_intent_makes_all_of_it_wait_anew() {
    let p = pool();
    p.staked(100);
    p.pool.unstake_intent(40);
    clock(START + 1_000);
    assert(p.pool.unstake_intent(10) == START + 1_000 + COOL_DOWN, 'ready at');
    clock(START + COOL_DOWN);
    refused(p.safe.unstake_action(at('worker')), 'CIRO-CP: not ready');
    clock(START + 1_000 + COOL_DOWN);
    assert(p.pool.unstake_action(at('worker')) == 50, 'all of it');
}

#[test]
fn a_payout_changes_after_its_delay() {
    let p = pool();
    p.pool.set_payout(at('elsewhere'));
    expect_event(
        p.address,
        array![selector!("PayoutChanged"), 'worker'].span(),
        array!['elsewhere', (START + DELAY).into()].span()
    );
    clock(START + DELAY - 1);
    assert(p.pool.payout_of(at('worker')) == at('payout'), 'before');
    let worker = p.pool.worker(at('worker'));
    assert(worker.next_payout == at('elsewhere'), 'next');
    assert(worker.next_payout_at == START + DELAY, 'next at');
    clock(START + DELAY);
    assert(p.pool.payout_of(at('worker')) == at('elsewhere'), 'at');
    assert(p.pool.worker(at('worker')).next_payout == at(0), 'none ahead');
}

#[test]
fn a_replaced_change_waits_anew_and_the_old_address_holds() {
    let p = pool();
    p.pool.set_payout(at('thief'));
    clock(START + DELAY - 1);
    p.pool.set_payout(at('mine'));
    clock(START + DELAY);
    assert(p.pool.payout_of(at('worker')) == at('payout'), 'old holds');
    clock(START + DELAY - 1 + DELAY);
    assert(p.pool.payout_of(at('worker')) == at('mine'), 'new holds');
    p.pool.set_payout(at('third'));
    assert(p.pool.payout_of(at('worker')) == at('mine'), 'kept');
}

#[test]
fn a_bond_follows_the_payout() {
    let p = pool();
    p.bonded(100);
    caller('worker');
    p.pool.set_payout(at('elsewhere'));
    caller('settler');
    p.pool.release_bond(at('worker'), 40);
    clock(START + DELAY);
    p.pool.release_bond(at('worker'), 60);
    assert(balance(p.token, at('payout')) == 40, 'before');
    assert(balance(p.token, at('elsewhere')) == 60, 'after');
}

#[test]
#[should_panic(expected: ('CIRO-CP: bond held', 'ENTRYPOINT_FAILED'))]
fn a_bond_is_held_to_the_last_second() {
    let p = pool();
    p.bonded(100);
    clock(START + limits::BOND_HOLD - 1);
    p.pool.release_expired_bond(at('worker'));
}

#[test]
fn anybody_releases_a_bond_thirty_days_after_the_last_sign_of_life() {
    let p = pool();
    p.bonded(100);
    caller('owner');
    p.access.pause();
    caller('anybody');
    clock(START + limits::BOND_HOLD);
    assert(p.pool.release_expired_bond(at('worker')) == 100, 'amount');
    assert(balance(p.token, at('payout')) == 100 && p.pool.held() == 0, 'paid');
}

#[test]
fn a_bond_waits_for_the_later_of_seen_and_grown() {
    let p = pool();
    p.bonded(50);
    clock(START + 1_000);
    p.pool.touch(array![at('worker')].span());
    clock(START + 2_000);
    p.bonded(50);
    caller('anybody');
    clock(START + 1_000 + limits::BOND_HOLD);
    refused(p.safe.release_expired_bond(at('worker')), 'CIRO-CP: bond held');
    clock(START + 2_000 + limits::BOND_HOLD - 1);
    refused(p.safe.release_expired_bond(at('worker')), 'CIRO-CP: bond held');
    clock(START + 2_000 + limits::BOND_HOLD);
    assert(p.pool.release_expired_bond(at('worker')) == 100, 'amount');
}

#[test]
fn a_day_of_silence_makes_inactive_and_costs_nothing() {
    let p = pool();
    p.staked(MIN_STAKE);
    clock(START + INACTIVE);
    assert(p.pool.is_active(at('worker')), 'at the bound');
    clock(START + INACTIVE + 1);
    assert(!p.pool.is_active(at('worker')), 'after it');
    assert(p.pool.at_risk(at('worker')) == MIN_STAKE, 'stake');
    assert(p.pool.tier_of(at('worker')) == 2, 'tier');
    caller('settler');
    p.pool.touch(array![at('worker')].span());
    assert(p.pool.is_active(at('worker')), 'back');
    assert(!p.pool.is_active(at('stranger')), 'stranger');
}

// slash

#[test]
fn a_slash_takes_cooling_then_stake_then_bond() {
    let p = pool();
    p.staked(100);
    p.pool.unstake_intent(30);
    p.bonded(50);
    forget_events(p.address);
    assert(p.slashed(20) == 20, 'cooling');
    let w = p.pool.worker(at('worker'));
    assert(w.cooling == 10 && w.stake == 70 && w.bond == 50, 'after cooling');
    expect_event(
        p.address,
        array![selector!("Slashed"), 'worker', 9].span(),
        array![20, 0, 0, 'fund'].span()
    );
    assert(p.slashed(30) == 30, 'stake');
    let w = p.pool.worker(at('worker'));
    assert(w.cooling == 0 && w.stake == 50 && w.bond == 50, 'after stake');
    assert(p.slashed(60) == 60, 'bond');
    let w = p.pool.worker(at('worker'));
    assert(w.cooling == 0 && w.stake == 0 && w.bond == 40, 'after bond');
    assert(balance(p.token, at('fund')) == 110 && p.pool.held() == 40, 'money');
}

#[test]
fn a_slash_takes_at_most_what_there_is() {
    let p = pool();
    p.staked(100);
    p.bonded(50);
    assert(p.slashed(0xffffffffffffffffffffffffffffffff) == 150, 'all');
    assert(p.slashed(1) == 0, 'nothing');
    assert(p.pool.held() == 0 && balance(p.token, p.address) == 0, 'held');
    caller('court');
    assert(p.pool.slash(at('stranger'), 5, 9, at('fund')) == 0, 'stranger');
}

#[test]
fn an_intent_before_the_case_dodges_nothing() {
    let p = pool();
    p.staked(100);
    p.pool.unstake_intent(100);
    clock(START + COOL_DOWN - 1);
    assert(p.slashed(60) == 60, 'slashed in time');
    clock(START + COOL_DOWN);
    assert(p.pool.unstake_action(at('worker')) == 40, 'what is left');
}

#[test]
fn cancelled_and_staked_again_is_slashed_all_the_same() {
    let p = pool();
    p.staked(100);
    p.pool.unstake_intent(100);
    p.pool.cancel_unstake();
    p.pool.unstake_intent(50);
    p.staked(10);
    assert(p.slashed(105) == 105, 'taken');
    let w = p.pool.worker(at('worker'));
    assert(w.cooling == 0 && w.stake == 5, 'left');
}

#[test]
fn a_slash_works_in_a_pause() {
    let p = pool();
    p.staked(100);
    caller('owner');
    p.access.pause();
    assert(p.slashed(10) == 10, 'slashed');
}

#[test]
#[should_panic(expected: ('CIRO-AC: missing role', 'ENTRYPOINT_FAILED'))]
fn only_the_court_slashes() {
    let p = pool();
    p.staked(100);
    caller('owner');
    p.pool.slash(at('worker'), 1, 9, at('owner'));
}

#[test]
#[should_panic(expected: ('CIRO-CP: zero address', 'ENTRYPOINT_FAILED'))]
fn a_slash_goes_somewhere() {
    let p = pool();
    p.staked(100);
    caller('court');
    p.pool.slash(at('worker'), 1, 9, at(0));
}

// the cool-down as a datum

#[test]
fn a_shorter_cool_down_frees_no_earlier_intent_and_a_longer_one_binds_none() {
    let p = pool();
    p.staked(100);
    p.pool.unstake_intent(40);
    caller('owner');
    p.pool.set_cool_down(limits::MIN_COOL_DOWN);
    clock(START + COOL_DOWN - 1);
    refused(p.safe.unstake_action(at('worker')), 'CIRO-CP: not ready');
    p.pool.set_cool_down(limits::MAX_COOL_DOWN);
    clock(START + COOL_DOWN);
    assert(p.pool.unstake_action(at('worker')) == 40, 'as intended');
    caller('worker');
    assert(p.pool.unstake_intent(1) == START + COOL_DOWN + limits::MAX_COOL_DOWN, 'later ones');
}

#[test]
fn the_cool_down_is_the_owners_within_bounds() {
    let p = pool();
    refused(p.safe.set_cool_down(COOL_DOWN), 'CIRO-AC: not owner');
    caller('owner');
    refused(p.safe.set_cool_down(limits::MIN_COOL_DOWN - 1), 'CIRO-CP: bad cool down');
    refused(p.safe.set_cool_down(limits::MAX_COOL_DOWN + 1), 'CIRO-CP: bad cool down');
    p.pool.set_cool_down(1_000);
    expect_event(p.address, array![selector!("CoolDownChanged")].span(), array![1_000].span());
    assert(p.pool.cool_down() == 1_000, 'set');
}

// pause, roles, upgrades

#[test]
fn a_pause_stops_registering_staking_and_bonding_only() {
    let p = pool();
    p.staked(100);
    caller('owner');
    p.access.pause();
    caller('third');
    refused(p.safe.register('gpu', at('wallet')), 'CIRO-AC: paused');
    caller('worker');
    refused(p.safe.stake(1), 'CIRO-AC: paused');
    p.pool.set_payout(at('elsewhere'));
    p.pool.unstake_intent(50);
    p.pool.cancel_unstake();
    caller('settler');
    refused(p.safe.add_bond(at('worker'), 1), 'CIRO-AC: paused');
}

#[test]
fn neither_settler_nor_court_upgrades() {
    let p = pool();
    let access = IAccessSafeDispatcher { contract_address: p.address };
    caller('settler');
    refused(access.upgrade(1.try_into().unwrap()), 'CIRO-AC: not owner');
    caller('court');
    refused(access.grant_role(selector!("COURT"), at('friend')), 'CIRO-AC: not owner');
}

#[test]
fn a_pool_may_wait_for_its_court() {
    let p = deploy_pool(
        array!['owner', 's', 0, 't', 1, COOL_DOWN.into(), DELAY.into(), INACTIVE.into()]
    );
    let access = crate::access::IAccessDispatcher { contract_address: p };
    assert(!access.has_role(selector!("COURT"), at(0)), 'no court');
    deploy_pool(calldata('s', 't', 1, COOL_DOWN, DELAY, INACTIVE));
}

// hostile tokens

#[test]
#[should_panic(expected: ('CIRO-ER: transfer failed', 'ENTRYPOINT_FAILED'))]
fn a_token_that_answers_false_is_no_stake() {
    let p = pool();
    p.token.set_mode(FALSE);
    p.staked(100);
}

#[test]
#[should_panic(expected: ('CIRO-ER: wrong amount arrived', 'ENTRYPOINT_FAILED'))]
fn a_token_that_takes_a_fee_is_no_stake() {
    let p = pool();
    p.token.set_mode(FEE);
    p.staked(100);
}

#[test]
#[should_panic(
    expected: (
        'CIRO-RG: reentered', 'ENTRYPOINT_FAILED', 'ENTRYPOINT_FAILED', 'ENTRYPOINT_FAILED'
    )
)]
fn a_token_does_not_reenter_unstake_action() {
    let p = pool();
    p.staked(100);
    p.pool.unstake_intent(40);
    caller('second');
    p.pool.stake(100);
    p.pool.unstake_intent(40);
    clock(START + COOL_DOWN);
    p.token.attack(p.address, selector!("unstake_action"), array!['second'].span());
    p.pool.unstake_action(at('worker'));
}

#[test]
#[should_panic(
    expected: (
        'CIRO-CP: nothing cooling', 'ENTRYPOINT_FAILED', 'ENTRYPOINT_FAILED', 'ENTRYPOINT_FAILED'
    )
)]
fn a_token_does_not_unstake_twice() {
    let p = pool();
    p.staked(100);
    p.pool.unstake_intent(40);
    clock(START + COOL_DOWN);
    p.token.attack(p.address, selector!("unstake_action"), array!['worker'].span());
    p.pool.unstake_action(at('worker'));
}

#[test]
#[should_panic(
    expected: (
        'CIRO-RG: reentered', 'ENTRYPOINT_FAILED', 'ENTRYPOINT_FAILED', 'ENTRYPOINT_FAILED'
    )
)]
fn a_token_does_not_reenter_slash() {
    let p = pool();
    p.staked(100);
    p.pool.unstake_intent(40);
    caller('second');
    p.pool.stake(100);
    p.pool.unstake_intent(40);
    clock(START + COOL_DOWN);
    p.token.attack(p.address, selector!("unstake_action"), array!['second'].span());
    p.slashed(60);
}
