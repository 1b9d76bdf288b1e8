"""What an attempt is told about itself."""

from __future__ import annotations

from orchestrator.effects.environment import attempt_environment, base_environment, idempotency_key


def test_the_key_is_the_same_for_all_attempts_of_one_action() -> None:
    """It depends on the task and on whether it is done or undone, and on nothing else."""
    assert idempotency_key("w.op.local.x", undo=False) == "653427d5e6dac79dd6e41dc85cac03c9"
    keys = {idempotency_key(task, undo=undo) for task in ("w.op.local.x", "w.op.local.y") for undo in (False, True)}
    assert len(keys) == 4


def test_tells_everything_a_command_may_ask() -> None:
    """The variables a command can rely on."""
    environment = attempt_environment(
        workflow="w",
        task="w.op.p.x",
        operation="op",
        type="create",
        target="server",
        item="x",
        provider="p",
        attempt=2,
        undo=True,
        origin="v",
        data_dir="/data",
        provider_dir="/provider",
        definition_dir="/definition",
    )
    assert environment == {
        "ORCH_WORKFLOW_ID": "w",
        "ORCH_ORIGIN_WORKFLOW_ID": "v",
        "ORCH_TASK_ID": "w.op.p.x",
        "ORCH_OPERATION": "op",
        "ORCH_TYPE": "create",
        "ORCH_TARGET": "server",
        "ORCH_ITEM": "x",
        "ORCH_PROVIDER": "p",
        "ORCH_ATTEMPT": "2",
        "ORCH_IDEMPOTENCY_KEY": idempotency_key("w.op.p.x", undo=True),
        "ORCH_DATA_DIR": "/data",
        "ORCH_PROVIDER_DIR": "/provider",
        "ORCH_DEFINITION_DIR": "/definition",
    }


def test_passes_on_what_is_not_ours() -> None:
    """Variables of another daemon's attempt, and what the service manager told this one, stay behind."""
    environ = {"PATH": "/bin", "ORCH_TASK_ID": "outer", "ORCH_LOCAL_ROOT": "/srv", "CREDENTIALS_DIRECTORY": "/run/c"}
    assert base_environment(environ) == {"PATH": "/bin", "ORCH_LOCAL_ROOT": "/srv"}
