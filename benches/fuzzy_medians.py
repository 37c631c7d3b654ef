"""Times what benches/fuzzy_medians.rs times, for scikit-fuzzy and pyclustering, and prints what they reach.

    pip install numpy scikit-fuzzy pyclustering && python fuzzy_medians.py
"""
import time
import warnings

import numpy as np

# Names that pyclustering 0.10 still uses and NumPy 2 dropped.
np.warnings = warnings
import skfuzzy
from pyclustering.cluster.kmedians import kmedians
from pyclustering.utils.metric import distance_metric, type_metric


def data():
    state = 1

    def uniform():
        nonlocal state
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        return (state >> 40) / 2**24

    centres = [uniform() * 10.0 for _ in range(80)]
    x = np.empty((100_000, 8))
    for i in range(len(x)):
        for t in range(8):
            x[i, t] = centres[(i % 10) * 8 + t] + (uniform() + uniform() - 1.0) * 4.0
    return x


x = data()
start = x[:10]
d2 = ((x[None] - start[:, None]) ** 2).sum(2)
for m in (2.0, 1.5):
    near = d2.min(0)
    ratio = np.where(d2 == near, 1.0, (near / np.where(d2 == 0, 1, d2)) ** (1 / (m - 1)))
    u0 = ratio / ratio.sum(0)
    best = np.inf
    for _ in range(3):
        begin = time.perf_counter()
        _, u, _, d, jm, p, _ = skfuzzy.cmeans(x.T, 10, m, error=0, maxiter=20, init=u0)
        best = min(best, time.perf_counter() - begin)
    print(f"scikit-fuzzy, m = {m}: {best * 1e3:.1f} ms, {p} iterations, {jm[-1]:.9e}")

for ccore in (True, False):
    begin = time.perf_counter()
    model = kmedians(x.tolist() if not ccore else x, start.tolist(), tolerance=0.0, itermax=20, ccore=ccore,
                     metric=distance_metric(type_metric.MANHATTAN))
    model.process()
    took = time.perf_counter() - begin
    medians = np.array(model.get_medians())
    loss = np.abs(x[:, None] - medians[None]).sum(2).min(1).sum()
    print(f"pyclustering kmedians, ccore={ccore}: {took * 1e3:.1f} ms, {loss:.9e}")
