//! How much is sponsored, and who decides.

use starknet::testing::pop_log;
use crate::paymaster::{
    IPaymasterDispatcher, IPaymasterDispatcherTrait, Paymaster, Quota
};
use crate::paymaster_fixture::{
    MIDNIGHT, World, deploy_account, deploy_with, outside, setup, sponsor, sponsor_work, work
};
use crate::testing_fixture::{act_as, address, at, drain};

// ---- quotas

#[test]
#[available_gas(200000000)]
#[should_panic(expected: ('CIRO-PM: account quota used', 'ENTRYPOINT_FAILED'))]
fn an_account_has_its_quota() {
    let world = setup();
    sponsor_work(world, 'n1');
    sponsor_work(world, 'n2');
    sponsor_work(world, 'n3');
    sponsor_work(world, 'n4');
}

#[test]
#[available_gas(200000000)]
#[should_panic(expected: ('CIRO-PM: account quota used', 'ENTRYPOINT_FAILED'))]
fn the_last_second_of_the_day_is_the_same_day() {
    let world = setup();
    sponsor_work(world, 'n1');
    sponsor_work(world, 'n2');
    sponsor_work(world, 'n3');
    at(MIDNIGHT - 1);
    sponsor_work(world, 'n4');
}

#[test]
#[available_gas(200000000)]
fn a_quota_is_renewed_at_midnight() {
    let world = setup();
    sponsor_work(world, 'n1');
    sponsor_work(world, 'n2');
    sponsor_work(world, 'n3');
    assert(world.paymaster.used_today(world.account.contract_address) == 3, 'before');
    at(MIDNIGHT);
    assert(world.paymaster.used_today(world.account.contract_address) == 0, 'account');
    assert(world.paymaster.used_today_all() == 0, 'all');
    sponsor_work(world, 'n4');
    assert(world.paymaster.used_today(world.account.contract_address) == 1, 'after');
    assert(world.paymaster.used_today_all() == 1, 'all after');
}

/// Five accounts, one transaction each; a sixth finds the day used up.
fn use_up_the_day(world: World) {
    let mut number: felt252 = 1;
    while number != 6 {
        sponsor(world, deploy_account(number), outside(world, 'n', array![work(world)]));
        number += 1;
    };
}

#[test]
#[available_gas(200000000)]
#[should_panic(expected: ('CIRO-PM: day quota used', 'ENTRYPOINT_FAILED'))]
fn fresh_accounts_share_the_quota_of_the_day() {
    let world = setup();
    use_up_the_day(world);
    sponsor_work(world, 'n1');
}

#[test]
#[available_gas(200000000)]
fn the_quota_of_all_is_renewed_at_midnight_too() {
    let world = setup();
    use_up_the_day(world);
    at(MIDNIGHT);
    assert(sponsor_work(world, 'n1'), 'next day');
}

#[test]
#[available_gas(200000000)]
fn a_new_quota_does_not_forget_what_was_used() {
    let world = setup();
    sponsor_work(world, 'n1');
    drain(world.paymaster.contract_address);
    act_as('policy');
    world.paymaster.set_quota(1, 1, 2);
    assert(
        pop_log(world.paymaster.contract_address) == Option::Some(
            Paymaster::Event::QuotaChanged(
                Paymaster::QuotaChanged { max_calls: 1, per_account_day: 1, per_day: 2 }
            )
        ),
        'event'
    );
    assert(
        world.paymaster.quota() == Quota { max_calls: 1, per_account_day: 1, per_day: 2 }, 'quota'
    );
    assert(world.paymaster.used_today_all() == 1, 'all');
}

// ---- policy

#[test]
#[available_gas(100000000)]
fn the_list_is_changed_both_ways() {
    let world = setup();
    let to = world.target.contract_address;
    act_as('policy');
    world.paymaster.set_allowed(to, selector!("work"), false);
    assert(
        pop_log(world.paymaster.contract_address) == Option::Some(
            Paymaster::Event::AllowedChanged(
                Paymaster::AllowedChanged { to, selector: selector!("work"), allowed: false }
            )
        ),
        'event'
    );
    assert(!world.paymaster.is_allowed(to, selector!("work")), 'work');
    assert(world.paymaster.is_allowed(to, selector!("fail")), 'fail');
}

#[test]
#[available_gas(100000000)]
#[should_panic(expected: ('CIRO-AC: missing role', 'ENTRYPOINT_FAILED'))]
fn a_relayer_does_not_write_its_own_list() {
    let world = setup();
    world.paymaster.set_allowed(world.target.contract_address, selector!("done"), true);
}

#[test]
#[available_gas(100000000)]
#[should_panic(expected: ('CIRO-AC: missing role', 'ENTRYPOINT_FAILED'))]
fn a_relayer_does_not_raise_its_own_quota() {
    let world = setup();
    world.paymaster.set_quota(2, 100, 100);
}

#[test]
#[available_gas(100000000)]
#[should_panic(expected: ('CIRO-PM: zero address', 'ENTRYPOINT_FAILED'))]
fn a_call_to_nobody_is_not_allowed() {
    let world = setup();
    act_as('owner');
    world.paymaster.set_allowed(address(0), selector!("work"), true);
}

#[test]
#[available_gas(100000000)]
#[should_panic(expected: ('CIRO-PM: zero address', 'CONSTRUCTOR_FAILED'))]
fn nobody_as_relayer_is_refused() {
    deploy_with(0, 2, 3, 5);
}

#[test]
#[available_gas(100000000)]
fn sixteen_calls_and_equal_quotas_are_taken() {
    let contract_address = deploy_with('relayer', 16, 5, 5);
    let paymaster = IPaymasterDispatcher { contract_address };
    assert(paymaster.quota() == Quota { max_calls: 16, per_account_day: 5, per_day: 5 }, 'quota');
}

#[test]
#[available_gas(100000000)]
#[should_panic(expected: ('CIRO-PM: quota out of bounds', 'CONSTRUCTOR_FAILED'))]
fn seventeen_calls_are_not_taken() {
    deploy_with('relayer', 17, 3, 5);
}

#[test]
#[available_gas(100000000)]
#[should_panic(expected: ('CIRO-PM: quota out of bounds', 'CONSTRUCTOR_FAILED'))]
fn no_call_is_not_taken() {
    deploy_with('relayer', 0, 3, 5);
}

#[test]
#[available_gas(100000000)]
#[should_panic(expected: ('CIRO-PM: quota out of bounds', 'CONSTRUCTOR_FAILED'))]
fn an_account_has_no_more_than_all() {
    deploy_with('relayer', 2, 6, 5);
}

#[test]
#[available_gas(100000000)]
#[should_panic(expected: ('CIRO-PM: quota out of bounds', 'CONSTRUCTOR_FAILED'))]
fn an_account_has_something() {
    deploy_with('relayer', 2, 0, 5);
}
