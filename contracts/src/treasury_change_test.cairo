//! Taking back, cancelling, and what the treasury changes of itself.

use crate::account_fixture::ITargetDispatcherTrait;
use crate::testing_fixture::{act_as, address, at, drain};
use crate::treasury::{ITreasuryDispatcherTrait, ProposalState};
use crate::treasury_fixture::{
    DELAY, ETA, START, carry_out, queue, set_delay, set_signers, setup, told, work
};

// ---- taking back, and cancelling

#[test]
#[available_gas(200000000)]
#[should_panic(expected: ('CIRO-TR: too few confirmations', 'ENTRYPOINT_FAILED'))]
fn what_a_signer_took_back_does_not_count() {
    let world = setup();
    let id = queue(world, work(world), 'salt');
    act_as('ben');
    world.treasury.revoke(id);
    at(ETA);
    world.treasury.execute(work(world), 'salt');
}

#[test]
#[available_gas(200000000)]
fn a_confirmation_given_again_keeps_the_first_eta() {
    let world = setup();
    let id = queue(world, work(world), 'salt');
    drain(world.treasury.contract_address);
    act_as('ben');
    world.treasury.revoke(id);
    assert(told(world, selector!("Revoked"), id), 'revoked');
    assert(world.treasury.proposal(id).confirmations == 1, 'one');
    at(START + 5);
    world.treasury.confirm(id);
    at(ETA);
    world.treasury.execute(work(world), 'salt');
    assert(world.target.done(world.treasury.contract_address) == 10, 'done');
}

#[test]
#[available_gas(200000000)]
#[should_panic(expected: ('CIRO-TR: not confirmed', 'ENTRYPOINT_FAILED'))]
fn nobody_takes_back_what_he_did_not_give() {
    let world = setup();
    let id = queue(world, work(world), 'salt');
    act_as('cem');
    world.treasury.revoke(id);
}

#[test]
#[available_gas(200000000)]
fn one_signer_does_not_cancel() {
    let world = setup();
    let id = queue(world, work(world), 'salt');
    act_as('cem');
    world.treasury.cancel(id);
    assert(world.treasury.proposal(id).cancellations == 1, 'one');
    at(ETA);
    world.treasury.execute(work(world), 'salt');
}

#[test]
#[available_gas(200000000)]
#[should_panic(expected: ('CIRO-TR: executed or cancelled', 'ENTRYPOINT_FAILED'))]
fn what_two_cancelled_is_not_executed() {
    let world = setup();
    let id = queue(world, work(world), 'salt');
    drain(world.treasury.contract_address);
    act_as('cem');
    world.treasury.cancel(id);
    assert(told(world, selector!("CancelConfirmed"), id), 'confirmed');
    act_as('ben');
    world.treasury.cancel(id);
    assert(told(world, selector!("CancelConfirmed"), id), 'confirmed again');
    assert(told(world, selector!("Cancelled"), id), 'cancelled');
    at(ETA);
    world.treasury.execute(work(world), 'salt');
}

#[test]
#[available_gas(200000000)]
#[should_panic(expected: ('CIRO-TR: confirmed before', 'ENTRYPOINT_FAILED'))]
fn a_signer_cancels_once() {
    let world = setup();
    let id = queue(world, work(world), 'salt');
    act_as('cem');
    world.treasury.cancel(id);
    world.treasury.cancel(id);
}

#[test]
#[available_gas(200000000)]
#[should_panic(expected: ('CIRO-TR: not signer', 'ENTRYPOINT_FAILED'))]
fn only_a_signer_cancels() {
    let world = setup();
    let id = queue(world, work(world), 'salt');
    world.treasury.cancel(id);
}

// ---- changes of itself

#[test]
#[available_gas(200000000)]
#[should_panic(expected: ('CIRO-TR: only by itself', 'ENTRYPOINT_FAILED'))]
fn a_signer_does_not_change_the_signers() {
    let world = setup();
    act_as('ann');
    world.treasury.set_signers(array![address('ann')].span(), 1);
}

#[test]
#[available_gas(200000000)]
#[should_panic(expected: ('CIRO-TR: only by itself', 'ENTRYPOINT_FAILED'))]
fn a_signer_does_not_change_the_delay() {
    let world = setup();
    act_as('ann');
    world.treasury.set_delay(DELAY);
}

#[test]
#[available_gas(200000000)]
#[should_panic(expected: ('CIRO-TR: delay out of bounds', 'ENTRYPOINT_FAILED', 'ENTRYPOINT_FAILED'))]
fn not_even_itself_goes_under_48_hours() {
    let world = setup();
    carry_out(world, set_delay(world, DELAY - 1), 'salt');
}

#[test]
#[available_gas(200000000)]
#[should_panic(expected: ('CIRO-TR: delay out of bounds', 'ENTRYPOINT_FAILED', 'ENTRYPOINT_FAILED'))]
fn not_even_itself_goes_over_thirty_days() {
    let world = setup();
    carry_out(world, set_delay(world, 2592001), 'salt');
}

#[test]
#[available_gas(300000000)]
fn changes_its_delay_for_what_is_queued_after() {
    let world = setup();
    let before = queue(world, work(world), 'salt');
    carry_out(world, set_delay(world, DELAY + 1000), 'delay');
    let after = queue(world, work(world), 'more salt');
    assert(world.treasury.proposal(before).eta == ETA, 'before');
    assert(world.treasury.proposal(after).eta == ETA + DELAY + 1000, 'after');
}

#[test]
#[available_gas(300000000)]
fn changes_its_signers() {
    let world = setup();
    carry_out(world, set_signers(world, array!['dan', 'ann'], 1), 'signers');
    assert(world.treasury.signers() == array![address('dan'), address('ann')], 'signers');
    assert(world.treasury.threshold() == 1, 'threshold');
    assert(!world.treasury.is_signer(address('ben')), 'ben');
    act_as('dan');
    let id = world.treasury.propose(work(world), 'salt');
    assert(world.treasury.proposal(id).state == ProposalState::Queued, 'queued');
}

#[test]
#[available_gas(300000000)]
#[should_panic(expected: ('CIRO-TR: too few confirmations', 'ENTRYPOINT_FAILED'))]
fn a_removed_signer_does_not_count() {
    let world = setup();
    queue(world, work(world), 'salt');
    carry_out(world, set_signers(world, array!['ann', 'cem'], 2), 'signers');
    world.treasury.execute(work(world), 'salt');
}

#[test]
#[available_gas(400000000)]
fn what_a_signer_confirmed_does_not_come_back_with_him() {
    let world = setup();
    let id = queue(world, work(world), 'salt');
    carry_out(world, set_signers(world, array!['ann', 'cem'], 1), 'out');
    act_as('ann');
    let back = set_signers(world, array!['ann', 'ben', 'cem'], 2);
    let change = world.treasury.propose(back, 'in');
    at(world.treasury.proposal(change).eta);
    world.treasury.execute(back, 'in');
    assert(world.treasury.is_signer(address('ben')), 'ben is back');
    assert(!world.treasury.has_confirmed(id, address('ben')), 'ben');
    assert(world.treasury.has_confirmed(id, address('ann')), 'ann stayed');
    assert(world.treasury.proposal(id).confirmations == 1, 'one');
}
