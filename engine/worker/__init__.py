"""One spawned process for torch jobs, so that they can be watched, cancelled and killed.

`Worker.submit("engine.services.discover:find", {...})` gives a `Job`. The function is called in
the worker process with the keyword arguments, and with those of these four that it takes:
`progress` (an OnProgress), `cancel` (a CancelToken), `frame` (shows an intermediate picture) and
`inbox` (a SimpleQueue of what `Job.say` is told meanwhile).
The same function can so be called without a worker.
"""

from engine.worker.job import Job
from engine.worker.supervisor import Worker

__all__ = ["Job", "Worker"]
