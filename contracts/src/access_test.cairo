//! The owner, roles and pauses that every contract here shares, on the token.

use starknet::ClassHash;
use starknet::testing::pop_log;
use crate::access::{AccessComponent, GUARDIAN, IAccessDispatcher, IAccessDispatcherTrait};
use crate::hostile_token_fixture::{
    HONEST, HostileToken, IHostileTokenDispatcher, IHostileTokenDispatcherTrait
};
use crate::testing_fixture::{act_as, address, deploy, drain};
use crate::token::{CiroToken, MINTER};

fn deploy_with(owner: felt252) -> IAccessDispatcher {
    let contract_address = deploy(CiroToken::TEST_CLASS_HASH, array![owner, 1000, 0, 'alice', 0, 0]);
    IAccessDispatcher { contract_address }
}

fn setup() -> IAccessDispatcher {
    let access = deploy_with('owner');
    act_as('owner');
    access.grant_role(GUARDIAN, address('guardian'));
    drain(access.contract_address);
    access
}

/// Whether the next event is this one.
fn told(access: IAccessDispatcher, event: AccessComponent::Event) -> bool {
    pop_log(access.contract_address) == Option::Some(CiroToken::Event::AccessEvent(event))
}

#[test]
#[available_gas(20000000)]
#[should_panic(expected: ('CIRO-AC: zero owner', 'CONSTRUCTOR_FAILED'))]
fn nobody_is_no_owner() {
    deploy_with(0);
}

#[test]
#[available_gas(20000000)]
fn an_owner_changes_in_two_steps() {
    let access = setup();
    access.transfer_ownership(address('next'));
    assert(
        told(
            access,
            AccessComponent::Event::OwnershipOffered(
                AccessComponent::OwnershipOffered { to: address('next') }
            )
        ),
        'offered'
    );
    assert(access.owner() == address('owner'), 'still');
    assert(access.pending_owner() == address('next'), 'pending');
    act_as('next');
    access.accept_ownership();
    assert(
        told(
            access,
            AccessComponent::Event::OwnershipTransferred(
                AccessComponent::OwnershipTransferred { from: address('owner'), to: address('next') }
            )
        ),
        'transferred'
    );
    assert(access.owner() == address('next'), 'owner');
    assert(access.pending_owner() == address(0), 'none pending');
}

#[test]
#[available_gas(20000000)]
#[should_panic(expected: ('CIRO-AC: not pending owner', 'ENTRYPOINT_FAILED'))]
fn an_offer_can_be_taken_back() {
    let access = setup();
    access.transfer_ownership(address('next'));
    access.transfer_ownership(address(0));
    act_as('next');
    access.accept_ownership();
}

#[test]
#[available_gas(20000000)]
#[should_panic(expected: ('CIRO-AC: not owner', 'ENTRYPOINT_FAILED'))]
fn only_the_owner_offers() {
    let access = setup();
    act_as('guardian');
    access.transfer_ownership(address('guardian'));
}

#[test]
#[available_gas(20000000)]
fn roles_are_given_and_taken() {
    let access = setup();
    access.grant_role(MINTER, address('minter'));
    assert(
        told(
            access,
            AccessComponent::Event::RoleGranted(
                AccessComponent::RoleGranted { role: MINTER, account: address('minter') }
            )
        ),
        'granted'
    );
    assert(access.has_role(MINTER, address('minter')), 'has');
    assert(!access.has_role(GUARDIAN, address('minter')), 'only that');
    access.revoke_role(MINTER, address('minter'));
    assert(
        told(
            access,
            AccessComponent::Event::RoleRevoked(
                AccessComponent::RoleRevoked { role: MINTER, account: address('minter') }
            )
        ),
        'revoked'
    );
    assert(!access.has_role(MINTER, address('minter')), 'has not');
}

#[test]
#[available_gas(20000000)]
#[should_panic(expected: ('CIRO-AC: not owner', 'ENTRYPOINT_FAILED'))]
fn only_the_owner_gives_roles() {
    let access = setup();
    act_as('guardian');
    access.grant_role(MINTER, address('guardian'));
}

#[test]
#[available_gas(20000000)]
#[should_panic(expected: ('CIRO-AC: not owner', 'ENTRYPOINT_FAILED'))]
fn only_the_owner_takes_roles() {
    let access = setup();
    act_as('stranger');
    access.revoke_role(GUARDIAN, address('guardian'));
}

#[test]
#[available_gas(20000000)]
fn a_guardian_pauses_and_the_owner_lifts_it() {
    let access = setup();
    act_as('guardian');
    access.pause();
    assert(
        told(
            access, AccessComponent::Event::Paused(AccessComponent::Paused { by: address('guardian') })
        ),
        'paused'
    );
    assert(access.is_paused(), 'is paused');
    act_as('owner');
    access.unpause();
    assert(
        told(
            access,
            AccessComponent::Event::Unpaused(AccessComponent::Unpaused { by: address('owner') })
        ),
        'unpaused'
    );
    assert(!access.is_paused(), 'is not');
    access.pause();
    assert(access.is_paused(), 'by the owner');
}

#[test]
#[available_gas(20000000)]
#[should_panic(expected: ('CIRO-AC: missing role', 'ENTRYPOINT_FAILED'))]
fn a_stranger_pauses_nothing() {
    let access = setup();
    act_as('stranger');
    access.pause();
}

#[test]
#[available_gas(20000000)]
#[should_panic(expected: ('CIRO-AC: paused', 'ENTRYPOINT_FAILED'))]
fn what_is_paused_is_not_paused_again() {
    let access = setup();
    access.pause();
    access.pause();
}

#[test]
#[available_gas(20000000)]
#[should_panic(expected: ('CIRO-AC: not owner', 'ENTRYPOINT_FAILED'))]
fn a_guardian_lifts_no_pause() {
    let access = setup();
    act_as('guardian');
    access.pause();
    access.unpause();
}

#[test]
#[available_gas(20000000)]
#[should_panic(expected: ('CIRO-AC: not paused', 'ENTRYPOINT_FAILED'))]
fn what_is_not_paused_is_not_lifted() {
    setup().unpause();
}

#[test]
#[available_gas(20000000)]
fn the_owner_replaces_the_code() {
    let access = setup();
    let class_hash: ClassHash = HostileToken::TEST_CLASS_HASH.try_into().unwrap();
    access.upgrade(class_hash);
    assert(
        told(
            access, AccessComponent::Event::Upgraded(AccessComponent::Upgraded { class_hash })
        ),
        'event'
    );
    // The other code answers at the same address.
    IHostileTokenDispatcher { contract_address: access.contract_address }.behave(HONEST);
}

#[test]
#[available_gas(20000000)]
#[should_panic(expected: ('CIRO-AC: not owner', 'ENTRYPOINT_FAILED'))]
fn nobody_else_replaces_the_code() {
    let access = setup();
    act_as('guardian');
    access.upgrade(HostileToken::TEST_CLASS_HASH.try_into().unwrap());
}

#[test]
#[available_gas(20000000)]
#[should_panic(expected: ('CIRO-AC: zero class', 'ENTRYPOINT_FAILED'))]
fn no_code_is_no_upgrade() {
    setup().upgrade(0.try_into().unwrap());
}
