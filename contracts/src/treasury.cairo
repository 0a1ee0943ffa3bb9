//! Signers propose, enough of them confirm, everybody can see it wait, and then anybody executes. One contract that
//! owns all roles of the others; what it is itself changes the same way.

use starknet::ContractAddress;
use starknet::account::Call;

/// Where a proposal stands. Executed and cancelled are final.
#[derive(Copy, Drop, Serde, PartialEq)]
pub enum ProposalState {
    Unknown,
    Pending,
    /// Confirmed; can be executed from its eta until the grace is over.
    Queued,
    Executed,
    Cancelled,
}

#[derive(Copy, Drop, Serde, PartialEq)]
pub struct ProposalInfo {
    pub state: ProposalState,
    /// Seconds; 0 until queued.
    pub eta: u64,
    /// By those who are signers at this moment.
    pub confirmations: u32,
    /// By those who are signers at this moment.
    pub cancellations: u32,
}

#[starknet::interface]
pub trait ITreasury<TState> {
    fn propose(ref self: TState, calls: Span<Call>, salt: felt252) -> felt252;
    fn confirm(ref self: TState, id: felt252);
    fn revoke(ref self: TState, id: felt252);
    fn cancel(ref self: TState, id: felt252);
    fn execute(ref self: TState, calls: Span<Call>, salt: felt252) -> Array<Span<felt252>>;
    fn set_signers(ref self: TState, signers: Span<ContractAddress>, threshold: u32);
    fn set_delay(ref self: TState, delay: u64);

    fn signers(self: @TState) -> Array<ContractAddress>;
    fn is_signer(self: @TState, account: ContractAddress) -> bool;
    fn threshold(self: @TState) -> u32;
    fn delay(self: @TState) -> u64;
    fn grace(self: @TState) -> u64;
    fn id_of(self: @TState, calls: Span<Call>, salt: felt252) -> felt252;
    fn proposal(self: @TState, id: felt252) -> ProposalInfo;
    fn has_confirmed(self: @TState, id: felt252, signer: ContractAddress) -> bool;
}

pub mod errors {
    pub const BAD_SIGNERS: felt252 = 'CIRO-TR: bad signers';
    pub const BAD_THRESHOLD: felt252 = 'CIRO-TR: bad threshold';
    pub const DELAY_BOUNDS: felt252 = 'CIRO-TR: delay out of bounds';
    pub const GRACE_BOUNDS: felt252 = 'CIRO-TR: grace out of bounds';
    pub const NOT_SIGNER: felt252 = 'CIRO-TR: not signer';
    pub const NOT_ITSELF: felt252 = 'CIRO-TR: only by itself';
    pub const NO_CALLS: felt252 = 'CIRO-TR: no calls';
    pub const KNOWN: felt252 = 'CIRO-TR: proposed before';
    pub const UNKNOWN: felt252 = 'CIRO-TR: unknown proposal';
    pub const CLOSED: felt252 = 'CIRO-TR: executed or cancelled';
    pub const CONFIRMED: felt252 = 'CIRO-TR: confirmed before';
    pub const NOT_CONFIRMED: felt252 = 'CIRO-TR: not confirmed';
    pub const NOT_QUEUED: felt252 = 'CIRO-TR: not queued';
    pub const TOO_EARLY: felt252 = 'CIRO-TR: too early';
    pub const TOO_LATE: felt252 = 'CIRO-TR: too late';
    pub const TOO_FEW: felt252 = 'CIRO-TR: too few confirmations';
}

#[starknet::contract]
pub mod Treasury {
    use core::poseidon::poseidon_hash_span;
    use starknet::{
        ContractAddress, SyscallResultTrait, get_block_timestamp, get_caller_address,
        get_contract_address, syscalls::call_contract_syscall
    };
    use starknet::account::Call;
    use starknet::storage::{
        Map, StorageMapReadAccess, StorageMapWriteAccess, StoragePointerReadAccess,
        StoragePointerWriteAccess
    };
    use super::{ProposalInfo, ProposalState, errors};

    /// Every confirmation is counted over all signers.
    pub const MAX_SIGNERS: u32 = 16;
    /// Seconds, 48 hours: long enough to see a proposal and to leave. Only a constructor may give less, for the
    /// hand-over of a deployment; `set_delay` never does.
    pub const MIN_DELAY: u64 = 172800;
    /// Seconds, 30 days.
    pub const MAX_DELAY: u64 = 2592000;
    /// Seconds, 1 day: somebody can be found to execute.
    pub const MIN_GRACE: u64 = 86400;
    /// Seconds, 30 days: a proposal that nobody executes is not a loaded gun for ever.
    pub const MAX_GRACE: u64 = 2592000;

    const PENDING: u8 = 1;
    const QUEUED: u8 = 2;
    const EXECUTED: u8 = 3;
    const CANCELLED: u8 = 4;

    #[storage]
    struct Storage {
        Treasury_signer_count: u32,
        Treasury_signers: Map<u32, ContractAddress>,
        /// 0: no signer. Else the number of the set in which the account became one: what it confirmed before it
        /// was removed does not come back with it.
        Treasury_seats: Map<ContractAddress, u64>,
        Treasury_sets: u64,
        Treasury_threshold: u32,
        Treasury_delay: u64,
        Treasury_grace: u64,
        Treasury_states: Map<felt252, u8>,
        Treasury_etas: Map<felt252, u64>,
        /// (id, signer) to the seat it was given from; 0: none.
        Treasury_confirmations: Map<(felt252, ContractAddress), u64>,
        Treasury_cancellations: Map<(felt252, ContractAddress), u64>,
    }

    #[event]
    #[derive(Drop, starknet::Event)]
    pub enum Event {
        Proposed: Proposed,
        Confirmed: Confirmed,
        Revoked: Revoked,
        Queued: Queued,
        CancelConfirmed: CancelConfirmed,
        Cancelled: Cancelled,
        Executed: Executed,
        SignersChanged: SignersChanged,
        DelayChanged: DelayChanged,
    }

    #[derive(Drop, starknet::Event)]
    pub struct Proposed {
        #[key]
        pub id: felt252,
        #[key]
        pub by: ContractAddress,
        pub calls: Span<Call>,
        pub salt: felt252,
    }

    #[derive(Drop, starknet::Event)]
    pub struct Confirmed {
        #[key]
        pub id: felt252,
        #[key]
        pub by: ContractAddress,
    }

    #[derive(Drop, starknet::Event)]
    pub struct Revoked {
        #[key]
        pub id: felt252,
        #[key]
        pub by: ContractAddress,
    }

    #[derive(Drop, starknet::Event)]
    pub struct Queued {
        #[key]
        pub id: felt252,
        pub eta: u64,
    }

    #[derive(Drop, starknet::Event)]
    pub struct CancelConfirmed {
        #[key]
        pub id: felt252,
        #[key]
        pub by: ContractAddress,
    }

    #[derive(Drop, starknet::Event)]
    pub struct Cancelled {
        #[key]
        pub id: felt252,
    }

    #[derive(Drop, starknet::Event)]
    pub struct Executed {
        #[key]
        pub id: felt252,
        #[key]
        pub by: ContractAddress,
    }

    #[derive(Drop, starknet::Event)]
    pub struct SignersChanged {
        pub signers: Span<ContractAddress>,
        pub threshold: u32,
    }

    #[derive(Drop, starknet::Event)]
    pub struct DelayChanged {
        pub delay: u64,
    }

    #[constructor]
    fn constructor(
        ref self: ContractState,
        signers: Span<ContractAddress>,
        threshold: u32,
        delay: u64,
        grace: u64
    ) {
        assert(delay <= MAX_DELAY, errors::DELAY_BOUNDS);
        assert(grace >= MIN_GRACE && grace <= MAX_GRACE, errors::GRACE_BOUNDS);
        self.seat(signers, threshold);
        self.Treasury_grace.write(grace);
        self.write_delay(delay);
    }

    #[abi(embed_v0)]
    impl TreasuryImpl of super::ITreasury<ContractState> {
        /// Proposes, and confirms for the caller. The same calls again need another salt.
        fn propose(ref self: ContractState, calls: Span<Call>, salt: felt252) -> felt252 {
            self.assert_signer();
            assert(!calls.is_empty(), errors::NO_CALLS);
            let id = hash(calls, salt);
            assert(self.Treasury_states.read(id) == 0, errors::KNOWN);
            self.Treasury_states.write(id, PENDING);
            self.emit(Proposed { id, by: get_caller_address(), calls, salt });
            self.add_confirmation(id);
            id
        }

        fn confirm(ref self: ContractState, id: felt252) {
            self.assert_signer();
            self.assert_open(id);
            self.add_confirmation(id);
        }

        /// Takes the caller's confirmation back. What is queued keeps its eta, but needs enough of them to execute.
        fn revoke(ref self: ContractState, id: felt252) {
            let by = get_caller_address();
            self.assert_signer();
            self.assert_open(id);
            assert(self.has_confirmed(id, by), errors::NOT_CONFIRMED);
            self.Treasury_confirmations.write((id, by), 0);
            self.emit(Revoked { id, by });
        }

        /// Confirms a cancellation; as many as a proposal needs end it for good.
        fn cancel(ref self: ContractState, id: felt252) {
            let by = get_caller_address();
            self.assert_signer();
            self.assert_open(id);
            let seat = self.Treasury_seats.read(by);
            assert(self.Treasury_cancellations.read((id, by)) != seat, errors::CONFIRMED);
            self.Treasury_cancellations.write((id, by), seat);
            self.emit(CancelConfirmed { id, by });
            if self.cancellations(id) >= self.Treasury_threshold.read() {
                self.Treasury_states.write(id, CANCELLED);
                self.emit(Cancelled { id });
            }
        }

        /// Does what was proposed, from the eta until the grace is over, whoever calls. One call that fails undoes
        /// all. Returns what the calls returned.
        fn execute(
            ref self: ContractState, calls: Span<Call>, salt: felt252
        ) -> Array<Span<felt252>> {
            let id = hash(calls, salt);
            self.assert_open(id);
            assert(self.Treasury_states.read(id) == QUEUED, errors::NOT_QUEUED);
            let eta = self.Treasury_etas.read(id);
            let now = get_block_timestamp();
            assert(now >= eta, errors::TOO_EARLY);
            assert(now <= eta + self.Treasury_grace.read(), errors::TOO_LATE);
            assert(self.confirmations(id) >= self.Treasury_threshold.read(), errors::TOO_FEW);
            self.Treasury_states.write(id, EXECUTED);
            self.emit(Executed { id, by: get_caller_address() });
            let mut answers: Array<Span<felt252>> = array![];
            for call in calls {
                let Call { to, selector, calldata } = *call;
                answers.append(call_contract_syscall(to, selector, calldata).unwrap_syscall());
            };
            answers
        }

        fn set_signers(ref self: ContractState, signers: Span<ContractAddress>, threshold: u32) {
            assert_itself();
            self.seat(signers, threshold);
        }

        fn set_delay(ref self: ContractState, delay: u64) {
            assert_itself();
            assert(delay >= MIN_DELAY && delay <= MAX_DELAY, errors::DELAY_BOUNDS);
            self.write_delay(delay);
        }

        fn signers(self: @ContractState) -> Array<ContractAddress> {
            let mut all: Array<ContractAddress> = array![];
            for place in 0..self.Treasury_signer_count.read() {
                all.append(self.Treasury_signers.read(place));
            };
            all
        }

        fn is_signer(self: @ContractState, account: ContractAddress) -> bool {
            self.Treasury_seats.read(account) != 0
        }

        fn threshold(self: @ContractState) -> u32 {
            self.Treasury_threshold.read()
        }

        fn delay(self: @ContractState) -> u64 {
            self.Treasury_delay.read()
        }

        fn grace(self: @ContractState) -> u64 {
            self.Treasury_grace.read()
        }

        fn id_of(self: @ContractState, calls: Span<Call>, salt: felt252) -> felt252 {
            hash(calls, salt)
        }

        fn proposal(self: @ContractState, id: felt252) -> ProposalInfo {
            let state = match self.Treasury_states.read(id) {
                0 => ProposalState::Unknown,
                1 => ProposalState::Pending,
                2 => ProposalState::Queued,
                3 => ProposalState::Executed,
                _ => ProposalState::Cancelled,
            };
            ProposalInfo {
                state,
                eta: self.Treasury_etas.read(id),
                confirmations: self.confirmations(id),
                cancellations: self.cancellations(id)
            }
        }

        fn has_confirmed(self: @ContractState, id: felt252, signer: ContractAddress) -> bool {
            let seat = self.Treasury_seats.read(signer);
            seat != 0 && self.Treasury_confirmations.read((id, signer)) == seat
        }
    }

    #[generate_trait]
    impl Internal of InternalTrait {
        /// Replaces the signers. Those who stay keep their seat, and what they confirmed.
        fn seat(ref self: ContractState, signers: Span<ContractAddress>, threshold: u32) {
            let count = signers.len();
            assert(count != 0 && count <= MAX_SIGNERS, errors::BAD_SIGNERS);
            assert(threshold != 0 && threshold <= count, errors::BAD_THRESHOLD);
            let set = self.Treasury_sets.read() + 1;
            let mut seats: Array<u64> = array![];
            for signer in signers {
                let seat = self.Treasury_seats.read(*signer);
                seats.append(if seat == 0 {
                    set
                } else {
                    seat
                });
            };
            for old in self.signers() {
                self.Treasury_seats.write(old, 0);
            };
            for place in 0..count {
                let signer = *signers.at(place);
                let value: felt252 = signer.into();
                // A seat that is taken already: the account is in the list twice.
                assert(
                    value != 0 && self.Treasury_seats.read(signer) == 0, errors::BAD_SIGNERS
                );
                self.Treasury_seats.write(signer, *seats.at(place));
                self.Treasury_signers.write(place, signer);
            };
            self.Treasury_sets.write(set);
            self.Treasury_signer_count.write(count);
            self.Treasury_threshold.write(threshold);
            self.emit(SignersChanged { signers, threshold });
        }

        fn write_delay(ref self: ContractState, delay: u64) {
            self.Treasury_delay.write(delay);
            self.emit(DelayChanged { delay });
        }

        fn add_confirmation(ref self: ContractState, id: felt252) {
            let by = get_caller_address();
            assert(!self.has_confirmed(id, by), errors::CONFIRMED);
            self.Treasury_confirmations.write((id, by), self.Treasury_seats.read(by));
            self.emit(Confirmed { id, by });
            if self.Treasury_states.read(id) == PENDING
                && self.confirmations(id) >= self.Treasury_threshold.read() {
                let eta = get_block_timestamp() + self.Treasury_delay.read();
                self.Treasury_states.write(id, QUEUED);
                self.Treasury_etas.write(id, eta);
                self.emit(Queued { id, eta });
            }
        }

        fn confirmations(self: @ContractState, id: felt252) -> u32 {
            let mut count: u32 = 0;
            for signer in self.signers() {
                if self.has_confirmed(id, signer) {
                    count += 1;
                }
            };
            count
        }

        fn cancellations(self: @ContractState, id: felt252) -> u32 {
            let mut count: u32 = 0;
            for signer in self.signers() {
                let seat = self.Treasury_seats.read(signer);
                if self.Treasury_cancellations.read((id, signer)) == seat {
                    count += 1;
                }
            };
            count
        }

        fn assert_signer(self: @ContractState) {
            assert(self.Treasury_seats.read(get_caller_address()) != 0, errors::NOT_SIGNER);
        }

        fn assert_open(self: @ContractState, id: felt252) {
            let state = self.Treasury_states.read(id);
            assert(state != 0, errors::UNKNOWN);
            assert(state == PENDING || state == QUEUED, errors::CLOSED);
        }
    }

    fn assert_itself() {
        assert(get_caller_address() == get_contract_address(), errors::NOT_ITSELF);
    }

    fn hash(calls: Span<Call>, salt: felt252) -> felt252 {
        let mut data: Array<felt252> = array![];
        calls.serialize(ref data);
        data.append(salt);
        poseidon_hash_span(data.span())
    }
}
