"""Figures of jobs by the clock; the jobs of all feeds are one."""

from __future__ import annotations

from collections.abc import Iterator

from gops.jobs import Jobs
from gops.metrics import Figure


def of_jobs(jobs: Jobs) -> Iterator[Figure]:
    for name, tally in sorted(jobs.tallies().items()):
        label = {"job": name}
        yield Figure("gops_job_runs_total", "Runs that ended, failed ones included", tally.runs, label, "counter")
        yield Figure("gops_job_failures_total", "Runs that failed", tally.failures, label, "counter")
        yield Figure("gops_job_seconds_total", "Time spent", tally.seconds, label, "counter")
        yield Figure("gops_job_running", "Runs under way", tally.running, label)
