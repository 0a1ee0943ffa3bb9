use core::integer::BoundedInt;
use starknet::ContractAddress;
use starknet::testing::pop_log;
use crate::access::{GUARDIAN, IAccessDispatcher, IAccessDispatcherTrait};
use crate::erc20::{IBatchErc20Dispatcher, IBatchErc20DispatcherTrait};
use crate::testing_fixture::{Random, RandomTrait, act_as, address, deploy, drain};
use crate::token::{
    CiroToken, ITokenCamelDispatcher, ITokenCamelDispatcherTrait, ITokenDispatcher,
    ITokenDispatcherTrait, MINTER
};

const CAP: u128 = 1000;
const TWO_POW_128: u256 = 0x100000000000000000000000000000000;

fn deploy_with(owner: felt252, cap: u256, recipient: felt252, initial: u256) -> ContractAddress {
    deploy(
        CiroToken::TEST_CLASS_HASH,
        array![
            owner,
            cap.low.into(),
            cap.high.into(),
            recipient,
            initial.low.into(),
            initial.high.into()
        ]
    )
}

/// 100 units with 'alice', role MINTER with 'minter', GUARDIAN with 'guardian'.
fn setup() -> ITokenDispatcher {
    let contract_address = deploy_with('owner', CAP.into(), 'alice', 100);
    act_as('owner');
    let access = IAccessDispatcher { contract_address };
    access.grant_role(MINTER, address('minter'));
    access.grant_role(GUARDIAN, address('guardian'));
    drain(contract_address);
    ITokenDispatcher { contract_address }
}

fn balance(token: ITokenDispatcher, account: felt252) -> u256 {
    token.balance_of(address(account))
}

#[test]
#[available_gas(20000000)]
fn says_what_it_is() {
    let token = setup();
    assert(token.name() == "Ciro", 'name');
    assert(token.symbol() == "CIRO", 'symbol');
    assert(token.decimals() == 18, 'decimals');
    assert(token.cap() == CAP.into(), 'cap');
    assert(token.total_supply() == 100, 'supply');
    assert(balance(token, 'alice') == 100, 'alice');
}

#[test]
#[available_gas(20000000)]
fn answers_to_the_older_names() {
    let token = setup();
    let camel = ITokenCamelDispatcher { contract_address: token.contract_address };
    act_as('alice');
    token.approve(address('carol'), 30);
    act_as('carol');
    assert(camel.transferFrom(address('alice'), address('bob'), 30), 'transferFrom');
    assert(camel.balanceOf(address('bob')) == 30, 'balanceOf');
    assert(camel.totalSupply() == 100, 'totalSupply');
}

#[test]
#[available_gas(20000000)]
#[should_panic(expected: ('CIRO-TK: cap out of range', 'CONSTRUCTOR_FAILED'))]
fn a_cap_of_zero_is_refused() {
    deploy_with('owner', 0, 'alice', 0);
}

#[test]
#[available_gas(20000000)]
#[should_panic(expected: ('CIRO-TK: cap out of range', 'CONSTRUCTOR_FAILED'))]
fn a_cap_of_two_to_the_128_is_refused() {
    deploy_with('owner', TWO_POW_128, 'alice', 0);
}

#[test]
#[available_gas(20000000)]
#[should_panic(expected: ('CIRO-TK: cap exceeded', 'CONSTRUCTOR_FAILED'))]
fn a_first_supply_over_the_cap_is_refused() {
    deploy_with('owner', CAP.into(), 'alice', 1001);
}

#[test]
#[available_gas(20000000)]
#[should_panic(expected: ('CIRO-TK: zero address', 'CONSTRUCTOR_FAILED'))]
fn a_first_supply_for_nobody_is_refused() {
    deploy_with('owner', CAP.into(), 0, 1);
}

#[test]
#[available_gas(20000000)]
fn mints_up_to_the_cap() {
    let token = setup();
    act_as('minter');
    token.mint(address('bob'), 900);
    assert(
        pop_log(token.contract_address) == Option::Some(
            CiroToken::Event::Transfer(
                CiroToken::Transfer { from: address(0), to: address('bob'), value: 900 }
            )
        ),
        'event'
    );
    assert(token.total_supply() == CAP.into(), 'supply');
    assert(balance(token, 'bob') == 900, 'bob');
}

#[test]
#[available_gas(20000000)]
#[should_panic(expected: ('CIRO-TK: cap exceeded', 'ENTRYPOINT_FAILED'))]
fn never_mints_over_the_cap() {
    let token = setup();
    act_as('minter');
    token.mint(address('bob'), 901);
}

#[test]
#[available_gas(20000000)]
#[should_panic(expected: ('CIRO-TK: cap exceeded', 'ENTRYPOINT_FAILED'))]
fn the_high_half_of_an_amount_counts_when_minting() {
    let token = setup();
    act_as('minter');
    token.mint(address('bob'), TWO_POW_128 + 1);
}

#[test]
#[available_gas(20000000)]
#[should_panic(expected: ('CIRO-TK: zero amount', 'ENTRYPOINT_FAILED'))]
fn minting_nothing_is_refused() {
    let token = setup();
    act_as('minter');
    token.mint(address('bob'), 0);
}

#[test]
#[available_gas(20000000)]
#[should_panic(expected: ('CIRO-TK: zero address', 'ENTRYPOINT_FAILED'))]
fn minting_for_nobody_is_refused() {
    let token = setup();
    act_as('minter');
    token.mint(address(0), 1);
}

#[test]
#[available_gas(20000000)]
#[should_panic(expected: ('CIRO-AC: missing role', 'ENTRYPOINT_FAILED'))]
fn the_owner_is_no_minter() {
    let token = setup();
    act_as('owner');
    token.mint(address('owner'), 1);
}

#[test]
#[available_gas(20000000)]
#[should_panic(expected: ('CIRO-AC: paused', 'ENTRYPOINT_FAILED'))]
fn a_pause_stops_minting() {
    let token = setup();
    act_as('guardian');
    IAccessDispatcher { contract_address: token.contract_address }.pause();
    act_as('minter');
    token.mint(address('bob'), 1);
}

#[test]
#[available_gas(20000000)]
fn a_pause_never_stops_a_transfer() {
    let token = setup();
    act_as('guardian');
    IAccessDispatcher { contract_address: token.contract_address }.pause();
    act_as('alice');
    token.transfer(address('bob'), 100);
    act_as('bob');
    token.burn(40);
    assert(balance(token, 'bob') == 60, 'bob');
}

#[test]
#[available_gas(20000000)]
fn transfers_and_tells() {
    let token = setup();
    act_as('alice');
    assert(token.transfer(address('bob'), 40), 'answer');
    assert(
        pop_log(token.contract_address) == Option::Some(
            CiroToken::Event::Transfer(
                CiroToken::Transfer { from: address('alice'), to: address('bob'), value: 40 }
            )
        ),
        'event'
    );
    assert(balance(token, 'alice') == 60, 'alice');
    assert(balance(token, 'bob') == 40, 'bob');
}

#[test]
#[available_gas(20000000)]
fn a_transfer_to_oneself_or_of_nothing_changes_nothing() {
    let token = setup();
    act_as('alice');
    token.transfer(address('alice'), 100);
    token.transfer(address('bob'), 0);
    assert(balance(token, 'alice') == 100, 'alice');
    assert(balance(token, 'bob') == 0, 'bob');
}

#[test]
#[available_gas(20000000)]
#[should_panic(expected: ('CIRO-TK: balance too low', 'ENTRYPOINT_FAILED'))]
fn one_unit_too_many_is_refused() {
    let token = setup();
    act_as('alice');
    token.transfer(address('bob'), 101);
}

#[test]
#[available_gas(20000000)]
#[should_panic(expected: ('CIRO-TK: balance too low', 'ENTRYPOINT_FAILED'))]
fn the_high_half_of_an_amount_counts_when_moving() {
    let token = setup();
    act_as('alice');
    token.transfer(address('bob'), TWO_POW_128);
}

#[test]
#[available_gas(20000000)]
#[should_panic(expected: ('CIRO-TK: zero address', 'ENTRYPOINT_FAILED'))]
fn a_transfer_to_nobody_is_refused() {
    let token = setup();
    act_as('alice');
    token.transfer(address(0), 1);
}

#[test]
#[available_gas(20000000)]
fn an_allowance_is_used_up() {
    let token = setup();
    act_as('alice');
    token.approve(address('carol'), 30);
    assert(
        pop_log(token.contract_address) == Option::Some(
            CiroToken::Event::Approval(
                CiroToken::Approval { owner: address('alice'), spender: address('carol'), value: 30 }
            )
        ),
        'event'
    );
    act_as('carol');
    token.transfer_from(address('alice'), address('bob'), 20);
    token.burn_from(address('alice'), 10);
    assert(token.allowance(address('alice'), address('carol')) == 0, 'allowance');
    assert(balance(token, 'alice') == 70, 'alice');
    assert(token.total_supply() == 90, 'supply');
}

#[test]
#[available_gas(20000000)]
fn the_greatest_allowance_stays() {
    let token = setup();
    act_as('alice');
    token.approve(address('carol'), BoundedInt::max());
    act_as('carol');
    token.transfer_from(address('alice'), address('bob'), 20);
    assert(token.allowance(address('alice'), address('carol')) == BoundedInt::max(), 'allowance');
}

#[test]
#[available_gas(20000000)]
#[should_panic(expected: ('CIRO-TK: allowance too low', 'ENTRYPOINT_FAILED'))]
fn more_than_the_allowance_is_refused() {
    let token = setup();
    act_as('alice');
    token.approve(address('carol'), 30);
    act_as('carol');
    token.transfer_from(address('alice'), address('bob'), 31);
}

#[test]
#[available_gas(20000000)]
#[should_panic(expected: ('CIRO-TK: allowance too low', 'ENTRYPOINT_FAILED'))]
fn nobody_burns_what_another_owns() {
    let token = setup();
    act_as('carol');
    token.burn_from(address('alice'), 1);
}

#[test]
#[available_gas(20000000)]
#[should_panic(expected: ('CIRO-TK: zero address', 'ENTRYPOINT_FAILED'))]
fn an_allowance_for_nobody_is_refused() {
    let token = setup();
    act_as('alice');
    token.approve(address(0), 1);
}

#[test]
#[available_gas(20000000)]
fn burning_makes_room_under_the_cap() {
    let token = setup();
    act_as('alice');
    token.burn(100);
    assert(
        pop_log(token.contract_address) == Option::Some(
            CiroToken::Event::Transfer(
                CiroToken::Transfer { from: address('alice'), to: address(0), value: 100 }
            )
        ),
        'event'
    );
    assert(token.total_supply() == 0, 'supply');
    act_as('minter');
    token.mint(address('bob'), CAP.into());
    assert(balance(token, 'bob') == CAP.into(), 'bob');
}

#[test]
#[available_gas(20000000)]
#[should_panic(expected: ('CIRO-TK: zero amount', 'ENTRYPOINT_FAILED'))]
fn burning_nothing_is_refused() {
    let token = setup();
    act_as('alice');
    token.burn(0);
}

#[test]
#[available_gas(20000000)]
#[should_panic(expected: ('CIRO-TK: balance too low', 'ENTRYPOINT_FAILED'))]
fn burning_more_than_one_has_is_refused() {
    let token = setup();
    act_as('alice');
    token.burn(101);
}

#[test]
#[available_gas(20000000)]
fn the_greatest_supply_fits() {
    let most: u128 = BoundedInt::max();
    let contract_address = deploy_with('owner', most.into(), 'alice', most.into());
    let token = ITokenDispatcher { contract_address };
    act_as('alice');
    token.transfer(address('bob'), most.into());
    assert(balance(token, 'bob') == most.into(), 'bob');
    assert(balance(token, 'alice') == 0, 'alice');
}

#[test]
#[available_gas(400000000)]
fn balances_always_sum_to_the_supply() {
    let token = setup();
    let mut random = Random { state: 'token seed 1' };
    let people = array!['alice', 'bob', 'carol', 'dave'].span();
    let mut round: u32 = 0;
    while round != 12 {
        let from = *people[random.below(4).try_into().unwrap()];
        let to = *people[random.below(4).try_into().unwrap()];
        let amount = random.below(40);
        let held = balance(token, from);
        match random.below(3) {
            0 => {
                act_as('minter');
                let room = token.cap() - token.total_supply();
                if amount != 0 && amount.into() <= room {
                    token.mint(address(to), amount.into());
                }
            },
            1 => {
                act_as(from);
                if amount != 0 && amount.into() <= held {
                    token.burn(amount.into());
                }
            },
            _ => {
                act_as(from);
                if amount.into() <= held {
                    token.transfer(address(to), amount.into());
                }
            },
        };
        let mut sum: u256 = 0;
        for person in people {
            sum += balance(token, *person);
        };
        assert(sum == token.total_supply(), 'conservation');
        round += 1;
    };
}

// ---- batches

fn batch(token: ITokenDispatcher, transfers: Array<(felt252, u128)>) -> bool {
    let mut all: Array<(ContractAddress, u128)> = array![];
    for (to, amount) in transfers {
        all.append((address(to), amount));
    };
    IBatchErc20Dispatcher { contract_address: token.contract_address }.transfer_batch(all.span())
}

#[test]
#[available_gas(20000000)]
fn a_batch_pays_each_and_tells_of_each() {
    let token = setup();
    act_as('alice');
    assert(batch(token, array![('bob', 30), ('carol', 20), ('bob', 5), ('dave', 0)]), 'answer');
    assert(balance(token, 'alice') == 45, 'alice');
    assert(balance(token, 'bob') == 35, 'bob');
    assert(balance(token, 'carol') == 20, 'carol');
    assert(token.total_supply() == 100, 'supply');
    for (
        to, value
    ) in array![('bob', 30_u256), ('carol', 20), ('bob', 5), ('dave', 0)] {
        assert(
            pop_log(token.contract_address) == Option::Some(
                CiroToken::Event::Transfer(
                    CiroToken::Transfer { from: address('alice'), to: address(to), value }
                )
            ),
            'event'
        );
    }
}

#[test]
#[available_gas(20000000)]
fn a_batch_to_oneself_and_an_empty_one_change_nothing() {
    let token = setup();
    act_as('alice');
    assert(batch(token, array![('alice', 100)]), 'oneself');
    assert(batch(token, array![]), 'empty');
    assert(balance(token, 'alice') == 100, 'alice');
}

#[test]
#[available_gas(20000000)]
#[should_panic(expected: ('CIRO-TK: balance too low', 'ENTRYPOINT_FAILED'))]
fn a_batch_over_the_balance_is_refused() {
    let token = setup();
    act_as('alice');
    batch(token, array![('bob', 60), ('carol', 41)]);
}

#[test]
#[available_gas(20000000)]
#[should_panic(expected: ('CIRO-TK: zero address', 'ENTRYPOINT_FAILED'))]
fn a_batch_to_nobody_is_refused() {
    let token = setup();
    act_as('alice');
    batch(token, array![('bob', 1), (0, 1)]);
}

#[test]
#[available_gas(20000000)]
#[should_panic(expected: ('u128_add Overflow', 'ENTRYPOINT_FAILED'))]
fn a_batch_whose_sum_overflows_is_refused() {
    let token = setup();
    act_as('alice');
    batch(token, array![('bob', BoundedInt::max()), ('alice', 2)]);
}
