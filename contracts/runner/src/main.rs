//! Runs the tests of one bundle of Cairo natively: compiles once, then runs test after test on all cores.
//!
//! Usage: ciro-cairo-tests CORELIB BUNDLE.cairo [MODULE::NAME...]
//! Standard output: one line `ciro-test {json}` a test, in the order they end. Standard error: what the compiler says.
//! Exit status: 0 when all ran, whether they passed or not; 2 when the bundle does not compile.
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result};
use cairo_lang_compiler::db::RootDatabase;
use cairo_lang_compiler::project::setup_project;
use cairo_lang_filesystem::cfg::{Cfg, CfgSet};
use cairo_lang_filesystem::db::{init_dev_corelib, FilesGroupEx};
use cairo_lang_filesystem::flag::Flag;
use cairo_lang_filesystem::ids::FlagId;
use cairo_lang_runner::casm_run::format_next_item;
use cairo_lang_runner::{RunResultValue, SierraCasmRunner};
use cairo_lang_sierra_to_casm::metadata::MetadataComputationConfig;
use cairo_lang_starknet::starknet_plugin_suite;
use cairo_lang_test_plugin::test_config::{PanicExpectation, TestExpectation};
use cairo_lang_test_plugin::{compile_test_prepared_db, test_plugin_suite, TestCompilation, TestConfig, TestsCompilationConfig};
use rayon::prelude::*;
use serde_json::json;
use starknet_types_core::felt::Felt;

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let (Some(corelib), Some(bundle)) = (args.next(), args.next()) else {
        eprintln!("usage: ciro-cairo-tests CORELIB BUNDLE.cairo [MODULE::NAME...]");
        return ExitCode::from(64);
    };
    let only: Vec<String> = args.collect();
    let started = Instant::now();
    let compiled = match compile(&PathBuf::from(corelib), Path::new(&bundle)) {
        Ok(compiled) => compiled,
        Err(error) => {
            eprintln!("{error:#}");
            return ExitCode::from(2);
        }
    };
    eprintln!("sierra {:?}", started.elapsed());
    let TestCompilation { sierra_program, metadata } = compiled;
    let runner = SierraCasmRunner::new(
        sierra_program.program,
        Some(MetadataComputationConfig {
            function_set_costs: metadata.function_set_costs,
            linear_gas_solver: true,
            linear_ap_change_solver: true,
            skip_non_linear_solver_comparisons: false,
            compute_runtime_costs: false,
        }),
        metadata.contracts_info,
        None,
    );
    let runner = match runner {
        Ok(runner) => runner,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(2);
        }
    };
    eprintln!("casm {:?}", started.elapsed());
    metadata
        .named_tests
        .into_par_iter()
        .filter(|(name, _)| only.is_empty() || only.iter().any(|wanted| name.split_once("::").is_some_and(|(_, path)| path == wanted)))
        .for_each(|(name, test)| {
            let began = Instant::now();
            let reason = catch_unwind(AssertUnwindSafe(|| run(&runner, &name, &test))).unwrap_or_else(|_| Some("the runner itself panicked".into()));
            println!("ciro-test {}", json!({ "test": name, "failure": reason, "ms": began.elapsed().as_millis() as u64 }));
        });
    ExitCode::SUCCESS
}

fn compile(corelib: &Path, bundle: &Path) -> Result<TestCompilation> {
    let mut db = RootDatabase::builder()
        .with_cfg(CfgSet::from_iter([Cfg::name("test"), Cfg::kv("target", "test")]))
        .with_plugin_suite(test_plugin_suite())
        .with_plugin_suite(starknet_plugin_suite())
        .build()?;
    init_dev_corelib(&mut db, corelib.to_path_buf());
    let redeposit = FlagId::new(&db, "add_redeposit_gas");
    db.set_flag(redeposit, Some(Arc::new(Flag::AddRedepositGas(true))));
    let crates = setup_project(&mut db, bundle)?;
    let config = TestsCompilationConfig { starknet: true, add_statements_functions: false, add_statements_code_locations: false };
    compile_test_prepared_db(&db, config, crates.clone(), crates, true).context("The bundle does not compile.")
}

/// Why a test fails; nothing if it passes.
fn run(runner: &SierraCasmRunner, name: &str, test: &TestConfig) -> Option<String> {
    if test.ignored {
        return Some("is under #[ignore]".into());
    }
    let result = runner
        .find_function(name)
        .map_err(anyhow::Error::from)
        .and_then(|function| Ok(runner.run_function_with_starknet_context(function, &[], test.available_gas, Default::default())?));
    match (result, &test.expectation) {
        (Err(error), _) => Some(format!("{error:#}")),
        (Ok(result), expectation) => match (result.value, expectation) {
            (RunResultValue::Success(_), TestExpectation::Success) => None,
            (RunResultValue::Success(_), TestExpectation::Panics(_)) => Some("expected a panic but finished".into()),
            (RunResultValue::Panic(_), TestExpectation::Panics(PanicExpectation::Any)) => None,
            (RunResultValue::Panic(found), TestExpectation::Panics(PanicExpectation::Exact(expected))) if found == *expected => None,
            (RunResultValue::Panic(found), _) => Some(panicked(found)),
        },
    }
}

fn panicked(felts: Vec<Felt>) -> String {
    let mut rest = felts.into_iter();
    let mut items = Vec::new();
    while let Some(item) = format_next_item(&mut rest) {
        items.push(item.quote_if_string());
    }
    format!("Panicked with ({}).", items.join(", "))
}
