//! Reading operations in.

use std::hint::black_box;
use std::path::Path;

use gungraun::library_benchmark;
use rollback_operator::record::awsideman::{read, read_directory};
use rollback_operator::record::neutral::{Operations, written};
use rollback_operator::record::{Instances, Report, SourceFile};

use crate::history::history;

fn instances() -> Instances {
    let arn = "arn:aws:sso:::instance/ssoins-grrwdwht9b3hswl7".parse().unwrap();
    Instances::One { name: "main".to_owned(), arn }
}

/// 50 operations, one a line.
fn operations() -> &'static SourceFile {
    let lines =
        history(50, 2_000).into_iter().take(50).map(|it| written(&it.spec).to_string() + "\n");
    Box::leak(Box::new(SourceFile::new("operations.json", lines.collect::<String>())))
}

/// A real store.
fn store() -> &'static [SourceFile] {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/awsideman");
    read_directory(&directory, &[]).unwrap().leak()
}

#[library_benchmark]
#[bench::operations_50(setup = operations)]
fn import_neutral(file: &SourceFile) -> Report {
    let mut operations = Operations::default();
    operations.add(file, None);
    let report = operations.report(&instances());
    assert_eq!(report.records.len(), 50);
    black_box(report)
}

#[library_benchmark]
#[bench::operations_6(setup = store)]
fn import_awsideman(files: &[SourceFile]) -> Report {
    let report = read(files, &instances(), None);
    assert_eq!(report.records.len(), 6);
    black_box(report)
}
