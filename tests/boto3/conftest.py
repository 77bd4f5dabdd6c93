"""Starts the simulator once, gives each test a fresh world and clients whose replies are checked."""

import json
import os
import pathlib
import signal
import subprocess
import time
import urllib.request

import boto3
import pytest
from botocore.config import Config

import shapes

HERE = pathlib.Path(__file__).parent
TIME_SCALE = 20

INSTANCE = "arn:aws:sso:::instance/ssoins-0123456789abcdef"
OTHER_INSTANCE = "arn:aws:sso:::instance/ssoins-fedcba9876543210"
STORE = "d-0123456789"
READ = "arn:aws:sso:::permissionSet/ssoins-0123456789abcdef/ps-aaaaaaaaaaaaaaaa"
BARE = "arn:aws:sso:::permissionSet/ssoins-0123456789abcdef/ps-bbbbbbbbbbbbbbbb"
GONE = "arn:aws:sso:::permissionSet/ssoins-0123456789abcdef/ps-0000000000000000"
FIRST = "00000000-0000-4000-8000-000000000001"
SECOND = "0123456789-00000000-0000-4000-8000-000000000002"
NOBODY = "00000000-0000-4000-8000-00000000ffff"
TEAM = "00000000-0000-4000-8000-00000000000a"
EMPTY = "00000000-0000-4000-8000-00000000000b"
MANAGEMENT, ONE, TWO, CLOSED = "111111111111", "222222222222", "333333333333", "444444444444"

# What was called over the whole run: (target, operation) -> outcomes.
SEEN = {}


class Simulator:
    """A running idc-sim."""

    def __init__(self, url):
        self.url = url

    def get(self, path):
        with urllib.request.urlopen(self.url + path, timeout=10) as reply:
            return json.load(reply)

    def post(self, path, text=""):
        request = urllib.request.Request(self.url + path, data=text.encode(), method="POST")
        with urllib.request.urlopen(request, timeout=10) as reply:
            return reply.read()

    def wait(self, seconds):
        """Lets simulated time pass."""
        time.sleep(seconds / TIME_SCALE)

    def client(self, service, key="MANAGEMENT", region="eu-west-1", retries=0):
        """A client that validates what it sends, and each of whose replies is checked here."""
        client = boto3.client(
            service,
            endpoint_url=self.url,
            region_name=region,
            aws_access_key_id=key,
            aws_secret_access_key="secret",
            config=Config(
                parameter_validation=True,
                retries={"total_max_attempts": retries + 1, "mode": "standard"},
                read_timeout=10,
            ),
        )
        if service != "sts":
            client.meta.events.register("after-call", _check)
        return client


def _check(http_response, model, **_):
    body = json.loads(http_response.content)
    seen = SEEN.setdefault((model.service_model.metadata["targetPrefix"], model.name), set())
    if http_response.status_code == 200:
        seen.add("ok")
        found = shapes.problems(model.output_shape, body) if model.output_shape else []
        if model.output_shape is None and body != {}:
            found = [f"{model.name}: {body} where nothing is modelled"]
    else:
        seen.add(body.get("__type"))
        found = list(shapes.error_problems(model, http_response.status_code, body))
    assert not found, "\n".join(found)
    assert http_response.headers["content-type"] == "application/x-amz-json-1.1"
    assert len(http_response.headers["x-amzn-requestid"]) == 36


@pytest.fixture(scope="session")
def process(tmp_path_factory):
    port_file = tmp_path_factory.mktemp("idc-sim") / "port"
    command = [
        os.environ["IDC_SIM"],
        "--seed", HERE / "world.yaml",
        "--time-scale", str(TIME_SCALE),
        "--port-file", port_file,
    ]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as child:
        try:
            for _ in range(200):
                if port_file.exists():
                    break
                assert child.poll() is None, "idc-sim ended at once"
                time.sleep(0.05)
            yield Simulator(f"http://127.0.0.1:{int(port_file.read_text())}")
        finally:
            child.send_signal(signal.SIGTERM)
            assert child.wait(timeout=10) == 0


@pytest.fixture
def simulator(process):
    process.post("/_sim/reset")
    return process


@pytest.fixture
def sso(simulator):
    return simulator.client("sso-admin")


@pytest.fixture
def store(simulator):
    return simulator.client("identitystore")


@pytest.fixture
def organizations(simulator):
    return simulator.client("organizations")


def key(account=TWO, permission_set=BARE, kind="USER", principal=FIRST):
    """The members that name an assignment."""
    return {
        "InstanceArn": INSTANCE,
        "TargetId": account,
        "TargetType": "AWS_ACCOUNT",
        "PermissionSetArn": permission_set,
        "PrincipalType": kind,
        "PrincipalId": principal,
    }


def code_of(call, **arguments):
    """The error code that a call ends with."""
    import botocore.exceptions

    with pytest.raises(botocore.exceptions.ClientError) as caught:
        call(**arguments)
    return caught.value.response["Error"]["Code"]
