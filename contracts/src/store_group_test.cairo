//! Group claims, and hostile tokens. Conservation is in store_property_test.

use starknet::testing::pop_log;
use crate::hostile_token_fixture::{
    ANSWERS_FALSE, HONEST, HostileToken, IHostileTokenDispatcher, IHostileTokenDispatcherTrait
};
use crate::store::CommitmentStore;
use crate::store_events::GroupClaimed;
use crate::store_fixture::{
    HOLD, START, WINDOW, World, claim, claim_group, deploy_store_of, items, leaves_of, post,
    post_final, post_with_total, proof_from, setup
};
use crate::store_interface::{IStoreDispatcher, IStoreDispatcherTrait, Item};
use crate::testing_fixture::{address, at, deploy, drain};
use crate::token::ITokenDispatcherTrait;

const END: u64 = START + WINDOW;

fn people() -> Span<Item> {
    items(array![('alice', 60), ('bob', 40), ('carol', 30), ('dave', 20), ('erin', 10)])
}

fn final_epoch() -> World {
    let world = setup(1000);
    post_final(world.store, 1, people());
    world
}

#[test]
#[available_gas(400000000)]
fn pays_a_group_with_one_proof() {
    let world = final_epoch();
    drain(world.store.contract_address);
    assert(claim_group(world.store, 1, people(), 0, 2, 4) == (4, 150), 'answer');
    assert(
        pop_log(world.store.contract_address) == Option::Some(
            CommitmentStore::Event::GroupClaimed(
                GroupClaimed { epoch: 1, first_index: 0, payees: 4, sum: 150 }
            )
        ),
        'event'
    );
    assert(world.token.balance_of(address('dave')) == 20, 'dave');
    assert(world.store.paid_of(address('bob')) == 40, 'bob');
    assert(world.store.paid_total() == 150, 'paid total');
}

#[test]
#[available_gas(400000000)]
fn padding_is_passed_over() {
    let world = final_epoch();
    assert(claim_group(world.store, 1, people(), 4, 2, 4) == (1, 10), 'answer');
    assert(world.token.balance_of(address('erin')) == 10, 'erin');
}

#[test]
#[available_gas(400000000)]
fn the_whole_tree_is_a_group_and_so_is_one_leaf() {
    let world = final_epoch();
    assert(claim_group(world.store, 1, people(), 3, 0, 1) == (1, 20), 'one');
    assert(claim_group(world.store, 1, people(), 0, 3, 8) == (4, 140), 'all');
}

#[test]
#[available_gas(400000000)]
fn a_group_pays_only_who_is_still_due() {
    let world = final_epoch();
    claim(world.store, 1, people(), 1);
    assert(claim_group(world.store, 1, people(), 0, 2, 4) == (3, 110), 'rest');
    drain(world.store.contract_address);
    assert(claim_group(world.store, 1, people(), 0, 2, 4) == (0, 0), 'again');
    assert(pop_log::<CommitmentStore::Event>(world.store.contract_address).is_none(), 'event');
    assert(world.token.balance_of(address('bob')) == 40, 'bob');
}

#[test]
#[available_gas(400000000)]
fn an_account_twice_in_a_group_gets_the_greater_once() {
    let world = setup(1000);
    let double = items(array![('alice', 30), ('bob', 1), ('alice', 70), ('alice', 50)]);
    post_final(world.store, 1, double);
    assert(claim_group(world.store, 1, double, 0, 2, 4) == (3, 71), 'answer');
    assert(world.token.balance_of(address('alice')) == 70, 'alice');
}

#[test]
#[available_gas(400000000)]
#[should_panic(expected: ('CIRO-CS: group size', 'ENTRYPOINT_FAILED'))]
fn a_group_of_three_is_refused() {
    let world = final_epoch();
    world.store.claim_group(1, 0, people().slice(0, 3), array![].span());
}

#[test]
#[available_gas(400000000)]
#[should_panic(expected: ('CIRO-CS: group size', 'ENTRYPOINT_FAILED'))]
fn a_group_of_none_is_refused() {
    let world = final_epoch();
    world.store.claim_group(1, 0, array![].span(), array![].span());
}

#[test]
#[available_gas(400000000)]
#[should_panic(expected: ('CIRO-CS: misaligned', 'ENTRYPOINT_FAILED'))]
fn a_misaligned_group_is_refused() {
    let world = final_epoch();
    let proof = proof_from(leaves_of(world.store, people()), 1, 0);
    world.store.claim_group(1, 1, people().slice(1, 2), proof);
}

#[test]
#[available_gas(400000000)]
#[should_panic(expected: ('CIRO-CS: bad proof length', 'ENTRYPOINT_FAILED'))]
fn a_group_with_a_long_proof_is_refused() {
    let world = final_epoch();
    let proof = proof_from(leaves_of(world.store, people()), 0, 0);
    world.store.claim_group(1, 0, people().slice(0, 2), proof);
}

#[test]
#[available_gas(400000000)]
#[should_panic(expected: ('CIRO-CS: bad proof', 'ENTRYPOINT_FAILED'))]
fn a_group_with_one_other_amount_is_refused() {
    let world = final_epoch();
    let other = items(array![('alice', 60), ('bob', 41)]);
    let proof = proof_from(leaves_of(world.store, people()), 1, 0);
    world.store.claim_group(1, 0, other, proof);
}

#[test]
#[available_gas(400000000)]
#[should_panic(expected: ('CIRO-CS: bad proof', 'ENTRYPOINT_FAILED'))]
fn nobody_is_left_out_of_a_group() {
    let world = final_epoch();
    let other = items(array![('alice', 60), (0, 0)]);
    let proof = proof_from(leaves_of(world.store, people()), 1, 0);
    world.store.claim_group(1, 0, other, proof);
}

#[test]
#[available_gas(400000000)]
#[should_panic(expected: ('CIRO-CS: index range', 'ENTRYPOINT_FAILED'))]
fn an_account_after_the_last_leaf_is_refused() {
    let world = final_epoch();
    let other = items(array![('erin', 10), ('mallory', 5)]);
    let proof = proof_from(leaves_of(world.store, people()), 1, 2);
    world.store.claim_group(1, 4, other, proof);
}

#[test]
#[available_gas(400000000)]
#[should_panic(expected: ('CIRO-CS: not claimable yet', 'ENTRYPOINT_FAILED'))]
fn a_group_waits_for_the_window() {
    let world = setup(1000);
    post(world.store, 1, people());
    at(END - 1);
    claim_group(world.store, 1, people(), 0, 2, 4);
}

#[test]
#[available_gas(400000000)]
#[should_panic(expected: ('CIRO-CS: over total', 'ENTRYPOINT_FAILED'))]
fn a_group_over_the_total_is_refused() {
    let world = setup(1000);
    post_with_total(world.store, 1, people(), 149);
    at(END);
    claim_group(world.store, 1, people(), 0, 2, 4);
}

// ---- hostile tokens

/// `batches`: whether the store pays groups by `transfer_batch`.
fn hostile_world(batches: bool) -> (IStoreDispatcher, IHostileTokenDispatcher) {
    at(START);
    let contract_address = deploy(HostileToken::TEST_CLASS_HASH, array![HONEST]);
    let token = IHostileTokenDispatcher { contract_address };
    let store = deploy_store_of(contract_address, batches, WINDOW, HOLD);
    token.mint(store.contract_address, 1000);
    post_final(store, 1, people());
    (store, token)
}

/// `claim` of item number `index`, as a call back.
fn claim_calldata(store: IStoreDispatcher, index: u32) -> Array<felt252> {
    let Item { account, cumulative } = *people().at(index);
    let mut calldata: Array<felt252> = array![1, index.into(), account.into(), cumulative.into()];
    proof_from(leaves_of(store, people()), 0, index).serialize(ref calldata);
    calldata
}

fn group_calldata(store: IStoreDispatcher) -> Array<felt252> {
    let mut calldata: Array<felt252> = array![1, 0];
    people().slice(0, 2).serialize(ref calldata);
    proof_from(leaves_of(store, people()), 1, 0).serialize(ref calldata);
    calldata
}

#[test]
#[available_gas(400000000)]
#[should_panic(expected: ('CIRO-ER: transfer failed', 'ENTRYPOINT_FAILED'))]
fn a_token_that_answers_false_pays_nothing() {
    let (store, token) = hostile_world(false);
    token.behave(ANSWERS_FALSE);
    claim(store, 1, people(), 0);
}

#[test]
#[available_gas(400000000)]
#[should_panic(expected: ('CIRO-ER: transfer failed', 'ENTRYPOINT_FAILED'))]
fn a_token_that_answers_false_pays_no_group() {
    let (store, token) = hostile_world(false);
    token.behave(ANSWERS_FALSE);
    claim_group(store, 1, people(), 0, 2, 4);
}

#[test]
#[available_gas(400000000)]
#[should_panic(
    expected: (
        'CIRO-RG: reentered', 'ENTRYPOINT_FAILED', 'ENTRYPOINT_FAILED', 'ENTRYPOINT_FAILED'
    )
)]
fn a_token_does_not_claim_inside_a_claim() {
    let (store, token) = hostile_world(false);
    token.aim(store.contract_address, selector!("claim"), claim_calldata(store, 1));
    claim(store, 1, people(), 0);
}

#[test]
#[available_gas(400000000)]
#[should_panic(
    expected: (
        'CIRO-RG: reentered', 'ENTRYPOINT_FAILED', 'ENTRYPOINT_FAILED', 'ENTRYPOINT_FAILED'
    )
)]
fn a_token_does_not_claim_inside_a_group() {
    let (store, token) = hostile_world(false);
    token.aim(store.contract_address, selector!("claim_group"), group_calldata(store));
    claim_group(store, 1, people(), 0, 2, 4);
}

#[test]
#[available_gas(400000000)]
fn a_token_that_repeats_the_claim_it_is_in_gets_nothing() {
    let (store, token) = hostile_world(false);
    token.aim(store.contract_address, selector!("claim"), claim_calldata(store, 0));
    assert(claim(store, 1, people(), 0) == 60, 'outer');
    assert(token.balance_of(address('alice')) == 60, 'alice');
    assert(store.paid_total() == 60, 'paid total');
}

#[test]
#[available_gas(400000000)]
fn a_group_is_paid_one_by_one_by_a_token_that_has_no_batches() {
    let (store, token) = hostile_world(false);
    assert(claim_group(store, 1, people(), 0, 2, 4) == (4, 150), 'answer');
    assert(token.balance_of(address('dave')) == 20, 'dave');
    assert(store.paid_total() == 150, 'paid total');
}

#[test]
#[available_gas(400000000)]
#[should_panic(expected: ('CIRO-ER: transfer failed', 'ENTRYPOINT_FAILED'))]
fn a_token_that_answers_false_to_a_batch_pays_no_group() {
    let (store, token) = hostile_world(true);
    token.behave(ANSWERS_FALSE);
    claim_group(store, 1, people(), 0, 2, 4);
}

#[test]
#[available_gas(400000000)]
#[should_panic(
    expected: (
        'CIRO-RG: reentered', 'ENTRYPOINT_FAILED', 'ENTRYPOINT_FAILED', 'ENTRYPOINT_FAILED'
    )
)]
fn a_token_does_not_claim_inside_a_batch() {
    let (store, token) = hostile_world(true);
    token.aim(store.contract_address, selector!("claim_group"), group_calldata(store));
    claim_group(store, 1, people(), 0, 2, 4);
}
