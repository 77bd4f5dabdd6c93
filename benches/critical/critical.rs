//! The paths that every undo takes, counted: instructions by callgrind, and what a tick allocates by
//! DHAT. `hack/critical-paths` holds the counts against `baseline.json`; docs/performance.md says
//! what a failure means.

#![allow(clippy::unwrap_used, reason = "what is counted is known to go well")]
#![allow(missing_docs, clippy::unnecessary_wraps, reason = "of what the macros make")]

mod execution;
#[path = "../history/mod.rs"]
mod history;
mod import;
mod planning;
mod simulator;
mod tick;

use execution::{journal_decode, journal_encode, recovery, status_write};
use gungraun::{Callgrind, LibraryBenchmarkConfig, library_benchmark_group, main};
use import::{import_awsideman, import_neutral};
use planning::{digest, plan, replay};
use simulator::simulator_step;
use tick::{advance, effects};

library_benchmark_group!(
    name = paths,
    benchmarks = [
        replay,
        plan,
        digest,
        advance,
        effects,
        journal_encode,
        journal_decode,
        recovery,
        status_write,
        import_neutral,
        import_awsideman,
        simulator_step,
    ]
);

/// Memory is copied and compared by the instructions that every x86-64 has, as with caches of one
/// size: the C library goes by the machine otherwise, and a count differs by up to six per cent.
const SAME_ON_EVERY_MACHINE: &str = "glibc.cpu.hwcaps=\
    -AVX2,-AVX_Fast_Unaligned_Load,-ERMS,-SSE4_1,-SSE4_2,-SSSE3:\
    glibc.cpu.x86_data_cache_size=32768:\
    glibc.cpu.x86_shared_cache_size=1048576:\
    glibc.cpu.x86_non_temporal_threshold=786432";

main!(
    config = LibraryBenchmarkConfig::default()
        .env("GLIBC_TUNABLES", SAME_ON_EVERY_MACHINE)
        .tool(Callgrind::with_args(["--cache-sim=no"])),
    library_benchmark_groups = paths
);
