//! The zero address, which no contract takes for anybody.

use starknet::ContractAddress;

pub fn zero() -> ContractAddress {
    0.try_into().unwrap()
}

pub fn is_zero(address: ContractAddress) -> bool {
    let felt: felt252 = address.into();
    felt == 0
}
