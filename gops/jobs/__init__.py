"""What runs by the clock: jobs in threads of this process, on the wall clock of a zone.

A job is a name and a function. It never runs twice at once; a run that was missed is made up for once; a failure is
logged and the next run comes all the same. Jobs that wait do so on ``Jobs.stopping``, so that a stop is not waited for.
"""

from gops.jobs.scheduler import Jobs

__all__ = ["Jobs"]
