"""The endpoint file that fits the answers, with comments: for `read_endpoint_file` once its model is published."""

from cli.advice.answers import Answers
from cli.advice.demand import LONGEST_REQUEST_S, Demand
from cli.advice.records import Platform
from cli.advice.sizing import INSTANCES, Sizing

_SHORTEST_MS = 1000


def endpoint_file(answers: Answers, demand: Demand, sizing: Sizing, platform: Platform, always_ready: int) -> str:
    """YAML of Slipway. Where Azure ML is the better place it says so, as the file would run there no better."""
    lines = [
        *_head(answers, sizing, platform, always_ready),
        f"name: {answers.name}",
        "auth_mode: [entra]",
        "deployments:",
        "  blue:",
        f"    model: models:/{answers.name}/1  # the name and version under which you publish it",
    ]
    if demand.requests_per_day:
        lines += _requests(demand)
    lines += ["traffic: {blue: 100}"]
    if demand.jobs_per_day:
        lines += _batch(answers, demand, sizing)
    return "\n".join(lines) + "\n"


def _head(answers: Answers, sizing: Sizing, platform: Platform, always_ready: int) -> list[str]:
    memory_mb = (sizing.instance or INSTANCES[-1]).memory_mb
    lines = []
    if platform == "azureml":
        lines.append(
            "# Azure ML is the better place for this endpoint; this file is for Slipway, if you decide otherwise."
        )
    lines.append(
        f"# The app needs instances of {memory_mb} MB (instanceMemoryMB), which its Bicep sets, not this file."
    )
    if always_ready:
        lines.append(f"# So are always-ready instances: alwaysReady [{{name: 'http', instanceCount: {always_ready}}}].")
    return lines


def _requests(demand: Demand) -> list[str]:
    timeout_ms = max(_SHORTEST_MS, min(int(LONGEST_REQUEST_S * 1000), round(demand.answer_within_s * 1000)))
    return [
        "    request_settings:",
        f"      request_timeout_ms: {timeout_ms}  # who waits longer gets 408; a first load is not counted",
    ]


def _batch(answers: Answers, demand: Demand, sizing: Sizing) -> list[str]:
    lines = [
        "batch:",
        "  deployment: blue",
        f"  mini_batch_size: {sizing.mini_batch_rows}  # rows; about half a minute of computing, 20,000 at most",
        f"  max_concurrency: {sizing.max_concurrency}  # mini-batches at once; twice what the deadline needs",
        "  error_threshold: 5%  # rejected rows before the job fails",
        "  output_format: parquet",
    ]
    if answers.start == "drop" or answers.use == "now":
        lines.append(f"  drop: file  # each file that is dropped into inbox/{answers.name}/ is a job")
    if answers.start == "schedule" and answers.use != "now":
        lines += [
            "  schedules:",
            "    - name: scheduled",
            f'      cron: "{answers.cron}"  # {{sec}} {{min}} {{hour}} {{day}} {{month}} {{dow}}',
            "      time_zone: UTC",
            f"      input: inbox/{answers.name}/scheduled/",
        ]
    return lines
