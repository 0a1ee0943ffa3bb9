//! Pinned against core/vectors/settlement.json, which starknet.js made.

use core::poseidon::poseidon_hash_span;
use starknet::ContractAddress;
use crate::merkle::{fold, group_leaves, group_root, leaf, leaf_prefix};
use crate::store_interface::Item;

const CHAIN_ID: felt252 = 'SN_SEPOLIA';
const STORE: felt252 = 0x49d36570d4e46f48e99674bd3fcc84644ddd6b96f7c741b1562b82f9e004dc7;
const ROOT: felt252 = 0x65c04e98607c2c40498d87128f39e4c7657b47fc7d3976c27f8b2dbd5400ad8;
const LEAF_2: felt252 = 0x70aeab2585a1796fc569aa9daa9f462b45aa272966941df5af09f0be5fe21e2;
const LEAF_3: felt252 = 0x71b80c4abaac1cbbe16844ecdef8c4edb722bdce9c625a4b39046acc5518169;
const LEAF_4: felt252 = 0x59f1b15f5b067593a07341a96b8a133805d8fa0e1b0a5bde5d4c8046845dbcb;
/// Nodes by level and index.
const NODE_1_0: felt252 = 0x8358f2cef6e1ade392af6e0e8b017b720a21ee3d656278506a82f1b11e4a8b;
const NODE_1_1: felt252 = 0x2c15b9aab0668a11eb46ac06806d70568b131a434de6f77015e8036dea7ae66;
const NODE_1_3: felt252 = 0x293d3e8a80f400daaaffdd5932e2bcc8814bab8f414a75dcacf87318f8b14c5;
const NODE_2_0: felt252 = 0x43ed5a5bfa468076cef9b76b6e7fa09fae2dd139a0c59cc1fcce2afde184d42;
const NODE_2_1: felt252 = 0x6d7caf0b4b32c1414950468735f41b5ec11740e09dd5d1bea1c6c1412429892;

fn address(value: felt252) -> ContractAddress {
    value.try_into().unwrap()
}

fn item(account: felt252, cumulative: u128) -> Item {
    Item { account: address(account), cumulative }
}

/// All eight leaves of the tree; three are padding.
fn items() -> Span<Item> {
    array![
        item(0x100000000000000000000000000000000000000000000000007, 1000000000000001),
        item(0x200000000000000000000000000000000000000000000000007, 2048000000000000001),
        item(0x300000000000000000000000000000000000000000000000007, 177147000000000000001),
        item(0x400000000000000000000000000000000000000000000000007, 4194304000000000000001),
        item(0x500000000000000000000000000000000000000000000000007, 48828125000000000000001),
        item(0, 0),
        item(0, 0),
        item(0, 0)
    ]
        .span()
}

fn leaves(first: u32, size: u32) -> Array<felt252> {
    group_leaves(leaf_prefix(CHAIN_ID, address(STORE)), items().slice(first, size))
}

#[test]
#[available_gas(20000000)]
fn leaves_are_those_of_the_vectors() {
    let prefix = leaf_prefix(CHAIN_ID, address(STORE));
    let Item { account, cumulative } = *items().at(2);
    assert(leaf(prefix, account, cumulative) == LEAF_2, 'leaf 2');
    let Item { account, cumulative } = *items().at(3);
    assert(leaf(prefix, account, cumulative) == LEAF_3, 'leaf 3');
    let Item { account, cumulative } = *items().at(4);
    assert(leaf(prefix, account, cumulative) == LEAF_4, 'leaf 4');
}

#[test]
#[available_gas(20000000)]
fn a_leaf_is_one_hash_of_five_values() {
    let most: u128 = 0xffffffffffffffffffffffffffffffff;
    let whole = poseidon_hash_span(
        array!['CIRO.leaf.v2', CHAIN_ID, STORE, 'alice', most.into()].span()
    );
    assert(leaf(leaf_prefix(CHAIN_ID, address(STORE)), address('alice'), most) == whole, 'leaf');
}

#[test]
#[available_gas(20000000)]
fn roots_of_groups_are_those_of_the_vectors() {
    assert(group_root(leaves(0, 8)) == (ROOT, 3), 'all');
    assert(group_root(leaves(0, 4)) == (NODE_2_0, 2), 'first four');
    assert(group_root(leaves(4, 4)) == (NODE_2_1, 2), 'with padding');
    assert(group_root(leaves(2, 2)) == (NODE_1_1, 1), 'two');
    assert(group_root(leaves(3, 1)) == (LEAF_3, 0), 'one');
}

#[test]
#[available_gas(20000000)]
fn proofs_are_those_of_the_vectors() {
    assert(fold(LEAF_3, 3, array![LEAF_2, NODE_1_0, NODE_2_1].span()) == ROOT, 'leaf 3');
    assert(fold(LEAF_4, 4, array![0, NODE_1_3, NODE_2_0].span()) == ROOT, 'leaf 4');
    let (four, _) = group_root(leaves(4, 4));
    assert(fold(four, 1, array![NODE_2_0].span()) == ROOT, 'group of four');
    let (two, _) = group_root(leaves(2, 2));
    assert(fold(two, 1, array![NODE_1_0, NODE_2_1].span()) == ROOT, 'group of two');
}

#[test]
#[available_gas(20000000)]
#[should_panic(expected: ('CIRO-CS: index range',))]
fn an_index_over_the_proof_is_refused() {
    fold(LEAF_3, 8 + 3, array![LEAF_2, NODE_1_0, NODE_2_1].span());
}

#[test]
#[available_gas(20000000)]
#[should_panic(expected: ('CIRO-CS: group size',))]
fn six_leaves_are_no_group() {
    group_root(leaves(0, 6));
}
