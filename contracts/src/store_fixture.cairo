//! A store with a funded token, and trees for it.

use starknet::{ContractAddress, get_tx_info};
use crate::access::{GUARDIAN, IAccessDispatcher, IAccessDispatcherTrait};
use crate::merkle::{group_leaves, leaf_prefix};
use crate::store::CommitmentStore;
use crate::store_interface::{IStoreDispatcher, IStoreDispatcherTrait, Item};
use crate::testing_fixture::{act_as, address, at, deploy, drain};
use crate::tree::node;
use crate::token::{CiroToken, ITokenDispatcher, ITokenDispatcherTrait};

/// Seconds.
pub const START: u64 = 1000000;
pub const WINDOW: u64 = 3600;
pub const HOLD: u64 = 10000;
pub const FUNDS: u128 = 1000000;
pub const DEPTH: u8 = 3;

#[derive(Copy, Drop)]
pub struct World {
    pub store: IStoreDispatcher,
    pub token: ITokenDispatcher,
}

pub fn deploy_token() -> ITokenDispatcher {
    let contract_address = deploy(
        CiroToken::TEST_CLASS_HASH, array!['owner', FUNDS.into(), 0, 'funder', FUNDS.into(), 0]
    );
    ITokenDispatcher { contract_address }
}

/// Of a token that pays many in one call.
pub fn deploy_store(token: ContractAddress, window: u64, hold: u64) -> IStoreDispatcher {
    deploy_store_of(token, true, window, hold)
}

pub fn deploy_store_of(
    token: ContractAddress, token_batches: bool, window: u64, hold: u64
) -> IStoreDispatcher {
    let contract_address = deploy(
        CommitmentStore::TEST_CLASS_HASH,
        array![
            'owner',
            'settler',
            'court',
            token.into(),
            'treasury',
            token_batches.into(),
            window.into(),
            hold.into()
        ]
    );
    act_as('owner');
    IAccessDispatcher { contract_address }.grant_role(GUARDIAN, address('guardian'));
    drain(contract_address);
    IStoreDispatcher { contract_address }
}

/// At START, with `funds` base units in the store.
pub fn setup(funds: u128) -> World {
    at(START);
    let token = deploy_token();
    let store = deploy_store(token.contract_address, WINDOW, HOLD);
    let world = World { store, token };
    if funds != 0 {
        fund(world, funds);
    }
    world
}

pub fn fund(world: World, amount: u128) {
    act_as('funder');
    world.token.transfer(world.store.contract_address, amount.into());
}

pub fn items(list: Array<(felt252, u128)>) -> Span<Item> {
    let mut all: Array<Item> = array![];
    for (account, cumulative) in list {
        all.append(Item { account: address(account), cumulative });
    };
    all.span()
}

/// The leaves of `items` in this store, on the chain of this test.
pub fn leaves_of(store: IStoreDispatcher, items: Span<Item>) -> Span<felt252> {
    let prefix = leaf_prefix(get_tx_info().unbox().chain_id, store.contract_address);
    group_leaves(prefix, items).span()
}

pub fn tree_node(leaves: Span<felt252>, level: u32, index: u32) -> felt252 {
    if level != 0 {
        return node(
            tree_node(leaves, level - 1, 2 * index), tree_node(leaves, level - 1, 2 * index + 1)
        );
    }
    if index < leaves.len() {
        *leaves.at(index)
    } else {
        0
    }
}

/// The siblings over node number `index` of `level`, up to the root.
pub fn proof_from(leaves: Span<felt252>, level: u32, index: u32) -> Span<felt252> {
    let mut proof: Array<felt252> = array![];
    let mut place = index;
    let mut height = level;
    while height < DEPTH.into() {
        let sibling = if place % 2 == 0 {
            place + 1
        } else {
            place - 1
        };
        proof.append(tree_node(leaves, height, sibling));
        place = place / 2;
        height += 1;
    };
    proof.span()
}

pub fn sum_of(items: Span<Item>) -> u128 {
    let mut sum: u128 = 0;
    for item in items {
        sum += *item.cumulative;
    };
    sum
}

/// Posts with a total of its own.
pub fn post_with_total(store: IStoreDispatcher, epoch: u64, items: Span<Item>, total: u128) {
    let root = tree_node(leaves_of(store, items), DEPTH.into(), 0);
    act_as('settler');
    store.post_epoch(epoch, root, total, items.len(), DEPTH, 'data');
    act_as('anyone');
}

pub fn post(store: IStoreDispatcher, epoch: u64, items: Span<Item>) {
    post_with_total(store, epoch, items, sum_of(items));
}

/// Posts, and waits until the window is over.
pub fn post_final(store: IStoreDispatcher, epoch: u64, items: Span<Item>) {
    post(store, epoch, items);
    at(store.epoch_info(epoch).claimable_at);
}

/// Claims item number `index`, with the proof that `items` give.
pub fn claim(store: IStoreDispatcher, epoch: u64, items: Span<Item>, index: u32) -> u128 {
    let Item { account, cumulative } = *items.at(index);
    store.claim(epoch, index, account, cumulative, proof_from(leaves_of(store, items), 0, index))
}

/// Claims the 2^level items from `first`; padding where there are none.
pub fn claim_group(
    store: IStoreDispatcher, epoch: u64, all: Span<Item>, first: u32, level: u32, size: u32
) -> (u32, u128) {
    let mut group: Array<Item> = array![];
    let mut index = first;
    while index < first + size {
        group
            .append(
                if index < all.len() {
                    *all.at(index)
                } else {
                    Item { account: address(0), cumulative: 0 }
                }
            );
        index += 1;
    };
    let proof = proof_from(leaves_of(store, all), level, first / size);
    store.claim_group(epoch, first, group.span(), proof)
}
