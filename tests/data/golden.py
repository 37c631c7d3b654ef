"""Prints the golden values of tests/golden.rs: scikit-learn's Lloyd from the same starts.

    pip install numpy scikit-learn && python golden.py        # writes wine.csv beside itself as well
"""
import pathlib
import warnings

import numpy as np
import sklearn
from sklearn.cluster import KMeans
from sklearn.datasets import load_iris, load_wine

warnings.filterwarnings("ignore")


def digits_like():
    """1797 x 64 whole numbers 0..16 in ten groups, from a 32-bit linear congruential generator."""
    state = 12345

    def below(n):
        nonlocal state
        state = (1664525 * state + 1013904223) % 2**32
        return (state >> 16) % n

    centres = [[below(13) for _ in range(64)] for _ in range(10)]
    return np.array([[min(16, centres[i % 10][t] + below(5)) for t in range(64)] for i in range(1797)], float)


wine = load_wine().data
np.savetxt(pathlib.Path(__file__).with_name("wine.csv"), wine, fmt="%.10g", delimiter=",")
scaled = (wine - wine.mean(0)) / wine.std(0)
print("// scikit-learn", sklearn.__version__)
for name, x in [("iris", load_iris().data), ("wine", wine), ("wine scaled", scaled), ("digits", digits_like())]:
    # Not 10 for iris: its measurements tie exactly there, and scikit-learn's rounding breaks the ties another way.
    for k in (2, 3, 5, 7 if name == "iris" else 10):
        start = x[[(i * 37) % len(x) for i in range(k)]]
        m = KMeans(k, init=start, n_init=1, tol=0, algorithm="lloyd", max_iter=300).fit(x)
        print(f'    ("{name}", {k}, {m.inertia_!r}, {m.n_iter_}),')
