//! Cases against workers, roots and results, decided by a quorum. Whoever accuses loses its bond without one; every window
//! closes for the accused; what a worker can lose is capped for a job and for a day. A pause stops new cases only.

#[starknet::contract]
pub mod DisputeCourt {
    use starknet::{ContractAddress, get_block_timestamp, get_caller_address, get_contract_address};
    use starknet::storage::{
        Map, StorageMapReadAccess, StorageMapWriteAccess, StoragePointerReadAccess,
        StoragePointerWriteAccess
    };
    use crate::access::{AccessComponent, IAccess, IAccessDispatcher, IAccessDispatcherTrait};
    use crate::address::is_zero;
    use crate::court_events::{CaseAnswered, CaseOpened, CaseRuled, CaseStuck, SlashSplit, VoteCast};
    use crate::court_interface::{ARBITER, Case, CaseKind, CaseState, IDisputeCourt, RefCap};
    use crate::court_packing::{CaseCore, RefCore, kind_code};
    use crate::court_rules::{errors, limits};
    use crate::court_settings::{Settings, check};
    use crate::erc20::{IBurnableDispatcher, IBurnableDispatcherTrait, pull, send};
    use crate::guard::GuardComponent;
    use crate::job_manager_interface::{
        COORDINATOR, IJobManagerDispatcher, IJobManagerDispatcherTrait
    };
    use crate::pool_interface::{ICdcPoolDispatcher, ICdcPoolDispatcherTrait, SETTLER};
    use crate::store_interface::{IStoreDispatcher, IStoreDispatcherTrait};

    component!(path: AccessComponent, storage: access, event: AccessEvent);
    component!(path: GuardComponent, storage: guard, event: GuardEvent);

    #[abi(embed_v0)]
    impl AccessImpl = AccessComponent::AccessImpl<ContractState>;
    impl AccessInternal = AccessComponent::InternalImpl<ContractState>;
    impl GuardInternal = GuardComponent::InternalImpl<ContractState>;

    #[storage]
    struct Storage {
        #[substorage(v0)]
        access: AccessComponent::Storage,
        #[substorage(v0)]
        guard: GuardComponent::Storage,
        settings: Settings,
        held: u128,
        count: u64,
        cases: Map<u64, CaseCore>,
        challenger: Map<u64, ContractAddress>,
        accused: Map<u64, ContractAddress>,
        ref_id: Map<u64, felt252>,
        evidence: Map<u64, felt252>,
        answer: Map<u64, felt252>,
        least_slash: Map<u64, u128>,
        voted: Map<(u64, ContractAddress), bool>,
        /// By (kind, accused, ref).
        refs: Map<(felt252, ContractAddress, felt252), RefCore>,
        ref_slashed: Map<(felt252, ContractAddress, felt252), u128>,
        day_slashed: Map<u64, u128>,
    }

    #[event]
    #[derive(Drop, PartialEq, starknet::Event)]
    pub enum Event {
        #[flat]
        AccessEvent: AccessComponent::Event,
        #[flat]
        GuardEvent: GuardComponent::Event,
        CaseOpened: CaseOpened,
        CaseAnswered: CaseAnswered,
        VoteCast: VoteCast,
        CaseRuled: CaseRuled,
        SlashSplit: SlashSplit,
        CaseStuck: CaseStuck,
    }

    #[constructor]
    fn constructor(
        ref self: ContractState,
        owner: ContractAddress,
        pool: ContractAddress,
        store: ContractAddress,
        job_manager: ContractAddress,
        token: ContractAddress,
        treasury: ContractAddress,
        bond: u128,
        response_window: u64,
        vote_window: u64,
        quorum: u32,
        arbiters: Span<ContractAddress>,
        cap_case_bps: u16,
        cap_epoch: u128,
        challenger_bps: u16,
        burn_bps: u16
    ) {
        self.access.initializer(owner);
        assert(!is_zero(pool), errors::ZERO_ADDRESS);
        let stake = ICdcPoolDispatcher { contract_address: pool };
        let settings = Settings {
            pool,
            store,
            job_manager,
            bond_token: token,
            stake_token: stake.stake_token(),
            treasury,
            bond,
            response_window,
            vote_window,
            quorum,
            cap_case_bps,
            cap_day: cap_epoch,
            challenger_bps,
            burn_bps
        };
        check(@settings, arbiters.len(), stake.cool_down());
        self.settings.write(settings);
        for arbiter in arbiters {
            let arbiter = *arbiter;
            assert(!is_zero(arbiter) && !self.has_role(ARBITER, arbiter), errors::BAD_ARBITERS);
            self.access.set_role(ARBITER, arbiter);
        };
    }

    #[abi(embed_v0)]
    impl DisputeCourtImpl of IDisputeCourt<ContractState> {
        fn open(
            ref self: ContractState,
            kind: CaseKind,
            accused: ContractAddress,
            ref_id: felt252,
            evidence_hash: felt252
        ) -> u64 {
            self.access.assert_not_paused();
            let challenger = get_caller_address();
            assert(evidence_hash != 0, errors::ZERO_EVIDENCE);
            assert(ref_id != 0, errors::BAD_REF);
            let key = ref_key(kind, accused, ref_id);
            let mut about = self.refs.read(key);
            assert(kind == CaseKind::Worker || about.open_cases == 0, errors::CASE_OPEN);
            match kind {
                CaseKind::Worker => {
                    let cap = self.worker_cap(challenger, accused);
                    if cap > about.cap {
                        about.cap = cap;
                    }
                },
                CaseKind::Root => {
                    assert(is_zero(accused), errors::BAD_ACCUSED);
                    epoch_of(ref_id);
                },
                CaseKind::Job => {
                    assert(is_zero(accused), errors::BAD_ACCUSED);
                    let client = self.job_manager().get_job(ref_id).client;
                    assert(client == challenger, errors::NOT_CLIENT);
                },
            }
            self.guard.enter();
            let id = self.count.read() + 1;
            self.count.write(id);
            about.open_cases += 1;
            self.refs.write(key, about);
            let respond_until = get_block_timestamp() + self.settings.response_window.read();
            let vote_until = respond_until + self.settings.vote_window.read();
            self
                .cases
                .write(
                    id,
                    CaseCore {
                        kind,
                        state: CaseState::Open,
                        guilty: 0,
                        not_guilty: 0,
                        respond_until,
                        vote_from: respond_until,
                        vote_until
                    }
                );
            self.challenger.write(id, challenger);
            self.accused.write(id, accused);
            self.ref_id.write(id, ref_id);
            self.evidence.write(id, evidence_hash);
            let bond = self.settings.bond.read();
            self.held.write(self.held.read() + bond);
            self
                .emit(
                    CaseOpened {
                        id,
                        accused,
                        kind,
                        ref_id,
                        challenger,
                        evidence_hash,
                        respond_until,
                        vote_until
                    }
                );
            pull(self.settings.bond_token.read(), challenger, bond);
            match kind {
                CaseKind::Worker => {},
                CaseKind::Root => self.epochs().hold_epoch(epoch_of(ref_id), id),
                CaseKind::Job => self.job_manager().dispute_job(ref_id, id),
            }
            self.guard.leave();
            id
        }

        /// Opens the vote at once: the rest of the response window is not waited for.
        fn respond(ref self: ContractState, id: u64, evidence_hash: felt252) {
            let mut core = self.open_case(id);
            let by = get_caller_address();
            assert(self.answers_for(id, core.kind, by), errors::NOT_ACCUSED);
            assert(evidence_hash != 0, errors::ZERO_EVIDENCE);
            assert(self.answer.read(id) == 0, errors::ANSWERED);
            let now = get_block_timestamp();
            assert(now < core.respond_until, errors::RESPONSE_OVER);
            core.vote_until = now + (core.vote_until - core.vote_from);
            core.vote_from = now;
            self.cases.write(id, core);
            self.answer.write(id, evidence_hash);
            self.emit(CaseAnswered { id, by, evidence_hash, vote_until: core.vote_until });
        }

        fn vote(ref self: ContractState, id: u64, guilty: bool, slash_amount: u128) {
            self.access.assert_role(ARBITER);
            let mut core = self.open_case(id);
            let arbiter = get_caller_address();
            let now = get_block_timestamp();
            assert(now >= core.vote_from, errors::VOTE_NOT_OPEN);
            assert(now < core.vote_until, errors::VOTE_OVER);
            assert(!self.voted.read((id, arbiter)), errors::VOTED);
            assert(!self.is_interested(id, core.kind, arbiter), errors::INTERESTED);
            let quorum = self.settings.quorum.read();
            assert(core.guilty < quorum && core.not_guilty < quorum, errors::DECIDED);
            let slashes = guilty && core.kind == CaseKind::Worker;
            assert(slashes == (slash_amount != 0), errors::BAD_SLASH);
            self.voted.write((id, arbiter), true);
            if guilty {
                core.guilty += 1;
            } else {
                core.not_guilty += 1;
            }
            self.cases.write(id, core);
            if slashes && (core.guilty == 1 || slash_amount < self.least_slash.read(id)) {
                self.least_slash.write(id, slash_amount);
            }
            self.emit(VoteCast { id, arbiter, guilty, slash_amount });
        }

        fn finalise(ref self: ContractState, id: u64) {
            let core = self.open_case(id);
            let quorum = self.settings.quorum.read();
            assert(
                core.guilty >= quorum
                    || core.not_guilty >= quorum
                    || get_block_timestamp() >= core.vote_until,
                errors::NOT_DECIDED
            );
            self.end(id, core, true);
        }

        /// For a case whose effect is refused elsewhere: the bond goes where the verdict says, and nothing else happens.
        fn close_stuck(ref self: ContractState, id: u64) {
            let core = self.open_case(id);
            assert(
                get_block_timestamp() >= core.vote_until + limits::STUCK_AFTER, errors::NOT_STUCK
            );
            self.emit(CaseStuck { id });
            self.end(id, core, false);
        }

        fn get_case(self: @ContractState, id: u64) -> Case {
            let core = self.cases.read(id);
            Case {
                kind: core.kind,
                state: core.state,
                challenger: self.challenger.read(id),
                accused: self.accused.read(id),
                ref_id: self.ref_id.read(id),
                evidence_hash: self.evidence.read(id),
                answer_hash: self.answer.read(id),
                respond_until: core.respond_until,
                vote_from: core.vote_from,
                vote_until: core.vote_until,
                guilty_votes: core.guilty,
                not_guilty_votes: core.not_guilty,
                least_slash: self.least_slash.read(id),
            }
        }

        fn case_count(self: @ContractState) -> u64 {
            self.count.read()
        }

        fn has_voted(self: @ContractState, id: u64, arbiter: ContractAddress) -> bool {
            self.voted.read((id, arbiter))
        }

        fn may_vote(self: @ContractState, id: u64, arbiter: ContractAddress) -> bool {
            let core = self.cases.read(id);
            let now = get_block_timestamp();
            let quorum = self.settings.quorum.read();
            core.state == CaseState::Open
                && now >= core.vote_from
                && now < core.vote_until
                && core.guilty < quorum
                && core.not_guilty < quorum
                && self.has_role(ARBITER, arbiter)
                && !self.voted.read((id, arbiter))
                && !self.is_interested(id, core.kind, arbiter)
        }

        fn ref_cap(
            self: @ContractState, kind: CaseKind, accused: ContractAddress, ref_id: felt252
        ) -> RefCap {
            let key = ref_key(kind, accused, ref_id);
            let RefCore { cap, open_cases } = self.refs.read(key);
            RefCap { cap, slashed: self.ref_slashed.read(key), open_cases }
        }

        fn slashed_on(self: @ContractState, day: u64) -> u128 {
            self.day_slashed.read(day)
        }

        fn held(self: @ContractState) -> u128 {
            self.held.read()
        }

        fn settings(self: @ContractState) -> Settings {
            self.settings.read()
        }
    }

    #[generate_trait]
    impl Internal of InternalTrait {
        fn pool_contract(self: @ContractState) -> ICdcPoolDispatcher {
            ICdcPoolDispatcher { contract_address: self.settings.pool.read() }
        }

        fn epochs(self: @ContractState) -> IStoreDispatcher {
            IStoreDispatcher { contract_address: self.settings.store.read() }
        }

        fn job_manager(self: @ContractState) -> IJobManagerDispatcher {
            IJobManagerDispatcher { contract_address: self.settings.job_manager.read() }
        }

        fn open_case(self: @ContractState, id: u64) -> CaseCore {
            let core = self.cases.read(id);
            assert(core.state != CaseState::Unknown, errors::UNKNOWN_CASE);
            assert(core.state == CaseState::Open, errors::CLOSED);
            core
        }

        /// Who is accused, and what the worker may lose for a job by what it has at stake now.
        fn worker_cap(
            self: @ContractState, challenger: ContractAddress, accused: ContractAddress
        ) -> u128 {
            assert(challenger != accused, errors::OWN_CASE);
            let pool = self.pool_contract();
            assert(pool.tier_of(accused) != 0, errors::BAD_ACCUSED);
            share(pool.at_risk(accused), self.settings.cap_case_bps.read())
        }

        fn answers_for(
            self: @ContractState, id: u64, kind: CaseKind, who: ContractAddress
        ) -> bool {
            match kind {
                CaseKind::Worker => who == self.accused.read(id),
                CaseKind::Root => IAccessDispatcher { contract_address: self.settings.store.read() }
                    .has_role(SETTLER, who),
                CaseKind::Job => IAccessDispatcher { contract_address: self.settings.job_manager.read() }
                    .has_role(COORDINATOR, who),
            }
        }

        /// Who accuses, who answers, and who is paid for an accused worker.
        fn is_interested(
            self: @ContractState, id: u64, kind: CaseKind, arbiter: ContractAddress
        ) -> bool {
            arbiter == self.challenger.read(id)
                || self.answers_for(id, kind, arbiter)
                || (kind == CaseKind::Worker
                    && arbiter == self.pool_contract().payout_of(self.accused.read(id)))
        }

        /// Everything that this contract knows of the case is written before any other contract is called.
        fn end(ref self: ContractState, id: u64, core: CaseCore, carry_out: bool) {
            self.guard.enter();
            let quorum = self.settings.quorum.read();
            let guilty = core.guilty >= quorum;
            let by_timeout = !guilty && core.not_guilty < quorum;
            let state = if guilty {
                CaseState::Guilty
            } else {
                CaseState::NotGuilty
            };
            self.cases.write(id, CaseCore { state, ..core });
            let accused = self.accused.read(id);
            let ref_id = self.ref_id.read(id);
            let key = ref_key(core.kind, accused, ref_id);
            let RefCore { cap, open_cases } = self.refs.read(key);
            self.refs.write(key, RefCore { cap, open_cases: open_cases - 1 });
            let bond = self.settings.bond.read();
            self.held.write(self.held.read() - bond);
            let bond_to = if guilty {
                self.challenger.read(id)
            } else if core.kind == CaseKind::Worker {
                accused
            } else {
                self.settings.treasury.read()
            };
            let slashes = carry_out && guilty && core.kind == CaseKind::Worker;
            let amount = if slashes {
                self.book_slash(id, accused, key)
            } else {
                0
            };
            self.emit(CaseRuled { id, accused, guilty, by_timeout, slashed: amount, bond_to });
            if amount != 0 {
                self.slash_and_split(id, accused, amount);
            }
            if carry_out {
                match core.kind {
                    CaseKind::Worker => {},
                    CaseKind::Root => if guilty {
                        self.epochs().veto_epoch(epoch_of(ref_id));
                    } else {
                        self.epochs().release_epoch(epoch_of(ref_id));
                    },
                    CaseKind::Job => self.job_manager().resolve_job(ref_id, guilty),
                }
            }
            send(self.settings.bond_token.read(), bond_to, bond);
            self.guard.leave();
        }

        /// What the case takes: the least that a guilty vote asks, within the caps and what there is.
        fn book_slash(
            ref self: ContractState,
            id: u64,
            accused: ContractAddress,
            key: (felt252, ContractAddress, felt252)
        ) -> u128 {
            let day = get_block_timestamp() / limits::DAY;
            let of_ref = self.ref_slashed.read(key);
            let of_day = self.day_slashed.read(day);
            let mut amount = self.least_slash.read(id);
            amount = least(amount, self.refs.read(key).cap - of_ref);
            amount = least(amount, self.settings.cap_day.read() - of_day);
            amount = least(amount, self.pool_contract().at_risk(accused));
            if amount != 0 {
                self.ref_slashed.write(key, of_ref + amount);
                self.day_slashed.write(day, of_day + amount);
            }
            amount
        }

        /// Shares are rounded down; what remains is the treasury's.
        fn slash_and_split(
            ref self: ContractState, id: u64, accused: ContractAddress, amount: u128
        ) {
            let taken = self.pool_contract().slash(accused, amount, id, get_contract_address());
            let token = self.settings.stake_token.read();
            let to_challenger = share(taken, self.settings.challenger_bps.read());
            let burnt = share(taken, self.settings.burn_bps.read());
            let to_treasury = taken - to_challenger - burnt;
            self.emit(SlashSplit { id, to_challenger, burnt, to_treasury });
            if to_challenger != 0 {
                send(token, self.challenger.read(id), to_challenger);
            }
            if burnt != 0 {
                IBurnableDispatcher { contract_address: token }.burn(burnt.into());
            }
            if to_treasury != 0 {
                send(token, self.settings.treasury.read(), to_treasury);
            }
        }
    }

    fn ref_key(
        kind: CaseKind, accused: ContractAddress, ref_id: felt252
    ) -> (felt252, ContractAddress, felt252) {
        (kind_code(kind).into(), accused, ref_id)
    }

    fn epoch_of(ref_id: felt252) -> u64 {
        ref_id.try_into().expect(errors::BAD_REF)
    }

    /// `bps` ten-thousandths of `amount`, rounded down.
    fn share(amount: u128, bps: u16) -> u128 {
        let bps: u128 = bps.into();
        let whole: u128 = limits::BPS.into();
        let wide: u256 = amount.into() * bps.into() / whole.into();
        wide.low
    }

    fn least(a: u128, b: u128) -> u128 {
        if a < b {
            a
        } else {
            b
        }
    }
}
