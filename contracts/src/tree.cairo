//! Binary Poseidon trees, nodes in the order of their leaves' indices: what the trees of payments and of performance share.

use core::poseidon::hades_permutation;
use core::traits::DivRem;

pub fn node(left: felt252, right: felt252) -> felt252 {
    let (hash, _, _) = hades_permutation(left, right, 2);
    hash
}

/// The root over `start`, the node number `index` of its level, with the siblings from there upwards; nothing if `index`
/// is not below 2^(length of the proof).
pub fn fold(start: felt252, index: u64, mut proof: Span<felt252>) -> Option<felt252> {
    let mut hash = start;
    let mut place = index;
    while let Option::Some(sibling) = proof.pop_front() {
        let (above, right) = DivRem::div_rem(place, 2);
        hash = if right == 0 {
            node(hash, *sibling)
        } else {
            node(*sibling, hash)
        };
        place = above;
    };
    if place == 0 {
        Option::Some(hash)
    } else {
        Option::None
    }
}
