"""Which test proves which attribute of the KCL schemas: for docs/attributes.md, held by test_attributes.py.

An attribute that nothing acts upon yet has `LATER`, and loses it with the change that makes it work. An empty entry is
an attribute without a proof: the test of this table fails until somebody writes one.
"""

from __future__ import annotations

_CORPUS = "tests/definitions/test_corpus.py::test_faults_are_told_with_their_places"
_HERE = "tests/docs/test_attributes.py"
_MACHINE = "tests/engine/test_machine.py"
_ARCHIVIST = "tests/runtime/test_archivist.py"
_EDGES = "tests/engine/test_edges.py"
_RESOURCES = "tests/plan/test_resources.py"
_SERVICES = "tests/plan/test_services.py"
_SHAPE = "tests/definitions/shape"
_SHARED = "tests/plan/test_shared.py"
_STEERING = "tests/engine/test_steering.py"
_VALIDATOR = "tests/definitions/test_validator.py"

#: Setting it is answered by a warning at its line.
LATER = f"{_HERE}::test_what_comes_later_is_told_at_its_line"

#: {"Schema.attribute": node of a test}.
PROOFS: dict[str, str] = {
    "WorkflowDef.name": f"{_HERE}::test_a_workflow_needs_a_name",
    "WorkflowDef.type": f"{_MACHINE}::test_a_batch_size_binds_all_but_parallel_workflows",
    "WorkflowDef.provider_agnostic": f"{_VALIDATOR}::test_faults_have_their_codes",
    "WorkflowDef.operations": _CORPUS,
    "WorkflowDef.dependencies": f"{_RESOURCES}::test_a_resource_is_the_task_that_creates_it",
    "WorkflowDef.rollback_strategy": f"{_HERE}::test_policies_of_the_workflow_reach_the_plan",
    "WorkflowDef.retry_policy": f"{_HERE}::test_policies_of_the_workflow_reach_the_plan",
    "WorkflowDef.logging": f"{_ARCHIVIST}::test_a_workflow_is_kept_as_long_as_it_says",
    "WorkflowDef.secrets": LATER,
    "WorkflowDef.templates": f"{_SHAPE}/test_templates.py::test_listed_templates_can_be_included_and_extended",
    "WorkflowDef.monitoring": f"{_VALIDATOR}::test_faults_have_their_codes",
    "WorkflowDef.priority": f"{_HERE}::test_policies_of_the_workflow_reach_the_plan",
    "WorkflowDef.taskservs": f"{_SERVICES}::test_the_definition_goes_before_the_installation",
    "WorkflowDef.pull_requirements": f"{_SERVICES}::test_pulls_what_is_missing",
    "WorkflowDef.assume_installed": f"{_SERVICES}::test_what_is_assumed_to_be_installed_need_not_be",
    "OperationDef.id": _CORPUS,
    "OperationDef.type": _CORPUS,
    "OperationDef.target": f"{_HERE}::test_an_unknown_target_is_answered_with_the_known_ones",
    "OperationDef.providers": f"{_HERE}::test_an_operation_is_done_for_each_item_on_each_provider",
    "OperationDef.items": f"{_HERE}::test_an_operation_is_done_for_each_item_on_each_provider",
    "OperationDef.depends_on": f"{_MACHINE}::test_opens_an_operation_when_the_last_task_it_waits_for_succeeds",
    "OperationDef.parallel": f"{_MACHINE}::test_an_operation_that_is_not_parallel_goes_item_by_item",
    "OperationDef.timeout": f"{_MACHINE}::test_a_timeout_stops_the_attempt_and_is_its_outcome",
    "OperationDef.on_failure": f"{_MACHINE}::test_continue_only_stops_what_needs_the_failed_operation",
    "OperationDef.command": f"{_HERE}::test_commands_run_as_the_definition_says",
    "OperationDef.rollback_command": f"{_HERE}::test_commands_run_as_the_definition_says",
    "OperationDef.env": f"{_HERE}::test_commands_run_as_the_definition_says",
    "OperationDef.working_dir": f"{_HERE}::test_commands_run_as_the_definition_says",
    "OperationDef.priority": f"{_MACHINE}::test_the_higher_priority_goes_first",
    "OperationDef.retry_policy": f"{_HERE}::test_policies_of_the_workflow_reach_the_plan",
    "OperationDef.template": f"{_SHAPE}/test_templates.py::test_a_text_for_each_item",
    "OperationDef.rollback_template": f"{_SHAPE}/test_templates.py::test_undoing_has_a_template_too",
    "OperationDef.count": f"{_SHAPE}/test_names.py::test_items_are_made_of_what_they_name",
    "OperationDef.resources": f"{_SERVICES}::test_a_server_that_is_too_small_is_told",
    "OperationDef.at_most_once": f"{_STEERING}::test_a_lost_attempt_that_may_run_only_once_waits_for_somebody",
    "DependencyDef.source": f"{_RESOURCES}::test_a_resource_is_the_task_that_creates_it",
    "DependencyDef.target": f"{_RESOURCES}::test_a_resource_is_the_task_that_creates_it",
    "DependencyDef.type": f"{_EDGES}::test_a_soft_source_may_end_as_it_likes",
    "DependencyDef.wait_condition": f"{_EDGES}::test_a_condition_is_looked_at_when_something_changes",
    "DependencyDef.timeout": f"{_EDGES}::test_a_condition_that_stays_false_times_out",
    "RollbackStrategy.enabled": f"{_MACHINE}::test_rollback_that_is_disabled_is_fail",
    "RollbackStrategy.on_partial_failure": (
        f"{_MACHINE}::test_without_on_partial_failure_only_total_failure_rolls_back"
    ),
    "RollbackStrategy.checkpoint_interval": f"{_STEERING}::test_restore_points_come_every_so_many_operations",
    "RollbackStrategy.preserve_successful": (
        f"{_MACHINE}::test_preserve_successful_undoes_only_what_the_failed_operation_did"
    ),
    "RetryPolicy.max_attempts": f"{_MACHINE}::test_tries_again_after_the_delay_and_no_oftener_than_allowed",
    "RetryPolicy.backoff": f"{_MACHINE}::test_delays_grow_as_the_policy_says",
    "RetryPolicy.initial_delay": f"{_MACHINE}::test_delays_grow_as_the_policy_says",
    "RetryPolicy.max_delay": f"{_MACHINE}::test_delays_grow_as_the_policy_says",
    "LoggingConfig.level": LATER,
    "LoggingConfig.destinations": LATER,
    "LoggingConfig.format": LATER,
    "LoggingConfig.retention_days": f"{_ARCHIVIST}::test_a_workflow_is_kept_as_long_as_it_says",
    "LoggingConfig.path": LATER,
    "MonitoringConfig.enabled": LATER,
    "MonitoringConfig.metrics_endpoint": LATER,
    "MonitoringConfig.state_store": f"{_VALIDATOR}::test_faults_have_their_codes",
    "MonitoringConfig.checkpoint_frequency": (
        "tests/runtime/test_checkpoints.py::test_a_changing_workflow_has_one_every_so_many_seconds"
    ),
    "MonitoringConfig.telemetry": LATER,
    "TelemetryConfig.enabled": LATER,
    "TelemetryConfig.exporter": LATER,
    "TelemetryConfig.endpoint": LATER,
    "SecretProvider.provider": LATER,
    "SecretProvider.sops_config": LATER,
    "SecretProvider.kms_config": LATER,
    "SopsConfig.age_key_file": LATER,
    "SopsConfig.secrets_files": LATER,
    "KmsConfig.provider": LATER,
    "KmsConfig.key_id": LATER,
    "KmsConfig.region": LATER,
    "KmsConfig.endpoint": LATER,
    "ProviderDependencies.requires_network": f"{_SHARED}::test_a_network_that_is_not_required_is_not_made",
    "ProviderDependencies.network_before_servers": (
        f"{_SHARED}::test_a_network_that_need_not_be_first_is_made_beside_the_servers"
    ),
    "ProviderDependencies.shared_resources": (
        f"{_SHARED}::test_each_resource_is_made_once_and_before_every_server_of_its_provider"
    ),
    "ProviderDependencies.api_rate_limit": f"{_EDGES}::test_starts_keep_to_the_rate_of_the_provider",
    "ProviderDependencies.batch_size": f"{_VALIDATOR}::test_a_provider_file_of_the_installation_is_used",
    "MinimumResources.cpu": f"{_SERVICES}::test_a_server_that_is_too_small_is_told",
    "MinimumResources.memory": f"{_SERVICES}::test_sizes_are_converted_where_that_is_exact",
    "MinimumResources.disk": f"{_SERVICES}::test_sizes_are_converted_where_that_is_exact",
    "HealthCheck.command": f"{_SERVICES}::test_a_health_check_follows_the_installation_of_each_item",
    "HealthCheck.timeout": f"{_SERVICES}::test_a_health_check_follows_the_installation_of_each_item",
    "HealthCheck.retries": f"{_SERVICES}::test_a_health_check_follows_the_installation_of_each_item",
    "TaskservDependencies.requires": f"{_SERVICES}::test_a_missing_requirement_is_told_with_its_chain",
    "TaskservDependencies.conflicts_with": f"{_SERVICES}::test_conflicting_services_are_told_with_both_places",
    "TaskservDependencies.minimum_resources": f"{_SERVICES}::test_a_server_that_is_too_small_is_told",
    "TaskservDependencies.health_check": f"{_SERVICES}::test_what_waits_for_a_service_waits_for_its_health",
}
