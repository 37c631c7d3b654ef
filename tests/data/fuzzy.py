"""Prints the golden values of tests/fuzzy.rs: scikit-fuzzy's cmeans on iris from the same starts.

    pip install numpy scikit-learn scikit-fuzzy && python fuzzy.py
"""
import numpy as np
import skfuzzy
from sklearn.datasets import load_iris

x = load_iris().data
print("// scikit-fuzzy", skfuzzy.__version__)
for k, m in [(2, 2.0), (3, 2.0), (3, 1.5), (4, 1.2), (3, 3.0), (3, 2.5)]:
    start = x[[(i * 37 + 5) % len(x) for i in range(k)]]
    # cmeans starts from memberships: those of the centroids (no row of them equals another, so no 0 / 0 but on the starts themselves).
    d2 = ((x[None] - start[:, None]) ** 2).sum(2)
    near = d2.min(0)
    ratio = np.where(d2 == near, 1.0, (near / np.where(d2 == 0, 1, d2)) ** (1 / (m - 1)))
    u0 = ratio / ratio.sum(0)
    centres, u, _, _, jm, p, fpc = skfuzzy.cmeans(x.T, k, m, error=1e-12, maxiter=5000, init=u0)
    # Its jm belongs to the memberships before the last step; at the fixed point they are the same.
    coordinates = ", ".join(repr(float(c)) for c in centres.ravel())
    print(f"    ({k}, {m}, {float(jm[-1])!r}, {float(fpc)!r}, &[{coordinates}]),")
