from infra.http_server.limits import HttpLimits
from infra.http_server.problems import ProblemBody, default_problem_body
from infra.http_server.run import StartupFailed, serve

__all__ = ["HttpLimits", "ProblemBody", "StartupFailed", "default_problem_body", "serve"]
