//! A treasury of three signers, and something to do.

use starknet::ContractAddress;
use starknet::account::Call;
use starknet::testing::pop_log_raw;
use crate::account_fixture::{ITargetDispatcher, Target};
use crate::testing_fixture::{act_as, at, deploy, drain};
use crate::treasury::{ITreasuryDispatcher, ITreasuryDispatcherTrait, Treasury};

pub const START: u64 = 1000000;
/// 48 hours.
pub const DELAY: u64 = 172800;
pub const GRACE: u64 = 86400;
pub const ETA: u64 = START + DELAY;

#[derive(Copy, Drop)]
pub struct World {
    pub treasury: ITreasuryDispatcher,
    pub target: ITargetDispatcher,
}

pub fn deploy_with(signers: Array<felt252>, threshold: u32, delay: u64, grace: u64) -> ContractAddress {
    let mut calldata: Array<felt252> = array![];
    signers.serialize(ref calldata);
    calldata.append(threshold.into());
    calldata.append(delay.into());
    calldata.append(grace.into());
    deploy(Treasury::TEST_CLASS_HASH, calldata)
}

/// Two of 'ann', 'ben', 'cem'; 48 hours, and a day of grace.
pub fn setup() -> World {
    at(START);
    let contract_address = deploy_with(array!['ann', 'ben', 'cem'], 2, DELAY, GRACE);
    let target = ITargetDispatcher {
        contract_address: deploy(Target::TEST_CLASS_HASH, array![])
    };
    drain(contract_address);
    World { treasury: ITreasuryDispatcher { contract_address }, target }
}

pub fn call(to: ContractAddress, selector: felt252, calldata: Array<felt252>) -> Call {
    Call { to, selector, calldata: calldata.span() }
}

pub fn work(world: World) -> Span<Call> {
    array![call(world.target.contract_address, selector!("work"), array![10])].span()
}

pub fn set_delay(world: World, delay: u64) -> Span<Call> {
    array![call(world.treasury.contract_address, selector!("set_delay"), array![delay.into()])]
        .span()
}

pub fn set_signers(world: World, signers: Array<felt252>, threshold: u32) -> Span<Call> {
    let mut calldata: Array<felt252> = array![];
    signers.serialize(ref calldata);
    calldata.append(threshold.into());
    array![call(world.treasury.contract_address, selector!("set_signers"), calldata)].span()
}

/// Proposed by 'ann', confirmed by 'ben': queued.
pub fn queue(world: World, calls: Span<Call>, salt: felt252) -> felt252 {
    act_as('ann');
    let id = world.treasury.propose(calls, salt);
    act_as('ben');
    world.treasury.confirm(id);
    act_as('anyone');
    id
}

/// Queued and executed at its eta.
pub fn carry_out(world: World, calls: Span<Call>, salt: felt252) {
    let id = queue(world, calls, salt);
    at(world.treasury.proposal(id).eta);
    world.treasury.execute(calls, salt);
}

/// Whether the next event of the treasury is `name`, about `id`.
pub fn told(world: World, name: felt252, id: felt252) -> bool {
    let (keys, _) = pop_log_raw(world.treasury.contract_address).unwrap();
    *keys.at(0) == name && *keys.at(1) == id
}
