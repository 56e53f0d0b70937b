"""What holds for every optimizer: written-out formulas, PyTorch step by step, dtypes, buffers."""

import copy

import numpy as np
import pytest

import wengert as wg
from wengert import nn, tree
from wengert.optim import SGD, Adam, AdamW, RMSProp, StepDecay

RNG = np.random.default_rng(0)
START = RNG.normal(size=(3, 4))
GRADIENTS = [RNG.normal(size=(3, 4)) for _ in range(6)]

EVERY = [
    SGD(0.1),
    SGD(0.1, weight_decay=0.05),
    SGD(0.1, 0.9),
    SGD(0.1, 0.9, weight_decay=0.05),
    SGD(0.1, 0.9, nesterov=True),
    SGD(0.1, 0.9, nesterov=True, weight_decay=0.05),
    Adam(0.02),
    Adam(0.02, b1=0.8, b2=0.95, eps=1e-5, weight_decay=0.05),
    AdamW(0.02),
    AdamW(0.02, b1=0.8, b2=0.95, eps=1e-5, weight_decay=0.2),
    RMSProp(0.02),
    RMSProp(0.02, decay=0.9, eps=1e-5, weight_decay=0.05),
    RMSProp(0.02, centered=True),
    RMSProp(0.02, momentum=0.8),
    RMSProp(0.02, momentum=0.8, centered=True, weight_decay=0.05),
]
ALL = pytest.mark.parametrize("optimizer", EVERY, ids=str)


def path(optimizer, start=START, gradients=GRADIENTS):
    state, params, found = optimizer.init(start), start, []
    for g in gradients:
        params, state = optimizer.update(params, g, state)
        found.append(params)
    return found


def written_out(o):
    """The parameters after each update, by the formulas of the docstrings, one after the other."""
    p, found = START, []
    v = m = u = np.zeros_like(p)
    for t, g in enumerate(GRADIENTS, start=1):
        if not isinstance(o, AdamW):
            g = g + o.weight_decay * p
        if isinstance(o, SGD):
            v = o.momentum * v + g
            p = p - o.lr * (g + o.momentum * v if o.nesterov else v)
        elif isinstance(o, Adam):
            m = o.b1 * m + (1 - o.b1) * g
            v = o.b2 * v + (1 - o.b2) * g**2
            if isinstance(o, AdamW):
                p = p - o.lr * o.weight_decay * p
            p = p - o.lr * (m / (1 - o.b1**t)) / (np.sqrt(v / (1 - o.b2**t)) + o.eps)
        else:
            v = o.decay * v + (1 - o.decay) * g**2
            m = o.decay * m + (1 - o.decay) * g
            root = np.sqrt(v - m**2 if o.centered else v) + o.eps
            u = o.momentum * u + g / root
            p = p - o.lr * u
        found.append(p)
    return found


@ALL
def test_formula(optimizer):
    for found, expected in zip(path(optimizer), written_out(optimizer), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-11)


def of_pytorch(o, torch, parameter):
    if isinstance(o, SGD):
        return torch.optim.SGD(
            [parameter], o.lr, o.momentum, nesterov=o.nesterov, weight_decay=o.weight_decay
        )
    if isinstance(o, Adam):
        kind = torch.optim.AdamW if isinstance(o, AdamW) else torch.optim.Adam
        return kind([parameter], o.lr, (o.b1, o.b2), o.eps, o.weight_decay)
    return torch.optim.RMSprop(
        [parameter], o.lr, o.decay, o.eps, o.weight_decay, o.momentum, o.centered
    )


@pytest.mark.peers
@ALL
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_pytorch(optimizer, dtype):
    torch = pytest.importorskip("torch")
    parameter = torch.tensor(START.astype(dtype), requires_grad=True)
    theirs = of_pytorch(optimizer, torch, parameter)
    found = path(optimizer, START.astype(dtype), [g.astype(dtype) for g in GRADIENTS])
    for g, ours in zip(GRADIENTS, found, strict=True):
        parameter.grad = torch.tensor(g.astype(dtype))
        theirs.step()
        tolerance = 1e-11 if dtype == np.float64 else 2e-5
        np.testing.assert_allclose(ours, parameter.detach().numpy(), rtol=tolerance, atol=tolerance)


@ALL
@pytest.mark.parametrize("rate", [lambda lr: lr, lambda lr: np.float64(lr), lambda lr: lambda s: lr,
                                  lambda lr: lambda s: np.float64(lr)])  # fmt: skip
def test_float32_stays_float32(optimizer, rate):
    optimizer = type(optimizer)(**{**vars(optimizer), "lr": rate(optimizer.lr)})
    params = {"a": START.astype(np.float32), "b": np.float32(2) * np.ones((), np.float32)}
    state = optimizer.init(params)
    for _ in range(2):
        params, state = optimizer.update(params, params, state)
        floats = [x for x in tree.leaves((params, state)) if x.dtype.kind == "f"]
        assert {x.dtype for x in floats} == {np.dtype(np.float32)}


@ALL
def test_nothing_is_changed_in_place(optimizer):
    params = {"a": START.copy(), "b": [np.ones(2)]}
    grads = tree.map(np.ones_like, params)
    state = optimizer.init(params)
    new_params, new_state = optimizer.update(params, grads, state)
    before = copy.deepcopy((new_params, grads, new_state))
    optimizer.update(new_params, grads, new_state)
    for a, b in zip(tree.leaves(before), tree.leaves((new_params, grads, new_state)), strict=True):
        np.testing.assert_array_equal(a, b)
    olds = tree.leaves((params, grads, state))
    for new in tree.leaves((new_params, new_state)):
        assert not any(np.may_share_memory(new, old) for old in olds)
    np.testing.assert_array_equal(params["a"], START)


@ALL
def test_any_memory_layout(optimizer):
    turned = [START.T.copy().T, START[::-1][::-1], np.asfortranarray(START)]
    for start in turned:
        for found, expected in zip(path(optimizer, start), path(optimizer), strict=True):
            np.testing.assert_array_equal(found, expected)
    readonly = START.copy()
    readonly.flags.writeable = False
    np.testing.assert_array_equal(path(optimizer, readonly)[-1], path(optimizer)[-1])


@ALL
def test_buffers_are_left_bit_for_bit(optimizer):
    network = nn.mlp([3, 4, 2], rng=np.random.default_rng(0), batch_norm=True)
    mean = np.array([1e-40, -0.0, 1.0, np.nan], np.float32)
    norm = network.layers[1].replace(mean=mean)
    network = network.replace(layers=(network.layers[0], norm, *network.layers[2:]))
    counted = {"network": network, "steps": nn.partition(network)[1]}  # None where parameters are
    grads = tree.map(np.ones_like, counted)
    state = optimizer.init(counted["network"])
    whole, new_state = optimizer.update(network, grads["network"], state)
    assert whole.layers[1].mean is mean
    assert whole.layers[1].variance is norm.variance
    assert tree.structure(whole) == tree.structure(network)
    assert not any("mean" in n.split(".")[-1] and "layers.1.mean" in n
                   for n in nn.named_arrays(state))  # fmt: skip
    # The same as with the parameters alone.
    parameters, buffers = nn.partition(network)
    alone, alone_state = optimizer.update(
        parameters, nn.partition(grads["network"])[0], optimizer.init(parameters)
    )
    for a, b in zip(
        tree.leaves((whole, new_state)),
        tree.leaves((nn.combine(alone, buffers), alone_state)),
        strict=True,
    ):
        np.testing.assert_array_equal(a, b)
    # Gradients of the parameters alone may stand beside the whole.
    mixed, _ = optimizer.update(network, nn.partition(grads["network"])[0], state)
    np.testing.assert_array_equal(mixed.layers[0].weight, whole.layers[0].weight)


def test_integer_buffers_are_no_parameters():
    class Counted(nn.Module):
        def __init__(self):
            self.count = nn.Buffer(np.array(3))
            self.weight = np.ones(2)

    params = Counted()
    new, _ = SGD(0.1).update(params, nn.partition(params)[0], SGD(0.1).init(params))
    assert new.count is params.count
    np.testing.assert_allclose(new.weight, 0.9)


def test_gradients_that_do_not_fit_a_network_with_buffers():
    norm = nn.BatchNorm(2)
    state = SGD(0.1).init(norm)
    with pytest.raises(wg.ShapeError, match=r"SGD: grads does not have the structure of params"):
        SGD(0.1).update(norm, [np.ones(2)], state)
    with pytest.raises(wg.ShapeError, match=r"SGD: grads.* has shape \(3,\), but params"):
        SGD(0.1).update(norm, norm.replace(bias=np.ones(3)), state)
    with pytest.raises(wg.ShapeError, match=r"SGD: state.velocity does not have the structure"):
        SGD(0.1, 0.9).update(norm, norm, state)


@ALL
def test_differentiable_through_the_learning_rate(optimizer):
    """Hypergradients: an update is an ordinary function under every transform."""

    def after(lr):
        varied = type(optimizer)(**{**vars(optimizer), "lr": lambda step: lr})
        return np.sum(path(varied, START, GRADIENTS[:3])[-1] ** 2)

    lr = optimizer.lr
    numeric = (after(lr + 1e-6) - after(lr - 1e-6)) / 2e-6
    assert wg.grad(after)(lr) == pytest.approx(numeric, rel=1e-6)


@ALL
def test_differentiable_through_the_gradients(optimizer):
    def after(g):
        return np.sum(path(optimizer, START, [g, GRADIENTS[1]])[-1] ** 2)

    direction = GRADIENTS[2]
    g = GRADIENTS[0]
    numeric = (after(g + 1e-6 * direction) - after(g - 1e-6 * direction)) / 2e-6
    assert np.sum(wg.grad(after)(g) * direction) == pytest.approx(numeric, rel=1e-5)


@ALL
def test_vmap(optimizer):
    starts = RNG.normal(size=(5, 3))
    found = wg.vmap(lambda p: path(optimizer, p, [p * 2, p - 1])[-1])(starts)
    each = np.stack([path(optimizer, p, [p * 2, p - 1])[-1] for p in starts])
    np.testing.assert_allclose(found, each, rtol=1e-12)


def test_complex_parameters():
    """Gradients come unconjugated; SGD goes downhill all the same."""
    target = np.array([1 + 2j, -3j])
    z, optimizer = np.zeros(2, complex), SGD(0.2, 0.5)
    state = optimizer.init(z)
    for _ in range(100):
        g = wg.grad(lambda z: np.sum(np.abs(z - target) ** 2))(z)
        z, state = optimizer.update(z, g, state)
    np.testing.assert_allclose(z, target, atol=1e-8)
    for optimizer in (Adam(), AdamW(), RMSProp()):
        name = type(optimizer).__name__
        with pytest.raises(wg.WengertTypeError, match=f"{name}: params.* is complex128; make its"):
            optimizer.init(z)


def test_centred_rmsprop_of_gradients_that_are_all_alike():
    optimizer = RMSProp(1e-3, decay=0.5, centered=True, eps=1e-3)
    found = path(optimizer, np.zeros(1000, np.float32), [np.full(1000, 0.1, np.float32)] * 60)
    assert np.all(np.isfinite(found[-1]))


def test_schedules_reach_every_optimizer():
    for kind in (SGD, Adam, AdamW, RMSProp):
        # The rate is 0.1 and then 0: the second update moves nothing.
        first, second = path(kind(lambda step: 0.1 * (step < 1)), START, GRADIENTS[:2])
        np.testing.assert_array_equal(first, second)
        assert np.any(first != START)
        assert kind(StepDecay(0.1, 0.5, 1)) == kind(StepDecay(0.1, 0.5, 1))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: AdamW(weight_decay=-1),
            "AdamW: weight_decay must be at least 0 and finite, got -1",
        ),
        (lambda: AdamW(b1=1), "AdamW: b1 must be at least 0 and below 1"),
        (
            lambda: Adam(weight_decay=np.nan),
            "Adam: weight_decay must be at least 0 and finite, got nan",
        ),
        (lambda: RMSProp(-1), "RMSProp: lr must be at least 0"),
        (lambda: RMSProp(decay=1.0), "RMSProp: decay must be at least 0 and below 1"),
        (lambda: RMSProp(momentum=1.5), "RMSProp: momentum must be at least 0 and below 1"),
        (lambda: RMSProp(eps=-1), "RMSProp: eps must be at least 0"),
        (lambda: RMSProp(weight_decay=-1), "RMSProp: weight_decay must be at least 0"),
    ],
)
def test_wrong_numbers(call, message):
    with pytest.raises(wg.ConfigError, match=message):
        call()


@pytest.mark.parametrize("lr", ["0.1", None, np.array([0.1, 0.2])])
def test_a_rate_that_is_no_number(lr):
    """Regression: '<=' not supported between instances of 'float' and 'str'."""
    with pytest.raises(wg.ConfigError, match="SGD: lr must be a number, got"):
        SGD(lr)


def test_a_gradient_that_is_no_array():
    """Regression: 'float' object has no attribute 'shape'."""
    optimizer, params = SGD(0.1), {"w": np.ones(3)}
    with pytest.raises(wg.ShapeError, match=r"grads\['w'\] has shape \(\), but"):
        optimizer.update(params, {"w": 1.0}, optimizer.init(params))


def test_state_of_another_optimizer():
    params, grads = {"w": np.ones(3)}, {"w": np.ones(3)}
    others = Adam(), SGD(0.1, 0.9), RMSProp()
    for one, other in zip(others, (*others[1:], others[0]), strict=True):
        name = type(one).__name__
        with pytest.raises(wg.WengertTypeError, match=rf"^{name}\.update: the state is a \w+State"):
            one.update(params, grads, other.init(params))
        with pytest.raises(
            wg.WengertTypeError, match=rf"the state is a NoneType, expected the {name}"
        ):
            one.update(params, grads, None)
