//! The tree under an epoch: leaves bound to a chain and a store, nodes in index order, padding 0.
//! Pure, so that it is pinned against core/vectors/settlement.json.

use core::poseidon::hades_permutation;
use starknet::ContractAddress;
use crate::store_interface::Item;
use crate::tree;

pub const LEAF_TAG: felt252 = 'CIRO.leaf.v2';
/// Fills a tree after its last leaf.
pub const PADDING: felt252 = 0;

pub mod errors {
    pub const INDEX_RANGE: felt252 = 'CIRO-CS: index range';
    pub const GROUP_SIZE: felt252 = 'CIRO-CS: group size';
}

/// The sponge after what all leaves of one store have in common, one permutation for a whole group.
#[derive(Copy, Drop)]
pub struct LeafPrefix {
    s0: felt252,
    s1: felt252,
    s2: felt252,
}

pub fn leaf_prefix(chain_id: felt252, store: ContractAddress) -> LeafPrefix {
    let (s0, s1, s2) = hades_permutation(LEAF_TAG, chain_id, 0);
    LeafPrefix { s0: s0 + store.into(), s1, s2 }
}

/// poseidon_hash_span([LEAF_TAG, chain_id, store, account, cumulative])
pub fn leaf(prefix: LeafPrefix, account: ContractAddress, cumulative: u128) -> felt252 {
    let (s0, s1, s2) = hades_permutation(prefix.s0, prefix.s1 + account.into(), prefix.s2);
    let (hash, _, _) = hades_permutation(s0 + cumulative.into(), s1 + 1, s2);
    hash
}

/// As in tree.cairo. Panics if `index` is not below 2^(length of the proof).
pub fn fold(start: felt252, index: u32, proof: Span<felt252>) -> felt252 {
    tree::fold(start, index.into(), proof).expect(errors::INDEX_RANGE)
}

/// The root over the leaves of a whole group, and its levels. Panics unless there are 2^levels leaves.
pub fn group_root(leaves: Array<felt252>) -> (felt252, u32) {
    let mut nodes = leaves.span();
    let mut levels: u32 = 0;
    assert(!nodes.is_empty(), errors::GROUP_SIZE);
    while nodes.len() != 1 {
        let mut above: Array<felt252> = array![];
        while let Option::Some(left) = nodes.pop_front() {
            let right = nodes.pop_front().expect(errors::GROUP_SIZE);
            above.append(tree::node(*left, *right));
        };
        nodes = above.span();
        levels += 1;
    };
    (*nodes.at(0), levels)
}

pub fn is_padding(account: ContractAddress) -> bool {
    let value: felt252 = account.into();
    value == 0
}

pub fn group_leaves(prefix: LeafPrefix, items: Span<Item>) -> Array<felt252> {
    let mut hashes: Array<felt252> = array![];
    for item in items {
        let Item { account, cumulative } = *item;
        hashes.append(if is_padding(account) {
            PADDING
        } else {
            leaf(prefix, account, cumulative)
        });
    };
    hashes
}

/// Panics if there is an account from leaf number `count` on.
pub fn assert_padding_after(count: u32, first_index: u32, items: Span<Item>) {
    let mut index: u64 = first_index.into();
    if index + items.len().into() <= count.into() {
        return;
    }
    for item in items {
        assert(index < count.into() || is_padding(*item.account), errors::INDEX_RANGE);
        index += 1;
    };
}
