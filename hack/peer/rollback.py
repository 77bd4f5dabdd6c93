"""Records one operation and undoes it with awsideman's own classes, put together as its command
`rollback apply` does, and writes what it said about that.

usage: rollback.py OPERATION.json OUTCOME.json

AWS_ENDPOINT_URL says where AWS is, HOME where awsideman keeps its files.
"""

import json
import pathlib
import re
import sys
import time
from importlib.metadata import version
from typing import Any

# The wheel installs its package under this name.
from src.awsideman.aws_clients.manager import AWSClientManager
from src.awsideman.rollback.logger import OperationLogger
from src.awsideman.rollback.processor import RollbackProcessor
from src.awsideman.utils.config import Config

# The command's defaults.
BATCH_SIZE = 10
VERIFY = True


def record(logger: OperationLogger, operation: dict[str, Any]) -> str:
    """Logs the assignment of a permission set to a user, as the command `assign` does."""
    accounts = operation["accounts"]
    return logger.log_operation(
        operation_type="assign",
        principal_id=operation["principal"],
        principal_type="USER",
        principal_name=operation["principalName"],
        permission_set_arn=operation["permissionSet"],
        permission_set_name=operation["permissionSetName"],
        account_ids=accounts,
        account_names=accounts,
        results=[{"account_id": account, "success": True} for account in accounts],
    )


def undo(logger: OperationLogger, operation_id: str, region: str) -> dict[str, Any]:
    """Plans, executes and lets awsideman verify."""
    processor = RollbackProcessor(
        storage_directory=str(logger.store.storage_dir),
        aws_client_manager=AWSClientManager(region=region),
        config=Config(),
        show_progress=False,
    )
    begun_at, begun = time.time(), time.monotonic()
    plan = processor.generate_plan(operation_id)
    planned = time.monotonic()
    result = processor.execute_rollback(
        plan=plan, dry_run=False, batch_size=BATCH_SIZE, verify_post_rollback=VERIFY
    )
    ended = time.monotonic()
    failed = [re.match(r"Account (\d{12}): ", error) for error in result.errors]
    return {
        "version": version("awsideman"),
        "begunAt": begun_at,
        "plannedSeconds": planned - begun,
        "endedSeconds": ended - begun,
        "success": result.success,
        "failedActions": result.failed_actions,
        "failedAccounts": [found.group(1) for found in failed if found],
        "closed": logger.get_operation(operation_id).rolled_back,
    }


def main() -> None:
    """Reads the operation, undoes it, writes the outcome."""
    source, target = map(pathlib.Path, sys.argv[1:])
    operation = json.loads(source.read_text())
    logger = OperationLogger()
    outcome = undo(logger, record(logger, operation), operation["region"])
    target.write_text(json.dumps(outcome))


if __name__ == "__main__":
    main()
