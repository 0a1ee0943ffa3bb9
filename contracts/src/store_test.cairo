//! Posting and sweeping. Claims are in store_claim_test, holds and vetoes in store_court_test.

use starknet::testing::pop_log;
use starknet::ContractAddress;
use crate::access::{IAccessDispatcher, IAccessDispatcherTrait};
use crate::hostile_token_fixture::{
    HostileToken, IHostileTokenDispatcher, IHostileTokenDispatcherTrait, TAKES_FEE
};
use crate::store::CommitmentStore;
use crate::store_events::{EpochPosted, Swept};
use crate::store_interface::{EpochInfo, EpochState, IStoreDispatcher, IStoreDispatcherTrait};
use crate::store_fixture::{
    HOLD, START, WINDOW, World, claim, deploy_store_of, fund, items, post, post_final,
    post_with_total, setup
};
use crate::testing_fixture::{act_as, address, at, deploy, drain};
use crate::token::ITokenDispatcherTrait;

const END: u64 = START + WINDOW;

fn deploy_with(
    settler: felt252, court: felt252, token: felt252, treasury: felt252, window: u64, hold: u64
) -> ContractAddress {
    deploy(
        CommitmentStore::TEST_CLASS_HASH,
        array!['owner', settler, court, token, treasury, 1, window.into(), hold.into()]
    )
}

fn state(store: IStoreDispatcher, epoch: u64) -> EpochState {
    store.epoch_info(epoch).state
}

/// Epoch 1 is posted at START: alice 60, bob 40; 100 in the store.
fn posted() -> World {
    let world = setup(100);
    post(world.store, 1, items(array![('alice', 60), ('bob', 40)]));
    drain(world.store.contract_address);
    world
}

// ---- constructor

#[test]
#[available_gas(100000000)]
fn the_least_and_the_most_waits_are_taken() {
    deploy_with('settler', 'court', 'token', 'treasury', 1, 1);
    let contract_address = deploy_with('settler', 'court', 'token', 'treasury', 604800, 2592000);
    let store = IStoreDispatcher { contract_address };
    assert(store.challenge_window() == 604800, 'window');
    assert(store.max_hold() == 2592000, 'hold');
    assert(store.token() == address('token'), 'token');
    assert(store.treasury() == address('treasury'), 'treasury');
}

#[test]
#[available_gas(20000000)]
#[should_panic(expected: ('CIRO-CS: window out of bounds', 'CONSTRUCTOR_FAILED'))]
fn no_window_is_refused() {
    deploy_with('settler', 'court', 'token', 'treasury', 0, HOLD);
}

#[test]
#[available_gas(20000000)]
#[should_panic(expected: ('CIRO-CS: window out of bounds', 'CONSTRUCTOR_FAILED'))]
fn a_window_over_a_week_is_refused() {
    deploy_with('settler', 'court', 'token', 'treasury', 604801, HOLD);
}

#[test]
#[available_gas(20000000)]
#[should_panic(expected: ('CIRO-CS: hold out of bounds', 'CONSTRUCTOR_FAILED'))]
fn no_hold_is_refused() {
    deploy_with('settler', 'court', 'token', 'treasury', WINDOW, 0);
}

#[test]
#[available_gas(20000000)]
#[should_panic(expected: ('CIRO-CS: hold out of bounds', 'CONSTRUCTOR_FAILED'))]
fn a_hold_over_thirty_days_is_refused() {
    deploy_with('settler', 'court', 'token', 'treasury', WINDOW, 2592001);
}

#[test]
#[available_gas(20000000)]
#[should_panic(expected: ('CIRO-CS: zero address', 'CONSTRUCTOR_FAILED'))]
fn nobody_as_settler_is_refused() {
    deploy_with(0, 'court', 'token', 'treasury', WINDOW, HOLD);
}

#[test]
#[available_gas(20000000)]
#[should_panic(expected: ('CIRO-CS: zero address', 'CONSTRUCTOR_FAILED'))]
fn nobody_as_treasury_is_refused() {
    deploy_with('settler', 'court', 'token', 0, WINDOW, HOLD);
}

// ---- post_epoch

#[test]
#[available_gas(100000000)]
fn posts_and_tells() {
    let world = setup(100);
    act_as('settler');
    world.store.post_epoch(1, 'root', 100, 5, 32, 'data');
    assert(
        pop_log(world.store.contract_address) == Option::Some(
            CommitmentStore::Event::EpochPosted(
                EpochPosted {
                    epoch: 1,
                    root: 'root',
                    total: 100,
                    count: 5,
                    depth: 32,
                    data_hash: 'data',
                    claimable_at: END
                }
            )
        ),
        'event'
    );
    let expected = EpochInfo {
        root: 'root',
        total: 100,
        count: 5,
        depth: 32,
        claimable_at: END,
        held_until: 0,
        state: EpochState::Pending
    };
    assert(world.store.epoch_info(1) == expected, 'info');
    assert(world.store.last_epoch() == 1, 'last');
    assert(state(world.store, 2) == EpochState::Unknown, 'unknown');
    assert(!world.store.is_claimable(1) && !world.store.is_claimable(2), 'claimable');
}

#[test]
#[available_gas(100000000)]
fn the_same_post_again_changes_nothing() {
    let world = setup(100);
    act_as('settler');
    world.store.post_epoch(1, 'root', 100, 5, 3, 'data');
    drain(world.store.contract_address);
    at(START + 10);
    world.store.post_epoch(1, 'root', 100, 5, 3, 'data');
    assert(pop_log::<CommitmentStore::Event>(world.store.contract_address).is_none(), 'event');
    assert(world.store.epoch_info(1).claimable_at == END, 'window');
    assert(world.store.last_epoch() == 1, 'last');
}

#[test]
#[available_gas(100000000)]
#[should_panic(expected: ('CIRO-CS: epoch exists', 'ENTRYPOINT_FAILED'))]
fn another_root_for_an_epoch_is_refused() {
    let world = setup(100);
    act_as('settler');
    world.store.post_epoch(1, 'root', 100, 5, 3, 'data');
    world.store.post_epoch(1, 'other', 100, 5, 3, 'data');
}

#[test]
#[available_gas(100000000)]
#[should_panic(expected: ('CIRO-CS: epoch exists', 'ENTRYPOINT_FAILED'))]
fn another_total_for_an_epoch_is_refused() {
    let world = setup(100);
    act_as('settler');
    world.store.post_epoch(1, 'root', 100, 5, 3, 'data');
    world.store.post_epoch(1, 'root', 99, 5, 3, 'data');
}

#[test]
#[available_gas(100000000)]
#[should_panic(expected: ('CIRO-CS: not the next epoch', 'ENTRYPOINT_FAILED'))]
fn a_gap_between_epochs_is_refused() {
    let world = setup(100);
    act_as('settler');
    world.store.post_epoch(2, 'root', 100, 5, 3, 'data');
}

#[test]
#[available_gas(100000000)]
#[should_panic(expected: ('CIRO-CS: zero root', 'ENTRYPOINT_FAILED'))]
fn no_root_is_refused() {
    let world = setup(100);
    act_as('settler');
    world.store.post_epoch(1, 0, 100, 5, 3, 'data');
}

#[test]
#[available_gas(100000000)]
#[should_panic(expected: ('CIRO-CS: zero total', 'ENTRYPOINT_FAILED'))]
fn no_total_is_refused() {
    let world = setup(100);
    act_as('settler');
    world.store.post_epoch(1, 'root', 0, 5, 3, 'data');
}

#[test]
#[available_gas(100000000)]
#[should_panic(expected: ('CIRO-CS: bad count or depth', 'ENTRYPOINT_FAILED'))]
fn an_empty_tree_is_refused() {
    let world = setup(100);
    act_as('settler');
    world.store.post_epoch(1, 'root', 100, 0, 3, 'data');
}

#[test]
#[available_gas(100000000)]
#[should_panic(expected: ('CIRO-CS: bad count or depth', 'ENTRYPOINT_FAILED'))]
fn a_tree_of_33_levels_is_refused() {
    let world = setup(100);
    act_as('settler');
    world.store.post_epoch(1, 'root', 100, 5, 33, 'data');
}

#[test]
#[available_gas(100000000)]
#[should_panic(expected: ('CIRO-AC: missing role', 'ENTRYPOINT_FAILED'))]
fn only_the_settler_posts() {
    let world = setup(100);
    act_as('owner');
    world.store.post_epoch(1, 'root', 100, 5, 3, 'data');
}

#[test]
#[available_gas(100000000)]
#[should_panic(expected: ('CIRO-AC: paused', 'ENTRYPOINT_FAILED'))]
fn a_pause_stops_posting() {
    let world = setup(100);
    act_as('guardian');
    IAccessDispatcher { contract_address: world.store.contract_address }.pause();
    act_as('settler');
    world.store.post_epoch(1, 'root', 100, 5, 3, 'data');
}

#[test]
#[available_gas(100000000)]
#[should_panic(expected: ('CIRO-CS: not funded', 'ENTRYPOINT_FAILED'))]
fn one_unit_more_than_there_is_is_refused() {
    let world = setup(100);
    act_as('settler');
    world.store.post_epoch(1, 'root', 101, 5, 3, 'data');
}

#[test]
#[available_gas(200000000)]
fn what_was_paid_needs_no_funds_again() {
    let world = posted();
    at(END);
    claim(world.store, 1, items(array![('alice', 60), ('bob', 40)]), 0);
    fund(world, 10);
    post(world.store, 2, items(array![('alice', 65), ('bob', 45)]));
    assert(world.store.last_epoch() == 2, 'posted');
}

#[test]
#[available_gas(200000000)]
fn a_total_below_what_was_paid_needs_no_funds() {
    let world = posted();
    at(END);
    let all = items(array![('alice', 60), ('bob', 40)]);
    claim(world.store, 1, all, 0);
    claim(world.store, 1, all, 1);
    post(world.store, 2, items(array![('alice', 50), ('bob', 40)]));
    assert(world.store.last_epoch() == 2, 'posted');
}

#[test]
#[available_gas(100000000)]
#[should_panic(expected: ('CIRO-CS: not funded', 'ENTRYPOINT_FAILED'))]
fn a_fee_on_the_way_in_counts_as_not_arrived() {
    at(START);
    let contract_address = deploy(HostileToken::TEST_CLASS_HASH, array![TAKES_FEE]);
    let token = IHostileTokenDispatcher { contract_address };
    let store = deploy_store_of(contract_address, false, WINDOW, HOLD);
    token.mint(address('funder'), 100);
    act_as('funder');
    token.transfer(store.contract_address, 100);
    post(store, 1, items(array![('alice', 60), ('bob', 40)]));
}

// ---- sweep

#[test]
#[available_gas(300000000)]
fn sweeps_what_is_over_everything_owed() {
    let world = posted();
    at(END);
    claim(world.store, 1, items(array![('alice', 60), ('bob', 40)]), 0);
    fund(world, 30);
    post(world.store, 2, items(array![('alice', 60), ('bob', 50)]));
    drain(world.store.contract_address);
    act_as('owner');
    assert(world.store.sweep() == 20, 'amount');
    assert(
        pop_log(world.store.contract_address) == Option::Some(
            CommitmentStore::Event::Swept(
                Swept { to: address('treasury'), amount: 20 }
            )
        ),
        'event'
    );
    assert(world.token.balance_of(address('treasury')) == 20, 'treasury');
    assert(world.token.balance_of(world.store.contract_address) == 50, 'kept');
}

#[test]
#[available_gas(300000000)]
fn a_vetoed_total_is_not_owed() {
    let world = setup(100);
    post_final(world.store, 1, items(array![('alice', 10)]));
    post_with_total(world.store, 2, items(array![('alice', 100)]), 100);
    act_as('guardian');
    world.store.veto_epoch(2);
    act_as('owner');
    assert(world.store.sweep() == 90, 'amount');
}

#[test]
#[available_gas(200000000)]
#[should_panic(expected: ('CIRO-CS: nothing to sweep', 'ENTRYPOINT_FAILED'))]
fn what_is_owed_stays() {
    let world = posted();
    act_as('owner');
    world.store.sweep();
}

#[test]
#[available_gas(200000000)]
#[should_panic(expected: ('CIRO-AC: not owner', 'ENTRYPOINT_FAILED'))]
fn only_the_owner_sweeps() {
    let world = posted();
    act_as('settler');
    world.store.sweep();
}

#[test]
#[available_gas(200000000)]
#[should_panic(expected: ('CIRO-AC: not owner', 'ENTRYPOINT_FAILED'))]
fn only_the_owner_upgrades() {
    let world = posted();
    act_as('settler');
    IAccessDispatcher { contract_address: world.store.contract_address }
        .upgrade(HostileToken::TEST_CLASS_HASH.try_into().unwrap());
}
