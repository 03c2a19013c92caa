"""The errors about exports: rows of the catalogue in `problem_catalogue.py`."""

from collections.abc import Mapping

from api.problem_row import Problem

_GUIDE = "Guide 5; HTTP contract, 19"

EXPORT_PROBLEMS: Mapping[str, Problem] = {
    "job_not_found": Problem(
        404,
        "There is no such job",
        "It does not exist, or it is another person's.",
        "Check the address; list your exports at /exports.",
        _GUIDE,
    ),
    "download_link_invalid": Problem(
        403,
        "The download link is not valid",
        "It was altered, or its time is over.",
        "Ask for the export's state: where it is ready, that leads to a new link.",
        _GUIDE,
    ),
    "job_expired": Problem(
        410,
        "What the job made is gone",
        "It was kept for its time, or its owner removed it.",
        "Ask for another one.",
        _GUIDE,
    ),
    "job_cancelled": Problem(
        410,
        "The job was called off",
        "Its owner or an operator cancelled it before it was done.",
        "Ask for another one.",
        _GUIDE,
    ),
    "job_under_way": Problem(
        409,
        "There is such a job already",
        "The owner may have one of the kind at a time, and it has not ended.",
        "Wait for its end.",
        _GUIDE,
    ),
    "job_failed": Problem(
        500,
        "The job has failed",
        "Every attempt failed; `attempts` says how many there were, `reason` is a code.",
        "Ask for another one later, or tell the operator the id of the job.",
        _GUIDE,
    ),
}
