//! `import cloudtrail`.

use std::path::PathBuf;

use clap::Args;

use super::target::Target;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::screen::Screen;
use crate::cli::session::Connection;
use crate::cli::times::{self, When};
use crate::record::Report;
use crate::record::cloudtrail::{Trail, find_files};
use crate::record::files::read_file;
use crate::runtime::Clock;

/// Import what `CloudTrail` says about assignments
///
/// Takes `CreateAccountAssignment`, `DeleteAccountAssignment` and `CreatePermissionSet` out of event
/// files, compressed (.gz) or not: those of a trail in S3, of one account or of an organization,
/// and what `aws cloudtrail lookup-events` prints. Calls that AWS refused, and those of the
/// operator itself, are left out and counted. An event says that AWS took a request but neither how
/// it ended nor what was there before, so an undo of it is graded Assumed and waits for an approval.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  # What a copy of the trail's bucket holds about the last two hours
  aws s3 sync s3://my-trail/AWSLogs/o-example/111122223333/CloudTrail/eu-west-1/2026/11/23 events
  kubectl rollback import cloudtrail events --from 2h --dry-run

  # Without a trail: the last 90 days of one account, in the region of Identity Center
  aws cloudtrail lookup-events --output json \\
    --lookup-attributes AttributeKey=EventSource,AttributeValue=sso.amazonaws.com > events.json
  kubectl rollback import cloudtrail events.json -n access")]
pub struct Cloudtrail {
    /// Files of events, or directories that are searched for *.json, *.jsonl and *.json.gz
    #[arg(value_name = "FILE|DIR", required = true)]
    paths: Vec<PathBuf>,
    /// Not before: a time, or so long ago (2h, 3d)
    #[arg(long, visible_alias = "since", value_name = "TIME", value_parser = times::parse_when)]
    from: Option<When>,
    /// Not after: a time, or so long ago
    #[arg(long, visible_alias = "until", value_name = "TIME", value_parser = times::parse_when)]
    to: Option<When>,
    #[command(flatten)]
    target: Target,
}

pub async fn run(
    source: Cloudtrail,
    connection: &Connection,
    screen: Screen,
) -> Result<Exit, CliError> {
    let mut trail = Trail::default();
    let mut files = 0;
    for path in &source.paths {
        let failed = |error: crate::record::ReadError| CliError::failed(error.to_string());
        for (path, name) in find_files(path).map_err(failed)? {
            trail.add(&read_file(&path, name).map_err(failed)?);
            files += 1;
        }
    }
    if files == 0 {
        let places: Vec<_> = source.paths.iter().map(|path| path.display().to_string()).collect();
        return Err(CliError::new(
            Exit::NotFound,
            format!(
                "no file of events in {}: none is named *.json, *.jsonl, *.ndjson or one of these \
                 with .gz; name a file itself if it has another name",
                places.join(", ")
            ),
        ));
    }
    let now = Clock::real().now();
    let (from, to) = (source.from.map(|when| when.at(now)), source.to.map(|when| when.at(now)));
    let read = move |instances: &_| -> Result<Report, CliError> {
        let mut report = trail.report(instances);
        let all = report.records.len();
        report.records.retain(|record| {
            let at = record.spec.occurred_at;
            from.is_none_or(|from| at >= from) && to.is_none_or(|to| at <= to)
        });
        let outside = all - report.records.len();
        if outside > 0 {
            report.left_out.insert("operations of another time", outside);
        }
        Ok(report)
    };
    source.target.take(connection, screen, read).await
}
