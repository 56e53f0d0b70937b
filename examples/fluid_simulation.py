"""Which flow carries a blob of smoke into a ring? An initial velocity found through a simulation.

An incompressible fluid on a periodic square: the flow is advected by itself and made free of
divergence, and carries the smoke along (Stam, Stable Fluids, 1999).
"""

import argparse

import numpy as onp
from scipy.optimize import minimize

import wengert.numpy as np
from wengert import value_and_grad


def without_divergence(vx, vy, sweeps):
    """The velocity less the gradient of a pressure, from Jacobi's iteration."""
    divergence = 0.5 * (np.roll(vx, -1, 1) - np.roll(vx, 1, 1))
    divergence = divergence + 0.5 * (np.roll(vy, -1, 0) - np.roll(vy, 1, 0))
    pressure = np.zeros(vx.shape)
    for _ in range(sweeps):
        around = (
            np.roll(pressure, 1, 0) + np.roll(pressure, -1, 0)
            + np.roll(pressure, 1, 1) + np.roll(pressure, -1, 1)
        )  # fmt: skip
        pressure = (around - divergence) / 4
    vx = vx - 0.5 * (np.roll(pressure, -1, 1) - np.roll(pressure, 1, 1))
    vy = vy - 0.5 * (np.roll(pressure, -1, 0) - np.roll(pressure, 1, 0))
    return vx, vy


def advect(field, vx, vy):
    """The field where the flow comes from, between four grid points."""
    rows, columns = field.shape
    ys, xs = onp.meshgrid(onp.arange(rows), onp.arange(columns), indexing="ij")
    from_x, from_y = xs - vx, ys - vy
    left, top = np.floor(from_x).astype(int), np.floor(from_y).astype(int)
    right_weight, bottom_weight = from_x - left, from_y - top
    left, right = np.mod(left, columns), np.mod(left + 1, columns)
    top, bottom = np.mod(top, rows), np.mod(top + 1, rows)
    above = (1 - right_weight) * field[top, left] + right_weight * field[top, right]
    below = (1 - right_weight) * field[bottom, left] + right_weight * field[bottom, right]
    return (1 - bottom_weight) * above + bottom_weight * below


def simulate(vx, vy, smoke, steps, sweeps):
    """The smoke after some steps."""
    for _ in range(steps):
        moved_x, moved_y = advect(vx, vx, vy), advect(vy, vx, vy)
        vx, vy = without_divergence(moved_x, moved_y, sweeps)
        smoke = advect(smoke, vx, vy)
    return smoke


def make_problem(quick):
    """The distance from the ring as a function of the velocity, and a flow to start from."""
    n, steps, sweeps = (12, 5, 5) if quick else (40, 20, 10)
    ys, xs = onp.meshgrid(*[onp.linspace(-1, 1, n, endpoint=False)] * 2, indexing="ij")
    radius = onp.hypot(xs, ys)
    smoke = onp.exp(-((radius / 0.35) ** 2))
    target = onp.exp(-(((radius - 0.45) / 0.2) ** 2))
    target *= smoke.sum() / target.sum()
    # Where nothing moves a whole number of cells, at which interpolation has a kink.
    start = 0.3 * onp.stack([onp.sin(onp.pi * ys + 0.3), onp.sin(onp.pi * xs + 0.3)])

    def loss(velocity):
        final = simulate(velocity[0], velocity[1], smoke, steps, sweeps)
        return np.mean((final - target) ** 2)

    return loss, start, (smoke, steps, sweeps)


def train(quick):
    """The losses by iteration, and the last smoke."""
    loss, start, (smoke, steps, sweeps) = make_problem(quick)
    objective = value_and_grad(lambda x: loss(np.reshape(x, start.shape)))
    losses = [float(loss(start))]
    found = minimize(
        objective,
        start.ravel(),
        jac=True,
        method="CG",
        options={"maxiter": 8 if quick else 60},
        callback=lambda x: losses.append(float(loss(x.reshape(start.shape)))),
    )
    velocity = found.x.reshape(start.shape)
    return losses, {"smoke": simulate(velocity[0], velocity[1], smoke, steps, sweeps)}


def main(arguments=None):
    """Optimize, and print the distance and the smoke."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a run of a few seconds")
    losses, result = train(parser.parse_args(arguments).quick)
    print(f"mean squared distance {losses[0]:.4f} -> {losses[-1]:.4f} in {len(losses) - 1} steps")
    shades = " .:-=+*#%@"
    for row in result["smoke"]:
        print("".join(shades[min(9, max(0, int(10 * value)))] * 2 for value in row))


if __name__ == "__main__":
    main()
