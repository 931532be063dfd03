"""Serves moto, whose Step Functions interpreter is LocalStack's own code, and puts back what moto left out of it.

moto changed parts of that code:

- The evaluator of JSONata is missing. LocalStack calls dashjoin's Java library. This program calls jsonata-python, which
  is a port of that library to Python.
- The conversion of names between Step Functions and AWS' API is missing, so that no child execution can start. The
  functions that convert are still in moto, and this program calls them for `states:startExecution`.
- A start copies the state machine with all its executions, which cannot be copied once one has run. This program copies
  it without executions. LocalStack keeps them elsewhere.
- An answer to a task is looked for in all executions, and fails at one that is just being started. This program leaves
  such executions out.

Waits and time limits pass `--speed` times as fast. The times in definitions and histories stay as they are.
"""

import argparse
import copy
import json
import threading
import time
from types import SimpleNamespace
from typing import Any

import boto3
from jsonata import Jsonata
from moto.server import main
from moto.stepfunctions.models import StateMachine
from moto.stepfunctions.parser.asl.component.common.retry import retrier_decl
from moto.stepfunctions.parser.asl.component.state.exec import execute_state
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_sfn import (
    StateTaskServiceSfn,
)
from moto.stepfunctions.parser.asl.component.state.wait.wait_function.wait_function import (
    WaitFunction,
)
from moto.stepfunctions.parser.asl.eval.callback import callback
from moto.stepfunctions.parser.asl.jsonata import jsonata
from moto.stepfunctions.parser.models import StepFunctionsParserBackend


def evaluate_jsonata(expression: str) -> Any:
    try:
        # A value must be JSON, as it is when it comes from LocalStack's Java process.
        return json.loads(json.dumps(Jsonata(expression).evaluate(None)))
    except Exception as error:
        raise jsonata.JSONataException("UNKNOWN", str(error)) from error


def convert_names_of_children() -> None:
    """Makes `states:startExecution` convert names, as each task of LocalStack's interpreter does."""
    model = boto3.client(
        "stepfunctions", region_name="us-east-1", aws_access_key_id="none", aws_secret_access_key="none"
    ).meta.service_model

    def operation_of(action: str | None):
        return model.operation_model("DescribeExecution" if action == "describe_execution" else "StartExecution")

    write_input = StateTaskServiceSfn._normalise_parameters

    def to_api(self, parameters, boto_service_name=None, service_action_name=None):
        write_input(self, parameters, boto_service_name, service_action_name)
        self._to_boto_request(parameters, operation_of(service_action_name).input_shape)

    def from_api(self, response, boto_service_name=None, service_action_name=None):
        self._from_boto_response(response, operation_of(service_action_name).output_shape)

    StateTaskServiceSfn._normalise_parameters = to_api
    StateTaskServiceSfn._normalise_response = from_api


def copy_without_executions(self: StateMachine, memo: dict) -> StateMachine:
    alike = copy.copy(self)
    alike.executions = []
    return alike


def find_only_begun_executions() -> None:
    find = StepFunctionsParserBackend._get_executions

    def find_begun(self, execution_status=None):
        found = find(self, execution_status)
        return [one for one in found if one.exec_worker is not None and one.exec_worker.env is not None]

    StepFunctionsParserBackend._get_executions = find_begun


def hurry(speed: float) -> None:
    """Makes waits of states, pauses before retries, time limits and heartbeats pass `speed` times as fast."""

    class Event(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            return super().wait(None if timeout is None else timeout / speed)

    execute_state.threading = SimpleNamespace(Event=Event)
    callback.Event = Event
    retrier_decl.time = SimpleNamespace(sleep=lambda pause: time.sleep(pause / speed))
    WaitFunction._wait_interval = lambda self, env, wait_seconds: time.sleep(wait_seconds / speed)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--speed", type=float, required=True)
    options = parser.parse_args()
    jsonata._eval_jsonata = evaluate_jsonata
    StateMachine.__deepcopy__ = copy_without_executions
    convert_names_of_children()
    find_only_begun_executions()
    hurry(options.speed)
    main(["-H", "127.0.0.1", "-p", "0"])
