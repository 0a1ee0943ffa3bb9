//! Single claims: what they pay, when, and what is no proof.

use core::poseidon::poseidon_hash_span;
use starknet::get_tx_info;
use starknet::testing::pop_log;
use crate::access::{IAccessDispatcher, IAccessDispatcherTrait};
use crate::store::CommitmentStore;
use crate::store_events::{Claimed};
use crate::store_interface::{IStoreDispatcherTrait, Item};
use crate::store_fixture::{
    DEPTH, START, WINDOW, World, claim, deploy_store, fund, items, leaves_of, post, post_final,
    post_with_total, proof_from, setup, tree_node
};
use crate::testing_fixture::{act_as, address, at, drain};
use crate::token::ITokenDispatcherTrait;

const END: u64 = START + WINDOW;

fn people() -> Span<Item> {
    items(array![('alice', 60), ('bob', 40), ('carol', 30), ('dave', 20), ('erin', 10)])
}

/// Epoch 1 with `people` is final; 1,000 in the store.
fn final_epoch() -> World {
    let world = setup(1000);
    post_final(world.store, 1, people());
    world
}

fn balance(world: World, account: felt252) -> u256 {
    world.token.balance_of(address(account))
}

// ---- what a claim pays

#[test]
#[available_gas(300000000)]
fn pays_the_account_of_the_leaf_whoever_calls() {
    let world = final_epoch();
    drain(world.store.contract_address);
    act_as('stranger');
    assert(claim(world.store, 1, people(), 2) == 30, 'answer');
    assert(
        pop_log(world.store.contract_address) == Option::Some(
            CommitmentStore::Event::Claimed(
                Claimed {
                    epoch: 1, account: address('carol'), amount: 30, cumulative: 30
                }
            )
        ),
        'event'
    );
    assert(balance(world, 'carol') == 30, 'carol');
    assert(balance(world, 'stranger') == 0, 'stranger');
    assert(world.store.paid_of(address('carol')) == 30, 'paid of');
    assert(world.store.paid_total() == 30, 'paid total');
}

#[test]
#[available_gas(400000000)]
fn a_repeat_pays_nothing_and_never_panics() {
    let world = final_epoch();
    let first = proof_from(leaves_of(world.store, people()), 0, 0);
    claim(world.store, 1, people(), 0);
    assert(claim(world.store, 1, people(), 0) == 0, 'again');
    // Even with an epoch that is no more, and no proof at all.
    assert(world.store.claim(99, 0, address('alice'), 60, array![].span()) == 0, 'unknown');
    assert(world.store.claim(1, 0, address('alice'), 59, first) == 0, 'less');
    assert(balance(world, 'alice') == 60, 'alice');
}

#[test]
#[available_gas(400000000)]
fn a_later_epoch_pays_the_difference() {
    let world = final_epoch();
    claim(world.store, 1, people(), 0);
    let later = items(array![('alice', 75), ('bob', 40)]);
    post_final(world.store, 2, later);
    assert(claim(world.store, 2, later, 0) == 15, 'difference');
    assert(claim(world.store, 1, people(), 0) == 0, 'older root');
    assert(claim(world.store, 1, people(), 1) == 40, 'older root still pays');
    assert(balance(world, 'alice') == 75, 'alice');
}

#[test]
#[available_gas(400000000)]
fn a_corrected_leaf_pays_nothing_more_and_takes_nothing_back() {
    let world = final_epoch();
    claim(world.store, 1, people(), 0);
    let corrected = items(array![('alice', 50), ('bob', 45)]);
    post_final(world.store, 2, corrected);
    assert(claim(world.store, 2, corrected, 0) == 0, 'corrected');
    assert(balance(world, 'alice') == 60, 'alice');
    let later = items(array![('alice', 62), ('bob', 45)]);
    post_final(world.store, 3, later);
    assert(claim(world.store, 3, later, 0) == 2, 'caught up');
}

#[test]
#[available_gas(400000000)]
fn an_account_with_two_leaves_gets_the_greater_once() {
    let world = setup(1000);
    let double = items(array![('alice', 30), ('bob', 1), ('alice', 70)]);
    post_final(world.store, 1, double);
    assert(claim(world.store, 1, double, 0) == 30, 'first');
    assert(claim(world.store, 1, double, 2) == 40, 'second');
    assert(claim(world.store, 1, double, 0) == 0, 'again');
    assert(balance(world, 'alice') == 70, 'alice');
}

#[test]
#[available_gas(400000000)]
fn one_in_front_of_a_batch_does_not_revert_it() {
    let world = final_epoch();
    act_as('stranger');
    claim(world.store, 1, people(), 0);
    act_as('relayer');
    assert(claim(world.store, 1, people(), 0) == 0, 'taken');
    assert(claim(world.store, 1, people(), 1) == 40, 'the next is paid');
}

#[test]
#[available_gas(400000000)]
fn a_pause_never_stops_a_claim() {
    let world = final_epoch();
    act_as('guardian');
    IAccessDispatcher { contract_address: world.store.contract_address }.pause();
    assert(claim(world.store, 1, people(), 0) == 60, 'paid');
}

// ---- when

#[test]
#[available_gas(300000000)]
#[should_panic(expected: ('CIRO-CS: not claimable yet', 'ENTRYPOINT_FAILED'))]
fn the_last_second_of_the_window_is_too_early() {
    let world = final_epoch();
    at(END - 1);
    claim(world.store, 1, people(), 0);
}

#[test]
#[available_gas(300000000)]
#[should_panic(expected: ('CIRO-CS: held', 'ENTRYPOINT_FAILED'))]
fn a_held_epoch_pays_nothing() {
    let world = setup(1000);
    post(world.store, 1, people());
    act_as('court');
    world.store.hold_epoch(1, 7);
    at(END);
    claim(world.store, 1, people(), 0);
}

#[test]
#[available_gas(300000000)]
#[should_panic(expected: ('CIRO-CS: vetoed', 'ENTRYPOINT_FAILED'))]
fn a_vetoed_epoch_pays_nothing() {
    let world = setup(1000);
    post(world.store, 1, people());
    act_as('guardian');
    world.store.veto_epoch(1);
    at(END);
    claim(world.store, 1, people(), 0);
}

#[test]
#[available_gas(300000000)]
#[should_panic(expected: ('CIRO-CS: unknown epoch', 'ENTRYPOINT_FAILED'))]
fn an_epoch_that_is_not_there_pays_nothing() {
    let world = final_epoch();
    claim(world.store, 2, people(), 0);
}

/// Epochs 2 ..= last are final too.
fn many_epochs(last: u64) -> World {
    let world = final_epoch();
    let mut epoch: u64 = 2;
    while epoch <= last {
        post_final(world.store, epoch, people());
        epoch += 1;
    };
    world
}

#[test]
#[available_gas(2000000000)]
fn the_last_eight_final_roots_pay() {
    let world = many_epochs(8);
    assert(world.store.is_claimable(1), 'claimable');
    assert(claim(world.store, 1, people(), 0) == 60, 'paid');
}

#[test]
#[available_gas(2000000000)]
#[should_panic(expected: ('CIRO-CS: too old', 'ENTRYPOINT_FAILED'))]
fn the_ninth_to_last_pays_nothing() {
    let world = many_epochs(9);
    assert(!world.store.is_claimable(1) && world.store.is_claimable(2), 'claimable');
    claim(world.store, 1, people(), 0);
}

#[test]
#[available_gas(2000000000)]
fn neither_young_nor_held_nor_vetoed_roots_make_another_too_old() {
    let world = many_epochs(7);
    post(world.store, 8, people());
    act_as('guardian');
    world.store.veto_epoch(8);
    post(world.store, 9, people());
    act_as('court');
    world.store.hold_epoch(9, 7);
    at(world.store.epoch_info(9).claimable_at);
    post(world.store, 10, people());
    assert(world.store.is_claimable(1), 'young');
    at(world.store.epoch_info(10).claimable_at);
    assert(world.store.is_claimable(1), 'held and vetoed');
    // The hold ends: now eight later roots are final.
    act_as('court');
    world.store.release_epoch(9);
    assert(!world.store.is_claimable(1) && world.store.is_claimable(2), 'too old');
}

// ---- what is no proof

#[test]
#[available_gas(300000000)]
#[should_panic(expected: ('CIRO-CS: bad proof', 'ENTRYPOINT_FAILED'))]
fn another_amount_is_refused() {
    let world = final_epoch();
    let proof = proof_from(leaves_of(world.store, people()), 0, 0);
    world.store.claim(1, 0, address('alice'), 61, proof);
}

#[test]
#[available_gas(300000000)]
#[should_panic(expected: ('CIRO-CS: bad proof', 'ENTRYPOINT_FAILED'))]
fn another_account_is_refused() {
    let world = final_epoch();
    let proof = proof_from(leaves_of(world.store, people()), 0, 0);
    world.store.claim(1, 0, address('mallory'), 60, proof);
}

#[test]
#[available_gas(300000000)]
#[should_panic(expected: ('CIRO-CS: bad proof', 'ENTRYPOINT_FAILED'))]
fn another_index_is_refused() {
    let world = final_epoch();
    let proof = proof_from(leaves_of(world.store, people()), 0, 0);
    world.store.claim(1, 1, address('alice'), 60, proof);
}

#[test]
#[available_gas(300000000)]
#[should_panic(expected: ('CIRO-CS: index range', 'ENTRYPOINT_FAILED'))]
fn an_index_from_count_on_is_refused() {
    let world = final_epoch();
    let proof = proof_from(leaves_of(world.store, people()), 0, 0);
    world.store.claim(1, 5, address('alice'), 60, proof);
}

#[test]
#[available_gas(300000000)]
#[should_panic(expected: ('CIRO-CS: index range', 'ENTRYPOINT_FAILED'))]
fn an_index_that_wraps_around_is_refused() {
    let world = setup(1000);
    let leaves = leaves_of(world.store, people());
    act_as('settler');
    // A count that the depth can't hold.
    world.store.post_epoch(1, tree_node(leaves, 3, 0), 160, 100, DEPTH, 'data');
    at(END);
    world.store.claim(1, 8, address('alice'), 60, proof_from(leaves, 0, 0));
}

#[test]
#[available_gas(300000000)]
#[should_panic(expected: ('CIRO-CS: bad proof length', 'ENTRYPOINT_FAILED'))]
fn a_short_proof_is_refused() {
    let world = final_epoch();
    let proof = proof_from(leaves_of(world.store, people()), 0, 0);
    world.store.claim(1, 0, address('alice'), 60, proof.slice(0, 2));
}

#[test]
#[available_gas(300000000)]
#[should_panic(expected: ('CIRO-CS: bad proof length', 'ENTRYPOINT_FAILED'))]
fn a_long_proof_is_refused() {
    let world = final_epoch();
    let mut proof: Array<felt252> = array![];
    for sibling in proof_from(leaves_of(world.store, people()), 0, 0) {
        proof.append(*sibling);
    };
    proof.append(0);
    world.store.claim(1, 0, address('alice'), 60, proof.span());
}

/// A tree of depth 3 posted as one of depth 2: its leaves would be inner nodes, and no account hashes to one.
#[test]
#[available_gas(300000000)]
#[should_panic(expected: ('CIRO-CS: bad proof', 'ENTRYPOINT_FAILED'))]
fn an_inner_node_is_no_leaf() {
    let world = setup(1000);
    let leaves = leaves_of(world.store, people());
    act_as('settler');
    world.store.post_epoch(1, tree_node(leaves, 3, 0), 160, 4, 2, 'data');
    at(END);
    world.store.claim(1, 0, address(*leaves.at(0)), 60, proof_from(leaves, 1, 0));
}

#[test]
#[available_gas(300000000)]
#[should_panic(expected: ('CIRO-CS: zero address', 'ENTRYPOINT_FAILED'))]
fn padding_is_no_payee() {
    let world = final_epoch();
    let proof = proof_from(leaves_of(world.store, people()), 0, 5);
    world.store.claim(1, 5, address(0), 1, proof);
}

#[test]
#[available_gas(400000000)]
#[should_panic(expected: ('CIRO-CS: bad proof', 'ENTRYPOINT_FAILED'))]
fn a_proof_of_another_epoch_is_refused() {
    let world = final_epoch();
    post_final(world.store, 2, items(array![('alice', 10), ('bob', 40)]));
    let proof = proof_from(leaves_of(world.store, people()), 0, 0);
    world.store.claim(2, 0, address('alice'), 60, proof);
}

#[test]
#[available_gas(400000000)]
#[should_panic(expected: ('CIRO-CS: bad proof', 'ENTRYPOINT_FAILED'))]
fn a_leaf_of_another_store_is_refused() {
    let world = final_epoch();
    let other = deploy_store(world.token.contract_address, WINDOW, 999);
    fund(World { store: other, token: world.token }, 1000);
    let root = tree_node(leaves_of(world.store, people()), 3, 0);
    act_as('settler');
    other.post_epoch(1, root, 160, 5, DEPTH, 'data');
    at(other.epoch_info(1).claimable_at);
    let proof = proof_from(leaves_of(world.store, people()), 0, 0);
    other.claim(1, 0, address('alice'), 60, proof);
}

#[test]
#[available_gas(400000000)]
#[should_panic(expected: ('CIRO-CS: bad proof', 'ENTRYPOINT_FAILED'))]
fn a_leaf_of_another_chain_is_refused() {
    let world = final_epoch();
    let proof = proof_from(leaves_of(world.store, people()), 0, 0);
    starknet::testing::set_chain_id('SN_OTHER');
    world.store.claim(1, 0, address('alice'), 60, proof);
}

#[test]
#[available_gas(300000000)]
fn says_what_a_leaf_is() {
    let world = setup(0);
    let expected = poseidon_hash_span(
        array![
            'CIRO.leaf.v2',
            get_tx_info().unbox().chain_id,
            world.store.contract_address.into(),
            'alice',
            60
        ]
            .span()
    );
    assert(world.store.leaf(address('alice'), 60) == expected, 'leaf');
}

#[test]
#[available_gas(400000000)]
fn proves_without_paying_and_before_it_pays() {
    let world = setup(1000);
    post(world.store, 1, people());
    let leaves = leaves_of(world.store, people());
    let proof = proof_from(leaves, 0, 4);
    assert(world.store.prove(1, 4, address('erin'), 10, proof), 'erin');
    assert(!world.store.prove(1, 4, address('erin'), 11, proof), 'amount');
    assert(!world.store.prove(1, 3, address('erin'), 10, proof), 'index');
    assert(!world.store.prove(1, 5, address('erin'), 10, proof), 'count');
    assert(!world.store.prove(1, 4, address('erin'), 10, proof.slice(0, 2)), 'length');
    assert(!world.store.prove(2, 4, address('erin'), 10, proof), 'epoch');
    assert(world.store.paid_total() == 0, 'nothing paid');
}

// ---- a root whose leaves sum to more than its total

#[test]
#[available_gas(400000000)]
fn under_a_total_too_low_the_first_are_paid() {
    let world = setup(1000);
    let all = items(array![('alice', 60), ('bob', 60)]);
    post_with_total(world.store, 1, all, 100);
    at(END);
    assert(claim(world.store, 1, all, 0) == 60, 'alice');
}

#[test]
#[available_gas(400000000)]
#[should_panic(expected: ('CIRO-CS: over total', 'ENTRYPOINT_FAILED'))]
fn under_a_total_too_low_the_last_are_not() {
    let world = setup(1000);
    let all = items(array![('alice', 60), ('bob', 60)]);
    post_with_total(world.store, 1, all, 100);
    at(END);
    claim(world.store, 1, all, 0);
    claim(world.store, 1, all, 1);
}

#[test]
#[available_gas(400000000)]
fn what_a_later_root_paid_does_not_close_an_older_one() {
    let world = final_epoch();
    let later = items(array![('frank', 500), ('alice', 60), ('bob', 40)]);
    post_final(world.store, 2, later);
    claim(world.store, 2, later, 0);
    assert(claim(world.store, 1, people(), 0) == 60, 'alice');
}
