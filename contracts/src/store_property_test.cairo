//! Conservation of what a store pays, over random epochs, corrections and claims.

use crate::store_fixture::{FUNDS, World, claim, claim_group, post_final, setup, sum_of};
use crate::store_interface::{IStoreDispatcherTrait, Item};
use crate::testing_fixture::{Random, RandomTrait, address};
use crate::token::ITokenDispatcherTrait;

/// Six accounts.
fn names() -> Span<felt252> {
    array!['alice', 'bob', 'carol', 'dave', 'erin', 'frank'].span()
}

/// What everybody earned an epoch later: mostly more, at times a correction, never below what was paid.
fn next_earned(world: World, ref random: Random, before: Span<u128>) -> Span<u128> {
    let mut after: Array<u128> = array![];
    let mut place: u32 = 0;
    while place != before.len() {
        let earned = *before.at(place);
        let paid = world.store.paid_of(address(*names().at(place)));
        if random.below(4) == 0 {
            after.append(core::cmp::max(paid, earned / 2));
        } else {
            after.append(earned + 1 + random.below(1000));
        }
        place += 1;
    };
    after.span()
}

fn items_of(earned: Span<u128>) -> Span<Item> {
    let mut all: Array<Item> = array![];
    let mut place: u32 = 0;
    while place != earned.len() {
        all.append(Item { account: address(*names().at(place)), cumulative: *earned.at(place) });
        place += 1;
    };
    all.span()
}

fn claim_some(world: World, epoch: u64, all: Span<Item>, ref random: Random) {
    let index: u32 = random.below(6).try_into().unwrap();
    if random.below(3) == 0 {
        claim_group(world.store, epoch, all, index / 2 * 2, 1, 2);
    } else {
        claim(world.store, epoch, all, index);
    }
}

/// Balances are what was paid; what was paid is under `most`; with what is left it is what was put in.
fn assert_conserved(world: World, most: u128) {
    let mut sum: u128 = 0;
    let mut place: u32 = 0;
    while place != names().len() {
        let account = address(*names().at(place));
        let paid = world.store.paid_of(account);
        let balance: u256 = world.token.balance_of(account);
        assert(balance == paid.into(), 'balance is paid');
        sum += paid;
        place += 1;
    };
    assert(sum == world.store.paid_total(), 'sum of paid');
    assert(sum <= most, 'largest total');
    let left: u256 = world.token.balance_of(world.store.contract_address);
    let funds: u256 = FUNDS.into();
    let out: u256 = sum.into();
    assert(left + out == funds, 'conservation');
}

/// One epoch: posted, final, and claimed from. Returns what everybody has earned.
fn run_epoch(
    world: World, epoch: u64, ref random: Random, before: Span<u128>, ref most: u128
) -> Span<u128> {
    let earned = next_earned(world, ref random, before);
    let all = items_of(earned);
    post_final(world.store, epoch, all);
    most = core::cmp::max(most, sum_of(all));
    claim_some(world, epoch, all, ref random);
    claim_some(world, epoch, all, ref random);
    claim_some(world, epoch, all, ref random);
    assert_conserved(world, most);
    earned
}

#[test]
#[available_gas(4000000000)]
fn what_is_paid_and_what_is_left_is_what_was_put_in() {
    let world = setup(FUNDS);
    let mut random = Random { state: 'store seed 1' };
    let mut most: u128 = 0;
    let nothing: Array<u128> = array![0, 0, 0, 0, 0, 0];
    let first = run_epoch(world, 1, ref random, nothing.span(), ref most);
    let second = run_epoch(world, 2, ref random, first, ref most);
    let third = run_epoch(world, 3, ref random, second, ref most);
    run_epoch(world, 4, ref random, third, ref most);
    assert(world.store.paid_total() != 0, 'something was paid');
}
