//! What the court and guardians do to an epoch, and when.

use starknet::testing::pop_log;
use crate::store::CommitmentStore;
use crate::store_events::{EpochHeld, EpochReleased, EpochVetoed};
use crate::store_interface::{EpochState, IStoreDispatcher, IStoreDispatcherTrait};
use crate::store_fixture::{
    HOLD, START, WINDOW, World, deploy_store, deploy_token, fund, items, post, setup
};
use crate::testing_fixture::{act_as, address, at, drain};

const END: u64 = START + WINDOW;
const LAPSE: u64 = START + HOLD;

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

fn hold(store: IStoreDispatcher) {
    act_as('court');
    store.hold_epoch(1, 7);
    act_as('anyone');
}

fn veto_as(by: felt252, store: IStoreDispatcher) -> bool {
    act_as(by);
    store.veto_epoch(1)
}

// ---- hold and release

#[test]
#[available_gas(200000000)]
fn a_hold_outlasts_the_window_and_lapses_by_itself() {
    let world = posted();
    hold(world.store);
    assert(
        pop_log(world.store.contract_address) == Option::Some(
            CommitmentStore::Event::EpochHeld(
                EpochHeld { epoch: 1, case: 7, until: LAPSE }
            )
        ),
        'event'
    );
    assert(state(world.store, 1) == EpochState::Held, 'held');
    at(LAPSE - 1);
    assert(state(world.store, 1) == EpochState::Held, 'still held');
    assert(!world.store.is_claimable(1), 'not claimable');
    at(LAPSE);
    assert(state(world.store, 1) == EpochState::Final, 'final');
    assert(world.store.is_claimable(1), 'claimable');
}

#[test]
#[available_gas(200000000)]
fn the_court_releases_at_any_time() {
    let world = posted();
    hold(world.store);
    drain(world.store.contract_address);
    act_as('court');
    world.store.release_epoch(1);
    assert(
        pop_log(world.store.contract_address) == Option::Some(
            CommitmentStore::Event::EpochReleased(EpochReleased { epoch: 1 })
        ),
        'event'
    );
    assert(state(world.store, 1) == EpochState::Pending, 'pending');
    at(END);
    assert(world.store.is_claimable(1), 'claimable');
}

#[test]
#[available_gas(200000000)]
fn anyone_releases_a_hold_that_lapsed() {
    let world = posted();
    hold(world.store);
    at(LAPSE);
    world.store.release_epoch(1);
    assert(world.store.is_claimable(1), 'claimable');
}

#[test]
#[available_gas(200000000)]
#[should_panic(expected: ('CIRO-CS: hold not over', 'ENTRYPOINT_FAILED'))]
fn nobody_else_releases_before() {
    let world = posted();
    hold(world.store);
    at(LAPSE - 1);
    world.store.release_epoch(1);
}

#[test]
#[available_gas(200000000)]
fn a_release_where_nothing_is_held_does_nothing() {
    let world = posted();
    world.store.release_epoch(1);
    assert(pop_log::<CommitmentStore::Event>(world.store.contract_address).is_none(), 'event');
    assert(state(world.store, 1) == EpochState::Pending, 'pending');
}

#[test]
#[available_gas(200000000)]
fn the_last_second_of_the_window_is_early_enough_to_hold() {
    let world = posted();
    at(END - 1);
    hold(world.store);
    assert(state(world.store, 1) == EpochState::Held, 'held');
}

#[test]
#[available_gas(200000000)]
#[should_panic(expected: ('CIRO-CS: window over', 'ENTRYPOINT_FAILED'))]
fn the_end_of_the_window_is_too_late_to_hold() {
    let world = posted();
    at(END);
    hold(world.store);
}

#[test]
#[available_gas(200000000)]
#[should_panic(expected: ('CIRO-CS: held', 'ENTRYPOINT_FAILED'))]
fn a_held_epoch_is_not_held_again() {
    let world = posted();
    hold(world.store);
    hold(world.store);
}

#[test]
#[available_gas(200000000)]
fn a_second_hold_ends_when_the_first_would() {
    let world = posted();
    hold(world.store);
    act_as('court');
    world.store.release_epoch(1);
    at(END - 1);
    hold(world.store);
    assert(world.store.epoch_info(1).held_until == LAPSE, 'until');
}

#[test]
#[available_gas(200000000)]
#[should_panic(expected: ('CIRO-CS: hold used up', 'ENTRYPOINT_FAILED'))]
fn after_its_time_an_epoch_is_not_held_again() {
    at(START);
    let token = deploy_token();
    let store = deploy_store(token.contract_address, WINDOW, 100);
    fund(World { store, token }, 100);
    post(store, 1, items(array![('alice', 60), ('bob', 40)]));
    hold(store);
    at(START + 100);
    hold(store);
}

#[test]
#[available_gas(200000000)]
#[should_panic(expected: ('CIRO-AC: missing role', 'ENTRYPOINT_FAILED'))]
fn a_guardian_holds_nothing() {
    let world = posted();
    act_as('guardian');
    world.store.hold_epoch(1, 7);
}

#[test]
#[available_gas(200000000)]
#[should_panic(expected: ('CIRO-CS: unknown epoch', 'ENTRYPOINT_FAILED'))]
fn an_epoch_that_is_not_there_is_not_held() {
    let world = setup(0);
    hold(world.store);
}

#[test]
#[available_gas(200000000)]
#[should_panic(expected: ('CIRO-CS: vetoed', 'ENTRYPOINT_FAILED'))]
fn a_vetoed_epoch_is_not_held() {
    let world = posted();
    veto_as('guardian', world.store);
    hold(world.store);
}

// ---- veto

#[test]
#[available_gas(200000000)]
fn a_veto_in_the_last_second_is_for_ever() {
    let world = posted();
    at(END - 1);
    assert(veto_as('guardian', world.store), 'answer');
    assert(
        pop_log(world.store.contract_address) == Option::Some(
            CommitmentStore::Event::EpochVetoed(
                EpochVetoed { epoch: 1, by: address('guardian') }
            )
        ),
        'event'
    );
    at(END + 10000000);
    assert(state(world.store, 1) == EpochState::Vetoed, 'vetoed');
    assert(!world.store.is_claimable(1), 'claimable');
}

#[test]
#[available_gas(200000000)]
#[should_panic(expected: ('CIRO-CS: window over', 'ENTRYPOINT_FAILED'))]
fn a_veto_at_the_end_of_the_window_is_too_late() {
    let world = posted();
    at(END);
    veto_as('guardian', world.store);
}

#[test]
#[available_gas(200000000)]
fn a_ruling_that_comes_too_late_changes_nothing_and_closes() {
    let world = posted();
    hold(world.store);
    at(LAPSE);
    assert(!veto_as('court', world.store), 'answer');
    assert(world.store.is_claimable(1), 'claimable');
}

#[test]
#[available_gas(200000000)]
fn a_held_epoch_is_vetoed_after_its_window() {
    let world = posted();
    hold(world.store);
    at(LAPSE - 1);
    assert(veto_as('court', world.store), 'answer');
    act_as('court');
    world.store.release_epoch(1);
    at(LAPSE);
    assert(state(world.store, 1) == EpochState::Vetoed, 'vetoed');
    assert(veto_as('court', world.store), 'again');
}

#[test]
#[available_gas(200000000)]
#[should_panic(expected: ('CIRO-AC: missing role', 'ENTRYPOINT_FAILED'))]
fn the_settler_vetoes_nothing() {
    let world = posted();
    veto_as('settler', world.store);
}

#[test]
#[available_gas(200000000)]
#[should_panic(expected: ('CIRO-CS: unknown epoch', 'ENTRYPOINT_FAILED'))]
fn an_epoch_that_is_not_there_is_not_vetoed() {
    let world = setup(0);
    veto_as('court', world.store);
}
