//! What is sponsored and what is not. Quotas and policy are in paymaster_quota_test.

use starknet::account::Call;
use starknet::testing::pop_log;
use crate::access::{IAccessDispatcher, IAccessDispatcherTrait};
use crate::account_fixture::{IAccountDispatcher, IAccountDispatcherTrait, ITargetDispatcherTrait};
use crate::paymaster::{IPaymasterDispatcherTrait, Paymaster};
use crate::paymaster_fixture::{
    DAY, NOON, V2, address_to_be, calldata_of, deploy_account, outside, setup, sponsor, sponsor_first,
    sponsor_raw, sponsor_work, work
};
use crate::testing_fixture::{act_as, address, at};

// ---- what goes through

#[test]
#[available_gas(100000000)]
fn the_account_itself_makes_the_calls() {
    let world = setup();
    let calls = array![work(world), work(world)];
    assert(sponsor(world, world.account, outside(world, 'n1', calls)), 'answer');
    assert(
        pop_log(world.paymaster.contract_address) == Option::Some(
            Paymaster::Event::SponsoredTransaction(
                Paymaster::SponsoredTransaction {
                    account: world.account.contract_address, sponsor_metadata: array!['ref'].span()
                }
            )
        ),
        'event'
    );
    assert(world.target.done(world.account.contract_address) == 20, 'done');
    assert(world.paymaster.used_today(world.account.contract_address) == 1, 'account');
    assert(world.paymaster.used_today_all() == 1, 'all');
}

#[test]
#[available_gas(100000000)]
fn the_serialised_shape_goes_through_for_both_versions() {
    let world = setup();
    let first = calldata_of(world, outside(world, 'n1', array![work(world)]));
    assert(sponsor_raw(world, V2, first), 'v2');
    assert(
        pop_log(world.paymaster.contract_address) == Option::Some(
            Paymaster::Event::SponsoredTransaction(
                Paymaster::SponsoredTransaction {
                    account: world.account.contract_address,
                    sponsor_metadata: array!['a', 'b'].span()
                }
            )
        ),
        'event'
    );
    let second = calldata_of(world, outside(world, 'n2', array![work(world)]));
    assert(sponsor_raw(world, selector!("execute_from_outside"), second), 'v1');
    assert(world.target.done(world.account.contract_address) == 20, 'done');
    assert(world.paymaster.used_today_all() == 2, 'all');
}

#[test]
#[available_gas(100000000)]
fn an_account_is_deployed_with_its_first_action() {
    let world = setup();
    let account = sponsor_first(world, 'new', outside(world, 'n1', array![work(world)]));
    assert(account == address_to_be('new'), 'address');
    assert(
        pop_log(world.paymaster.contract_address) == Option::Some(
            Paymaster::Event::SponsoredTransaction(
                Paymaster::SponsoredTransaction {
                    account, sponsor_metadata: array!['ref'].span()
                }
            )
        ),
        'event'
    );
    assert(world.target.done(account) == 10, 'done');
    assert(world.paymaster.used_today(account) == 1, 'account');
    // It is an account as any other from here on.
    assert(sponsor(world, IAccountDispatcher { contract_address: account }, outside(world, 'n2', array![work(world)])), 'next');
    assert(world.target.done(account) == 20, 'done next');
}

// ---- what does not

#[test]
#[available_gas(100000000)]
#[should_panic(expected: ('CIRO-AC: missing role', 'ENTRYPOINT_FAILED'))]
fn only_a_relayer_deploys() {
    let world = setup();
    act_as('stranger');
    sponsor_first(world, 'new', outside(world, 'n1', array![work(world)]));
}

#[test]
#[available_gas(100000000)]
#[should_panic(expected: ('CIRO-AC: paused', 'ENTRYPOINT_FAILED'))]
fn a_pause_stops_deploying() {
    let world = setup();
    act_as('guardian');
    IAccessDispatcher { contract_address: world.paymaster.contract_address }.pause();
    act_as('relayer');
    sponsor_first(world, 'new', outside(world, 'n1', array![work(world)]));
}

#[test]
#[available_gas(100000000)]
#[should_panic(expected: ('CIRO-PM: call not allowed', 'ENTRYPOINT_FAILED'))]
fn a_first_action_off_the_list_is_refused() {
    let world = setup();
    let call = Call { to: world.target.contract_address, selector: selector!("done"), calldata: array![1].span() };
    sponsor_first(world, 'new', outside(world, 'n1', array![call]));
}

#[test]
#[available_gas(100000000)]
#[should_panic(expected: ('CIRO-AC: missing role', 'ENTRYPOINT_FAILED'))]
fn only_a_relayer_sends() {
    let world = setup();
    act_as('owner');
    sponsor_work(world, 'n1');
}

#[test]
#[available_gas(100000000)]
#[should_panic(expected: ('CIRO-AC: missing role', 'ENTRYPOINT_FAILED'))]
fn only_a_relayer_sends_the_serialised_shape() {
    let world = setup();
    let calldata = calldata_of(world, outside(world, 'n1', array![work(world)]));
    act_as('stranger');
    sponsor_raw(world, V2, calldata);
}

#[test]
#[available_gas(100000000)]
#[should_panic(expected: ('CIRO-AC: paused', 'ENTRYPOINT_FAILED'))]
fn a_pause_stops_sponsoring() {
    let world = setup();
    act_as('guardian');
    IAccessDispatcher { contract_address: world.paymaster.contract_address }.pause();
    act_as('relayer');
    sponsor_work(world, 'n1');
}

#[test]
#[available_gas(100000000)]
#[should_panic(expected: ('CIRO-PM: bad entrypoint', 'ENTRYPOINT_FAILED'))]
fn no_other_entrypoint_is_called() {
    let world = setup();
    let calldata = calldata_of(world, outside(world, 'n1', array![work(world)]));
    sponsor_raw(world, selector!("__execute__"), calldata);
}

#[test]
#[available_gas(100000000)]
#[should_panic(expected: ('CIRO-PM: bad calldata', 'ENTRYPOINT_FAILED'))]
fn calldata_that_is_no_outside_execution_is_refused() {
    let world = setup();
    sponsor_raw(world, V2, array![1, 2, 3]);
}

#[test]
#[available_gas(100000000)]
#[should_panic(expected: ('CIRO-PM: bad calldata', 'ENTRYPOINT_FAILED'))]
fn calldata_without_a_signature_is_refused() {
    let world = setup();
    let mut calldata: Array<felt252> = array![];
    outside(world, 'n1', array![work(world)]).serialize(ref calldata);
    sponsor_raw(world, V2, calldata);
}

#[test]
#[available_gas(100000000)]
#[should_panic(expected: ('CIRO-PM: bad calldata', 'ENTRYPOINT_FAILED'))]
fn calldata_with_something_behind_it_is_refused() {
    let world = setup();
    let mut calldata = calldata_of(world, outside(world, 'n1', array![work(world)]));
    calldata.append(0);
    sponsor_raw(world, V2, calldata);
}

#[test]
#[available_gas(100000000)]
#[should_panic(expected: ('CIRO-PM: foreign caller', 'ENTRYPOINT_FAILED'))]
fn what_names_another_caller_is_refused() {
    let world = setup();
    let mut foreign = outside(world, 'n1', array![work(world)]);
    foreign.caller = address('ANY_CALLER');
    sponsor(world, world.account, foreign);
}

#[test]
#[available_gas(100000000)]
#[should_panic(expected: ('CIRO-PM: no calls', 'ENTRYPOINT_FAILED'))]
fn nothing_to_do_is_refused() {
    let world = setup();
    sponsor(world, world.account, outside(world, 'n1', array![]));
}

#[test]
#[available_gas(100000000)]
#[should_panic(expected: ('CIRO-PM: too many calls', 'ENTRYPOINT_FAILED'))]
fn one_call_too_many_is_refused() {
    let world = setup();
    let calls = array![work(world), work(world), work(world)];
    sponsor(world, world.account, outside(world, 'n1', calls));
}

#[test]
#[available_gas(100000000)]
#[should_panic(expected: ('CIRO-PM: call not allowed', 'ENTRYPOINT_FAILED'))]
fn a_call_off_the_list_is_refused() {
    let world = setup();
    let mut bad = work(world);
    bad.selector = selector!("transfer");
    sponsor(world, world.account, outside(world, 'n1', array![bad]));
}

#[test]
#[available_gas(100000000)]
#[should_panic(expected: ('CIRO-PM: call not allowed', 'ENTRYPOINT_FAILED'))]
fn one_bad_call_behind_a_good_one_is_refused() {
    let world = setup();
    let mut bad = work(world);
    bad.to = address('elsewhere');
    sponsor(world, world.account, outside(world, 'n1', array![work(world), bad]));
}

#[test]
#[available_gas(100000000)]
#[should_panic(expected: ('CIRO-PM: call not allowed', 'ENTRYPOINT_FAILED'))]
fn the_serialised_shape_is_checked_alike() {
    let world = setup();
    let mut bad = work(world);
    bad.to = address('elsewhere');
    sponsor_raw(world, V2, calldata_of(world, outside(world, 'n1', array![bad])));
}

#[test]
#[available_gas(100000000)]
#[should_panic(expected: ('SRC9: invalid signature', 'ENTRYPOINT_FAILED', 'ENTRYPOINT_FAILED'))]
fn another_execution_under_the_same_signature_is_refused() {
    let world = setup();
    let signature = world.account.sign(outside(world, 'n1', array![work(world)]));
    let mut other = work(world);
    other.calldata = array![1000].span();
    world
        .paymaster
        .execute_sponsored_v2(
            world.account.contract_address,
            outside(world, 'n1', array![other]),
            signature.span(),
            'ref'
        );
}

#[test]
#[available_gas(100000000)]
#[should_panic(expected: ('SRC9: invalid signature', 'ENTRYPOINT_FAILED', 'ENTRYPOINT_FAILED'))]
fn a_signature_of_another_account_is_refused() {
    let world = setup();
    let execution = outside(world, 'n1', array![work(world)]);
    let signature = deploy_account('two').sign(execution);
    world
        .paymaster
        .execute_sponsored_v2(
            world.account.contract_address, execution, signature.span(), 'ref'
        );
}

#[test]
#[available_gas(100000000)]
#[should_panic(expected: ('SRC9: duplicated nonce', 'ENTRYPOINT_FAILED', 'ENTRYPOINT_FAILED'))]
fn a_replay_is_refused() {
    let world = setup();
    sponsor_work(world, 'n1');
    sponsor_work(world, 'n1');
}

#[test]
#[available_gas(100000000)]
#[should_panic(expected: ('SRC9: now >= execute_before', 'ENTRYPOINT_FAILED', 'ENTRYPOINT_FAILED'))]
fn a_stale_execution_is_refused() {
    let world = setup();
    at(NOON + 10 * DAY);
    sponsor_work(world, 'n1');
}

#[test]
#[available_gas(100000000)]
#[should_panic(
    expected: (
        'TARGET: failed', 'ENTRYPOINT_FAILED', 'ENTRYPOINT_FAILED', 'ENTRYPOINT_FAILED'
    )
)]
fn a_call_that_fails_undoes_the_whole() {
    let world = setup();
    let mut failing = work(world);
    failing.selector = selector!("fail");
    failing.calldata = array![].span();
    sponsor(world, world.account, outside(world, 'n1', array![failing]));
}
