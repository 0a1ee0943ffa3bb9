//! A paymaster with one account and one thing it may do.

use core::pedersen::pedersen;
use starknet::{ClassHash, ContractAddress};
use starknet::account::Call;
use crate::access::{GUARDIAN, IAccessDispatcher, IAccessDispatcherTrait};
use crate::account_fixture::{
    Account, IAccountDispatcher, IAccountDispatcherTrait, ITargetDispatcher, Target, signature_of
};
use crate::paymaster::{
    IPaymasterDispatcher, IPaymasterDispatcherTrait, OutsideExecution, POLICY, Paymaster
};
use crate::testing_fixture::{act_as, address, at, deploy, drain};

pub const DAY: u64 = 86400;
/// Noon of some day.
pub const NOON: u64 = 1728043200;
pub const MIDNIGHT: u64 = 1728086400;
pub const V2: felt252 = selector!("execute_from_outside_v2");

#[derive(Copy, Drop)]
pub struct World {
    pub paymaster: IPaymasterDispatcher,
    pub account: IAccountDispatcher,
    pub target: ITargetDispatcher,
}

pub fn deploy_with(relayer: felt252, calls: u32, account: u32, all: u32) -> ContractAddress {
    deploy(
        Paymaster::TEST_CLASS_HASH,
        array!['owner', relayer, calls.into(), account.into(), all.into()]
    )
}

pub fn deploy_account(salt: felt252) -> IAccountDispatcher {
    let contract_address = deploy(Account::TEST_CLASS_HASH, array![salt]);
    IAccountDispatcher { contract_address }
}

/// At noon: 2 calls at most, 3 times a day and account, 5 times a day; `work` and `fail` of the target allowed.
pub fn setup() -> World {
    at(NOON);
    let paymaster = IPaymasterDispatcher { contract_address: deploy_with('relayer', 2, 3, 5) };
    let contract_address = deploy(Target::TEST_CLASS_HASH, array![]);
    act_as('owner');
    paymaster.set_allowed(contract_address, selector!("work"), true);
    paymaster.set_allowed(contract_address, selector!("fail"), true);
    let access = IAccessDispatcher { contract_address: paymaster.contract_address };
    access.grant_role(GUARDIAN, address('guardian'));
    access.grant_role(POLICY, address('policy'));
    drain(paymaster.contract_address);
    act_as('relayer');
    World { paymaster, account: deploy_account('one'), target: ITargetDispatcher { contract_address } }
}

pub fn work(world: World) -> Call {
    Call {
        to: world.target.contract_address,
        selector: selector!("work"),
        calldata: array![10].span()
    }
}

pub fn outside(world: World, nonce: felt252, calls: Array<Call>) -> OutsideExecution {
    OutsideExecution {
        caller: world.paymaster.contract_address,
        nonce,
        execute_after: 1,
        execute_before: NOON + 10 * DAY,
        calls: calls.span()
    }
}

/// Signed by the account, and sent by whoever acts.
pub fn sponsor(world: World, account: IAccountDispatcher, outside: OutsideExecution) -> bool {
    let signature = account.sign(outside);
    world
        .paymaster
        .execute_sponsored_v2(account.contract_address, outside, signature.span(), 'ref')
}

pub fn sponsor_work(world: World, nonce: felt252) -> bool {
    sponsor(world, world.account, outside(world, nonce, array![work(world)]))
}

/// The other shape.
pub fn sponsor_raw(world: World, entrypoint: felt252, calldata: Array<felt252>) -> bool {
    world
        .paymaster
        .execute_sponsored(world.account.contract_address, entrypoint, calldata, array!['a', 'b'])
}

pub fn calldata_of(world: World, outside: OutsideExecution) -> Array<felt252> {
    let mut calldata: Array<felt252> = array![];
    outside.serialize(ref calldata);
    world.account.sign(outside).serialize(ref calldata);
    calldata
}

/// Where the account of this salt comes to lie when nobody in particular deploys it: the address that Starknet computes.
pub fn address_to_be(salt: felt252) -> ContractAddress {
    let class_hash: ClassHash = Account::TEST_CLASS_HASH.try_into().unwrap();
    let parts = array![
        'STARKNET_CONTRACT_ADDRESS', 0, salt, class_hash.into(), hash_of(array![salt])
    ];
    hash_of(parts).try_into().unwrap()
}

fn hash_of(felts: Array<felt252>) -> felt252 {
    let mut hash = 0;
    let count = felts.len();
    for felt in felts {
        hash = pedersen(hash, felt);
    };
    pedersen(hash, count.into())
}

/// Signed by the account that is deployed with it.
pub fn sponsor_first(world: World, salt: felt252, outside: OutsideExecution) -> ContractAddress {
    let signature = signature_of(address_to_be(salt), outside);
    world
        .paymaster
        .deploy_and_execute_sponsored(
            Account::TEST_CLASS_HASH.try_into().unwrap(),
            salt,
            array![salt].span(),
            outside,
            signature.span(),
            'ref'
        )
}
