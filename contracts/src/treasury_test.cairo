//! From a proposal to its execution. What ends or changes one is in treasury_change_test.

use crate::account_fixture::{ITargetDispatcher, ITargetDispatcherTrait};
use crate::testing_fixture::{act_as, address, at};
use crate::treasury::{
    ITreasuryDispatcher, ITreasuryDispatcherTrait, ProposalInfo, ProposalState
};
use crate::treasury_fixture::{
    DELAY, ETA, GRACE, START, World, call, carry_out, deploy_with, queue, set_delay, setup, told, work
};

// ---- constructor

#[test]
#[available_gas(100000000)]
fn says_who_and_how_long() {
    let world = setup();
    assert(
        world.treasury.signers() == array![address('ann'), address('ben'), address('cem')],
        'signers'
    );
    assert(world.treasury.is_signer(address('ben')), 'ben');
    assert(!world.treasury.is_signer(address('anyone')), 'anyone');
    assert(world.treasury.threshold() == 2, 'threshold');
    assert(world.treasury.delay() == DELAY, 'delay');
    assert(world.treasury.grace() == GRACE, 'grace');
}

#[test]
#[available_gas(100000000)]
fn a_hand_over_may_begin_without_delay_and_then_raises_it_for_good() {
    at(START);
    let contract_address = deploy_with(array!['ann'], 1, 0, GRACE);
    let treasury = ITreasuryDispatcher { contract_address };
    let world = World { treasury, target: ITargetDispatcher { contract_address } };
    act_as('ann');
    treasury.propose(set_delay(world, DELAY), 1);
    treasury.execute(set_delay(world, DELAY), 1);
    assert(treasury.delay() == DELAY, 'delay');
}

#[test]
#[available_gas(100000000)]
#[should_panic(expected: ('CIRO-TR: delay out of bounds', 'CONSTRUCTOR_FAILED'))]
fn over_thirty_days_of_delay_are_refused() {
    deploy_with(array!['ann'], 1, 2592001, GRACE);
}

#[test]
#[available_gas(100000000)]
#[should_panic(expected: ('CIRO-TR: grace out of bounds', 'CONSTRUCTOR_FAILED'))]
fn under_a_day_of_grace_is_refused() {
    deploy_with(array!['ann'], 1, DELAY, GRACE - 1);
}

#[test]
#[available_gas(100000000)]
#[should_panic(expected: ('CIRO-TR: grace out of bounds', 'CONSTRUCTOR_FAILED'))]
fn over_thirty_days_of_grace_are_refused() {
    deploy_with(array!['ann'], 1, DELAY, 2592001);
}

#[test]
#[available_gas(100000000)]
#[should_panic(expected: ('CIRO-TR: bad signers', 'CONSTRUCTOR_FAILED'))]
fn nobody_is_no_set_of_signers() {
    deploy_with(array![], 0, DELAY, GRACE);
}

#[test]
#[available_gas(100000000)]
#[should_panic(expected: ('CIRO-TR: bad signers', 'CONSTRUCTOR_FAILED'))]
fn a_signer_counts_once() {
    deploy_with(array!['ann', 'ben', 'ann'], 2, DELAY, GRACE);
}

#[test]
#[available_gas(100000000)]
#[should_panic(expected: ('CIRO-TR: bad signers', 'CONSTRUCTOR_FAILED'))]
fn zero_is_no_signer() {
    deploy_with(array!['ann', 0], 1, DELAY, GRACE);
}

#[test]
#[available_gas(100000000)]
#[should_panic(expected: ('CIRO-TR: bad signers', 'CONSTRUCTOR_FAILED'))]
fn seventeen_signers_are_refused() {
    let mut many: Array<felt252> = array![];
    for number in 1..18_u32 {
        many.append(number.into());
    };
    deploy_with(many, 2, DELAY, GRACE);
}

#[test]
#[available_gas(100000000)]
#[should_panic(expected: ('CIRO-TR: bad threshold', 'CONSTRUCTOR_FAILED'))]
fn a_threshold_of_none_is_refused() {
    deploy_with(array!['ann'], 0, DELAY, GRACE);
}

#[test]
#[available_gas(100000000)]
#[should_panic(expected: ('CIRO-TR: bad threshold', 'CONSTRUCTOR_FAILED'))]
fn a_threshold_over_all_is_refused() {
    deploy_with(array!['ann'], 2, DELAY, GRACE);
}

// ---- from a proposal to its execution

#[test]
#[available_gas(200000000)]
fn is_proposed_confirmed_queued_and_executed() {
    let world = setup();
    act_as('ann');
    let id = world.treasury.propose(work(world), 'salt');
    assert(id == world.treasury.id_of(work(world), 'salt'), 'id');
    assert(told(world, selector!("Proposed"), id), 'proposed');
    assert(told(world, selector!("Confirmed"), id), 'confirmed');
    assert(world.treasury.has_confirmed(id, address('ann')), 'has confirmed');
    let expected = ProposalInfo {
        state: ProposalState::Pending, eta: 0, confirmations: 1, cancellations: 0
    };
    assert(world.treasury.proposal(id) == expected, 'pending');

    act_as('cem');
    world.treasury.confirm(id);
    assert(told(world, selector!("Confirmed"), id), 'confirmed again');
    assert(told(world, selector!("Queued"), id), 'queued');
    let expected = ProposalInfo {
        state: ProposalState::Queued, eta: ETA, confirmations: 2, cancellations: 0
    };
    assert(world.treasury.proposal(id) == expected, 'queued info');

    at(ETA);
    act_as('anyone');
    world.treasury.execute(work(world), 'salt');
    assert(told(world, selector!("Executed"), id), 'executed');
    assert(world.target.done(world.treasury.contract_address) == 10, 'done');
    assert(world.treasury.proposal(id).state == ProposalState::Executed, 'state');
}

#[test]
#[available_gas(200000000)]
fn the_last_second_of_the_grace_is_early_enough() {
    let world = setup();
    queue(world, work(world), 'salt');
    at(ETA + GRACE);
    world.treasury.execute(work(world), 'salt');
    assert(world.target.done(world.treasury.contract_address) == 10, 'done');
}

#[test]
#[available_gas(200000000)]
#[should_panic(expected: ('CIRO-TR: too late', 'ENTRYPOINT_FAILED'))]
fn after_the_grace_it_is_too_late() {
    let world = setup();
    queue(world, work(world), 'salt');
    at(ETA + GRACE + 1);
    world.treasury.execute(work(world), 'salt');
}

#[test]
#[available_gas(200000000)]
#[should_panic(expected: ('CIRO-TR: too early', 'ENTRYPOINT_FAILED'))]
fn the_second_before_the_eta_is_too_early() {
    let world = setup();
    queue(world, work(world), 'salt');
    at(ETA - 1);
    world.treasury.execute(work(world), 'salt');
}

#[test]
#[available_gas(200000000)]
#[should_panic(expected: ('CIRO-TR: not queued', 'ENTRYPOINT_FAILED'))]
fn one_signer_is_too_few() {
    let world = setup();
    act_as('ann');
    world.treasury.propose(work(world), 'salt');
    at(ETA);
    world.treasury.execute(work(world), 'salt');
}

#[test]
#[available_gas(200000000)]
#[should_panic(expected: ('CIRO-TR: executed or cancelled', 'ENTRYPOINT_FAILED'))]
fn nothing_is_executed_twice() {
    let world = setup();
    carry_out(world, work(world), 'salt');
    world.treasury.execute(work(world), 'salt');
}

#[test]
#[available_gas(200000000)]
#[should_panic(expected: ('CIRO-TR: proposed before', 'ENTRYPOINT_FAILED'))]
fn the_same_calls_need_another_salt() {
    let world = setup();
    carry_out(world, work(world), 'salt');
    act_as('ann');
    world.treasury.propose(work(world), 'salt');
}

#[test]
#[available_gas(300000000)]
fn under_another_salt_the_same_calls_are_another_proposal() {
    let world = setup();
    carry_out(world, work(world), 'salt');
    carry_out(world, work(world), 'more salt');
    assert(world.target.done(world.treasury.contract_address) == 20, 'done');
}

#[test]
#[available_gas(200000000)]
#[should_panic(expected: ('CIRO-TR: unknown proposal', 'ENTRYPOINT_FAILED'))]
fn other_calls_than_those_queued_are_not_executed() {
    let world = setup();
    queue(world, work(world), 'salt');
    at(ETA);
    let other = array![call(world.target.contract_address, selector!("work"), array![11])];
    world.treasury.execute(other.span(), 'salt');
}

#[test]
#[available_gas(200000000)]
#[should_panic(expected: ('TARGET: failed', 'ENTRYPOINT_FAILED', 'ENTRYPOINT_FAILED'))]
fn one_call_that_fails_undoes_all() {
    let world = setup();
    let calls = array![
        *work(world).at(0), call(world.target.contract_address, selector!("fail"), array![])
    ]
        .span();
    carry_out(world, calls, 'salt');
}

#[test]
#[available_gas(200000000)]
#[should_panic(expected: ('CIRO-TR: no calls', 'ENTRYPOINT_FAILED'))]
fn nothing_to_do_is_refused() {
    let world = setup();
    act_as('ann');
    world.treasury.propose(array![].span(), 'salt');
}

#[test]
#[available_gas(200000000)]
#[should_panic(expected: ('CIRO-TR: not signer', 'ENTRYPOINT_FAILED'))]
fn only_a_signer_proposes() {
    let world = setup();
    act_as('anyone');
    world.treasury.propose(work(world), 'salt');
}

#[test]
#[available_gas(200000000)]
#[should_panic(expected: ('CIRO-TR: not signer', 'ENTRYPOINT_FAILED'))]
fn only_a_signer_confirms() {
    let world = setup();
    let id = queue(world, work(world), 'salt');
    world.treasury.confirm(id);
}

#[test]
#[available_gas(200000000)]
#[should_panic(expected: ('CIRO-TR: confirmed before', 'ENTRYPOINT_FAILED'))]
fn a_signer_confirms_once() {
    let world = setup();
    act_as('ann');
    let id = world.treasury.propose(work(world), 'salt');
    world.treasury.confirm(id);
}

#[test]
#[available_gas(200000000)]
#[should_panic(expected: ('CIRO-TR: unknown proposal', 'ENTRYPOINT_FAILED'))]
fn what_nobody_proposed_is_not_confirmed() {
    let world = setup();
    act_as('ann');
    world.treasury.confirm('nothing');
}
