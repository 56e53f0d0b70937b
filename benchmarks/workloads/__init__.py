"""The workloads: one computation a file, written for each library in its own best idiom."""

from benchmarks.workloads import hessian_vector, linear_regression, mlp, moons
from benchmarks.workloads.base import Bar, Contestant, Workload

WORKLOADS: list[Workload] = [
    linear_regression.WORKLOAD,
    moons.WORKLOAD,
    mlp.WORKLOAD,
    hessian_vector.WORKLOAD,
]

__all__ = ["WORKLOADS", "Bar", "Contestant", "Workload"]
